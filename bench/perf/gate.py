"""The gate that a speed must pass: frames of the timed run itself, held against the float32 plain loop.

A frame that a faster path gets wrong makes its speed worthless. So frames that a seed chose (`bench.perf.sample`) are
made again by the plain loop of the same method, and every bar must hold (`bench.perf.bars`). A bar that cannot be
measured, and for which the rules name no substitute, is a bar that was missed: nothing passes since nobody could look.

- PSNR (8 bits, RGB, of each frame as `psnr/mean-of-frames` has it): mean at least 40 dB, worst 35 dB. Identical frames
  have none and are left out of the mean, so that exact frames never pay for a broken one. All identical: `exact`.
- Drift, at most 0.1 px in any frame: mean distance of keypoints, by patches of the picture and, where frames show faces
  that can be read, by a reader too; the larger counts (`bench.perf.readers` says which and why).
- Lips: over a stretch of frames on end, the correlation of the lip opening with the plain loop's is at least 0.99, and
  where the truth's opening is known, both versions' correlation with it differs by 0.01 at most; the row holds the
  latter. Frames without a face that can be read have no lips: the squares of the picture that move count instead, and
  of them the worst. Frames in which nothing moves cannot pass: any of them would do for any other.
- LPIPS (AlexNet) at most 0.01, and LSE-C (frames as they are, SyncNet v2) changed by 0.05 at most: where their weights
  are at hand, else named in `unmeasured`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.perf.bars import Findings, Pair, measure
from bench.perf.readers import READERS
from bench.perf.sample import RUN, SCATTERED, Place, missing, runs, scattered
from bench.perf.subject import Lacking, Subject
from bench.store.speeds import FidelityRow, SpeedRow, replace

LEAST = 25
"""Frames that must be compared."""


def judge(
    emitted: Mapping[Place, np.ndarray],
    subject: Subject,
    *,
    speed: str,
    seed: int,
    reached: Mapping[int, int] | None = None,
    run: int = RUN,
    count: int = SCATTERED,
    reader: str | None = None,
) -> FidelityRow:
    """The fidelity row of a timed run. Frames that are wrong, lacking or of another shape are reasons, never errors.

    emitted: what a `Keeper` of the same seed, run and count kept: (request's number, frame's number) -> uint8
    (S, S, 3). reached: the keeper's; without it every request with a frame in `emitted` counts as made to its end.
    speed: id of the speed row. reader: a landmark backend in place of the one for what the subject's frames show.
    """
    if reached is None:
        begun = {number for number, _ in emitted}
        reached = {request.number: request.frames - 1 for request in subject.requests if request.number in begun}
    reasons = []
    lacking = missing(subject.requests, emitted, reached, seed=seed, run=run, count=count)
    if lacking:
        told = "request {}, frame {}".format(*lacking[0])
        reasons.append(f"{len(lacking)} of the chosen frames were not emitted, the first of them {told}")
    pair: Pair | str
    try:
        pair = _pair(emitted, subject, seed, run, count)
    except Lacking as error:
        pair = f"no plain loop to hold frames against: {error}"
    if isinstance(pair, str):
        return _row(speed, seed, 0, [*reasons, pair], Findings())
    if len(pair.places) < LEAST:
        reasons.append(f"{len(pair.places)} frames to compare, expected at least {LEAST}")
    found = measure(pair, reader or READERS.get(str(subject.describe().get("faces"))))
    return _row(speed, seed, len(pair.places), reasons + found.reasons, found)


def verdict(row: SpeedRow, fidelity: FidelityRow | None, *, reason: str = "") -> SpeedRow:
    """The speed row with status, reason and gate as its fidelity row has it; a failed row stays failed.

    reason: why there is no fidelity row, where there is none.
    """
    if row.status == "failed":
        return row
    if fidelity is None:
        return replace(row, status="unverified", reason=reason or "no frames were held against a plain loop", gate=None)
    if fidelity.speed != row.id:
        told = f"expected a fidelity row of {row.id}, got one of {fidelity.speed}"
        return replace(row, status="unverified", reason=told, gate=None)
    if fidelity.passed:
        return replace(row, status="ok", reason="", gate=fidelity.id)
    return replace(row, status="unverified", reason="; ".join(fidelity.reasons), gate=fidelity.id)


def _row(speed: str, seed: int, frames: int, reasons: list[str], found: Findings) -> FidelityRow:
    return FidelityRow(
        id=f"{speed}/fidelity",
        speed=speed,
        frames=frames,
        seed=seed,
        psnr_mean=found.values.get("psnr_mean"),
        psnr_worst=found.values.get("psnr_worst"),
        exact=found.exact,
        drift=found.values.get("drift"),
        reader=found.reader,
        r_change=found.values.get("r_change"),
        lpips=found.values.get("lpips"),
        lse_c_change=found.values.get("lse_c_change"),
        passed=not reasons,
        reasons=tuple(reasons),
        unmeasured=tuple(found.unmeasured),
    )


def _pair(emitted: Mapping[Place, np.ndarray], subject: Subject, seed: int, run: int, count: int) -> Pair | str:
    """Both versions of the frames that are compared, or why they cannot be."""
    known = {request.number: request for request in subject.requests}
    stretches = [
        _longest([(number, frame) for frame in stretch if (number, frame) in emitted])
        for number, stretch in runs(subject.requests, seed=seed, run=run).items()
    ]
    stretch = max(stretches, key=len, default=[])  # of equals the first, which is the seed's choice
    if not stretch:
        return "no frames on end were emitted"
    single = [place for place in scattered(subject.requests, seed=seed, count=count) if place in emitted]
    places = stretch + [place for place in single if place not in set(stretch)][:count]
    plain: dict[Place, np.ndarray] = {}
    for number in dict.fromkeys(number for number, _ in places):
        frames = sorted(frame for other, frame in places if other == number)
        made = subject.plain(known[number], frames)
        if made.dtype != np.uint8 or made.ndim != 4 or len(made) != len(frames):
            return f"plain loop: expected {len(frames)} uint8 frames (S, S, 3), got {made.dtype} {made.shape}"
        plain |= {(number, frame): picture for frame, picture in zip(frames, made, strict=True)}
    for place in places:
        if lacking := _misshapen(emitted[place], plain[place].shape):
            return "request {}, frame {}: {}".format(*place, lacking)
    ours, theirs = (np.stack([version[place] for place in places]) for version in (emitted, plain))
    return Pair(places, ours, theirs, len(stretch), known[stretch[0][0]])


def _misshapen(picture: np.ndarray, wanted: tuple[int, ...]) -> str:
    if picture.dtype != np.uint8:
        broken = picture.dtype.kind == "f" and not np.isfinite(picture).all()
        return f"expected uint8, got {picture.dtype}" + (" with values that are not numbers" if broken else "")
    return "" if picture.shape == wanted else f"expected the plain loop's shape {wanted}, got {picture.shape}"


def _longest(places: list[Place]) -> list[Place]:
    """The longest part of rising places in which frames follow one another, the first of equals."""
    parts: list[list[Place]] = []
    for place in places:
        if parts and place[1] == parts[-1][-1][1] + 1:
            parts[-1].append(place)
        else:
            parts.append([place])
    return max(parts, key=len, default=[])
