"""The report of a bundle's rows, made here, beside the one that came with them: are they the same?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.io.digest import sha256_file
from bench.report import write
from bench.report.bundle.checks import Flaw, Unchecked, count
from bench.report.bundle.comparison import find_difference
from bench.report.bundle.contents import Options
from bench.report.bundle.names import GIVEN, kind_of
from bench.report.media import FOLDER as MEDIA
from bench.store.files import make_folder


@dataclass(frozen=True)
class Remade:
    """A report made of a bundle's rows. given: where the bundle's files lie. sha256: theirs, ours: by name."""

    given: Path
    made: Path
    theirs: Mapping[str, str]
    ours: Mapping[str, str]

    def names(self, *kinds: str) -> list[str]:
        """Names of those kinds on either side, sorted."""
        return sorted(name for name in {*self.theirs, *self.ours} if kind_of(name) in kinds)


def link(source: Path, target: Path) -> None:
    """The file under another name: a link where the disk allows it, else a copy."""
    make_folder(target.parent)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def remake(given: Path, made: Path, names: Mapping[str, str], options: Options) -> Remade:
    """The report of the rows, manifest, speeds and videos in a folder, in another. names: sha256 of each file."""
    for name in names:
        if name in GIVEN or (kind_of(name) == MEDIA and options.media):
            link(given / name, made / name)
    write(made, media=False, only_clean=options.only_clean)
    ours = {path.relative_to(made).as_posix(): sha256_file(path) for path in sorted(made.rglob("*")) if path.is_file()}
    return Remade(given, made, names, ours)


def check_tables(remade: Remade, departed: Iterable[str]) -> str:
    """A line on tables that are those of the rows; Flaw says which cell is not.

    departed: how the maker differs from what runs here; by bytes, only makers that are the same can be compared.
    """
    names, departed, rounded = remade.names("tables"), list(departed), []
    _require_same_names(remade, names, departed, "tables")
    # The long form first: it holds every number with all its digits and says best which one it is.
    for name in sorted(names, key=lambda name: (not name.endswith("table.csv"), not name.endswith(".csv"), name)):
        if remade.theirs[name] == remade.ours[name]:
            continue
        told, close = find_difference(name, (remade.given / name).read_bytes(), (remade.made / name).read_bytes())
        if not close and (name.endswith(".csv") or not departed):
            raise Flaw(told)
        rounded.append(told)
    if not rounded:
        return f"{count(len(names), 'file')}, byte for byte what the rows give"
    if all(name.endswith(".csv") for name in names if remade.theirs[name] != remade.ours[name]) or not departed:
        return f"every number is what the rows give; {rounded[0]}"
    return f"every number of the tables in long form is what the rows give; {rounded[-1]} (made with {departed[0]})"


def check_bytes(remade: Remade, departed: Iterable[str], *, kind: str) -> str:
    """A line on pictures or pages that are just those that the rows give; Flaw names one that is not.

    Unchecked where they differ and were made with other versions, which draw the same with other bytes.
    """
    names, departed = remade.names(kind), list(departed)
    if not names:
        raise Unchecked("none in the bundle, and the rows call for none")
    _require_same_names(remade, names, departed, kind)
    other = [name for name in names if remade.theirs[name] != remade.ours[name]]
    if other and departed:
        raise Unchecked(f"{kind} not compared: made with {', '.join(departed[:3])}")
    if other:
        raise Flaw(f"{other[0]} is not what the rows give ({len(other)} of {count(len(names), 'file')})")
    return f"{count(len(names), 'file')}, byte for byte what the rows give"


def _require_same_names(remade: Remade, names: Iterable[str], departed: list[str], kind: str) -> None:
    for name in names:
        if name not in remade.ours and departed:
            raise Unchecked(f"{kind} not compared: {name} is unknown here; made with {', '.join(departed[:3])}")
        if name not in remade.ours:
            raise Flaw(f"{name} is not made of these rows")
        if name not in remade.theirs and departed:
            raise Unchecked(f"{kind} not compared: {name} is made here only; made with {', '.join(departed[:3])}")
        if name not in remade.theirs:
            raise Flaw(f"{name} is made of these rows and is not in the bundle")
