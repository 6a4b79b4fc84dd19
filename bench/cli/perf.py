"""The verb that measures speed: perf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bench.cli.console import bar, console, emit
from bench.cli.track import Track, bring, ready
from bench.errors import ConfigError

if TYPE_CHECKING:
    from bench.perf.measure import Timed
    from protocols.schema import Protocol

DEFAULT = "throughput"
_ONE = "perf"
"""Folder of what was timed under a setting of the command line's."""
PAGE = "speeds.html"


def perf(
    protocol: Annotated[
        str | None,
        typer.Argument(help="A protocol whose settings are swept, `throughput` say. Without it: one setting, below."),
    ] = None,
    method: Annotated[str | None, typer.Option(help="Methods, separated by commas (default: the protocol's).")] = None,
    scenario: Annotated[
        str | None,
        typer.Option(
            help="single-stream, clip-latency, offline, multi-stream, cold-start; several separated by commas "
            "(default: the protocol's)."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="10 s each, marked `quick`, in no table.")] = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or cuda:N.")] = None,
    precision: Annotated[str | None, typer.Option(help="float32, tf32, bfloat16, float16.")] = None,
    batch: Annotated[int | None, typer.Option(help="Frames painted at once.")] = None,
    compiled: Annotated[str | None, typer.Option("--compile", help="A mode of torch.compile, or none.")] = None,
    graphs: Annotated[bool, typer.Option("--graphs", help="CUDA graphs.")] = False,
    channels_last: Annotated[
        bool | None, typer.Option("--channels-last/--channels-first", help="How pictures lie in memory.")
    ] = None,
    devices: Annotated[
        int | None, typer.Option(help="How many of the device (cpu: processes) share the clips.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Side of the frames in pixels.")] = None,
    settings: Annotated[
        str | None, typer.Option("--setting", help="Only these settings of the protocol, by name or beginning.")
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="Override a key of the protocol: `a.b=value`.")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Of torch; by default one a core.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The folder of rows, tables and plots.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Time anew what has a row already.")] = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Time the metrics instead: the whole pass, beside its peers.")
    ] = False,
    track: Track = None,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON on standard output.")] = False,
) -> None:
    """Measure speed: seconds to the first frame, milliseconds a frame, frames a second, live talkers, cold start.

    `perf --method avct --scenario offline` times one setting, `perf throughput` sweeps a protocol's. A speed counts
    only with frames of the timed run held against the float32 plain loop. A run that is interrupted goes on where it
    was.
    """
    one = {
        "device": device, "precision": precision, "batch": batch, "compile": compiled, "graphs": graphs or None,
        "channels_last": channels_last, "devices": devices, "size": size,
    }  # fmt: skip
    asked = {key: value for key, value in one.items() if value is not None}
    if metrics:
        given = {"PROTOCOL": protocol, "--method": method, "--scenario": scenario, "--setting": settings, "--out": out,
                 "--track": track}  # fmt: skip
        named = [name for name, value in given.items() if value is not None] + [f"--{key}" for key in asked]
        if named:
            raise ConfigError(f"perf --metrics: times the metrics alone; expected no {named[0]}")
        _metrics(quick=quick, threads=threads, as_json=as_json)
        return
    if protocol is not None and asked:
        raise ConfigError(
            f"perf {protocol}: settings are the protocol's; choose some with --setting, or leave the protocol out to "
            f"time --{next(iter(asked)).replace('_', '-')} {next(iter(asked.values()))}"
        )
    if protocol is None and settings:
        raise ConfigError("perf: --setting chooses among a protocol's settings; name the protocol, `throughput` say")
    trackers = ready(track)
    _time(_load(protocol, method, scenario, asked, list(sets or [])), settings, quick, threads, again,
          out or Path("results") / (protocol_folder(protocol)), trackers, as_json)  # fmt: skip


def protocol_folder(protocol: str | None) -> str:
    """The name of the folder below results/ that a protocol's speeds go into by default."""
    return _ONE if protocol is None else f"{Path(protocol).stem}-speed"


def _load(
    protocol: str | None, method: str | None, scenario: str | None, one: Mapping[str, object], sets: list[str]
) -> Protocol:
    """The protocol with what the command line says in its place. ConfigError in one line."""
    import json

    from bench.runner.expand import load

    overrides = list(sets)
    if method:
        overrides.append(f"methods={json.dumps(_split(method))}")
    elif protocol is None:
        overrides.append('methods=["avct"]')
    if scenario:
        overrides.append(f"timing.scenarios={json.dumps(_split(scenario))}")
    loaded = load(protocol or DEFAULT, overrides=overrides)
    if protocol is not None:
        return loaded
    from protocols.errors import ProtocolError
    from protocols.schema import Protocol, Timing, sweep_settings
    from protocols.validation import validate

    setting = {"device": "cpu", "precision": "float32", "batch": 8, **one}
    held = loaded.model_dump(mode="json", exclude={"settings", "timing"}, exclude_defaults=True)
    timing = (loaded.timing or Timing()).model_dump(mode="json", exclude={"detailed"})
    named = sweep_settings(setting, named_by=list(setting))
    try:
        return validate(Protocol, {**held, "settings": named, "timing": timing}, "perf")
    except ProtocolError as error:
        raise ConfigError(str(error)) from None


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _time(
    protocol: Protocol, settings: str | None, quick: bool, threads: int | None, again: bool, out: Path,
    trackers: Sequence[str], as_json: bool,
) -> NoReturn:  # fmt: skip
    from bench.perf.measure import Order, measure

    order = Order(
        protocol=protocol,
        settings=tuple(_split(settings)) if settings else (),
        mode="quick" if quick else "full",
        threads=threads,
        again=again,
    )
    with bar(protocol.id, quiet=as_json) as shown:
        task = shown.add_task(protocol.id, total=None, note="preparing")

        def advance(note: str, done: float, total: float | None) -> None:
            shown.update(task, completed=int(done), total=None if total is None else int(total), note=note)

        timed = measure(order, out, advance=advance)
    _finish(timed, trackers, as_json)


def _finish(timed: Timed, trackers: Sequence[str], as_json: bool) -> NoReturn:
    from bench.report.speed.longform import structure_speeds
    from bench.report.speed.terminal import speed_row, speed_table
    from bench.report.speed.writing import write_speeds
    from bench.store.manifest import FILE, read_manifest

    written = write_speeds(timed.folder).paths
    if as_json:
        emit({"folder": str(timed.folder), "timed": timed.timed, "reused": timed.reused, "failed": timed.failed,
              "exit_code": timed.exit_code, "files": [str(path) for path in written],
              "tracked": bring(timed.folder, trackers, quiet=True),
              **structure_speeds(timed.speeds, timed.fidelities, read_manifest(timed.folder / FILE))})  # fmt: skip
        raise typer.Exit(timed.exit_code)
    screen = console()
    if len(timed.speeds) == 1:
        screen.print(speed_row(timed.speeds[0], next(iter(timed.fidelities), None)))
    else:
        screen.print(speed_table(timed.speeds, timed.fidelities))
    screen.print(f"{timed.timed} timed, {timed.reused} reused, {timed.failed} failed; page {timed.folder / PAGE}")
    bring(timed.folder, trackers, quiet=False)
    raise typer.Exit(timed.exit_code)


def _metrics(*, quick: bool, threads: int | None, as_json: bool) -> None:
    from bench.perf.pass_result import show
    from bench.perf.passes import measure

    with bar("metrics", quiet=as_json) as shown:
        task = shown.add_task("metrics and their peers, in turns", total=None, note="takes minutes")
        result = measure(quick=quick, threads=threads or 1, progress=lambda line: shown.update(task, note=line))
    if as_json:
        emit(result.as_dict())
    else:
        console().print(show(result))
