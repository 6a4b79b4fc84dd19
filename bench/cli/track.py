"""The verb `track`, and the option of other verbs that does the same at their end: rows go to a tracker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.console import console, emit

if TYPE_CHECKING:
    from bench.trackers.base import Sent

Track = Annotated[
    list[str] | None,
    typer.Option("--track", help="Send the rows to this tracker at the end, as `track` does: tensorboard, mlflow."),
]


def track(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    to: Annotated[str, typer.Option("--to", help="The tracker: tensorboard, mlflow (each an extra), or your own.")],
    options: Annotated[
        list[str] | None,
        typer.Option("--option", help="Of the tracker: `uri=http://…`, `experiment=lips` (mlflow). Repeatable."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Where it writes on this machine, one folder for many runs (default: RUN/tracking)."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What the run is called there (default: its folder and the end of its run id).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Where it lies as JSON on standard output.")] = False,
) -> None:
    """Send a run's estimates, values of clips, failures, figures and speeds to a tracker, beside those of other runs.

    Sending a run again changes nothing; one with other rows takes the place of what had its name. Nothing leaves this
    machine unless an option says where to.
    """
    from bench.trackers import parse_options, send_run

    sent = send_run(folder, to, options=parse_options(options or ()), out=out, name=name)
    if as_json:
        emit({"run": str(folder), **_plain(to, sent)})
    else:
        _tell(to, sent)


def ready(asked: Sequence[str] | None) -> list[str]:
    """The trackers that `--track` names, each once. ConfigError, before anything runs, where one could not be used."""
    from bench.trackers import check_all

    return check_all(asked or ())


def bring(folder: Path, trackers: Sequence[str], *, quiet: bool) -> list[dict[str, Any]]:
    """Where the rows of a run folder lie in each tracker, after they were sent there. quiet: nothing is printed."""
    from bench.trackers import send_run

    found = []
    for name in trackers:
        sent = send_run(folder, name)
        found.append(_plain(name, sent))
        if not quiet:
            _tell(name, sent)
    return found


def _plain(to: str, sent: Sent) -> dict[str, Any]:
    return {"tracker": to, "place": sent.place, "look": sent.look, "fresh": sent.fresh}


def _tell(to: str, sent: Sent) -> None:
    from rich.text import Text

    screen = console()
    said = "" if sent.fresh else "  (was there already, nothing changed)"
    screen.print(Text(f"{to}  {sent.place}{said}\nlook   {sent.look}"))
