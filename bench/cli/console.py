"""What the verbs share of the terminal: one console, one progress line, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from bench.runner.tally import Progress as CellProgress


def console() -> Console:
    """A console on standard output; piped, it is as wide as $COLUMNS says, else wide enough for whole tables."""
    from rich.console import Console

    piped = not sys.stdout.isatty()
    width = 160 if piped and not os.environ.get("COLUMNS", "").isdigit() else None
    return Console(highlight=False, soft_wrap=piped, width=width)


def processes(asked: int | None) -> int:
    """How many worker processes to start: those asked for, else one a core, at most 8."""
    from bench.store.device import usable_cores

    return min(8, usable_cores()) if asked is None else asked


def emit(data: Any) -> None:
    """Prints JSON for a program."""
    print(json.dumps(data, indent=1, ensure_ascii=False))


@contextmanager
def bar(title: str, *, quiet: bool = False) -> Iterator[Progress]:
    """One progress line on standard error, so that output can be piped."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    screen = Console(stderr=True, quiet=quiet)
    with Progress(*columns, console=screen, transient=False) as shown:
        yield shown


@contextmanager
def cells_bar(title: str, *, quiet: bool = False) -> Iterator[Callable[[CellProgress], None]]:
    """A progress line for a run: call what it yields with every finished cell."""
    with bar(title, quiet=quiet) as shown:
        task = shown.add_task(title, total=None, note="preparing")

        def advance(now: CellProgress) -> None:
            note = "".join(
                [f"{now.reused} reused " if now.reused else "", f"[red]{now.failed} failed" if now.failed else ""]
            )
            shown.update(task, total=now.total, completed=now.done + now.failed, note=note)

        yield advance


@contextmanager
def copies_bar(*, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A progress line for browser copies: call what it yields with how many are made, of how many.

    It appears with the first call: mostly all copies are there already.
    """
    with ExitStack() as stack:
        begun: list[Callable[[int, int], None]] = []

        def advance(done: int, total: int) -> None:
            if not begun:
                shown = stack.enter_context(bar("report", quiet=quiet))
                task = shown.add_task("videos for the page", total=total, note="")
                begun.append(lambda now, all: shown.update(task, total=all, completed=now))
            begun[0](done, total)

        yield advance
