"""Offline: many requests at once, in any batch, against the networks alone on the same requests, in turns.

End to end is from files to files. The networks alone paint the same frames from scores that are ready, pictures stay on
the device: what is left if everything else cost nothing. Both take turns in pairs whose order a seed draws, so that
what disturbs one disturbs the other, and their ratio is taken pair by pair. Clips end when they end: the last batch of
a clip is seldom full, and that is in the figure.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.perf.clip_latency import made_stage_by_stage
from bench.perf.measurement import (
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
)
from bench.perf.subject import Lacking, Request, Subject
from bench.perf.warmup import WarmUp, settle
from bench.stats import blocks
from bench.store.speeds import Figure

SCENARIO = "offline"
PAIRS = 4
"""Turns of each side that fill the plan's time. A turn is one call for many requests, and what fills and empties such
a call's pipeline is in the figure, so turns must not be short."""
LEAST_PAIRS = 2
WARM_SHARE = 0.1
"""Of the plan's time; a call while warming up has twice the clips of the one before until it takes so long."""


@dataclass
class _Side:
    """What one way did: of each clip frames and seconds, of each turn too."""

    frames: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    turns: list[tuple[int, float]] = field(default_factory=list)

    def add(self, clips: Sequence[tuple[int, float]]) -> None:
        self.frames += [frames for frames, _ in clips]
        self.seconds += [seconds for _, seconds in clips]
        self.turns.append((sum(self.frames[-len(clips) :]), sum(self.seconds[-len(clips) :])))

    def columns(self) -> tuple[list[float], list[float]]:
        return [float(frames) for frames, _ in self.turns], [seconds for _, seconds in self.turns]


def time_offline(subject: Subject, conditions: Conditions, folder: Path) -> Measurement:
    """Frames a second of a prepared subject: end to end and of the networks alone, their ratio, frames a joule.

    folder: where files are made; they are taken away after each turn. Raises `Lacking` where clips cannot be made."""
    plan = conditions.plan
    warm = _warm_up(subject, conditions, folder)
    made, painted, joules, order = _Side(), _Side(), list[float | None](), ""
    clips, ready, lacking = 0, set[int](), ""
    coming = rounds(subject.requests)
    draw = np.random.default_rng([conditions.seed, len(subject.requests)])
    before = compilations(subject)
    with conditions.looking():
        while not (plan.over(sum(made.seconds), sum(made.frames)) and len(made.turns) >= LEAST_PAIRS):
            group = _group(coming, _wanted(warm, plan.seconds), len(subject.requests))
            first_makes = bool(draw.integers(2))
            if not lacking:
                lacking = _make_ready(subject, group, ready)
            for makes in (first_makes, not first_makes):
                if makes:
                    begin = conditions.energy()
                    made.add(_make(subject, conditions, group, folder))
                    end = conditions.energy()
                    joules.append(None if begin is None or end is None else end - begin)
                elif not lacking:
                    painted.add(_paint(subject, conditions, group))
            order += ("AB" if first_makes else "BA") if not lacking else "A"
            clips += len(group)
            conditions.advance("offline", min(sum(made.seconds), plan.seconds), plan.seconds)
        after = compilations(subject)
    figures, remarks = _figures(conditions, made, painted, joules)
    remarks |= {"turns": order, "A": "end to end, clips side by side", "B": lacking or "the networks alone"}
    return Measurement(
        scenario=SCENARIO,
        headline="frames_per_s",
        figures=figures,
        curves={},
        clips=clips,
        frames=sum(made.frames),
        seconds=sum(made.seconds),
        warmups=warm.describe(),
        remarks=remarks,
        reason=invalid(before, after),
        **seen(conditions),
        **staged(stage_pass(conditions, lambda clock: made_stage_by_stage(subject, clock, folder))),
    )


def _figures(
    conditions: Conditions, made: _Side, painted: _Side, joules: Sequence[float | None]
) -> tuple[dict[str, Figure], dict[str, object]]:
    seed = conditions.seed
    estimates = {"frames_per_s": blocks.rate(made.frames, made.seconds, seed=seed)}
    if painted.turns:
        estimates["network_frames_per_s"] = blocks.rate(painted.frames, painted.seconds, seed=seed)
        estimates["end_to_end_share"] = blocks.rates_ratio(made.columns(), painted.columns())
    known = [value for value in joules if value is not None]
    if known and len(known) == len(joules) and sum(known) > 0.0:
        estimates["frames_per_j"] = blocks.rate([turn[0] for turn in made.turns], known, seed=seed)
    units = {"end_to_end_share": "share", "frames_per_j": "frames/J"}
    figures = {name: figure(one, units.get(name, "frames/s")) for name, one in estimates.items()}
    tails = sum(frames % conditions.batch for frames in made.frames)
    figures["tail_share"] = Figure(tails / sum(made.frames), "share", n=sum(made.frames))
    return figures, {**remark(estimates), "batch": conditions.batch}


def _warm_up(subject: Subject, conditions: Conditions, folder: Path) -> WarmUp:
    """Seconds a frame, call by call, each for more clips than the one before until calls are long enough; then for the
    same ones, since only their times can be alike."""
    seconds = conditions.plan.seconds

    def work() -> Iterator[float]:
        size = 1
        while True:
            clips = _make(subject, conditions, subject.requests[:size], folder, tapped=False)
            took = sum(seconds for _, seconds in clips)
            yield took / sum(frames for frames, _ in clips)
            if took < WARM_SHARE * seconds:
                size = min(2 * size, len(subject.requests))

    return settle(work(), unit="call", block=1, limit=seconds, now=conditions.now, advance=conditions.advance)


def _wanted(warm: WarmUp, seconds: float) -> float:
    """Frames of one turn."""
    return seconds / PAIRS / warm.median if warm.median else 1.0


def _group(coming: Iterator[Request], frames: float, most: int) -> list[Request]:
    """The next requests, as many as have so many frames together; none of them twice."""
    group: list[Request] = []
    while len(group) < most and (not group or sum(request.frames for request in group) < frames):
        group.append(next(coming))
    return group


def _make(
    subject: Subject, conditions: Conditions, group: Sequence[Request], folder: Path, *, tapped: bool = True
) -> list[tuple[int, float]]:
    """Of each file as it is finished: its frames, and the seconds since the one before, or since the call. Their sum is
    the call's time: what follows the last file is the last file's."""
    out = folder / "turn"
    out.mkdir(parents=True, exist_ok=True)
    clips = list[tuple[int, float]]()
    try:
        subject.synchronise()
        last = conditions.now()
        for frames in subject.make_all(group, out, tap=conditions.tap if tapped else None):
            instant = conditions.now()
            clips.append((frames, instant - last))
            last = instant
        rest = conditions.now() - last
    finally:
        shutil.rmtree(out, ignore_errors=True)
    if not clips or min(clips)[0] < 1:
        raise Lacking("a clip was made without a frame" if clips else "no file was made of any request")
    clips[-1] = clips[-1][0], clips[-1][1] + rest
    return clips


def _make_ready(subject: Subject, group: Sequence[Request], ready: set[int]) -> str:
    """Why the networks alone cannot be timed, else "": scores of requests that are new are made ready, untimed."""
    try:
        for request in group:
            if request.number not in ready:
                subject.paint(request)
                ready.add(request.number)
    except Lacking as error:
        return str(error)
    subject.synchronise()
    return ""


def _paint(subject: Subject, conditions: Conditions, group: Sequence[Request]) -> list[tuple[int, float]]:
    clips = []
    for request in group:
        begin = conditions.now()
        frames = subject.paint(request)
        subject.synchronise()
        clips.append((frames, conditions.now() - begin))
    return clips
