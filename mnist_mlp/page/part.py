"""The base class of the page's components: markup, style and script, each in its own file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent

# Gradio's own places for markup and style, `html_template` and `css_template`, are compiled anew with each
# value that comes or goes, and the style sheet is written anew, which forces a full style recalculation. Here
# both are put in place once, and the script changes what a value changes.
SCRIPT = """element.innerHTML = `<style>#${{element.id}} {{ ${{{style}}} }}</style>${{{markup}}}`;
{modules}
{main}.default({{ element, props, server, trigger, watch, ...{constants} }});
"""


class Part(gr.HTML):
    """A component of the page.

    Args:
        name: of its files beside this one: NAME.js and, if it has them, NAME.html and NAME.css. The script is a module
            whose default function gets what Gradio gives it: `element`, `props`, `server`, `trigger` and `watch`.
        constants: what the function gets beside these.
    """

    EVENTS: list[Any] = []  # noqa: RUF012

    def __init__(
        self, name: str, value: Any = None, *, constants: dict[str, Any] | None = None, **kwargs: Any
    ):
        style, markup = (HERE / f"{name}.{kind}" for kind in ("css", "html"))
        script = SCRIPT.format(
            style=json.dumps(style.read_text(encoding="utf-8") if style.exists() else ""),
            markup=json.dumps(markup.read_text(encoding="utf-8") if markup.exists() else ""),
            modules=joined(HERE / f"{name}.js"),
            main=_name(HERE / f"{name}.js"),
            constants=json.dumps(constants or {}),
        )
        super().__init__(value, html_template="", js_on_load=script, apply_default_css=False, **kwargs)


def joined(main: Path) -> str:
    """A module and those that it imports as one script, so that the page fetches none of them: each in a function.

    Of the forms of `import` and `export`, it knows those that the modules here have: names in braces from a file beside
    it, and functions and constants.
    """
    done: dict[Path, str] = {}

    def add(path: Path) -> None:
        text = re.sub(
            r"^ *//.*\n", "", path.read_text(encoding="utf-8"), flags=re.M
        )  # which nobody reads there
        for name in re.findall(r'^import {[^}]*} from "(.+)";$', text, re.M):
            if (needed := (path.parent / name).resolve()) not in done:
                add(needed)
        text = re.sub(
            r'^import ({[^}]*}) from "(.+)";$',
            lambda found: f"const {found[1]} = {_name((path.parent / found[2]).resolve())};",
            text,
            flags=re.M,
        )
        names = re.findall(r"^export (?:async )?(?:function|const|class) (\w+)", text, re.M)
        text = re.sub(r"^export (?!default)", "", text, flags=re.M)
        text, defaults = re.subn(r"^export default function \w*", "const main = function", text, flags=re.M)
        given = ", ".join([*names, "default: main"] if defaults else names)
        done[path] = f"const {_name(path)} = (() => {{\n{text}\nreturn {{ {given} }};\n}})();"

    add(main.resolve())
    return "\n".join(done.values())


def _name(path: Path) -> str:
    return "module_" + re.sub(r"\W", "_", path.stem)
