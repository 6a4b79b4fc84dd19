"""Checks in a process of their own: a crash in native code or a driver that hangs is a finding, not the end.

A library built for another processor ends its process with a signal when it is loaded, and no `except` sees that.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection

from bench.inventory.finding import Check, Finding, broken, perform


class Apart:
    """The checks of one group under way in another process, started at once. `collect` waits for what they find."""

    def __init__(self, group: str, checks: Sequence[Check]) -> None:
        self._group, self._checks = group, list(checks)
        self._start()

    def collect(self) -> list[Finding]:
        """What the checks found, in their order; one that crashed or hung is "broken", and those after it go on."""
        found: list[Finding] = []
        while self._checks:
            check = self._checks.pop(0)
            answer = self._hear(check)
            if answer is None:
                found.append(broken(self._group, check.what, self._end(check)))
                self._start()
            else:
                found += answer
        self._process.join(5)
        return found

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._hears, tells = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(tells, self._group, self._checks), daemon=True)
        self._process.start()
        tells.close()

    def _hear(self, check: Check) -> list[Finding] | None:
        try:
            return self._hears.recv() if self._hears.poll(check.seconds) else None
        except EOFError:
            return None

    def _end(self, check: Check) -> str:
        """Ends the process; why the check gave no answer."""
        self._process.join(0.2)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
            return f"no answer within {check.seconds:g} s"
        return f"it ended its process: {signal.Signals(-code).name if code < 0 else f'exit code {code}'}"


def _work(tells: Connection, group: str, checks: Sequence[Check]) -> None:
    for check in checks:
        tells.send(perform(group, check))
