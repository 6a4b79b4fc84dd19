"""Names of files in a bundle: which are safe to write anywhere, and which part of the report each belongs to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from bench.report.media import FOLDER as MEDIA
from bench.report.writing import FIGURES
from bench.store.manifest import FILE as MANIFEST
from bench.store.rows import FILE as ROWS
from bench.store.speeds import FILE as SPEEDS

INDEX = "bundle.json"
GIVEN = (MANIFEST, ROWS, SPEEDS)
"""What all else in a bundle but its videos is made of."""
_LONGEST = 240
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def refuse_name(name: str) -> str | None:
    """Why a name must not be written to a disk, None where it may: relative, with `/`, on every system alike."""
    parts = name.split("/")
    if not name or len(name) > _LONGEST:
        return f"a name of {len(name)} characters"
    if any(not char.isprintable() for char in name) or re.search(r'[\\:*?"<>|]', name):
        return f"the name {name!r} has characters that are not safe everywhere"
    if "" in parts or "." in parts or ".." in parts:
        return f"the name {name!r} leads out of the folder"
    if any(part != part.rstrip(" .") for part in parts):
        return f"the name {name!r} ends in a way that some systems change"
    if any(_DEVICES.fullmatch(part) for part in parts):
        return f"the name {name!r} is a device's on some systems"
    return None


def refuse_names(names: Iterable[str]) -> str | None:
    """Why these names must not be written beside one another, None where they may."""
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for name in names:
        refused = refuse_name(name)
        if refused is not None:
            return refused
        same = _folded(name)
        if same in seen:
            return f"{name!r} is there twice" if seen[same] == name else f"{seen[same]!r} and {name!r} are one name"
        seen[same] = name
        parts = same.split("/")
        folders.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
    both = folders & seen.keys()
    return f"{seen[min(both)]!r} is a file and a folder" if both else None


def _folded(name: str) -> str:
    """Equal for names that some disk takes for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def kind_of(name: str) -> str:
    """Which part of a report a file is: "data", "media", "figures", "page" or "tables"."""
    head, _, rest = name.partition("/")
    if name in (*GIVEN, INDEX):
        return "data"
    if rest:
        return head if head in (MEDIA, FIGURES) else "page"
    return "page" if name in ("index.html", "speeds.html") else "tables"
