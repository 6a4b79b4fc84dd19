"""Multi-stream: how many live talkers of 25 frames a second can be painted with at most 1 % of frames late.

Their number is doubled until a trial fails, then halved in on. A trial lasts as long as the mode says; it ends early
when more frames are late than a trial of that length may have, because it cannot pass any more. Where `probe` seconds
are given, trials of that length find the number and a whole one confirms it, else the next lower number that a whole
trial passes counts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from bench.perf.measurement import Conditions, Measurement, figure, remark, seen, thin
from bench.perf.subject import Lacking, Request, Subject
from bench.perf.trial import ALLOWED, LEAD, WITHIN, Trial, run_trial
from bench.stats import blocks
from bench.store.speeds import Figure

SCENARIO = "multi-stream"
MOST = 1024
"""Talkers at which the search ends."""


def time_multi_stream(
    subject: Subject,
    conditions: Conditions,
    *,
    first: int = 1,
    most: int = MOST,
    probe: float | None = None,
    sound: Callable[[Request], np.ndarray] | None = None,
) -> Measurement:
    """The largest number of talkers of a prepared subject, and the delays of their frames: talkers, missed, p50, p90,
    p99 (ms from the last sound that a frame may need to the frame).

    first: talkers of the first trial. sound: float32 (n,) at 16 kHz of a request, read from its file by default. Raises
    `Lacking` where the subject has no crowd, or no clip has a frame.
    """
    if not subject.requests or min(request.frames for request in subject.requests) < 1:
        raise Lacking("a crowd needs clips, each of a frame or more")
    seconds = conditions.plan.seconds
    sound = sound or _reader()
    for request in subject.requests:  # before anybody waits for it
        sound(request)
    tried: dict[tuple[int, float], tuple[Trial, dict[str, Any]]] = {}

    def attempt(talkers: int, length: float) -> bool:
        if (talkers, length) not in tried:
            conditions.advance(f"{talkers} talkers", talkers, most)
            with conditions.looking():
                trial = run_trial(subject, conditions, talkers, length, sound)
            tried[talkers, length] = trial, seen(conditions)
        return tried[talkers, length][0].passed

    # so many frames that a mode asks for, however few talk
    whole = max(seconds, conditions.plan.frames / 25.0)
    found = largest(lambda talkers: attempt(talkers, min(probe or whole, whole)), first=first, most=most)
    while found and not attempt(found, whole):
        found -= 1
    trials = [tried[key][0] for key in sorted(tried)]
    counted, looked = tried[found, whole] if found else tried[min(tried)]
    return _measured(counted, looked, trials, found, most, whole)


def largest(passes: Callable[[int], bool], *, first: int = 1, most: int = MOST) -> int:
    """The largest number up to `most` that passes, 0 if none does, where every number below one that passes does too.

    Found by doubling from `first` and bisecting, so that 2 log2 of the answer are asked for about."""
    if not 1 <= first <= most:
        raise ValueError(f"expected 1 <= first <= most, got {first} and {most}")
    low, high, number = 0, most + 1, first
    while number < high and passes(number):
        low, number = number, min(2 * number, most)
        if low == most:
            return most
    high = number
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if passes(middle) else (low, middle)
    return low


def _measured(
    counted: Trial, looked: dict[str, Any], trials: list[Trial], found: int, most: int, seconds: float
) -> Measurement:
    # frames of a crowd that is too large pile up, so their delays say only how long the trial was
    shown = counted.delays if found else np.empty(0)
    wanted = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)) if found else ()
    estimates = {name: blocks.quantile(shown, p) for name, p in wanted}
    figures = {
        "talkers": Figure(float(found), "talkers", n=len(trials)),
        "missed": Figure(counted.share, "share", n=counted.due),
        **{name: figure(one, "ms") for name, one in estimates.items()},
    }
    deciding = [trial for trial in trials if trial.talkers in (found, found + 1) and trial.compiled]
    return Measurement(
        scenario=SCENARIO,
        headline="talkers",
        figures=figures,
        curves={
            "talkers": [float(trial.talkers) for trial in trials],
            "missed": [trial.share for trial in trials],
            "delay_ms": thin(shown),
        },
        clips=0,
        frames=counted.due,
        seconds=counted.seconds,
        warmups={
            "count": len(trials), "unit": "trial", "seconds": LEAD, "stable": None,
            "reason": f"each trial counts after {LEAD:g} s of the same load",
        },
        remarks={
            **remark(estimates),
            "starts": f"Poisson, all within {WITHIN:g} s",
            "allowed": ALLOWED,
            "trials": [
                {"talkers": t.talkers, "seconds": round(t.seconds, 3), "due": t.due, "missed": t.missed,
                 "ended_early": t.hopeless, "passed": t.passed, "compiled": t.compiled}
                for t in trials
            ],
            "trial_seconds": seconds,
            "bounded_by_search": found == most,
        },
        reason="; ".join(f"{trial.talkers} talkers: {trial.compiled}" for trial in deciding),
        **looked,
    )  # fmt: skip


def _reader() -> Callable[[Request], np.ndarray]:
    """Reads the speech of requests, each file once."""
    from bench.io.audio import read_audio

    read = cache(read_audio)
    return lambda request: read(request.speech)
