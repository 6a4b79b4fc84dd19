"""Clip latency: from the request to its last frame on disk, one clip after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.perf.clock import Clock
from bench.perf.measurement import (
    FPS,
    Conditions,
    Measurement,
    compilations,
    figure,
    invalid,
    remark,
    rounds,
    seen,
    stage_pass,
    staged,
    thin,
)
from bench.perf.subject import Lacking, Subject
from bench.perf.warmup import settle
from bench.stats import blocks

SCENARIO = "clip-latency"
WARM_CLIPS = 4
"""Clips that are made again and again while warming up: only times of the same clips can be alike."""


def time_clip_latency(subject: Subject, conditions: Conditions, folder: Path) -> Measurement:
    """Real-time factors of a prepared subject's clips, seconds of work for a second of video: rtf_p50 and rtf_p90.

    folder: where files are made; each is taken away when it is there. Raises `Lacking` where a clip has no frame."""
    plan, now = conditions.plan, conditions.now
    warm = settle(
        _factors(subject, conditions, folder),
        unit="clip",
        block=min(WARM_CLIPS, len(subject.requests)),
        limit=plan.seconds,
        now=now,
        advance=conditions.advance,
    )
    factors, latencies, frames = list[float](), list[float](), 0
    before = compilations(subject)
    with conditions.looking():
        for request in rounds(subject.requests):
            out = _place(folder)
            subject.synchronise()
            begin = now()
            made = subject.make(request, out, tap=conditions.tap)
            took = now() - begin
            out.unlink(missing_ok=True)
            factors.append(_factor(took, made, request.clip))
            latencies.append(took)
            frames += made
            conditions.advance("clip latency", min(sum(latencies), plan.seconds), plan.seconds)
            if plan.over(sum(latencies), frames):
                break
        after = compilations(subject)
    estimates = {"rtf_p50": blocks.quantile(factors, 0.5), "rtf_p90": blocks.quantile(factors, 0.9)}
    return Measurement(
        scenario=SCENARIO,
        headline="rtf_p90",
        figures={name: figure(one, "s/s") for name, one in estimates.items()},
        curves={"rtf": thin(factors)},
        clips=len(factors),
        frames=frames,
        seconds=sum(latencies),
        warmups=warm.describe(),
        remarks=remark(estimates),
        reason=invalid(before, after),
        **seen(conditions),
        **staged(stage_pass(conditions, lambda clock: made_stage_by_stage(subject, clock, folder))),
    )


def made_stage_by_stage(subject: Subject, clock: Clock, folder: Path) -> Iterator[int]:
    """Frames of each clip that was made under the clock, for ever."""
    for request in rounds(subject.requests):
        out = _place(folder)
        made = subject.make(request, out, watch=clock)
        out.unlink(missing_ok=True)
        yield made


def _factors(subject: Subject, conditions: Conditions, folder: Path) -> Iterator[float]:
    for request in rounds(subject.requests[:WARM_CLIPS]):
        out = _place(folder)
        begin = conditions.now()
        made = subject.make(request, out)
        took = conditions.now() - begin
        out.unlink(missing_ok=True)
        yield _factor(took, made, request.clip)


def _factor(seconds: float, frames: int, clip: str) -> float:
    if frames < 1:
        raise Lacking(f"clip {clip} was made without a frame")
    return seconds * FPS / frames


def _place(folder: Path) -> Path:
    return folder / "clip.mp4"  # as users make them
