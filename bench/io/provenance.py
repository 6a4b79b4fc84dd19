"""The words in a file's metadata that say it is synthetic, and the run that made it.

A generated talking face must be recognisable as such wherever the file goes, so the text stands in the `comment`
field, which players show and which both Matroska and MP4 keep.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bench.errors import MediaError

MARK = "Synthetic talking-face video made by AVCT Bench"
"""What the comment of every generated file begins with."""

LOSSLESS = {"avct_bench": "lossless-1"}
"""A field of every file that LosslessWriter makes; readers then hold it to that writer's promises: the first
frame at 0 s, every other one period after the last, every FFV1 slice with a right checksum."""

_RUN = re.compile(r"run_id=([A-Za-z0-9._:+-]{1,128})")


def synthetic_tags(run_id: str | None) -> dict[str, str]:
    """The metadata fields of a generated file. Raises MediaError for a run id that could not be read back."""
    text = f"{MARK}; it does not show a real event."
    if run_id is not None:
        if not _RUN.fullmatch(f"run_id={run_id}"):
            raise MediaError(f"expected a run id of 1 to 128 letters, digits or ._:+-, got {run_id!r}")
        text += f" run_id={run_id}"
    return {"comment": text}


def is_synthetic(tags: Mapping[str, str]) -> bool:
    """Whether a file's metadata (lower-case keys) carries the mark."""
    return tags.get("comment", "").startswith(MARK)


def run_of(tags: Mapping[str, str]) -> str | None:
    """The run id in a file's metadata, or None."""
    found = _RUN.search(tags.get("comment", "")) if is_synthetic(tags) else None
    return found.group(1) if found else None
