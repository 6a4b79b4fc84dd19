"""The page's style and script: our files and the vendored chart library, each put together into one element.

One element each, because the page's policy names them by their hashes; a page from disk cannot load modules.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources

SCRIPTS = (
    *("core", "numbers", "table", "rows", "cell", "list", "player", "shots", "viewer", "strips", "scatter", "pairs"),
    "start",
)
STYLES = ("base", "explore", "viewer")
_DARK = ":root[data-theme=dark] {}"
_CHARTS = "vendor/uPlot-1.6.32"


def page_script() -> str:
    """Everything that runs in the page but the data it asks for."""
    licence = _read(f"{_CHARTS}/LICENSE").replace("*/", "* /").strip()
    parts = [f"/*\n{licence}\n*/", _read(f"{_CHARTS}/uPlot.iife.min.js")]
    parts += [_read(f"scripts/{name}.js") for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"


def page_style(colours: Sequence[str] = (), *, names: Sequence[str] = STYLES) -> str:
    """Everything that styles the page. colours: of the methods, whose elements have the classes m0, m1, ..."""
    charts = _read(f"{_CHARTS}/uPlot.min.css") if names == STYLES else ""
    # Colours come from our own list, so the style sheet holds nothing of the data's.
    light, dark = _swatches("{}", colours), [_lift(colour) for colour in colours]
    lifted = _swatches(":root:not([data-theme=light]) {}", dark)
    swatches = f"{light}@media screen and (prefers-color-scheme:dark){{{lifted}}}{_swatches(_DARK, dark)}"
    return charts + "\n".join(_read(f"styles/{name}.css") for name in names) + swatches + "\n"


def policy(style: str, script: str = "") -> str:
    """The Content-Security-Policy of a page with this style and script: nothing remote, no other script or style."""
    rules = [
        "default-src 'none'",
        "img-src 'self' file: data:",
        "media-src 'self' file:",
        f"style-src '{digest(style)}'",
        *([f"script-src '{digest(script)}' 'self' file:"] if script else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(rules)


def digest(text: str) -> str:
    """A source expression of CSP level 2: the element's text, hashed."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _swatches(selector: str, colours: Sequence[str]) -> str:
    return "".join(f"{selector.format(f'.m{place}')}{{--c:{colour}}}" for place, colour in enumerate(colours))


def _lift(colour: str) -> str:
    """The colour with a third of white, #rrggbb: seen well on a dark ground, where lines that print well are dim."""
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(part + (255 - part) / 3):02x}" for part in parts)


def _read(name: str) -> str:
    return (resources.files("bench.report") / "page" / name).read_text(encoding="utf-8")
