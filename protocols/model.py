"""The base of all data files: frozen models that refuse unknown keys, and the kinds of text that they hold."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def matching(pattern: str, expected: str) -> AfterValidator:
    """A check that text matches a pattern whole, with words for what was expected."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"expected {expected}, got {value!r}")
        return value

    return AfterValidator(check)


Name = Annotated[str, matching(r"[^\x00-\x1f]+", "a name of at least one printable character")]
Names = Annotated[list[Name], Field(min_length=1)]
Sha256 = Annotated[str, matching(r"[0-9a-f]{64}", "a sha256 of 64 lower-case hexadecimal digits")]


class Model(BaseModel):
    """Frozen, unknown keys refused, no silent conversion of a string into a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def distinct(values: list[Any]) -> list[Any]:
    """The list itself; a repeated entry would count the same clip twice. ValueError names it."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{value!r} is listed twice")
        seen.add(value)
    return values


def hash_content(content: Any) -> str:
    """sha256 (hex) of JSON-ready data, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
