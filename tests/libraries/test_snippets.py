"""The documents' snippets with libraries that the app does not need: `datasets` and Ray."""

from __future__ import annotations

import csv
from pathlib import Path

from test_readme import EXAMPLES, checkout, run, snippet

__all__ = ["checkout"]  # the fixture


def test_datasets(checkout: Path) -> None:
    lines = run(snippet("python", "from datasets"), checkout)
    assert [line.split()[:2] for line in lines] == [
        [f"mnist_mlp/page/examples/{path.name}", path.stem] for path in EXAMPLES
    ]


def test_ray(checkout: Path) -> None:
    start = "import ray; ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)\n"
    run(start + snippet("python", "import ray"), checkout)
    rows: list[dict[str, str]] = []
    for path in (checkout / "answers").glob("*.csv"):
        with path.open() as file:
            rows += csv.DictReader(file)
    digits = {Path(row["path"]).stem: row["digit"] for row in rows if len(Path(row["path"]).stem) == 1}
    assert digits == {path.stem: path.stem for path in EXAMPLES}
