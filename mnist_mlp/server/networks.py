"""The networks that the app serves: the shipped ones, or those of a repository on the Hub."""

from __future__ import annotations

import logging
import os
import reprlib
from functools import cache
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi

from mnist_mlp.mlp import MLP, NAMES, load
from mnist_mlp.snapshots import Snapshots, load_snapshots

logger = logging.getLogger(__name__)

HUB_TIMEOUT = 10  # seconds for the Hub's first answer, which is waited for once


def repository() -> str:
    """The repository or folder that the environment variable `MNIST_MLP_REPO` names; "" for the shipped networks."""
    return os.environ.get("MNIST_MLP_REPO", "")


def serving(name: Any = "relu") -> MLP:
    """The network that the app answers with: "relu" or "sigmoid". What a stranger sends may be anything.

    It is read once, from `repository`. Without one, or where the Hub cannot be reached, it is the shipped one.

    Raises:
        ValueError: no such name.
    """
    if not isinstance(name, str) or name not in NAMES:
        raise ValueError(f'Expected the network "relu" or "sigmoid"; got {reprlib.repr(name)}.')
    return _fetched(repository()).get(name) or load(name)


def serving_snapshots(name: str) -> Snapshots | None:
    """Those of the network that answers; None where it comes from the Hub, or the package has none."""
    return load_snapshots(name) if serving(name) is load(name) else None


def notice() -> str:
    """Tells visitors that a shipped network answers instead of the configured one; "" where none does."""
    repo = repository()
    missing = [NAMES[name] for name in NAMES if name not in _fetched(repo)]
    if not repo or not missing:
        return ""
    return f"The {' and '.join(missing)} network of {repo} is not available: the shipped one answers."


@cache
def _fetched(repo: str) -> dict[str, MLP]:
    """The networks that could be read from a repository or a folder, by name."""
    networks: dict[str, MLP] = {}
    try:
        if repo:
            # Ask for the newest commit; without it, an older copy in the cache would do.
            revision = None if Path(repo).is_dir() else HfApi().model_info(repo, timeout=HUB_TIMEOUT).sha
            for name in NAMES:
                if net := _fetch(repo, name, revision):
                    networks[name] = net
    except Exception as fault:  # the page opens without the Hub
        logger.warning("%s is not available, the shipped network answers: %s", repo, fault)
        logger.debug("", exc_info=True)
    return networks


def _fetch(repo: str, name: str, revision: str | None) -> MLP | None:
    faults = []
    for subfolder in (name, ""):  # one of several networks, or a single one
        try:
            net = MLP.from_pretrained(repo, subfolder=subfolder, revision=revision)
        except ValueError as fault:
            faults.append(str(fault))
            continue
        if net.activation == name:
            return net
        faults.append(f"the network at {subfolder or 'the top'} is a {NAMES[net.activation]} one")
    logger.warning("%s has no %s network, the shipped one answers: %s", repo, NAMES[name], "; ".join(faults))
    return None
