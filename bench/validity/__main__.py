"""`python -m bench.validity`: whether metrics measure what they say, on clips whose truth is known.

    python -m bench.validity --clips 8 --levels 5 --workers 2
    python -m bench.validity --clips 2 --levels 3 --metrics psnr,lip_opening_r --ladders blur,mouth-smaller --no-offsets

What was measured is kept in a work folder, so that a call that was interrupted goes on where it stopped, as long as
no metric changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError, ConfigError
from bench.places import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrics.registry import Variant


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 with the report written, 1 where a promise fails, else the error's own."""
    from bench.validity.ladders import LADDERS

    parser = argparse.ArgumentParser(prog="python -m bench.validity", description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=8, help="clips on every ladder (8)")
    parser.add_argument("--more", type=int, default=24, help="clips for offsets and sensitivity (24)")
    parser.add_argument("--levels", type=int, default=5, help="levels of a ladder, the truth included (3 to 6; 5)")
    parser.add_argument("--metrics", default="", help="ids or families, separated by commas (all)")
    parser.add_argument("--ladders", default=",".join(LADDERS), help="names, separated by commas (all)")
    parser.add_argument("--no-offsets", action="store_true", help="leave out the offset's law")
    parser.add_argument("--no-sensitivity", action="store_true", help="leave out the sensitivity")
    parser.add_argument("--workers", type=int, default=2, help="processes; 0: this one (2)")
    parser.add_argument("--out", type=Path, default=Path("results/metric-validity"))
    parser.add_argument("--work", type=Path, default=None, help="folder of what was measured (the user's cache)")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        failing = _run(parser.parse_args(given), " ".join(["python -m bench.validity", *given]))
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    for line in failing:
        print(f"promised and FAILS: {line}")
    return 1 if failing else 0


def _run(asked: argparse.Namespace, command: str) -> list[str]:
    from bench.validity.findings import find
    from bench.validity.ladders import LADDERS
    from bench.validity.measurement import measure_all
    from bench.validity.plan import Plan
    from bench.validity.writing import write

    ladders = tuple(name for name in asked.ladders.split(",") if name)
    unknown = [name for name in ladders if name not in LADDERS]
    if unknown:
        raise ConfigError(f"validity: no ladder {unknown[0]!r}; expected some of {', '.join(LADDERS)}")
    variants, lacking = choose(asked.metrics)
    plan = Plan(
        asked.clips, asked.more, asked.levels, ladders, tuple(variants), not asked.no_offsets, not asked.no_sensitivity
    )
    work = asked.work or cache_folder() / "validity"
    with _progress() as done:
        measured = measure_all(plan.tasks(), work, workers=asked.workers, done=done)
    found = find(plan, measured, work, lacking=lacking)
    for path in write(found, asked.out, command=command):
        print(path)
    return [f"{variant} on {ladder}" for (variant, ladder), v in found.verdicts.items() if v.word == "FAILS"]


def choose(names: str) -> tuple[list[Variant], dict[str, str]]:
    """Variants that can be measured here, and what the others lack. names: ids or families, or "" for all."""
    from bench.runner.weights import variant_weights
    from metrics.errors import MetricError
    from metrics.registry import find, variants

    try:
        asked = [v for name in names.split(",") for v in find(name)] if names else list(variants().values())
    except MetricError as error:
        raise ConfigError(str(error)) from None
    lacking = {}
    for variant in asked:
        missing = [name for name, digest in variant_weights(variant).items() if digest is None]
        if missing:
            lacking[variant.id] = f"weights {', '.join(missing)}"
    return [variant for variant in asked if variant.id not in lacking], lacking


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    columns = (BarColumn(bar_width=30), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("measuring", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


if __name__ == "__main__":
    raise SystemExit(main())
