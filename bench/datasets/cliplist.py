"""The clips of a list: a CSV that says which they are, and the files on this disk that hold them.

A clip that is not on the disk stays in the dataset: asking for it says so, and its row fails for that reason.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.datasets.layout import SUFFIXES, Film, Layout, beside, choose, fill, part_of, said_by
from bench.errors import ConfigError, MissingError

_NEEDED = ("clip", "identity")
_NUMBERS = ("start", "end", "seconds")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def list_films(layout: Layout, *, split: str = "") -> list[Film]:
    """The clips of the layout's list in its order, those of one split where it is given.

    A cut file is taken as it is; of an uncut one, `start` to `end` is the clip. Raises MissingError where the list or
    the folder is not there, or not one of the clips is; ConfigError for a list that is wrong and an unknown split.
    """
    path = Path(layout.list)
    films = plan_films(layout, split=split)
    known = {row["clip"]: row for row in read_list(path)}
    held = _index(layout.root)
    placed = [_place(film, known[film.name], layout, held) for film in films]
    if not any(film.file for film in placed):
        part = f" of split {split!r}" if split else ""
        raise MissingError(
            f"{layout.path}: none of the {len(placed)} clips{part} of {path.name} is there; expected files such as "
            f"{placed[0].looked}"
        )
    return placed


def plan_films(layout: Layout, *, split: str = "") -> list[Film]:
    """The clips of the layout's list as it has them, whatever is on the disk: none has a file."""
    return choose([_plan(row, layout) for row in read_list(Path(layout.list))], split)


def read_list(path: Path) -> list[dict[str, str]]:
    """The rows of a list as {column: text}, empty cells left out; a line that begins with "#" is a comment.

    Raises MissingError, or ConfigError: not a CSV in UTF-8, a column that is missing, a number or a hash that is none,
    a clip named twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MissingError(f"{path}: no such file; expected a list of clips") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected a CSV file in UTF-8 ({error})") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    table = csv.DictReader(io.StringIO("\n".join(lines)))
    columns = table.fieldnames or []
    for column in _NEEDED:
        if column not in columns:
            raise ConfigError(f"{path}: expected a column {column!r}, got {', '.join(columns) or 'none'}")
    rows, seen = [], set()
    for number, row in enumerate(table, start=1):
        if None in row or None in row.values():
            raise ConfigError(f"{path}: row {number}: expected {len(columns)} cells, got {_count(row)}")
        _check(row, f"{path}: row {number}")
        if row["clip"] in seen:
            raise ConfigError(f"{path}: row {number}: clip {row['clip']!r} is listed twice")
        seen.add(row["clip"])
        rows.append({column: cell for column, cell in row.items() if cell})
    if not rows:
        raise ConfigError(f"{path}: expected at least one clip, got none")
    return rows


def extra_files(layout: Layout) -> list[str]:
    """Videos in the folder that are no clip of the list, by their path below it, sorted."""
    rows = read_list(Path(layout.list))
    wanted = {name for row in rows for name in _names(row, layout)[0] + _names(row, layout)[1]}
    named = {name.rpartition("/")[2] for name in wanted}
    root = layout.root
    files = [file for files in _index(root).values() for file in files]
    return sorted(file.relative_to(root).as_posix() for file in files if file.stem not in named)


def _check(row: Mapping[str, str], where: str) -> None:
    for column in _NEEDED:
        if not row[column]:
            raise ConfigError(f"{where}: {column}: expected a name, got nothing")
    for column in _NUMBERS:
        if row.get(column):
            try:
                if not 0 <= float(row[column]) < float("inf"):
                    raise ValueError
            except ValueError:
                raise ConfigError(f"{where}: {column}: expected seconds, got {row[column]!r}") from None
    if row.get("end") and float(row["end"]) <= float(row.get("start") or 0):
        raise ConfigError(f"{where}: expected start < end, got {row.get('start') or 0} and {row['end']}")
    if row.get("sha256") and not _SHA256.fullmatch(row["sha256"]):
        raise ConfigError(f"{where}: sha256: expected 64 hexadecimal digits, got {row['sha256']!r}")


def _plan(row: Mapping[str, str], layout: Layout) -> Film:
    """The clip as the list has it, wherever its file is."""
    listed = (float(row.get("start", 0)), float(row["end"])) if "end" in row else None
    seconds = float(row["seconds"]) if "seconds" in row else (listed[1] - listed[0] if listed else None)
    return Film(
        name=row["clip"],
        identity=row["identity"],
        split=row.get("split") or part_of(row["identity"], layout.splits),
        listed=listed,
        seconds=seconds,
        said=said_by(layout, row),
        sha256=row.get("sha256"),
    )


def _place(film: Film, row: Mapping[str, str], layout: Layout, held: Mapping[str, Sequence[Path]]) -> Film:
    """The clip with its file. Raises ConfigError where two files may be it."""
    cut, uncut = _names(row, layout)
    for name, whole in [(name, False) for name in cut] + [(name, True) for name in uncut]:
        folder, _, stem = name.rpartition("/")
        files = [file for file in held.get(stem, ()) if not folder or file.parent == Path(layout.path, folder)]
        if len(files) > 1:
            raise ConfigError(f"{layout.path}: two files may be clip {film.name}: {files[0]} and {files[1]}")
        if files:
            within = files[0].parent.relative_to(layout.path).as_posix()
            near = beside(layout, {**row, "split": film.split, "stem": stem, "folder": within})
            start, end = film.listed if whole and film.listed else (0.0, None)
            return replace(film, file=files[0], start=start, end=end, sound=near["sound"], words=near["words"])
    return replace(film, looked=" or ".join([*cut, *uncut]))


def _names(row: Mapping[str, str], layout: Layout) -> tuple[list[str], list[str]]:
    """What the clip's file may be called, cut and uncut, without the ending."""
    cut = [fill(name, row) for name in layout.files or (["{file}"] if "file" in row else ["{clip}"])]
    cut = [name.removesuffix(Path(name).suffix) if name.lower().endswith(SUFFIXES) else name for name in cut]
    return cut, [fill(name, row) for name in layout.uncut]


def _index(root: Path) -> dict[str, list[Path]]:
    """{name without ending: the videos of that name in all folders}."""
    found: dict[str, list[Path]] = {}
    for folder, inside, files in os.walk(root):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                found.setdefault(Path(name).stem, []).append(Path(folder, name))
    return found


def _count(row: Mapping[str | None, object]) -> int:
    spare = row.get(None)
    return sum(1 for key, cell in row.items() if key is not None and cell is not None) + len(spare or ())  # type: ignore[arg-type]
