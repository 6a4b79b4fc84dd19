"""Verbs that make numbers: demo, run, score."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bench.cli.console import cells_bar, console, copies_bar, emit, processes
from bench.cli.track import Track, bring, ready
from bench.cli.weights import Folder, look_in
from bench.errors import ConfigError
from bench.runner.choice import fitting, named
from bench.runner.overwrite import DEFAULT, POLICIES

if TYPE_CHECKING:
    from bench.runner.execution import RunResult
    from bench.runner.how import How

Out = Annotated[Path | None, typer.Option("--out", help="The run folder (default: results/<name>).")]
Workers = Annotated[int | None, typer.Option(help="Processes; by default one a core, at most 8.")]
Overwrite = Annotated[
    str,
    typer.Option(help=f"What runs in a folder that has rows: {'; '.join(f'{k}: {v}' for k, v in POLICIES.items())}."),
]
Executor = Annotated[
    str, typer.Option(help="Where cells run: local (processes), inline (this process), ray or slurm (each an extra).")
]
ExecutorOptions = Annotated[
    list[str] | None,
    typer.Option("--executor-option", help="Of the executor: `partition=gpu`, `time=60` (slurm); `num_gpus=1` (ray)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="The outcome as JSON on standard output.")]
Sets = Annotated[list[str] | None, typer.Option("--set", help="Override a key: `a.b=value`. Repeatable.")]


def _split(names: str | None) -> list[str]:
    return [n.strip() for n in (names or "").split(",") if n.strip()]


def _how(workers: int | None, overwrite: str, executor: str, options: list[str] | None) -> How:
    from bench.executors import parse_options
    from bench.runner.how import How

    return How(processes(workers), overwrite=overwrite, executor=executor, options=parse_options(options or ()))


def _finish(result: RunResult, *, trackers: Sequence[str], as_json: bool, shown: str) -> NoReturn:
    """Writes the report, prints the table and where the page is, sends rows to trackers; exits with the run's code."""
    from bench.report import write
    from bench.report.tables.terminal import terminal_table

    with copies_bar(quiet=as_json) as advance:
        written = write(result.folder, progress=advance)
    counts = {"total": result.total, "done": result.done, "failed": result.failed, "reused": result.reused}
    page = result.folder / "index.html"
    if as_json:
        emit({"folder": str(result.folder), "page": str(page), "cells": counts, "exit_code": result.exit_code,
              "files": [str(p) for p in written.paths],
              "tracked": bring(result.folder, trackers, quiet=True)})  # fmt: skip
    else:
        screen = console()
        screen.print(terminal_table(result.folder))
        screen.print(f"{shown}: {result.total} cells, {result.reused} reused, {result.failed} failed")
        screen.print(f"table  {result.folder / 'table.md'}\npage   {page}")
        bring(result.folder, trackers, quiet=False)
    if result.exit_code not in (0, 1) or "; " in result.reason:  # what a policy left as it is follows a semicolon
        print(result.reason, file=sys.stderr)
    raise typer.Exit(result.exit_code)


def demo(out: Out = None, workers: Workers = None, weights: Folder = None, as_json: AsJson = False) -> None:
    """Run the demonstration on embedded data: portraits and speech in, a scored table and a page out.

    Needs no download. A second run reuses everything. Same as `run demo`.
    """
    run("demo", out=out, workers=workers, weights=weights, as_json=as_json)


def run(
    protocol: Annotated[str, typer.Argument(help="A protocol by name (`demo`) or path.")],
    method: Annotated[str | None, typer.Option(help="Only these methods, separated by commas.")] = None,
    sets: Sets = None,
    out: Out = None,
    workers: Workers = None,
    overwrite: Overwrite = DEFAULT,
    executor: Executor = "local",
    executor_options: ExecutorOptions = None,
    weights: Folder = None,
    track: Track = None,
    as_json: AsJson = False,
) -> None:
    """Run a protocol, or take an interrupted run up again, and write its tables, plots and page."""
    from bench.runner.expand import load
    from bench.runner.run import run as carry_out

    look_in(weights)
    trackers = ready(track)
    overrides = list(sets or [])
    if method:
        overrides.append(f"methods={_split(method)!r}".replace("'", '"'))
    loaded = load(protocol, overrides=overrides)
    with cells_bar(loaded.id, quiet=as_json) as advance:
        result = carry_out(
            loaded,
            out=out,
            how=_how(workers, overwrite, executor, executor_options),
            progress=advance,
        )
    _finish(result, trackers=trackers, as_json=as_json, shown=loaded.id)


def score(
    videos: Annotated[Path, typer.Option(help="Folder of videos, or of a folder of videos for each method.")],
    truth: Annotated[Path | None, typer.Option(help="Folder of true videos with the same names.")] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Metric ids or families, separated by commas (default: all that fit).")
    ] = None,
    method: Annotated[str | None, typer.Option(help="Name of the method that made the videos.")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Score them as this protocol's clips: its truth, metrics and statistics.")
    ] = None,
    sets: Sets = None,
    out: Out = None,
    workers: Workers = None,
    overwrite: Overwrite = DEFAULT,
    executor: Executor = "local",
    executor_options: ExecutorOptions = None,
    weights: Folder = None,
    track: Track = None,
    as_json: AsJson = False,
) -> None:
    """Score videos made by anybody: the same metrics, rows, tables and page as a run.

    With --protocol, a video's path below its method's folder (without ending) is REFERENCE/DRIVER or REFERENCE--DRIVER,
    or DRIVER or REFERENCE alone where one clip only has it; what belongs to no clip is listed.
    """
    from bench.runner.score import score as carry_out

    look_in(weights)
    trackers = ready(track)
    how = _how(workers, overwrite, executor, executor_options)
    if protocol is not None:
        if truth is not None or metrics is not None:
            raise ConfigError("score: --protocol brings truth and metrics; expected neither --truth nor --metrics")
        _score_given(
            videos,
            protocol,
            sets or (),
            method=method,
            out=out,
            how=how,
            trackers=trackers,
            as_json=as_json,
        )
    if sets:
        raise ConfigError("score: --set changes a protocol; expected --protocol with it")
    chosen = named(_split(metrics)) or fitting(videos, truth)
    with cells_bar("score", quiet=as_json) as advance:
        result = carry_out(
            videos,
            truth=truth,
            metrics=chosen,
            method=method,
            out=out,
            how=how,
            progress=advance,
        )
    _finish(result, trackers=trackers, as_json=as_json, shown="score")


def _score_given(
    videos: Path,
    protocol: str,
    sets: Sequence[str],
    *,
    method: str | None,
    out: Path | None,
    how: How,
    trackers: Sequence[str],
    as_json: bool,
) -> NoReturn:
    from bench.runner.expand import load
    from bench.runner.given import score_given

    loaded = load(protocol, overrides=sets)
    with cells_bar(f"score {loaded.id}", quiet=as_json) as advance:
        result, unmatched = score_given(
            videos,
            loaded,
            method=method,
            out=out,
            how=how,
            progress=advance,
        )
    for name, videos_left in unmatched.items():
        print(f"{name}: {len(videos_left)} videos belong to no clip of {loaded.id}: {', '.join(videos_left)}",
              file=sys.stderr)  # fmt: skip
    _finish(result, trackers=trackers, as_json=as_json, shown=f"score {loaded.id}")
