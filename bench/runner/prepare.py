"""A clip's inputs at the protocol's size and length, and the hashes that stand for them in every key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.adapters.fit import resize, scale_points
from bench.errors import MediaError, MissingError
from bench.io.digest import sha256_array, sha256_json
from bench.records import FPS, RATE, Dataset, Phone, Portrait, Speech, Take


@dataclass(frozen=True)
class Inputs:
    """What a method may be given for one pair, and the truth where it was filmed.

    frames: length to make. pose: float32 (frames, 6) or None. other: another driver's speech of at least that length.
    """

    portrait: Portrait
    speech: Speech
    frames: int
    pose: np.ndarray | None
    take: Take | None
    other: Speech | None


@dataclass(frozen=True)
class Digests:
    """sha256 of each input; None where there is none.

    portrait, truth: of the pixels alone. portrait_points: of all else that is known of the portrait. truth_points: of
    the truth's landmarks. file_points, truth_file_points: of landmarks that lay beside a video and its truth.
    """

    frames: int
    portrait: str | None
    portrait_points: str | None
    speech: str | None
    phones: str | None
    pose: str | None
    truth: str | None
    truth_points: str | None
    truth_speech: str | None
    other: str | None
    file_points: str | None = None
    truth_file_points: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return dict(self.__dict__)


def prepare(
    dataset: Dataset, reference: str, driver: str, *, size: int, pose_rule: str, others: Sequence[str]
) -> Inputs:
    """The inputs of one pair. others: drivers to choose the other speech from, in the protocol's order.

    Pictures are brought to `size` and landmarks with them. The length is that of the take, or where there is none,
    the whole frames that the speech fills. Raises the dataset's errors, and MediaError for arrays it must not give.
    """
    portrait = _fit_portrait(dataset.portrait(reference), size)
    speech = _check_speech(dataset.speech(driver))
    try:
        take = _fit_take(dataset.take(reference, driver), size)
    except MissingError:
        take = None
    frames = len(take.frames) if take is not None else len(speech.samples) * FPS // RATE
    if frames < 1:
        raise MediaError(f"driver {driver}: expected speech of at least one frame, got {len(speech.samples)} samples")
    pose = take.pose if take is not None and pose_rule == "truth" else None
    if pose_rule == "still" and portrait.pose is not None:
        pose = np.repeat(portrait.pose[None].astype(np.float32), frames, axis=0)
    return Inputs(portrait, speech, frames, pose, take, _other(dataset, driver, frames, others))


def digest(inputs: Inputs) -> Digests:
    """The hashes of the inputs' content; names and places do not enter."""
    portrait, take = inputs.portrait, inputs.take
    return Digests(
        frames=inputs.frames,
        portrait=sha256_array(portrait.image),
        portrait_points=sha256_json([_array(portrait.landmarks), _array(portrait.pose), portrait.photograph]),
        speech=sha256_array(inputs.speech.samples),
        phones=_phones(inputs.speech.phones),
        pose=_array(inputs.pose),
        truth=None if take is None else sha256_array(take.frames),
        truth_points=None if take is None else _array(take.landmarks),
        truth_speech=None if take is None else sha256_array(take.speech.samples),
        other=None if inputs.other is None else _spoken(inputs.other),
    )


def _other(dataset: Dataset, driver: str, frames: int, others: Sequence[str]) -> Speech | None:
    """The next driver's speech in the given order (around the end) that is long enough, begun at its middle.

    Where none is, the next one's is said again until it is: the longest driver needs a wrong speech too. Begun at its
    middle because sentences begin and end with closed lips, which would be read as skill: begun together, the true
    mouths of one identity's 64 held-out takes correlate by .15 on average over all pairs.
    """
    order = [name for name in others if name != driver]
    if driver in others:
        at = list(others).index(driver)
        order = [*others[at + 1 :], *others[:at]]
    found: Speech | None = None
    for name in order:
        try:
            speech = _check_speech(dataset.speech(name))
        except (MissingError, MediaError):
            continue  # a film that is not here or broken fails its own rows, not those of others
        if len(speech.samples) * FPS >= frames * RATE:
            return begin_at_middle(speech)
        found = found or speech
    return repeat_speech(begin_at_middle(found), -(-frames * RATE // FPS)) if found else None


def begin_at_middle(speech: Speech) -> Speech:
    """The speech from its middle frame to its end, then from its start to its middle; phones go with it."""
    middle = len(speech.samples) * FPS // RATE // 2 * (RATE // FPS)
    phones = None
    if speech.phones is not None:
        turn, end = middle / RATE, len(speech.samples) / RATE
        known = [(p.symbol, p.start, min(p.end, end)) for p in speech.phones]
        late = [(name, max(start, turn) - turn, stop - turn) for name, start, stop in known if stop > turn]
        early = [
            (name, start + end - turn, min(stop, turn) + end - turn) for name, start, stop in known if start < turn
        ]
        phones = tuple(Phone(*part) for part in late + early if part[2] > part[1])
    return replace(speech, samples=np.roll(speech.samples, -middle), phones=phones)


def repeat_speech(speech: Speech, length: int) -> Speech:
    """The speech said again and again, at least `length` samples; phones are repeated with it."""
    count = -(-length // len(speech.samples))
    seconds = len(speech.samples) / RATE
    phones = None
    if speech.phones is not None:
        phones = tuple(
            Phone(phone.symbol, phone.start + turn * seconds, min(phone.end, seconds) + turn * seconds)
            for turn in range(count)
            for phone in speech.phones
            if phone.start < seconds
        )
    return replace(speech, samples=np.tile(speech.samples, count), phones=phones)


def _fit_portrait(portrait: Portrait, size: int) -> Portrait:
    image = portrait.image
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[0] != image.shape[1] or image.shape[2] != 3:
        got = f"{image.dtype} {image.shape}"
        raise MediaError(f"reference {portrait.reference}: expected a square image uint8 (H, H, 3), got {got}")
    points = portrait.landmarks
    if points is not None:
        points = scale_points(points, before=image.shape[:2], after=(size, size))
    return replace(portrait, image=resize(image, size, size), landmarks=points)


def _fit_take(take: Take, size: int) -> Take:
    frames = take.frames
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1] != frames.shape[2] or frames.shape[3] != 3:
        raise MediaError(f"take: expected square frames uint8 (T, H, H, 3), got {frames.dtype} {frames.shape}")
    for name, values in (("landmarks", take.landmarks), ("pose", take.pose)):
        if values is not None and len(values) != len(frames):
            raise MediaError(f"take: expected {name} for each of {len(frames)} frames, got {len(values)}")
    if frames.shape[1] == size:
        return take
    points = take.landmarks
    if points is not None:
        points = scale_points(points, before=frames.shape[1:3], after=(size, size))
    return replace(take, frames=np.stack([resize(frame, size, size) for frame in frames]), landmarks=points)


def _check_speech(speech: Speech) -> Speech:
    samples = speech.samples
    if samples.dtype != np.float32 or samples.ndim != 1 or not samples.size:
        raise MediaError(f"driver {speech.driver}: expected samples float32 (N,), got {samples.dtype} {samples.shape}")
    return speech


def _array(values: np.ndarray | None) -> str | None:
    return None if values is None else sha256_array(values)


def _phones(phones: tuple[Phone, ...] | None) -> str | None:
    return None if phones is None else sha256_json([[phone.symbol, phone.start, phone.end] for phone in phones])


def _spoken(speech: Speech) -> str:
    return sha256_json([sha256_array(speech.samples), _phones(speech.phones)])
