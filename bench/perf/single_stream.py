"""Single stream: one clip after another, frame by frame, each finished before the next begins.

A latency is the time from asking for a frame to having it; the tap looks at it after the clock has stopped. The first
frame of a clip, which includes everything from the files on, is a figure of its own and no part of the others, and so
are its stages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import numpy as np

from bench.perf.clock import Clock, Reading
from bench.perf.measurement import (
    STAGE_SHARE,
    Conditions,
    Measurement,
    close,
    compilations,
    figure,
    invalid,
    remark,
    rounds,
    seen,
    staged,
    thin,
)
from bench.perf.subject import Lacking, Subject
from bench.perf.warmup import settle
from bench.stats import blocks

SCENARIO = "single-stream"
WARM_BLOCK = 25
"""Frames whose median is compared while warming up: a second of video."""


def time_single_stream(subject: Subject, conditions: Conditions) -> Measurement:
    """Latencies of a prepared subject's frames: p50, p90, p99 and first_frame in ms.

    Raises `Lacking` where the subject cannot stream, or no clip has a second frame."""
    plan, now = conditions.plan, conditions.now
    warming = _latencies(subject, conditions)
    warm = settle(warming, unit="frame", block=WARM_BLOCK, limit=plan.seconds, now=now, advance=conditions.advance)
    close(warming)
    if warm.count == 0:
        raise Lacking("no clip has a second frame, whose latency could be taken")
    firsts, later, total = list[float](), list[float](), 0.0
    before = compilations(subject)
    with conditions.looking():
        for request in rounds(subject.requests):
            subject.synchronise()
            begin = now()
            stream = subject.stream(request)
            for number, frame in enumerate(stream):
                took = now() - begin
                (later if number else firsts).append(took)
                total += took
                if conditions.tap is not None:
                    conditions.tap(request.number, number, frame)
                if plan.over(total, len(later)):
                    break
                begin = now()
            else:
                total += now() - begin  # what comes after a clip's last frame
            close(stream)
            conditions.advance("single stream", min(total, plan.seconds), plan.seconds)
            if plan.over(total, len(later)):
                break
        after = compilations(subject)
    estimates = {name: blocks.quantile(later, p) for name, p in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))}
    estimates["first_frame"] = blocks.quantile(firsts, 0.5)
    looked = seen(conditions)
    steady, opening = _stage_by_stage(subject, conditions)
    return Measurement(
        scenario=SCENARIO,
        headline="p90",
        figures={name: figure(one, "ms", scale=1000.0) for name, one in estimates.items()},
        curves={"latency_ms": thin([1000.0 * took for took in later])},
        clips=len(firsts),
        frames=len(firsts) + len(later),
        seconds=total,
        warmups=warm.describe(),
        remarks={
            **remark(estimates),
            "first_frame_stages": {stage.name: stage.host for stage in opening.stages},
            "first_frame_wall": opening.wall,
        },
        reason=invalid(before, after),
        **looked,
        **staged(steady),
    )


def _latencies(subject: Subject, conditions: Conditions) -> Iterator[float]:
    """Seconds of every frame but the first of each clip, for ever, or until all clips together have none."""
    while True:
        given = 0
        for request in subject.requests:
            stream = subject.stream(request)
            next(stream, None)
            begin = conditions.now()
            for _ in stream:
                yield conditions.now() - begin
                given += 1
                begin = conditions.now()
        if not given:
            return


class _Switch:
    """A watch that tells one clock of first frames and another of the rest."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def stage(self, name: str) -> AbstractContextManager[object]:
        return self.clock.stage(name)


def _stage_by_stage(subject: Subject, conditions: Conditions) -> tuple[Reading, Reading]:
    """What clocks saw of frames after the first, and of first frames."""
    steady, opening = conditions.clock(), conditions.clock()
    limit, begin = STAGE_SHARE * conditions.plan.seconds, conditions.now()
    clips = frames = 0
    for request in rounds(subject.requests):
        switch = _Switch(opening)
        stream = subject.stream(request, watch=switch)
        with opening.timing():
            clips += next(stream, None) is not None
        switch.clock = steady
        for _ in _each(stream, steady):
            frames += 1
            passed = conditions.now() - begin
            conditions.advance("stage by stage", min(passed, limit), limit)
            if passed >= limit:
                close(stream)
                return steady.read(frames), opening.read(clips)
    raise AssertionError("rounds do not end")


def _each(stream: Iterator[np.ndarray], clock: Clock) -> Iterator[np.ndarray]:
    """Frames, each asked for under the clock."""
    while True:
        with clock.timing():
            frame = next(stream, None)
        if frame is None:
            return
        yield frame
