"""Gathers the verbs, and turns what a user can cause into one line and an exit code.

Exit codes: 0 all well, 1 some cells failed, 2 bad configuration or unusable input, 3 missing data or weights,
130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence

import typer

from bench.cli import (
    compare,
    describe,
    explore,
    fit,
    footage,
    guide,
    measure,
    perf,
    perform,
    report,
    spread,
    track,
    weights,
)
from bench.errors import BenchError

app = typer.Typer(
    name="run_bench.py",
    help="Talking-face benchmark: generate with AVCT, score anybody's videos, regenerate tables from protocols.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

_VERBS: tuple[tuple[Callable[..., None], str, str], ...] = (
    (measure.demo, "demo", "Run"),
    (measure.run, "run", "Run"),
    (measure.score, "score", "Run"),
    (spread.spread, "spread", "Run"),
    (report.report, "report", "Run"),
    (compare.compare, "compare", "Run"),
    (track.track, "track", "Run"),
    (perf.perf, "perf", "Run"),
    (perform.generate, "generate", "Generate"),
    (footage.crop, "crop", "Generate"),
    (footage.prepare, "prepare", "Generate"),
    (fit.train, "train", "Generate"),
    (guide.guide, "guide", "Look up"),
    (explore.ls, "ls", "Look up"),
    (explore.explain, "explain", "Look up"),
    (explore.validate, "validate", "Look up"),
    (weights.weights, "weights", "Look up"),
    (describe.doctor, "doctor", "Look up"),
)
for _verb, _name, _panel in _VERBS:
    app.command(_name, rich_help_panel=_panel)(_verb)

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code."""
    try:
        code = app(args=list(arguments) if arguments is not None else None, standalone_mode=False)
        return int(code or 0)
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        return _fail("interrupted", INTERRUPTED)
    except KeyboardInterrupt:
        return _fail("interrupted; what is finished is kept, the same command goes on from there", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing more to say to it
        return 0
    except Exception as error:
        known = _explain(error)
        if known is None:
            raise
        return _fail(*known)


def _explain(error: Exception) -> tuple[str, int] | None:
    """Line and exit code of an error that a user can mend; None for a mistake of ours, which shows its trace."""
    if isinstance(error, BenchError):
        return str(error), error.exit_code
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # click's own: usage, bad parameter
        hint = getattr(error, "ctx", None)
        where = f" (try: {hint.command_path} --help)" if hint is not None else ""
        return f"{error.format_message()}{where}", 2
    return _explain_rooms(error) or _explain_system(error)


def _explain_rooms(error: Exception) -> tuple[str, int] | None:
    """Errors of the packages that know nothing of `bench`."""
    from avct.errors import AvctError
    from avct.errors import MissingWeights as AvctMissing
    from metrics.errors import MetricError
    from metrics.errors import MissingWeights as MetricMissing
    from protocols.errors import ProtocolError

    if isinstance(error, AvctMissing | MetricMissing):
        return str(error), 3
    if isinstance(error, AvctError | MetricError | ProtocolError):
        return str(error), 2
    return None


def _explain_system(error: Exception) -> tuple[str, int] | None:
    """A disk that is full, a folder that cannot be written."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"the disk is full ({error.filename or 'while writing'}); what is finished is kept", 2
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.filename}: no permission to write here", 2
    return None


def _fail(line: str, code: int) -> int:
    print(f"error: {' '.join(line.split())}" if code != INTERRUPTED else line, file=sys.stderr)
    return code
