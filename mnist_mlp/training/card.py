"""The model card of the two networks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from mnist_mlp.mlp import NAMES

DATASET = "ylecun/mnist"


def model_card(folder: Path, repo_id: str | None = None, pictures: Iterable[str] = ()) -> str:
    """The model card: what the networks are for, how good they are, and where they fail.

    Args:
        folder: with metrics.json and, if they were tested, test.json.
        repo_id: the repository "user/name"; None for the card that comes with the package.
        pictures: paths of PNG files in the repository, to show.
    """
    metrics = read_metrics(folder)
    data = ModelCardData(
        model_name=repo_id.split("/")[-1] if repo_id else "mnist-mlp",
        license="apache-2.0",
        library_name="mnist-mlp",
        pipeline_tag="image-classification",
        datasets=[DATASET],
        metrics=["accuracy"],
        tags=["mnist", "numpy", "safetensors", "handwritten-digits"],
        eval_results=_eval_results(metrics),
    )
    net = f'MLP.from_pretrained("{repo_id}")  # subfolder="sigmoid" for the other network'
    if not repo_id:
        net = 'load("relu")  # or "sigmoid": the two that come with the package'
    shown = "\n\n".join(f"![{_title(picture)}]({picture})" for picture in pictures)
    text = _CARD.format(
        net=net,
        name="MLP" if repo_id else "load",
        table=_table(metrics),
        pictures=shown,
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}"))


def read_metrics(folder: Path) -> dict[str, dict[str, Any]]:
    """The figures of metrics.json and of test.json, by network."""
    found: dict[str, dict[str, Any]] = {}
    for name in ("metrics.json", "test.json"):
        if (folder / name).exists():
            for network, figures in json.loads((folder / name).read_text(encoding="utf-8")).items():
                found[network] = found.get(network, {}) | figures
    return found


def _eval_results(metrics: dict[str, Any]) -> list[EvalResult]:
    return [
        EvalResult(
            task_type="image-classification",
            dataset_type=DATASET,
            dataset_name="MNIST",
            dataset_split="test",
            metric_type=kind,
            metric_name=f"{kind}, {NAMES[network]} network",
            metric_value=_figure(metrics, network, key),
        )
        for network in NAMES
        for kind, key in (("accuracy", "test_accuracy"), ("ece", "test_ece"))
        if _figure(metrics, network, key) is not None
    ]


_ROWS = (
    ("Errors on MNIST's 10,000 test images", "test_errors", "{:,}"),
    ("Accuracy on them", "test_accuracy", "{:.2%}"),
    ("Expected calibration error on them, 15 bins", "test_ece", "{:.2%}"),
    ("Accuracy on the validation split", "validation_accuracy", "{:.2%}"),
    ("Test images taken for no digit", "digits_refused", "{:.2%}"),
    ("Letters of an unseen typeface taken for a digit", "letters_kept", "{:.1%}"),
    ("Scribbles taken for a digit", "scribbles_kept", "{:.1%}"),
    ("Pairs of digits taken for one", "pairs_kept", "{:.1%}"),
    ('Confidence below which it is "not sure"', "sure", "{:.2f}"),
    ("Epochs", "epochs", "{:,}"),
)


def _table(metrics: dict[str, Any]) -> str:
    networks = [network for network in NAMES if network in metrics]
    lines = [
        f"| | {' | '.join(NAMES[network] for network in networks)} |",
        "|---" * (len(networks) + 1) + "|",
    ]
    for title, key, form in _ROWS:
        figures = [_figure(metrics, network, key) for network in networks]
        if any(figure is not None for figure in figures):
            cells = ["–" if figure is None else form.format(figure) for figure in figures]
            lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _figure(metrics: dict[str, Any], network: str, key: str) -> float | None:
    """A figure, or None where the file has none: one network alone may have been trained."""
    return metrics.get(network, {}).get(key)


def _title(picture: str) -> str:
    *_, network, file = picture.split("/")
    return f"{file.removesuffix('.png').replace('_', ' ').capitalize()}, {NAMES[network]}"


_CARD = """# Two small networks that read handwritten digits

784-128-256-10, 136,074 numbers each: one with ReLU, one with sigmoid hidden layers. They were trained with
TensorFlow, and run in NumPy. `relu/` and `sigmoid/` hold a network each, with the weights that read numbers in
`reader.json`; in a repository of the Hub, the ReLU network is at the top too.

## Use

```sh
pip install ./digits  # the folder of the code, where pyproject.toml is: a clone of its repository or Space
```

```python
from mnist_mlp import {name}, read
from mnist_mlp.picture import read_picture

net = {net}
reading = read(read_picture("digit.png"), net)  # your picture, of any size and colour
print(reading.text, reading.confidence)
```

`read` brings the picture to the 28×28 pixels that the networks know; without that they are often wrong.
On a command line: `mnist-mlp digit.png`.

## What for

To read a handwritten digit or number, drawn with a pen or a finger or photographed on paper; and to show how
such a network works, which is small enough to be looked at.

Not for high-stakes use, such as cheques, forms or exams.

## How good

{table}

`metrics.json` and, if it is there, `test.json` hold these figures; `config.json` beside each network holds the command
and the versions that made it.

## Limits

- The networks know digits only. The figures above say how many letters and scribbles are taken for one.
- They err most on a 2 without a foot (read as 7), a 5 with its bar apart (3), an open 8 (3) and a slashed 0.
- MNIST's digits were written by employees of an American bureau and by students, in the 1990s. Other
  habits of writing are not in it.

{pictures}

## Data

[MNIST](https://huggingface.co/datasets/ylecun/mnist) by Yann LeCun, Corinna Cortes and Christopher J. C.
Burges, CC BY-SA 3.0: 57,500 of its training images to learn from, 2,500 for validation; 10,000 for the test. The
training images were redrawn: bent, turned and slanted, with other pens and with strokes that people add. What no digit
is was learnt from letters of Matplotlib's typefaces, from hand-coded forms of letters and symbols, and from scribbles
drawn by chance.

The test images were opened once for this pair, after all choices. The project opened them for at least 19 other
trained recipes, so the figures are slightly kind.

## Licence

Apache-2.0 for the networks and the code.
"""
