"""Train the two networks on MNIST, and write all that ships into a new folder.

    python train.py                      # both networks, into the folder `trained`
    python train.py --epochs 3 --numbers 2000    # a look, in minutes
    python train.py --test trained       # once, when all is chosen: the figures on the test images

First, data augmentation draws MNIST's digits anew, and letters and scribbles, whose label is "no digit". A
convolutional teacher learns from them; the two networks learn from its soft labels (distillation). Second, the
networks learn to read numbers, made of MNIST's digits, by gradient through the lattice. Third, thresholds are fitted
on validation digits. A run that was stopped resumes when the same command is started again.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mnist_mlp.mlp import MLP, NAMES
from mnist_mlp.network import LAYERS, Weights
from mnist_mlp.training import report
from mnist_mlp.training.card import model_card
from mnist_mlp.training.keep import save_neighbours, save_snapshots
from mnist_mlp.training.lattices import lattices
from mnist_mlp.training.mnist import DIGESTS, Digits, load_test, load_train
from mnist_mlp.training.non_digits import NON_DIGIT, to_learn_from
from mnist_mlp.training.posterior import NUMBER_EPOCHS, learn_numbers
from mnist_mlp.training.publish import publish
from mnist_mlp.training.redraw import Redraw, redrawing
from mnist_mlp.training.single_digits import Trained, learn_single_digits
from mnist_mlp.training.thresholds import divided, temperature, with_thresholds

EPOCHS = 450
NON_DIGITS = 18_000
NUMBERS = 60_000
SINGLES = 5  # redrawn images that are learnt beside each number
REDRAWN = 20_000  # redrawn digits of which numbers of one digit are made
ROOT = Path(__file__).parent
OF_SINGLES = ("epochs", "non_digits", "seed")  # the settings of the first part
OF_NUMBERS = ("numbers", "number_epochs")  # and of the second
PARTS = {"numbers": ("teacher", "networks"), "thresholds": ("teacher", "networks", "numbers")}


def main(arguments: list[str] | None = None) -> None:
    args = _parser().parse_args(arguments)
    if args.test:
        return test(args.test, load_test(args.data))
    if args.push_to_hub:
        print(publish(args.output / "weights", args.push_to_hub, pictures=args.output / "docs"))
        return
    facts = _begin(args, sys.argv[1:] if arguments is None else arguments)
    learn, validation = load_train(args.data)
    seed = facts["seed"]
    others = to_learn_from(facts["non_digits"], learn, seed)
    labels = np.concatenate([learn.labels, np.full(len(others), NON_DIGIT, np.uint8)])
    redraw = redrawing(np.concatenate([learn.images, others]), labels, seed)
    state = args.output / "state"
    trained = learn_single_digits(redraw, len(labels), validation, facts["epochs"], seed, state)
    calibrated, snapshots = calibrate(trained, validation)
    nets = whole_numbers(calibrated, learn, redraw, validation, facts, state)
    save(nets, snapshots, trained, learn, validation, facts, args.output)


def calibrate(
    trained: Trained, validation: Digits
) -> tuple[dict[str, Weights], dict[str, dict[int, Weights]]]:
    """Networks whose logits are divided by a temperature, and their snapshots divided by the same."""
    x, nets, snapshots = validation.images / np.float32(255), {}, {}
    for name, weights in trained.weights.items():
        logits = MLP(weights, {"activation": name, "layers": list(LAYERS)}).forward(x).logits
        t = temperature(logits, validation.labels)
        nets[name] = divided(weights, t)
        snapshots[name] = {epoch: divided(then[name], t) for epoch, then in trained.snapshots.items()}
    return nets, snapshots


def whole_numbers(
    networks: dict[str, Weights],
    learn: Digits,
    redraw: Redraw,
    validation: Digits,
    facts: dict[str, Any],
    state: Path,
) -> list[MLP]:
    """The networks when they have learnt to read numbers, with their thresholds."""
    seed, count = facts["seed"], facts["numbers"]
    singles = redraw(10**5, SINGLES * count + REDRAWN)
    digits = np.flatnonzero(singles[1] != NON_DIGIT)[-REDRAWN:]
    redrawn = Digits(singles[0][digits].reshape(-1, 28, 28), singles[1][digits])
    numbers = lattices(count, learn, redrawn, seed)
    learnt = learn_numbers(networks, numbers, singles, seed, state / "numbers", facts["number_epochs"])
    shipped = {key: value for key, value in facts.items() if key != "non_digits"}
    return [
        with_thresholds(
            *learnt[name],
            {"activation": name, "layers": list(LAYERS), **shipped},
            validation,
            seed,
            min(count / NUMBERS, 1.0),
        )
        for name in networks
    ]


def save(
    nets: list[MLP],
    snapshots: dict[str, dict[int, Weights]],
    trained: Trained,
    learn: Digits,
    validation: Digits,
    facts: dict[str, Any],
    output: Path,
) -> None:
    """Write what ships: weights/ and docs/, as they stand in the repository."""
    metrics = {}
    for net in nets:
        name, folder = net.activation, output / "weights" / net.activation
        net.save_pretrained(folder)
        save_snapshots(net, snapshots[name], validation, folder / "snapshots.safetensors")
        settings = {key: facts[key] for key in ("epochs", "numbers", "number_epochs")}
        metrics[name] = report.on_validation_images(net, validation) | settings
        curves = report.curves(name, trained.history, len(validation.labels))
        pictures = {"curves": curves, "first_layer": report.first_layer(net)}
        report.save_figures(pictures, output / "docs" / name)
    save_neighbours(nets, learn, output / "weights" / "neighbours.npz")
    report.save_habits(learn, output / "docs" / "habits.png")
    report.save_non_digits(learn, output / "docs" / "non_digits.png")
    _write_json(output / "weights" / "metrics.json", metrics)
    (output / "weights" / "README.md").write_text(model_card(output / "weights"), encoding="utf-8")
    print(f"All that ships is in {output}/weights and {output}/docs. For the test images: --test {output}")


def test(output: Path, digits: Digits) -> None:
    """Measure networks that are done on the test images: weights/test.json, and pictures in docs/."""
    figures = {}
    for name in NAMES:
        net = MLP.from_folder(output / "weights" / name)
        figures[name] = report.on_test_images(net, digits)
        p = net.predict_proba(digits.images / np.float32(255))
        pictures = {
            "confusion": report.confusion(p, digits.labels),
            "mistakes": report.mistakes(p, digits),
            "reliability": report.reliability(p, digits.labels),
        }
        report.save_figures(pictures, output / "docs" / name)
        print(f"{name}: {figures[name]['test_errors']} errors on {len(digits.labels):,} test images")
    _write_json(output / "weights" / "test.json", figures)
    (output / "weights" / "README.md").write_text(model_card(output / "weights"), encoding="utf-8")


def _begin(args: argparse.Namespace, arguments: list[str]) -> dict[str, Any]:
    """What the configuration says of how the networks are made; makes the folder, or resumes with the same settings."""
    path = args.output / "state" / "run.json"
    settings = {key: getattr(args, key) for key in (*OF_SINGLES, *OF_NUMBERS)}
    if args.start:
        earlier = json.loads((args.start / "state" / "run.json").read_text())
        kept = (*OF_SINGLES, *OF_NUMBERS) if args.part == "thresholds" else OF_SINGLES
        settings |= {key: earlier[key] for key in kept} | {"started_from": earlier["command"]}
    facts = {
        **settings,
        "command": shlex.join(["python", "train.py", *arguments]),
        "commit": _commit(),
        "versions": {
            package: _version(package) for package in ("tensorflow", "keras", "numpy", "safetensors")
        },
        "data": {name: DIGESTS[name] for name in ("x_train", "y_train")},
    }
    if path.exists():
        begun = json.loads(path.read_text())
        if not (args.output / "state" / "numbers").exists():  # its settings can still be chosen
            begun |= {key: settings[key] for key in OF_NUMBERS}
        if any(begun.get(key) != value for key, value in settings.items()):
            its = {key: begun.get(key) for key in settings}
            raise ValueError(f"{args.output} holds a run with {its}, not {settings}; name another --output")
        if begun["commit"] != facts["commit"]:
            begun["resumed_at"] = facts["commit"]
        facts = begun
    elif args.start:
        for part in PARTS[args.part]:
            shutil.copytree(args.start / "state" / part, args.output / "state" / part)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_json(path, facts)
    return facts


def _commit() -> str:
    """The commit of the code, and whether it was changed since; "" outside a clone."""

    def git(*command: str) -> str:
        return subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "train.py", "mnist_mlp")
        return git("rev-parse", "HEAD") + (", changed" if changed else "")
    except OSError:
        return ""


def _version(package: str) -> str:
    if package == "tensorflow":  # which is installed under several names
        import tensorflow

        return str(tensorflow.__version__)
    return version(package)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 up; got {text}")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Train the networks on MNIST, and write all that ships into a new folder. A run that was stopped "
        "resumes when the same command is started again.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--output", type=Path, default=Path("trained"), metavar="FOLDER", help="where to write all")
    add("--epochs", type=_positive, default=EPOCHS, metavar="N", help="times all digits and non-digits")
    add("--non-digits", type=_positive, default=NON_DIGITS, metavar="N", help="beside the 57,500 digits")
    add("--numbers", type=_positive, default=NUMBERS, metavar="N", help="to learn to read")
    add("--number-epochs", type=_positive, default=NUMBER_EPOCHS, metavar="N", help="times all numbers")
    add("--seed", type=_positive, default=1, metavar="N", help="of all random numbers")
    add("--data", type=Path, metavar="FILE", help="an mnist.npz as Keras has it")
    add(
        "--start",
        type=Path,
        metavar="FOLDER",
        help="a finished run's, of which a part is made anew, in --output",
    )
    add("--part", choices=sorted(PARTS), default="numbers", help="from which on it is made anew")
    add("--test", type=Path, metavar="FOLDER", help="measure a finished run's networks on the test images")
    add("--push-to-hub", metavar="USER/NAME", help="publish the networks in --output there")
    return parser


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. The same command resumes.")
    except (ValueError, OSError) as fault:
        sys.exit(f"train.py: {fault}")
