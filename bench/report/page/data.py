"""Data on its way into the page: JSON that stays data wherever a browser reads it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

_ESCAPED = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
"""Within JSON these stand in strings only, where the escape means the same; without them nothing ends a script."""


def as_json(content: Any) -> str:
    """Compact JSON that can stand in a script element and be run as script. ValueError for NaN and infinity."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPED)


def as_script(name: str, content: str) -> str:
    """The text of page/NAME.js, which hands its content, JSON, to the page that asked for it."""
    return f"take({as_json(name)},{content});\n"


def as_numbers(values: Iterable[float | None]) -> str:
    """A JSON array with four significant digits each: what a curve on a screen can show. What is not finite is null."""
    return "[" + ",".join("null" if v is None or not math.isfinite(v) else f"{v:.4g}" for v in values) + "]"
