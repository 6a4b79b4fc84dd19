"""Verification: everything in a bundle that can be held against something else in it, or against this machine.

A bundle that passes agrees with itself: its numbers are those of its rows, its rows those of its protocol, its protocol
the one of that name. That the rows were measured and not made up shows only who runs the protocol again.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import ConfigError
from bench.report.bundle.cells import check_cells, check_media, check_pooled
from bench.report.bundle.checks import FAILED, OK, UNCHECKED, Check, Flaw, Unchecked, Verdict, check, count
from bench.report.bundle.contents import FORMAT, SCHEMA, Index, departures
from bench.report.bundle.definition import check_manifest, check_protocol, check_shipped, parse_json, read_definition
from bench.report.bundle.names import INDEX, kind_of
from bench.report.bundle.policy import check_policy
from bench.report.bundle.remaking import Remade, check_bytes, check_tables, remake
from bench.report.bundle.rows import describe_rows, read_strangers
from bench.report.bundle.source import Packed, Source, copy_out, open_source, read_small
from bench.report.media import FOLDER as MEDIA
from bench.report.writing import FIGURES
from bench.store.manifest import FILE as MANIFEST
from bench.store.rows import FILE as ROWS
from bench.store.speeds import FILE as SPEEDS
from bench.store.speeds import read
from protocols.errors import ProtocolError
from protocols.schema import Protocol
from protocols.validation import validate

NAMES = (
    *("archive", "packing", INDEX, "files", "manifest", "protocol", "shipped protocol", "rows", "cells"),
    *("pooled rows", "media", "speeds", "tables", "figures", "policy", "page"),
)
"""The checks in their order."""
_MOST_INDEX = 128 << 20
Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much of it is done, and how much there is."""
T = TypeVar("T")


def verify_bundle(path: Path, *, progress: Progress | None = None) -> Verdict:
    """What there is to say of a bundle that somebody made, an archive or the folder that it was unpacked to.

    Nothing in it is run or trusted, and nothing of it is written but to a folder that is removed. Raises MissingError
    where there is no such file, ConfigError where it is no bundle.
    """
    with open_source(path) as source:
        refused = source.refusal()
        if refused is not None:
            found = [Check(NAMES[0], FAILED, f"not safe to read: {refused}")]
            return _verdict(source, None, [*found, *_left(found, "the archive is not safe to read")])
        total = f"{count(len(source.sizes), 'file')}, {sum(source.sizes.values()):,} bytes"
        found = [Check(NAMES[0], OK, f"{total}; no name leads out of it"), check(NAMES[1], partial(_packing, source))]
        content = _read_index(source)
        try:
            index = _checked_index(content)
        except Flaw as flaw:
            found.append(Check(INDEX, FAILED, str(flaw)))
            return _verdict(source, None, [*found, *_left(found, f"{INDEX} does not say what should be here")])
        found.append(Check(INDEX, OK, f"schema {index.schema_version}, {count(len(index.files), 'file')} listed"))
        with tempfile.TemporaryDirectory(prefix="avct-verify-") as place:
            found += _Inspection(source, index, Path(place), progress or (lambda what, done, total: None)).checks()
        return _verdict(source, index, found)


def _verdict(source: Source, index: Index | None, checks: list[Check]) -> Verdict:
    run_id = None if index is None else index.run_id
    stated = None if index is None or index.protocol is None else index.protocol.id
    return Verdict(str(source.path), source.sha256(), run_id, stated, tuple(checks))


def _left(found: list[Check], why: str) -> list[Check]:
    return [Check(name, UNCHECKED, why) for name in NAMES[len(found) :]]


def _packing(source: Source) -> str:
    if not isinstance(source, Packed):
        raise Unchecked("a folder: there is no archive around it")
    surplus = source.surplus()
    if surplus is not None:
        raise Flaw(f"{surplus}; unpack it and verify the folder to judge the files alone")
    return "every byte of the archive belongs to a file or to its list"


def _read_index(source: Source) -> Mapping[str, Any]:
    """bundle.json as data. Raises ConfigError where it is not one that this version reads."""
    try:
        content = parse_json(read_small(source, INDEX, most=_MOST_INDEX), INDEX)
    except Flaw as flaw:
        raise ConfigError(f"{source.path}: not a bundle: {flaw}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ConfigError(f"{source.path}: not a bundle: {INDEX} does not say format {FORMAT!r}")
    if content.get("schema_version") != SCHEMA:
        said = json.dumps(content.get("schema_version"))[:40]
        raise ConfigError(f"{source.path}: a bundle of schema {said}, this version reads {SCHEMA}")
    return content


def _checked_index(content: Mapping[str, Any]) -> Index:
    try:
        index = validate(Index, content, INDEX)
    except ProtocolError as error:
        raise Flaw(str(error)) from None
    names = [member.name for member in index.files]
    if len(set(names)) != len(names) or INDEX in names:
        raise Flaw(f"{INDEX} lists a file twice, or itself")
    return index


class _Inspection:
    """One bundle under inspection: what has been read of it so far. Later checks rest on what earlier ones found."""

    def __init__(self, source: Source, index: Index, place: Path, progress: Progress) -> None:
        self._source, self._index, self._progress = source, index, progress
        self._given, self._made = place / "given", place / "made"
        self._given.mkdir()
        self._sha256: dict[str, str] = {}
        self._departed = departures(index.made_by)
        self._manifest: dict[str, Any] | None = None
        self._protocol: Protocol | None = None
        self._rows: list[dict[str, Any]] | None = None
        self._remade: Remade | None = None

    def checks(self) -> list[Check]:
        """The checks from "files" on, in their order."""
        looks: tuple[Callable[[], str], ...] = (
            self._files, self._read_manifest, self._read_protocol, self._shipped, self._read_rows, self._cells,
            self._pooled, self._media, self._speeds, self._tables, self._figures, self._policy, self._page,
        )  # fmt: skip
        return [check(name, look) for name, look in zip(NAMES[3:], looks, strict=True)]

    def _files(self) -> str:
        """Copies all that is listed and there, and says what is not as listed."""
        listed = {member.name: member for member in self._index.files}
        done, total = 0, sum(self._source.sizes.get(name, 0) for name in listed)

        def advance(size: int) -> None:
            nonlocal done
            done += size
            self._progress("files, MiB", done >> 20, (total >> 20) or 1)

        wrong = [f"{name} is listed and not there" for name in listed if name not in self._source.sizes]
        wrong += [f"{name} is there and not listed" for name in self._source.sizes if name not in (*listed, INDEX)]
        for name, member in listed.items():
            if name not in self._source.sizes:
                continue
            try:
                size, found = copy_out(self._source, name, self._given / name, most=member.bytes, advance=advance)
            except Flaw as flaw:
                wrong.append(str(flaw))
                continue
            self._sha256[name] = found
            if (size, found) != (member.bytes, member.sha256):
                wrong.append(f"{name} has {size:,} bytes and sha256 {found[:12]}, listed are {member.bytes:,} and "
                             f"{member.sha256[:12]}")  # fmt: skip
        if wrong:
            raise Flaw(f"{wrong[0]} ({len(wrong)} in all)" if len(wrong) > 1 else wrong[0])
        return f"{count(len(listed), 'file')}, each as listed, and no other"

    def _read_manifest(self) -> str:
        if MANIFEST not in self._sha256:
            if ROWS in self._sha256:
                raise Flaw("rows without a manifest: nobody can say what they are of")
            raise Unchecked("none in the bundle")
        self._manifest = read_definition(self._given / MANIFEST)
        return check_manifest(self._manifest, self._index)

    def _read_protocol(self) -> str:
        self._protocol = check_protocol(_need(self._manifest, "no manifest that can be read"))
        return f"{self._protocol.id}, whose content hashes to {self._protocol.hash()[:12]} as stated"

    def _shipped(self) -> str:
        return check_shipped(_need(self._manifest, "no manifest"), _need(self._protocol, "no protocol to compare"))

    def _read_rows(self) -> str:
        if ROWS not in self._sha256:
            if SPEEDS not in self._sha256:
                raise Flaw("neither rows nor speeds: nothing was measured")
            raise Unchecked("none in the bundle: it is of speed alone")
        self._rows = read_strangers(self._given / ROWS)
        return describe_rows(self._rows)

    def _cells(self) -> str:
        rows, protocol = self._needed_rows(), _need(self._protocol, "no protocol that rows could belong to")
        return check_cells(rows, protocol, _need(self._manifest, "no manifest"))

    def _pooled(self) -> str:
        return check_pooled(self._needed_rows(), _need(self._manifest, "no manifest"))

    def _media(self) -> str:
        found = [name for name in self._sha256 if kind_of(name) == MEDIA]
        if found and not self._index.options.media:
            raise Flaw(f"{INDEX} says that there are no videos, {found[0]} is there")
        return check_media(found, self._needed_rows())

    def _speeds(self) -> str:
        if SPEEDS not in self._sha256:
            raise Unchecked("none in the bundle")
        speeds, fidelities = read(self._given)
        odd = sorted({row.protocol for row in speeds} - {_need(self._protocol, "no protocol").id})
        if odd:
            raise Flaw(f"speeds are of protocol {odd[0]}")
        return f"{count(len(speeds), 'speed row')}, {count(len(fidelities), 'fidelity row')}"

    def _tables(self) -> str:
        if MANIFEST in self._sha256 or ROWS in self._sha256:
            _need(self._protocol, "no protocol to make tables by")
        if ROWS in self._sha256:
            self._needed_rows()
        self._progress("tables and figures", 0, 1)
        try:
            self._remade = remake(self._given, self._made, self._sha256, self._index.options)
        except Exception as error:  # rows of a stranger may break the report in ways that nobody foresaw
            raise Flaw(f"no report can be made of its rows ({type(error).__name__}: {error})") from None
        self._progress("tables and figures", 1, 1)
        return check_tables(self._remade, self._departed)

    def _figures(self) -> str:
        return check_bytes(_need(self._remade, "no report could be made"), self._departed, kind=FIGURES)

    def _policy(self) -> str:
        pages = sorted(name for name in self._sha256 if name.endswith((".html", ".htm", ".svg", ".xhtml")))
        if not pages:
            raise Unchecked("no page in the bundle")
        for name in pages:
            text = (self._given / name).read_text(encoding="utf-8")
            check_policy(name, text, fragment=kind_of(name) == "tables")
        return f"{', '.join(pages)}: nothing remote can load"

    def _page(self) -> str:
        return check_bytes(_need(self._remade, "no report could be made"), self._departed, kind="page")

    def _needed_rows(self) -> list[dict[str, Any]]:
        return _need(self._rows, "no rows that can be read" if ROWS in self._sha256 else "no rows in the bundle")


def _need(found: T | None, why: str) -> T:
    if found is None:
        raise Unchecked(why)
    return found
