"""The verb that trains: train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.console import bar, emit


def train(
    stages: Annotated[
        list[str] | None, typer.Argument(help="Stages of the recipe, or `judge` (default: all of the recipe).")
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="A recipe by name or .toml path; `train --list` shows those here.")
    ] = "puppet256",
    data: Annotated[
        Path | None, typer.Option(help="Clips made ready by `prepare` (default: the embedded corpus).")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Where the weights go.")] = Path("results/training"),
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Another value in the recipe: `stages.renderer.rate=1e-4`.")
    ] = None,
    steps: Annotated[list[str] | None, typer.Option(help="Steps of a stage: `renderer=500`. Repeatable.")] = None,
    device: Annotated[
        str, typer.Option(help="cpu, cuda or cuda:N; under torchrun, cuda is each process's own.")
    ] = "cpu",
    threads: Annotated[int, typer.Option(help="Threads of torch, 0 for all cores.")] = 0,
    seed: Annotated[int, typer.Option(help="Of weights and batches.")] = 0,
    state: Annotated[Path | None, typer.Option(help="Folder of unfinished stages (default: in the cache).")] = None,
    curves: Annotated[
        Path | None, typer.Option("--tensorboard", help="Folder for TensorBoard's curves (extra `tensorboard`).")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the recipes and their stages, train nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON on standard output.")] = False,
) -> None:
    """Train a recipe's networks, stage by stage; an interrupted training goes on where it stopped."""
    from bench.errors import ConfigError
    from bench.training.stages import Plan, curve_writer, require_ready
    from bench.training.stages import train as carry_out

    if listed:
        _list(as_json)
        return
    counts: dict[str, int] = {}
    for text in steps or []:
        name, _, number = text.partition("=")
        if not number.isdigit() or int(number) < 1:
            raise ConfigError(f"--steps: expected STAGE=NUMBER such as renderer=500, got {text!r}")
        counts[name] = int(number)
    plan = Plan(
        recipe, tuple(stages or ()), dict(map(_change, changes or ())), counts, data, device, threads, seed, state
    )
    require_ready(plan, out)
    keep = curve_writer(curves) if curves is not None else lambda *_: None
    with bar("train", quiet=as_json) as shown:
        task = shown.add_task("preparing", total=None, note="")

        def note(stage: str, row: dict[str, float]) -> None:
            keep(stage, row)
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


def _change(text: str) -> tuple[str, object]:
    """Key and value of `key=value`; the value is TOML, or a bare word."""
    import tomllib

    from bench.errors import ConfigError

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set: expected key=value such as stages.renderer.rate=1e-4, got {text!r}")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value


def _list(as_json: bool) -> None:
    """Prints the recipes that come with the package."""
    from bench.training.stages import recipes

    held = recipes()
    if as_json:
        emit(held)
        return
    for r in held:
        stages = ", ".join(f"{k} {v}" for k, v in r["stages"].items())
        typer.echo(f"{r['name']}: {r['title']}\n  steps: {stages}")
