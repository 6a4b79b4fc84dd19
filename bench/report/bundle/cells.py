"""Do rows belong to the protocol's cells: each metric of each cell once, nothing silent, nothing from elsewhere?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.records import EVERY
from bench.report.bundle.checks import Flaw, Unchecked, count
from bench.report.folder import cell_of, clip_of
from bench.report.media import FOLDER, name_copy
from bench.stats.pooled import identify
from bench.stats.summary import Clip, clips
from protocols.schema import Protocol

MOST_CLIPS = 1_000_000
MOST_PAIRS = 50_000_000
_INTERRUPTED = 130


def clips_of(protocol: Protocol) -> list[Clip]:
    """The protocol's clips. Flaw where there are more than could ever be run, or none."""
    axes, spoken = protocol.axes, protocol.axes.drivers
    assert isinstance(spoken, dict)
    drivers, references = sum(map(len, spoken.values())), len(axes.references)
    # what pairing looks at; a hostile list of names must not keep it busy for ever
    looked = references * (axes.drivers_per_reference or 1) if axes.pairs == "dealt" else drivers * references
    made = looked if axes.pairs in ("all", "dealt") else drivers
    if looked > MOST_PAIRS or max(made, drivers) * len(axes.seeds) > MOST_CLIPS:
        raise Flaw(f"the protocol asks for up to {made * len(axes.seeds):,} clips, expected at most {MOST_CLIPS:,}")
    try:
        found = clips(protocol.as_dict())
    except ValueError as error:
        raise Flaw(f"the protocol's clips cannot be paired: {error}") from None
    if not found:
        raise Flaw("the protocol asks for no clip")
    return found


def check_cells(rows: Sequence[Mapping[str, Any]], protocol: Protocol, manifest: Mapping[str, Any]) -> str:
    """A line on rows that are just those of the protocol's cells, or of those that the manifest says are finished.

    Flaw names a row that is foreign, there twice, or missing although the run ended with it.
    """
    wanted, asked = set(clips_of(protocol)), set(protocol.metrics)
    methods, settings = set(protocol.methods), {setting.name for setting in protocol.settings}
    total = len(wanted) * len(methods) * len(settings)
    seen: dict[Any, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        name = _name(row)
        if row["protocol"] != protocol.id:
            raise Flaw(f"{name} is of protocol {row['protocol']}, not of {protocol.id}")
        if row["method"] not in methods or row["setting"] not in settings or row["metric"] not in asked:
            raise Flaw(f"{name} is foreign: the protocol has no such method, setting or metric")
        if row["reference"] != EVERY and clip_of(row) not in wanted:
            raise Flaw(f"{name} is foreign: the protocol has no such clip")
        held = seen.setdefault(cell_of(row), {})
        if row["metric"] in held:
            raise Flaw(f"{name} is there twice")
        held[row["metric"]] = row
    cells = {key: held for key, held in seen.items() if key[2][1] != EVERY}
    for held in cells.values():
        _check_together(list(held.values()))
    return _complete(cells, asked, total=total, manifest=manifest)


def _check_together(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of one cell are of one video."""
    for name in ("cell", "video_sha256", "frames"):
        if len({row[name] for row in rows}) > 1:
            raise Flaw(f"the rows of {_cell(rows[0])} do not agree on {name}")


def _complete(
    cells: Mapping[Any, Mapping[str, Any]], asked: set[str], *, total: int, manifest: Mapping[str, Any]
) -> str:
    counts = manifest["cells"]
    if counts["total"] != total:
        raise Flaw(f"the protocol asks for {total:,} cells, the manifest says {counts['total']:,}")
    whole = sum(set(held) == asked for held in cells.values())
    if whole == total:
        return f"{count(total, 'cell')}, each with {count(len(asked), 'metric')}"
    said = total if manifest.get("ended") is None else total - counts["done"] - counts["failed"]
    if total - whole > said:
        short = next((held for held in cells.values() if set(held) != asked), None)
        where = f"; {_cell(next(iter(short.values())))} lacks {min(asked - set(short))}" if short else ""
        raise Flaw(f"{total - whole:,} of {total:,} cells lack rows, the manifest knows of {max(said, 0):,}{where}")
    return f"{whole:,} of {total:,} cells: the run did not finish, as its manifest says"


def check_pooled(rows: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]) -> str:
    """A line on values of all clips together that rest on just the clips that are here; Flaw names one that does not.

    Unchecked where there are none.
    """
    entered: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    together: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    for row in rows:
        key = (row["method"], row["setting"], row["metric"])
        if row["reference"] == EVERY:
            together[key] = row
        elif row["status"] == "pooled":
            entered.setdefault(key, []).append(row)
    if not together and not entered:
        raise Unchecked("no metric of all clips together")
    for key, row in together.items():
        mine, notes = entered.get(key, []), row["notes"]
        if row["status"] == "pooled":
            raise Flaw(f"{_name(row)} is of all clips and says that it entered another value")
        if row["status"] == "ok" and notes.get("clips_sha256") != identify(mine):
            raise Flaw(f"{_name(row)} rests on other clips than those that are here")
        if row["status"] == "ok" and notes.get("clips") != len(mine):
            raise Flaw(f"{_name(row)} says {notes.get('clips')!r} clips, {len(mine)} entered it")
    lacking = sorted(set(entered) - set(together))
    ended = manifest.get("ended") is not None and manifest["exit"]["code"] != _INTERRUPTED
    if lacking and ended:
        raise Flaw(f"{'/'.join(lacking[0])}: clips entered a value of all clips that is not there")
    return f"{count(len(together), 'value')} of all clips together, on the clips that are here"


def check_media(found: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A line on browser copies that are just those of the rows' videos; Flaw names one that is of none."""
    stems = {name_copy(cell_of(row), row["video_sha256"]) for row in rows if row["video_sha256"] is not None}
    there, wanted = set(found), {f"{FOLDER}/{stem}.{kind}" for stem in stems for kind in ("mp4", "jpg")}
    foreign, lacking = sorted(there - wanted), len(wanted - there)
    if foreign:
        raise Flaw(f"{foreign[0]} is of no row's video ({count(len(foreign), 'such file')})")
    if not there:
        raise Unchecked("no videos in the bundle")
    told = f"; {count(lacking, 'file')} not in the bundle" if lacking else ""
    return f"{count(len(there), 'file')}, each of a row's video{told}; what they show is not judged"


def _name(row: Mapping[str, Any]) -> str:
    return f"row {row['metric']} of {_cell(row)}"


def _cell(row: Mapping[str, Any]) -> str:
    return "/".join(str(row[name]) for name in ("method", "setting", "speaker", "reference", "driver", "seed"))
