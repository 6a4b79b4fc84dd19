"""A verdict on the screen."""

from __future__ import annotations

from rich.table import Table as Grid
from rich.text import Text

from bench.report.bundle.checks import FAILED, OK, UNCHECKED, Verdict

_STYLES = {OK: "green", FAILED: "bold red", UNCHECKED: "yellow"}


def verdict_table(verdict: Verdict) -> Grid:
    """The checks as a table: what was checked, how it ended, and why. All text is shown as it is, never as markup."""
    grid = Grid(title=Text(f"{verdict.protocol or 'unknown protocol'}, run {verdict.run_id or 'unknown'}"))
    for heading in ("check", "state", "what was found"):
        grid.add_column(heading, overflow="fold")
    for check in verdict.checks:
        grid.add_row(Text(check.name), Text(check.state, style=_STYLES[check.state]), Text(check.says))
    return grid


def sum_up(verdict: Verdict) -> str:
    """The verdict in one line."""
    tally = {state: sum(check.state == state for check in verdict.checks) for state in (OK, FAILED, UNCHECKED)}
    counts = ", ".join(f"{number} {state}" for state, number in tally.items() if number)
    if not verdict.good:
        return f"{counts}: this bundle is not what it says"
    return f"{counts}: this bundle agrees with itself; that its rows were measured shows only who runs it again"
