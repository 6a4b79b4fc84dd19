"""Numbers that papers print, one row of a file each, with where we have them from and how far that can be trusted.

`published/<name>.csv`, ours or `DIR/protocols/published/<name>.csv` on AVCT_BENCH_PATH. They are never measured here:
whoever shows them keeps them apart from what was.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import model_validator

from protocols.catalogue import roots
from protocols.errors import ProtocolError
from protocols.model import Model, Name, matching
from protocols.validation import nearest, validate

Trust = Literal["read-in-paper", "quoted-second-hand", "recollection", "not-at-hand"]
MEANING: dict[str, str] = {
    "read-in-paper": "read in the paper itself",
    "quoted-second-hand": "quoted by others, not read in the paper",
    "recollection": "from memory, not verified",
    "not-at-hand": "not at hand",
}
Variants = tuple[Annotated[str, matching(r"[a-z0-9_]+/[A-Za-z0-9._-]+@[0-9]+", "family/variant@version")], ...]


class PublishedNumber(Model):
    """One number of a table in a paper, or the reason why it is missing.

    dataset, method, metric: in the paper's words; metric is a column's name. direction: "higher", "lower",
    "target:NUMBER" or "" where the paper says none. convention: what is known of how it was computed. comparable:
    variants of ours that come near, the nearest first. source: where we have it from.
    """

    paper: Name
    year: int | None
    table: Name
    dataset: Name
    method: Name
    metric: Name
    value: float | None
    direction: Annotated[str, matching(r"|higher|lower|target:-?[0-9.]+", '"higher", "lower", "target:NUMBER" or ""')]
    convention: Name
    comparable: Variants
    source: Name
    trust: Trust
    note: str

    @model_validator(mode="after")
    def _reasons(self) -> PublishedNumber:
        if self.value is None and not self.note.strip():
            raise ValueError("an empty value needs its reason in `note`")
        if self.value is not None and self.trust == "not-at-hand":
            raise ValueError(f"trust not-at-hand goes with an empty value, got {self.value}")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"expected a finite value, got {self.value}")
        return self


COLUMNS: tuple[str, ...] = tuple(PublishedNumber.model_fields)
"""The columns of a file, in this order."""


def listing() -> dict[str, Path]:
    """Name -> file of every table of published numbers, sorted by name. Two files of one name are an error."""
    found: dict[str, Path] = {}
    for root in roots():
        for path in sorted((root / "published").glob("*.csv")):
            if path.stem in found and not path.samefile(found[path.stem]):
                raise ProtocolError(f"published {path.stem!r} is defined twice: {found[path.stem]} and {path}")
            found[path.stem] = path
    return dict(sorted(found.items()))


def load_published(name: str) -> tuple[PublishedNumber, ...]:
    """The numbers of that table in the file's order. Raises ProtocolError for an unknown name or a wrong file."""
    known = listing()
    if name not in known:
        raise ProtocolError(f"unknown published numbers {name!r}.{nearest(name, list(known))}")
    return read_published(known[name])


def read_published(path: Path) -> tuple[PublishedNumber, ...]:
    """The numbers of a file; ProtocolError names file, line, column, what was expected and what came."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ProtocolError(f"{path}: cannot be read as CSV: {' '.join(str(error).split())}") from None
    _require_columns(lines[0] if lines else [], path)
    numbers: list[PublishedNumber] = []
    seen: dict[tuple[str, ...], int] = {}
    for place, cells in enumerate(lines[1:], start=2):
        if len(cells) != len(COLUMNS):
            raise ProtocolError(f"{path}, line {place}: expected {len(COLUMNS)} columns, got {len(cells)}")
        where = f"{path}, line {place}"
        number = validate(PublishedNumber, _typed(dict(zip(COLUMNS, cells, strict=True)), where), where)
        key = (number.table, number.dataset, number.method, number.metric)
        if key in seen:
            raise ProtocolError(f"{where}: {number.method}, {number.metric} is given already in line {seen[key]}")
        seen[key] = place
        numbers.append(number)
    if not numbers:
        raise ProtocolError(f"{path}: expected at least one number, got none")
    return tuple(numbers)


def _require_columns(heads: Sequence[str], path: Path) -> None:
    unknown = [head for head in heads if head not in COLUMNS]
    lacking = [name for name in COLUMNS if name not in heads]
    if unknown:
        raise ProtocolError(f"{path}: unknown column {unknown[0]!r}.{nearest(unknown[0], list(COLUMNS))}")
    if lacking or tuple(heads) != COLUMNS:
        what = f"{', '.join(lacking)} is missing" if lacking else f"got {', '.join(heads)}"
        raise ProtocolError(f"{path}: expected the columns {', '.join(COLUMNS)}; {what}")


def _typed(cells: Mapping[str, str], where: str) -> dict[str, Any]:
    """The cells of a line as the model takes them: text, numbers, and ids parted by semicolons."""
    if cells["trust"] not in get_args(Trust):
        raise ProtocolError(f"{where}: trust: expected {', '.join(get_args(Trust))}, got {cells['trust']!r}")
    ids = tuple(part.strip() for part in cells["comparable"].split(";") if part.strip())
    return {
        **cells,
        "comparable": ids,
        "year": _number(cells["year"], int, "year", where),
        "value": _number(cells["value"], float, "value", where),
    }


def _number(text: str, kind: type, column: str, where: str) -> Any:
    try:
        return kind(text) if text else None
    except ValueError:
        raise ProtocolError(f"{where}: {column}: expected a number or nothing, got {text!r}") from None
