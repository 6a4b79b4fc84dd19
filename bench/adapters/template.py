"""What the texts of a method file stand for: $VARIABLES of the user's environment, and {placeholders} of a job."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from bench.errors import MissingError
from protocols.method import PLACEHOLDER, CommandMethod

_VARIABLE = re.compile(r"\$([A-Z_][A-Z0-9_]*)")


def expand(text: str, spec: CommandMethod) -> str:
    """The text with $VARIABLES and a leading ~ replaced. MissingError says what a variable must point to."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            told = f": {spec.homes[name]}" if name in spec.homes else f" (in {text!r})"
            raise MissingError(f"method {spec.name}: set the environment variable {name}{told}")
        return os.environ[name]

    return os.path.expanduser(_VARIABLE.sub(value, text))


def rooted(text: str, spec: CommandMethod) -> str:
    """The text expanded, and a leading `./` taken from the method file's folder."""
    out = expand(text, spec)
    return os.path.join(spec.here, out[2:]) if out.startswith("./") else out


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with {placeholders} that `values` knows replaced, and doubled braces made single."""
    parts = re.split(r"(\{\{|\}\})", text)
    filled = [
        part[0] if part in ("{{", "}}") else PLACEHOLDER.sub(lambda m: values.get(m.group(1), m.group(0)), part)
        for part in parts
    ]
    return "".join(filled)
