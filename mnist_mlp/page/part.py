"""The base class of the page's components: markup, style and script, each in its own file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnist_mlp.server.gradio_internals import HTML

HERE = Path(__file__).parent

# Gradio's own places for markup and style, `html_template` and `css_template`, are compiled anew with each
# value that comes or goes, and the style sheet is written anew, which forces a full style recalculation. Here
# both are put in place once, and the script changes what a value changes.
PLACE = "element.innerHTML = `<style>#${element.id} { ${STYLE} }</style>${MARKUP}`;\n"


class Part(HTML):
    """A component of the page.

    Args:
        name: of its files beside this one: NAME.html, NAME.js and, if it has one, NAME.css.
        constants: what the script finds under these names, beside what Gradio gives it.
        scripts: the names of its scripts, in their order, where one file would be long; else NAME.js.
    """

    def __init__(
        self,
        name: str,
        value: Any = None,
        *,
        constants: dict[str, Any] | None = None,
        scripts: Sequence[str] = (),
        **kwargs: Any,
    ):
        markup, style = (_text_of(HERE / f"{name}.{kind}") for kind in ("html", "css"))
        script = "\n".join(_text_of(HERE / f"{script}.js") for script in scripts or (name,))
        constants = {"MARKUP": markup, "STYLE": style, **(constants or {})}
        named = "".join(f"const {key} = {json.dumps(constant)};\n" for key, constant in constants.items())
        super().__init__(
            value, html_template="", js_on_load=named + PLACE + script, apply_default_css=False, **kwargs
        )


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
