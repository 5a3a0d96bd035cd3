"""Train the two networks on MNIST, measure them, and save them where the app finds them.

    python train.py                # both networks
    python train.py --epochs 3     # a quick look
    python train.py --start mnist_mlp/weights    # only the second part, from networks that there are

First, data augmentation draws MNIST's digits anew, and letters, scribbles and pairs of digits, whose label
is "no digit". A convolutional teacher learns from them first; the networks learn from its soft labels
(distillation). Both networks train on the same batches, in one Keras model, so that a batch is drawn once.
Second, the networks learn to read numbers, made of MNIST's digits, by gradient through the lattice.
"""

from __future__ import annotations

import argparse
import json
import logging
import shlex
import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_mlp.files import write_whole
from mnist_mlp.mlp import MLP
from mnist_mlp.network import ACTIVATIONS, LAYERS, WEIGHTS
from mnist_mlp.snapshots import read_snapshots
from mnist_mlp.training import report
from mnist_mlp.training.calibrate import PART, calibrated, divided, rounded, with_reader
from mnist_mlp.training.card import model_card
from mnist_mlp.training.data import DIGESTS, DataError, Mnist, load_mnist
from mnist_mlp.training.fitting import BATCH_SIZE, EPOCHS, SEED, Fit, fit
from mnist_mlp.training.lattice import NUMBER_EPOCHS, Drawn, learn_numbers
from mnist_mlp.training.neighbours import save_neighbours
from mnist_mlp.training.non_digits import to_learn_from
from mnist_mlp.training.numbers import Lattices, lattices
from mnist_mlp.training.publish import publish
from mnist_mlp.training.redraw import NON_DIGIT, drawing, drawn
from mnist_mlp.training.snapshots import save_snapshots
from mnist_mlp.training.strokes import measure_strokes

VALIDATION = 24  # every 24th training digit is held out, to choose settings and thresholds by
NON_DIGITS = 18_000
NUMBERS = 54_000  # to learn to read
SINGLES = 300_000  # images, digits and non-digits, that are learnt beside the numbers
PICTURES = Path(__file__).parent / "docs"


def main(arguments: list[str] | None = None) -> None:
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    started = time.monotonic()
    facts = _facts(args, sys.argv[1:] if arguments is None else arguments)
    names = sorted(ACTIVATIONS) if args.activation == "both" else [args.activation]
    # Resume only with the same settings.
    checkpoint = args.output / f".checkpoint-{args.activation}-{args.epochs}-{args.batch_size}-{args.seed}"
    data = load_mnist(args.data)
    # From the whole of it: MNIST's last digits are easier than the rest.
    held_out = np.arange(len(data.x_train)) % VALIDATION == 0
    held = data._replace(x_train=data.x_train[held_out], y_train=data.y_train[held_out])
    images, digits = data.x_train[~held_out], data.y_train[~held_out]
    others = to_learn_from(args.non_digits, images, digits, args.seed)
    strokes = measure_strokes(np.concatenate([images, others]))
    labels = np.concatenate([digits, np.full(len(others), NON_DIGIT, np.uint8)])

    if args.start:
        first = started_from(args.start, names, facts)
    else:
        validation = _pixels(held.x_train), held.y_train
        first = single_digits(
            fit(strokes, labels, validation, names, checkpoint, args.epochs, args.batch_size, args.seed),
            validation,
            facts,
        )
    numbers = lattices(args.numbers, images, digits, args.seed)
    singles = Drawn(*drawn(drawing(strokes, labels, args.seed), args.numbers * SINGLES // NUMBERS + 1000))
    nets = whole_numbers(first.networks, numbers, singles, held, args)

    seconds = round(time.monotonic() - started)
    for net in nets:
        save(net, data, held, first, seconds, args.output, args.pictures)
    report.save_habits(data.x_train, data.y_train, args.pictures / "habits.png")
    report.save_non_digits(data.x_train, data.y_train, args.pictures / "non_digits.png")
    save_neighbours(nets, data.x_train, data.y_train, args.output / "neighbours.npz")
    shutil.rmtree(checkpoint, ignore_errors=True)
    if args.push_to_hub:
        print(publish(args.output, args.push_to_hub, pictures=args.pictures))


class FirstPart(NamedTuple):
    """Networks that read single digits."""

    networks: dict[str, MLP]
    snapshots: dict[str, dict[int, dict[str, np.ndarray]]]
    """Of each network, its weights after selected epochs."""
    history: list[dict[str, float]]
    """Loss and accuracy after the epochs that were validated; empty where they were trained before."""


def single_digits(
    trained: Fit, validation: tuple[np.ndarray, np.ndarray], facts: dict[str, object]
) -> FirstPart:
    """What was trained, with calibrated confidence."""
    nets = {name: calibrated(name, weights, validation, facts) for name, weights in trained.weights.items()}
    snapshots = {
        name: {
            epoch: divided(weights[name], net.config["temperature"])
            for epoch, weights in trained.snapshots.items()
        }
        for name, net in nets.items()
    }
    return FirstPart(nets, snapshots, trained.history)


def started_from(folder: Path, names: list[str], facts: dict[str, object]) -> FirstPart:
    """Networks that were trained before, with the snapshots of their first part, if there are any."""
    nets = {name: MLP.from_folder(folder / name) for name in names}
    snapshots: dict[str, dict[int, dict[str, np.ndarray]]] = {}
    for name, net in nets.items():
        net.config |= {"started_from": net.config.get("command", ""), "command": facts["command"]}
        path = folder / name / "snapshots.safetensors"
        snapshots[name] = earlier_snapshots(path, net) if path.exists() else {}
    return FirstPart(nets, snapshots, [])


def earlier_snapshots(path: Path, net: MLP) -> dict[int, dict[str, np.ndarray]]:
    """The weights after the epochs of a network's first part, from its snapshots."""
    kept = read_snapshots(path, net.activation)
    return {
        epoch: before.weights
        for epoch, before in zip(kept.epochs, kept.networks)
        if epoch <= net.config["epochs"]
    }


def whole_numbers(
    first: dict[str, MLP], numbers: Lattices, singles: Drawn, held: Mnist, args: argparse.Namespace
) -> list[MLP]:
    """The second part: the networks when they have learnt to read numbers.

    Args:
        held: its x_train and y_train are the validation images.
    """
    before, nets = {name: net.weights for name, net in first.items()}, []
    part = max(PART * args.numbers // NUMBERS, 5)
    for name, weights in learn_numbers(before, numbers, singles, args.seed, args.number_epochs).items():
        config = first[name].config | {"numbers": args.numbers, "number_epochs": args.number_epochs}
        net = MLP(rounded({key: weights[key] for key in before[name]}), config)
        nets.append(with_reader(net, weights["digit"], weights["mark"], held, args.seed, part))
    return nets


def _pixels(images: np.ndarray) -> np.ndarray:
    return images.reshape(-1, LAYERS[0]) / np.float32(255)


def _facts(args: argparse.Namespace, arguments: list[str]) -> dict[str, object]:
    """What the configuration says of how the network was made."""
    packages = ("tensorflow", "keras", "numpy", "safetensors")
    return {
        "epochs": args.epochs,
        "batch_size": args.batch_size,
        "seed": args.seed,
        "command": shlex.join(["python", "train.py", *arguments]),
        "versions": {package: _version(package) for package in packages},
        "data": DIGESTS,
    }


def _version(package: str) -> str:
    if package == "tensorflow":  # which is installed under several names
        import tensorflow

        return str(tensorflow.__version__)
    return version(package)


def save(
    net: MLP, data: Mnist, held: Mnist, first: FirstPart, seconds: int, output: Path, pictures: Path
) -> None:
    """Measure a network on the test images, and write it, its snapshots, its figures and its pictures."""
    x_test, validation = _pixels(data.x_test), (_pixels(held.x_train), held.y_train)
    figures = {
        **report.on_test_images(net, x_test, data.y_test),
        **report.on_validation_images(net, *validation),
        **{key: net.config[key] for key in ("temperature", "epochs", "numbers", "number_epochs")},
        "sure": net.reader.sure,
        "seconds_for_all": seconds,
    }
    net.config |= {"test_accuracy": figures["test_accuracy"], "test_errors": figures["test_errors"]}
    folder = output / net.activation
    net.save_pretrained(folder)
    save_snapshots(net, first.snapshots[net.activation], validation, folder / "snapshots.safetensors")
    report.save_pictures(net, x_test, data.y_test, first.history, pictures / net.activation)

    path = output / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    metrics[net.activation] = figures
    write_whole(path, (json.dumps(metrics, indent=2, sort_keys=True) + "\n").encode())
    write_whole(output / "README.md", model_card(metrics).encode())
    print(f"{net.activation}: {figures['test_errors']} errors on the 10,000 test images; {path}")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 up; got {text}")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Train the networks on MNIST, evaluate them on its test images, and save them with "
        "their figures and pictures. An interrupted run resumes when it is started again.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    names = ("both", *sorted(ACTIVATIONS))
    add("--activation", choices=names, default="both", help="of the hidden layers")
    add("--epochs", type=_positive, default=EPOCHS, metavar="N", help="times all digits and non-digits")
    add("--batch-size", type=_positive, default=BATCH_SIZE, metavar="N", help="images a training step")
    add("--non-digits", type=_positive, default=NON_DIGITS, metavar="N", help="beside the 57,500 digits")
    add("--start", type=Path, metavar="FOLDER", help="networks to start from, for the second part alone")
    add("--numbers", type=_positive, default=NUMBERS, metavar="N", help="to learn to read")
    add("--number-epochs", type=_positive, default=NUMBER_EPOCHS, metavar="N", help="times all numbers")
    add("--seed", type=int, default=SEED, metavar="N", help="of all random numbers")
    add("--data", type=Path, metavar="FILE", help="an mnist.npz as Keras has it")
    add("--output", type=Path, default=WEIGHTS, metavar="FOLDER", help="where to save networks and figures")
    add("--pictures", type=Path, default=PICTURES, metavar="FOLDER", help="where to save the pictures")
    add("--push-to-hub", metavar="USER/NAME", help="publish them there when done")
    return parser


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrupted: the earlier weights are unchanged. The same command resumes.")
    except (DataError, ValueError, OSError) as fault:
        sys.exit(f"train.py: {fault}")
