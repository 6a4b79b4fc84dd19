"""The verb that trains: train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.console import bar, emit


def train(
    stages: Annotated[
        list[str] | None, typer.Argument(help="judge, detector, renderer, polish, speech (default: all).")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Where the weights go.")] = Path("results/training"),
    steps: Annotated[list[str] | None, typer.Option(help="Steps of a stage: `renderer=500`. Repeatable.")] = None,
    identities: Annotated[int, typer.Option(help="Training identities that pictures are drawn of.")] = 240,
    spoken: Annotated[int, typer.Option(help="Spoken clips to learn from, 0 for all.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of torch, 0 for all cores.")] = 0,
    seed: Annotated[int, typer.Option(help="Of weights and batches.")] = 0,
    state: Annotated[Path | None, typer.Option(help="Folder of unfinished stages (default: in the cache).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON on standard output.")] = False,
) -> None:
    """Train the shipped weights again on the embedded corpus, stage by stage; an interrupted training goes on."""
    from bench.errors import ConfigError
    from bench.training.stages import STAGES, Plan, require_ready
    from bench.training.stages import train as carry_out

    counts: dict[str, int] = {}
    for text in steps or []:
        name, _, number = text.partition("=")
        if not number.isdigit() or int(number) < 1:
            raise ConfigError(f"--steps: expected STAGE=NUMBER such as renderer=500, got {text!r}")
        counts[name] = int(number)
    plan = Plan(tuple(stages or STAGES), counts, identities, spoken, threads, seed, state)
    require_ready(plan, out)
    with bar("train", quiet=as_json) as shown:
        task = shown.add_task("preparing", total=None, note="")

        def note(stage: str, row: dict[str, float]) -> None:
            total = plan.length(stage)
            shown.update(task, description=stage, completed=row["step"], total=total, note=f"loss {row['total']:.4f}")

        def prepare(what: str, done: int, total: int) -> None:
            shown.update(task, description=what, completed=done, total=total, note="")

        files = carry_out(plan, out, log=note, progress=prepare)
    if as_json:
        emit({"files": [str(p) for p in files]})
    else:
        for path in files:
            typer.echo(str(path))
