"""Journal entries: a finished cell with its rows, made from what its group of cells came to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.records import Cell, Row
from bench.runner.expand import name_cell
from bench.runner.prepare import Digests
from bench.runner.tasks import Source


@dataclass
class Group:
    """Cells that share a video: one method on one clip, under every setting that cannot change what it makes."""

    key: str | None
    source: Source
    cells: list[Cell]
    video: str | None
    digests: Digests | None = None
    video_sha256: str | None = None
    outcomes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    measured: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    number: int | None = None
    phones_by: str | None = None


def cell_dict(cell: Cell) -> dict[str, Any]:
    """A cell as the journal holds it."""
    return {**cell.__dict__, "setting": dict(cell.setting.__dict__)}


def identify(cell: Mapping[str, Any]) -> bytes:
    """What tells one cell of a run folder from another, its axes and all that its setting says, in 16 bytes."""
    return _short(cell)


def make_entry(cell: Cell, group: Group, *, protocol_id: str) -> dict[str, Any]:
    """The journal line of a cell whose group has an outcome for every metric."""
    digests = group.digests
    rows = [
        Row(
            protocol=protocol_id,
            cell=name_cell(cell),
            method=cell.method,
            speaker=cell.speaker,
            reference=cell.reference,
            driver=cell.driver,
            setting=cell.setting.name,
            seed=cell.seed,
            metric=metric,
            frames=0 if digests is None else digests.frames,
            video_sha256=group.video_sha256,
            truth_sha256=None if digests is None else digests.truth,
            **outcome,
        ).as_dict()
        for metric, outcome in sorted(group.outcomes.items())
    ]
    return {
        "key": group.key,
        "cell": cell_dict(cell),
        "rows": rows,
        "video": group.video,
        "seconds": group.seconds,
        "measured": dict(group.measured),
        "inputs": None if digests is None else digests.as_dict(),
        "phones_by": group.phones_by,
    }


def stamp(entry: Mapping[str, Any]) -> bytes:
    """What an entry says but for its outcomes, which follow from its keys, in 16 bytes."""
    row = entry["rows"][0]
    shown = [row[name] for name in ("protocol", "frames", "video_sha256", "truth_sha256")]
    return _short([entry["key"], shown, entry["measured"]])


def stamp_group(group: Group, protocol_id: str) -> bytes:
    """The stamp that the entries of a group would have."""
    digests = group.digests
    shown = [
        protocol_id,
        0 if digests is None else digests.frames,
        group.video_sha256,
        None if digests is None else digests.truth,
    ]
    return _short([group.key, shown, group.measured])


def _short(content: Any) -> bytes:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def says_the_same(earlier: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether a journaled entry says already all that this one would say; the time it took is not compared."""
    rows = [row for row in earlier["rows"] if row["metric"] in entry["measured"]]
    measured = {name: key for name, key in earlier["measured"].items() if name in entry["measured"]}
    return earlier["key"] == entry["key"] and rows == entry["rows"] and measured == entry["measured"]


def broken_row(entry: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first row that failed, if one did."""
    return next((row for row in entry["rows"] if row["status"] == "failed"), None)
