"""The model card of the two networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

NAMES = {"relu": "ReLU", "sigmoid": "sigmoid"}
DATASET = "ylecun/mnist"


def model_card(metrics: dict[str, Any], repo_id: str = "user/name", pictures: Iterable[str] = ()) -> str:
    """The model card: what the networks are, for what, how good and where wrong.

    Args:
        metrics: what metrics.json holds.
        repo_id: the repository, for the lines that show how to use it.
        pictures: PNG files in it, by their paths, to show.
    """
    data = ModelCardData(
        model_name=repo_id.split("/")[-1],
        license="apache-2.0",
        library_name="mnist-mlp",
        pipeline_tag="image-classification",
        datasets=[DATASET],
        metrics=["accuracy"],
        tags=["mnist", "numpy", "safetensors", "handwritten-digits"],
        eval_results=_eval_results(metrics),
    )
    shown = "\n\n".join(f"![{_title(picture)}]({picture})" for picture in pictures)
    text = _CARD.format(repo_id=repo_id, table=_table(metrics), pictures=shown)
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}"))


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
    ("AUROC of its confidence, digits against letters and scribbles", "auroc_non_digits", "{:.3f}"),
    ('Confidence under which it is "not sure"', "not_sure_below", "{:.2f}"),
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
TensorFlow on MNIST alone, and run in NumPy. `relu/` and `sigmoid/` hold a network each; the ReLU one stands
at the top too.

```python
from mnist_mlp import MLP, to_mnist
from mnist_mlp.picture import read_picture

net = MLP.from_pretrained("{repo_id}")  # or subfolder="sigmoid"
probabilities = net.predict_proba(to_mnist(read_picture("digit.png")))
print(probabilities.argmax(), probabilities.max())
```

## What for

To read one handwritten digit, drawn with a pen or a finger or photographed on paper; and to show how such a
network works, which is small enough to be looked at. `to_mnist` brings a picture of any size and colour to
the 28×28 pixels that the networks know: without it they are often wrong.

Not for anything that hangs on its answers, such as cheques, forms or exams.

## How good

{table}

`metrics.json` holds these figures and all others; `config.json` beside each network says with which command
it was made.

## Limits

- One digit at a time. Two digits, or a digit on ruled lines, are read as one shape.
- A network has no "none of these": a letter or a scribble gets a digit too, though mostly with less
  confidence. The app says "not sure" under the confidence above.
- What it gets wrong most: a 1 with a flag as a 7, a slashed 0, an open 9 as a 4, a crossed 7; see the
  pictures.
- MNIST's digits were written by employees of an American bureau and by students, in the 1990s: other
  hands' habits are not in it.

{pictures}

## Data

[MNIST](https://huggingface.co/datasets/ylecun/mnist) by Yann LeCun, Corinna Cortes and Christopher J. C.
Burges, CC BY-SA 3.0: 60,000 images for training, a part of them for validation; 10,000 for the test, which
was looked at once per network. The training images were redrawn: bent, turned and slanted, and with other
pens.

## Licence

Apache-2.0 for the networks and the code.
"""
