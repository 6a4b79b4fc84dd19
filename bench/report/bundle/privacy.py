"""Texts of a run without the places of the machine that ran it: a bundle is read by strangers.

An absolute path becomes its last part behind an ellipsis. Numbers, names of clips and the protocol hold no such paths
and are left as they are, so what is computed from rows does not change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.store.files import json_bytes

_PART = r"""[^\s/\\:'"<>|,;()\[\]{}]+"""
_PATHS = re.compile(
    rf"(?<![\w/.:…])(?:file://)?(?:/(?:{_PART}/)+|~/(?:{_PART}/)*|[A-Za-z]:[\\/](?:{_PART}[\\/])*)(?={_PART})"
)


def hide_paths(text: str, *places: Path) -> str:
    """The text with every absolute path cut to its last part. places: folders whose names may hold spaces."""
    for place in sorted({str(place) for place in places}, key=len, reverse=True):
        if place.count("/") + place.count("\\") > 1:
            text = text.replace(f"{place}/", "…/").replace(place, "…")
    return _PATHS.sub("…/", text)


def hide_all(content: Any, *places: Path) -> Any:
    """JSON-ready data with `hide_paths` done to every text in it, keys of objects excepted."""
    if isinstance(content, str):
        return hide_paths(content, *places)
    if isinstance(content, Mapping):
        return {key: hide_all(value, *places) for key, value in content.items()}
    return [hide_all(value, *places) for value in content] if isinstance(content, list | tuple) else content


def clean_row(row: Mapping[str, Any], *places: Path) -> dict[str, Any]:
    """A row whose reason and notes name no place."""
    hidden = {name: hide_all(row[name], *places) for name in ("stage", "reason", "notes")}
    return {**row, **hidden}


def clean_manifest(content: bytes, *places: Path) -> bytes:
    """A manifest's bytes without places. The protocol stays as it is: its hash is of what it says."""
    manifest = json.loads(content)
    hidden = {name: value if name == "protocol" else hide_all(value, *places) for name, value in manifest.items()}
    return content if hidden == manifest else json_bytes(hidden)


def clean_speeds(content: bytes, *places: Path) -> bytes:
    """Whole lines of speeds.jsonl without places."""
    lines = content.split(b"\n")[:-1]  # what follows the last line end was never finished
    return b"".join(_line(line, *places) for line in lines)


def _line(line: bytes, *places: Path) -> bytes:
    row = json.loads(line)
    hidden = hide_all(row, *places)
    if hidden == row:
        return line + b"\n"
    return json.dumps(hidden, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"
