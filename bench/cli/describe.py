"""The verb that says what works here: doctor."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.console import console, emit

if TYPE_CHECKING:
    from bench.inventory.finding import Finding

FOLDED = {
    "weights": "`run_bench.py weights ls` says what needs them; rows without them are `unavailable`",
    "datasets": "`run_bench.py explain NAME` says where to get one and which variable to set",
    "methods": "generators of others: `run_bench.py doctor --all` says which variable names each one's home",
    "extras": "optional; for example `pip install 'avct-bench[ray]'`",
}
"""Groups of many findings, of which one line tells by default; and what to do about those that are missing."""
_STYLE = {"ok": "green", "missing": "yellow", "broken": "red"}


def doctor(
    everything: Annotated[bool, typer.Option("--all", help="A line for every weight, dataset, method, extra.")] = False,
    out: Annotated[Path, typer.Option("--out", help="Folder that runs would be written to.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="Every finding, as a JSON list.")] = False,
) -> None:
    """Say what works on this machine and what to do about the rest; each library is really tried.

    Ends with 1 where something is broken: here or set up, but not working. What is only missing ends with 0.
    """
    from bench.inventory.examine import examine

    found = examine(out)
    if as_json:
        emit([finding.as_dict() for finding in found])
    else:
        _show(found, everything=everything)
    if any(finding.state == "broken" for finding in found):
        raise typer.Exit(1)


def _show(found: list[Finding], *, everything: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for ratio in (None, None, None, 1):
        table.add_column(overflow="fold", ratio=ratio, no_wrap=ratio is None)
    for group, held in groupby(found, key=lambda finding: finding.group):
        name = group
        for state, what, lines in _lines(group, list(held), everything=everything):
            told = Text(lines[0])
            for line in lines[1:]:
                told.append(f"\n→ {line}", style="dim")
            table.add_row(Text(name, style="dim"), Text(state, style=_STYLE[state]), Text(what, style="bold"), told)
            name = ""
    screen = console()
    screen.print(table)
    counts = {state: sum(finding.state == state for finding in found) for state in _STYLE}
    more = "" if everything else "; --all tells of each"
    screen.print(f"{counts['ok']} work, {counts['missing']} not here, {counts['broken']} broken{more}")


def _lines(group: str, held: list[Finding], *, everything: bool) -> list[tuple[str, str, list[str]]]:
    """State, name and lines of what is shown of a group."""
    if everything or group not in FOLDED:
        return [_line(finding) for finding in held]
    shown = []
    for state in ("ok", "missing"):
        names = [finding.what for finding in held if finding.state == state]
        if names:
            advice = [FOLDED[group]] if state == "missing" else []
            fetch = [f.what for f in held if f.state == state and f.command.startswith("run_bench.py weights fetch ")]
            if fetch:
                advice.insert(0, f"run_bench.py weights fetch {' '.join(fetch)}")
            shown.append((state, f"{len(names)} of {len(held)}", [", ".join(names), *advice]))
    return shown + [_line(finding) for finding in held if finding.state == "broken"]


def _line(finding: Finding) -> tuple[str, str, list[str]]:
    advice = ": ".join(part for part in (finding.advice, finding.command) if part)
    return finding.state, finding.what, [finding.found, *([advice] if advice else [])]
