"""A run folder as a feed: entries that are functions of its rows, manifest and drawn figures alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.report.folder import Run, cell_of, read_run
from bench.report.speed.order import link_gates, sort_speeds
from bench.report.tables.cards import find_cards
from bench.report.tables.markdown import escape, render_markdown
from bench.report.tables.remarks import find_reasons
from bench.report.tables.table import Estimate, Failure, Line, Table, build_table
from bench.stats.summary import Clip, clip_values
from bench.store.journal import FILE as JOURNAL
from bench.store.manifest import FILE as MANIFEST
from bench.store.manifest import read_manifest
from bench.store.rows import FILE as ROWS
from bench.store.speeds import FILE as SPEEDS
from bench.store.speeds import read
from bench.trackers.base import Entry, Feed, Grid
from bench.trackers.facts import method_facts, run_facts
from bench.trackers.pace import speed_entries

_TAIL = 8
"""Of a run id: with the folder's name it tells runs apart that lie in folders of one name."""
_KEYS = ("speaker", "reference", "driver", "seed")


def read_feed(folder: Path, *, name: str | None = None) -> Feed:
    """The feed of a run folder that `run`, `score` or `perf` wrote. name: see `bench.trackers.send_run`.

    Raises as `bench.report.folder.read_run` and `bench.store.speeds.read`.
    """
    speeds, fidelities = read(folder) if (folder / SPEEDS).is_file() else ([], [])
    run = None
    if not speeds or (folder / JOURNAL).is_file() or (folder / ROWS).is_file():
        run = read_run(folder)
        manifest: Mapping[str, Any] = run.manifest
    else:
        manifest = read_manifest(folder / MANIFEST) if (folder / MANIFEST).is_file() else {}
    rows = sort_speeds(speeds, manifest)
    paced = speed_entries(rows, link_gates(rows, fidelities), manifest)
    table = build_table(run, find_cards(run.protocol["metrics"])) if run else None
    measured = _lines(run, table) if run and table else []
    whole = Entry(
        (),
        facts=run_facts(manifest),
        scalars=_counts(run.rows, len(run.clips) * len(table.lines)) if run and table else {},
        texts=_words(table) if table else {},
        figures=_figures(folder),
    )
    protocol = (manifest.get("protocol") or {}).get("id") or (rows[0].protocol if rows else "")
    tail = str(manifest.get("run_id") or "")[-_TAIL:]
    called = name or "-".join(part for part in (folder.resolve().name, tail) if part)
    return Feed(called, protocol, _moment(manifest, [row.started for row in rows]), (whole, *measured, *paced))


def _lines(run: Run, table: Table) -> list[Entry]:
    """An entry for each method and setting, in the protocol's order."""
    values, why = clip_values(run.rows), find_reasons(run)
    places = {clip: place for place, clip in enumerate(run.clips)}
    settings = {one["name"]: one for one in run.protocol["settings"]}
    entries = []
    for line in table.lines:
        found = {metric: values.get((line.method, line.setting, metric), {}) for metric in run.protocol["metrics"]}
        mine = [row for row in run.rows if (row["method"], row["setting"]) == (line.method, line.setting)]
        reasons = {metric: why.get((line.method, line.setting, metric), {}) for metric in found}
        failures = [one for one in table.failures if (one.method, one.setting) == (line.method, line.setting)]
        texts = {"missing": _missing(table, line), "failures": _broken(failures)}
        entries.append(
            Entry(
                (line.method, line.setting),
                facts=method_facts(run.manifest, line.method, settings[line.setting]),
                scalars={**_estimates(table, line), **_counts(mine, len(run.clips))},
                series={m: sorted((places[c], v) for c, v in held.items()) for m, held in found.items() if held},
                grid=_grid(run.clips, found, reasons),
                texts={key: text for key, text in texts.items() if text},
            )
        )
    return entries


def _estimates(table: Table, line: Line) -> dict[str, float]:
    scalars: dict[str, float] = {}
    for column, estimate in zip(table.columns, line.estimates, strict=True):
        scalars |= {f"{column.card.id}/{part}": value for part, value in _parts(estimate).items() if value is not None}
    return scalars


def _parts(estimate: Estimate) -> dict[str, float | None]:
    return {"value": estimate.value, "ci_low": estimate.low, "ci_high": estimate.high, "n": estimate.n,
            "coverage": estimate.coverage}  # fmt: skip


def _counts(rows: Iterable[Mapping[str, Any]], asked: int) -> dict[str, float]:
    """Cells that the protocol asks for, that were run, and that failed."""
    rows = list(rows)
    failed = {cell_of(row) for row in rows if row["status"] == "failed"}
    return {"cells/run": len({cell_of(row) for row in rows}), "cells/failed": len(failed), "cells/asked": asked}


def _missing(table: Table, line: Line) -> str:
    """A line for each value that is not there, or does not rest on every clip."""
    said = [
        f"- {escape(column.card.id)}: {escape(table.notes[estimate.note])}"
        for column, estimate in zip(table.columns, line.estimates, strict=True)
        if estimate.note is not None
    ]
    return "\n".join(said)


def _broken(failures: Sequence[Failure], *, named: bool = False) -> str:
    """A line for each way in which cells broke. named: with method and setting."""
    return "\n".join(
        f"- {escape(f'{one.method}, {one.setting}') + ': ' if named else ''}stage {escape(one.stage)}: "
        f"{escape(one.reason)} ({len(one.clips)}: {', '.join(map(escape, one.clips))})"
        for one in failures
    )


def _words(table: Table) -> dict[str, str]:
    texts = {"table": render_markdown(table), "failures": _broken(table.failures, named=True)}
    return {key: text for key, text in texts.items() if text}


def _grid(
    clips: Sequence[Clip], found: Mapping[str, Mapping[Clip, float]], reasons: Mapping[str, Mapping[Clip, str]]
) -> Grid:
    """A row for each clip of the protocol: a value for each metric, and in words why there is none."""
    rows = []
    for clip in clips:
        said: dict[str, list[str]] = {}
        for metric, why in reasons.items():
            if clip in why:
                said.setdefault(why[clip], []).append(metric)
        words = "; ".join(f"{', '.join(metrics)}: {text}" for text, metrics in said.items())
        rows.append((*clip, *(held.get(clip) for held in found.values()), words or None))
    return Grid((*_KEYS, *found, "missing"), tuple(rows))


def _figures(folder: Path) -> dict[str, bytes]:
    """The report's figures at full width, where it drew some."""
    paths = sorted((folder / "figures").glob("*.png"))
    return {path.stem: path.read_bytes() for path in paths if not path.stem.endswith("-column")}


def _moment(manifest: Mapping[str, Any], starts: Sequence[str]) -> float:
    """Seconds since 1970 at which a run ended or, where it did not, was last known to run; 0 where nothing says."""
    resumed = list(manifest.get("resumed") or ())
    said = manifest.get("ended") or (resumed or [manifest.get("started")])[-1] or max(starts, default="")
    return datetime.fromisoformat(said).timestamp() if said else 0.0
