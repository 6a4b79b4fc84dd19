"""Several devices that share requests, a process each: how speed grows with devices.

On a processor each process has its share of the cores. A process prepares, paints and encodes by itself; what it shares
with the others is the line of requests.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.assembly import Outcome, make_all, plan_for
from bench.errors import BenchError
from bench.front import Request
from bench.perf.networks import Network
from bench.perf.subject import Lacking
from bench.records import Setting

_LOAD_S = 600.0
"""Seconds that loading and compiling may take."""


class Fleet:
    """As many processes as the setting has devices, ready when this returns. Raises Lacking where they cannot be."""

    def __init__(self, network: Network, setting: Setting) -> None:
        if setting.device != "cpu":
            import torch

            if torch.cuda.device_count() < setting.devices:
                raise Lacking(f"asks for {setting.devices} devices, here are {torch.cuda.device_count()}")
        context = multiprocessing.get_context("spawn")
        self._requests, self._told = context.Queue(), context.Queue()
        # a process begins a round when it is told to: one that is done with the last one takes nobody's end of the line
        self._rounds = [context.Queue() for _ in range(setting.devices)]
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        share = max(1, cores // setting.devices)
        self._processes = [
            context.Process(
                target=_work,
                args=(network, _own(setting, place), share, self._rounds[place], self._requests, self._told),
                name=f"device-{place}",
                daemon=True,
            )
            for place in range(setting.devices)
        ]
        for process in self._processes:
            process.start()
        self._end = weakref.finalize(self, _end, self._processes)
        for _ in self._processes:
            kind, *told = self._next(_LOAD_S)
            if kind == "failed":
                self._end()
                raise Lacking(f"a device of {setting.devices} cannot be used: {told[0]}")

    def make_all(
        self, requests: Sequence[Request], *, tap: Callable[[int, int, np.ndarray], None] | None = None
    ) -> Iterator[Outcome]:
        """As `bench.assembly.make_all`, by whichever process is free. tap: every frame comes here for it."""
        for place, request in enumerate(requests):
            self._requests.put((place, request))
        for begin in self._rounds:
            self._requests.put(None)
            begin.put(tap is not None)
        working = len(self._processes)
        finished = False
        try:
            while working:
                kind, *told = self._next(None)
                if kind == "frames" and tap is not None:
                    number, first, frames = told
                    for index, frame in enumerate(frames, first):
                        tap(number, index, frame)
                elif kind == "outcome":
                    yield told[0]
                elif kind == "ended":
                    working -= 1
                elif kind == "failed":
                    raise BenchError(f"a device's process broke off: {told[0]}")
            finished = True
        finally:
            if not finished:
                self._end()

    def close(self) -> None:
        """Ends the processes."""
        self._end()

    def _next(self, limit: float | None) -> tuple[Any, ...]:
        """What a process tells; "failed" where one is gone."""
        from queue import Empty

        waited = 0.0
        while True:
            try:
                return self._told.get(timeout=1.0)
            except Empty:
                waited += 1.0
                gone = [process for process in self._processes if not process.is_alive()]
                if gone:
                    return "failed", f"exit code {gone[0].exitcode}"
                if limit is not None and waited > limit:
                    return "failed", f"not ready after {limit:.0f} s"


def _own(setting: Setting, place: int) -> Setting:
    """The setting of one of the devices."""
    return replace(setting, devices=1, device="cpu" if setting.device == "cpu" else f"cuda:{place}")


def _end(processes: Sequence[Any]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(5)


def _work(network: Network, setting: Setting, cores: int, rounds: Any, requests: Any, told: Any) -> None:
    """What a process does until it is ended: round after round, requests until the line's end."""
    import torch

    # whoever began the processes ends them; what they were writing is then removed
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    torch.set_num_threads(cores)
    try:
        engine = network.prepare(setting)
    except Exception as error:  # whatever it is, the caller says it
        told.put(("failed", str(error).split("\n")[0]))
        return
    told.put(("ready",))
    while True:
        tapping = rounds.get()
        try:
            _run(engine, setting, cores, requests, told, tapping=tapping)
        except Exception as error:
            told.put(("failed", str(error).split("\n")[0]))
            return
        told.put(("ended",))


def _run(engine: Any, setting: Setting, cores: int, requests: Any, told: Any, *, tapping: bool) -> None:
    numbers: list[int] = []

    def line() -> Iterator[Request]:
        while (given := requests.get()) is not None:
            numbers.append(given[0])
            yield given[1]

    def tap(place: int, index: int, frame: np.ndarray) -> None:
        told.put(("frames", numbers[place], index, frame[None].copy()))

    plan = plan_for(setting.device, cores=cores)
    for outcome in make_all(engine, line(), batch=setting.batch, plan=plan, tap=tap if tapping else None):
        told.put(("outcome", replace(outcome, number=numbers[outcome.number])))
