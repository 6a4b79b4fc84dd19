"""A run folder as the report reads it: the manifest, the rows of the protocol's cells, and where their videos lie."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.errors import ConfigError, MissingError, StorageError
from bench.records import EVERY
from bench.stats.pooled import identify
from bench.stats.summary import Clip, clips
from bench.store.journal import FILE as JOURNAL
from bench.store.journal import read_journal
from bench.store.manifest import FILE as MANIFEST
from bench.store.manifest import read_manifest
from bench.store.rows import FILE as ROWS
from bench.store.rows import read_rows, sort_rows

TRUTH = "ground-truth"
"""The method that is the truth itself: drawn in a neutral colour, first in every picture, never ranked."""
CellKey = tuple[str, str, Clip]
"""(method, setting, clip): what a video and a set of rows belong to."""


@dataclass(frozen=True)
class Run:
    """A run, finished or not. rows: sorted, of the protocol's cells alone. videos: paths as the journal has them.

    pooled: rows of values that all clips have together, where they rest on just these clips. left_out: methods of the
    protocol that are not shown.
    """

    folder: Path
    manifest: Mapping[str, Any]
    rows: tuple[dict[str, Any], ...]
    videos: Mapping[CellKey, Path]
    pooled: tuple[dict[str, Any], ...] = ()
    left_out: tuple[str, ...] = ()

    @cached_property
    def protocol(self) -> Mapping[str, Any]:
        """The resolved protocol, its methods without those that are left out."""
        whole = self.manifest["protocol"]
        return {**whole, "methods": [name for name in whole["methods"] if name not in self.left_out]}

    @property
    def methods(self) -> list[str]:
        """Method names in the protocol's order."""
        return list(self.protocol["methods"])

    @property
    def settings(self) -> list[str]:
        """Setting names in the protocol's order."""
        return [setting["name"] for setting in self.protocol["settings"]]

    @property
    def clips(self) -> list[Clip]:
        """Clips in the protocol's order."""
        return clips(self.protocol)


def read_run(folder: Path) -> Run:
    """The run in a folder, from its journal, or from rows.parquet where there is no journal.

    Raises MissingError where rows or manifest are missing, ConfigError where `folder` is a file, StorageError where
    they are damaged.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: expected a run folder, as `run` or `score` writes it, got a file")
    if not folder.is_dir():
        raise MissingError(f"{folder}: no such folder; expected a run folder, as `run` or `score` writes it")
    if not (folder / MANIFEST).is_file():
        raise MissingError(f"{folder / MANIFEST}: no such file; expected a run folder, as `run` or `score` writes it")
    if not (folder / JOURNAL).is_file() and not (folder / ROWS).is_file():
        raise MissingError(f"{folder}: neither {JOURNAL} nor {ROWS}; `run` or `score` with --out {folder} writes them")
    manifest = read_manifest(folder / MANIFEST)
    _require_protocol(manifest, folder / MANIFEST)
    protocol = manifest["protocol"]
    if (folder / JOURNAL).is_file():
        entries = _latest(read_journal(folder / JOURNAL), protocol)
        found = [row for entry in entries.values() for row in entry["rows"]]
        named = {key: entry["video"] for key, entry in entries.items() if entry.get("video")}
        together = read_rows(folder / ROWS, reference=EVERY) if (folder / ROWS).is_file() else []
    else:
        found, named = read_rows(folder / ROWS), {}
        together = [row for row in found if row["reference"] == EVERY]
    wanted, asked = set(clips(protocol)), set(protocol["metrics"])
    lines = {(method, setting["name"]) for method in protocol["methods"] for setting in protocol["settings"]}
    rows = [
        row
        for row in found
        if (row["method"], row["setting"]) in lines and row["metric"] in asked and clip_of(row) in wanted
    ]
    # What a finished run left of all clips together.
    pooled = [row for row in together if (row["method"], row["setting"]) in lines and row["metric"] in asked]
    # An absolute path, as of videos that were made elsewhere, stands for itself.
    videos = {key: folder / path for key, path in named.items()}
    return Run(folder, manifest, tuple(sort_rows(rows)), videos, tuple(_current(pooled, rows)))


def only_clean(run: Run) -> Run:
    """The run without the methods that were trained on what they are tested on.

    Raises ConfigError where that leaves none.
    """
    unclean = {method["name"] for method in run.manifest.get("methods") or () if method.get("overlap")}
    left_out = tuple(name for name in run.methods if name in unclean)
    if len(left_out) == len(run.methods):
        raise ConfigError(f"{run.folder}: --only-clean leaves no method: all were trained on what they are tested on")
    return replace(
        run,
        rows=tuple(row for row in run.rows if row["method"] not in unclean),
        pooled=tuple(row for row in run.pooled if row["method"] not in unclean),
        left_out=left_out,
    )


def _current(pooled: Iterable[dict[str, Any]], rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those that rest on the clips as they are now: a run that was taken up and broke off has others."""
    entered: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["status"] == "pooled":
            entered.setdefault((row["method"], row["setting"], row["metric"]), []).append(row)
    kept = []
    for row in pooled:
        stated = row["notes"].get("clips_sha256")
        mine = entered.get((row["method"], row["setting"], row["metric"]), [])
        if (stated is None and not mine) or stated == identify(mine):
            kept.append(row)
    return sort_rows(kept)


def clip_of(row: Mapping[str, Any]) -> Clip:
    """The clip that a row, or a cell of the journal, belongs to."""
    return row["speaker"], row["reference"], row["driver"], int(row["seed"])


def cell_of(row: Mapping[str, Any]) -> CellKey:
    """The cell that a row belongs to."""
    return row["method"], row["setting"], clip_of(row)


def name_clip(clip: Clip, *, seeds: bool) -> str:
    """A clip in words: "speaker / reference / driver", each word once, with the seed where there are several."""
    speaker, _, driver, _ = clip
    names = list(dict.fromkeys(clip[:3]))
    # A driver that names its speaker needs no second naming; `score` calls the speaker of others' videos unknown.
    if len(names) > 1 and (speaker == "unknown" or driver.startswith(speaker)):
        names = [name for name in names if name != speaker] or names
    return " / ".join([*names, f"seed {clip[3]}"] if seeds else names)


def _latest(entries: Iterable[Mapping[str, Any]], protocol: Mapping[str, Any]) -> dict[CellKey, Mapping[str, Any]]:
    """The last entry of each cell that the protocol asks for, under settings that say the same as the protocol's."""
    settings = {setting["name"]: dict(setting) for setting in protocol["settings"]}
    found = {}
    for entry in entries:
        cell = entry["cell"]
        if cell["method"] not in protocol["methods"] or settings.get(cell["setting"]["name"]) != cell["setting"]:
            continue
        if any(row["protocol"] != protocol["id"] for row in entry["rows"]):
            continue
        found[cell["method"], cell["setting"]["name"], clip_of(cell)] = entry
    return found


def _require_protocol(manifest: Mapping[str, Any], path: Path) -> None:
    """Raise StorageError where the manifest does not hold an expanded protocol."""
    protocol = manifest.get("protocol")
    wanted = ("id", "methods", "metrics", "settings", "axes", "statistics")
    lacking = [name for name in wanted if not isinstance(protocol, Mapping) or not protocol.get(name)]
    if lacking or not isinstance(protocol, Mapping):
        raise StorageError(f"{path}: expected a protocol with {', '.join(wanted)}; {', '.join(lacking)} is missing")
    if not isinstance(protocol["axes"].get("drivers"), Mapping):
        raise StorageError(f"{path}: expected axes.drivers as {{speaker: [driver, ...]}}, got {_shown(protocol)}")


def _shown(protocol: Mapping[str, Any]) -> str:
    return json.dumps(protocol["axes"].get("drivers"), ensure_ascii=False)[:80]
