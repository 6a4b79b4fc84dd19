"""Lip sync by SyncNet v2: offset, confidence (LSE-C) and distance (LSE-D), in two protocols and two codes' conventions.

cropped: the frame is already a face and is looked at whole. tracked: faces by a named detector, tracks and crops by
`metrics.face_track`; the longest track counts, the others are listed. Numbers of the two must not be compared. SyncNet
knows 25 frames a second and sound at 16 kHz; nothing is encoded anew, so numbers of the published pipelines, which
encode twice or three times, are met to a tenth only.

Sign of the offset, SyncNet's own: positive where the sound comes before its lips. (`sync_offset/puppet-sync-…` counts
the other way.)

Does not measure: how well lips are drawn, whether a viewer would agree; a confidence does not tell a lag of ten frames
from none.
Source: Chung and Zisserman, "Out of time: automated lip sync in the wild", ACCV workshops 2016; LSE-C and LSE-D are
Prajwal et al. 2020 (Wav2Lip), ACM Multimedia.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from metrics import syncnet
from metrics.clip import Clip, Result
from metrics.face_track import Track, crops, tracks
from metrics.lse_cards import CROPPED, LRS, PACKAGE, REAL, TRACKED, Card, cards, variant
from metrics.mfcc import mfcc, to_int16
from metrics.registry import Variant
from metrics.sync_reading import REACH, Curve, read_padded, spread_over_frames

FPS = 25.0
MIN_FRAMES = 25
"""Frames with sound that our protocols ask for: in shorter clips most offsets compare lips with nothing. The published
codes give a value from six frames on."""
MIN_TRACK, MIN_SHARE = 50, 0.8
"""Frames in which a track's face must be found: 50, or four fifths of the clip where that is less."""
MIN_SIDE = 50.0
"""Pixels of a track's mean box; syncnet_python asks for more than 100, which loses faces in frames of 256x256."""
LEGACY_TRACK = {REAL: 100, PACKAGE: 50}
LEGACY_SIDE = 100.0
"""Legacy pipelines count tracks with more sightings than that, and boxes of more pixels than that."""


def measure_cropped(clip: Clip, family: str, *, least: int) -> Result:
    """Of the whole frames, resized to 224x224. least: frames with sound below which there is no value."""
    syncnet.load()
    heard = _audible(clip)
    lacking = _lacking(clip, heard, least)
    if lacking is not None:
        return Result(None, heard / len(clip.frames), reason=lacking)
    curve = clip.once(("syncnet", "cropped"), lambda: _read(_whole(clip), _sound(clip), len(clip.frames)))
    return _result(clip, curve, family, first=0, entered=heard, notes={})


def measure_tracked(clip: Clip, family: str, *, detector: str) -> Result:
    """Of the longest track that is long and large enough."""
    syncnet.load()
    heard = _audible(clip)
    lacking = _lacking(clip, heard, MIN_FRAMES)
    if lacking is not None:
        return Result(None, 0.0, reason=lacking)
    found = _tracks(clip, detector)
    notes: dict[str, Any] = {"tracks": [_card(track) for track in found]}
    chosen, lacking = _choose(clip, found)
    if chosen is None:
        return Result(None, 0.0, reason=lacking, notes=notes)
    track = found[chosen]
    entered = min(len(track), _audible(clip, track))
    if entered < MIN_FRAMES:
        lacking = f"sound for {entered} frames of the longest track, expected at least {MIN_FRAMES}"
        return Result(None, entered / len(clip.frames), reason=lacking, notes=notes)
    notes["counted"] = chosen
    curve = _read_track(clip, detector, chosen)
    return _result(clip, curve, family, first=track.first, entered=entered, notes=notes)


def measure_legacy(clip: Clip, family: str, *, detector: str, code: str) -> Result:
    """Of all tracks that the code counts: their mean, or the best of each number."""
    syncnet.load()
    lacking = _lacking(clip, _audible(clip), 1 + syncnet.FRAMES)
    if lacking is not None:
        return Result(None, 0.0, reason=lacking)
    found = _tracks(clip, detector)
    notes: dict[str, Any] = {"tracks": [_card(track) for track in found]}
    counted = [
        k for k, track in enumerate(found)
        if track.found > LEGACY_TRACK[code] and track.side > LEGACY_SIDE and _audible(clip, track) > syncnet.FRAMES
    ]  # fmt: skip
    if not counted:
        lacking = f"no track of more than {LEGACY_TRACK[code]} frames and {LEGACY_SIDE:g} pixels among {len(found)}"
        return Result(None, 0.0, reason=lacking, notes=notes)
    told = [float(_value(_read_track(clip, detector, k), family)) for k in counted]
    notes |= {"counted": counted, "values": told}
    entered = np.zeros(len(clip.frames), bool)
    for k in counted:
        entered[found[k].first : found[k].first + min(len(found[k]), _audible(clip, found[k]))] = True
    best = max if family == "sync_confidence" else min
    value = float(np.mean(told)) if code == REAL else best(told)
    return Result(value, float(entered.mean()), series={"track": entered.astype(np.float64)}, notes=notes)


def _read(faces: Callable[[int, int], np.ndarray], sound: np.ndarray, frames: int) -> Curve:
    """The reading of 224x224 faces and int16 sound that begins with the first of them."""
    network, windows = syncnet.load(), syncnet.window_count(frames, len(sound))
    return read_padded(network.see(faces, windows), network.hear(mfcc(sound), windows))


def _read_track(clip: Clip, detector: str, which: int) -> Curve:
    """The reading of one of a detector's tracks, once for every variant that asks for it."""
    track = _tracks(clip, detector)[which]
    begin, end = (syncnet.SAMPLES * at for at in (track.first, track.first + len(track)))
    return clip.once(
        ("syncnet", "track", detector, which),
        lambda: _read(crops(clip.frames, track, syncnet.SIDE), _sound(clip)[begin:end], len(track)),
    )


def _tracks(clip: Clip, detector: str) -> list[Track]:
    return clip.once(("face_track", detector), lambda: tracks(clip.faces[detector]))


def _sound(clip: Clip) -> np.ndarray:
    return to_int16(_samples(clip))


def _samples(clip: Clip) -> np.ndarray:
    return np.empty(0, np.float32) if clip.samples is None else clip.samples


def _whole(clip: Clip) -> Callable[[int, int], np.ndarray]:
    """Whole frames at 224x224, bilinear without antialiasing, whatever their shape."""
    import cv2

    side = (syncnet.SIDE, syncnet.SIDE)

    def give(first: int, last: int) -> np.ndarray:
        block = clip.frames[first:last]
        return np.stack([cv2.resize(frame, side, interpolation=cv2.INTER_LINEAR) for frame in block])

    return give


def _audible(clip: Clip, track: Track | None = None) -> int:
    """Frames of the clip, or of a track, from its first on, for which there is sound."""
    first, frames = (0, len(clip.frames)) if track is None else (track.first, len(track))
    return int(np.clip(len(_samples(clip)) // syncnet.SAMPLES - first, 0, frames))


def _lacking(clip: Clip, heard: int, least: int) -> str | None:
    if abs(clip.fps - FPS) > 1e-3:
        return f"{clip.fps:g} frames a second: SyncNet knows {FPS:g} only, resample the video"
    if len(clip.frames) < least:
        return f"{len(clip.frames)} frames, expected at least {least}"
    return f"sound for {heard} frames, expected at least {least}" if heard < least else None


def _choose(clip: Clip, found: list[Track]) -> tuple[int | None, str]:
    """Which track counts (the longest that is good enough), or why none does."""
    least = min(MIN_TRACK, int(np.ceil(MIN_SHARE * len(clip.frames))))
    if not found:
        return None, "no face was found in any frame"
    long = [k for k, track in enumerate(found) if track.found >= least]
    if not long:
        most = max(track.found for track in found)
        return None, f"no track has a face in {least} frames; the best of {len(found)} tracks has it in {most}"
    large = [k for k in long if found[k].side >= MIN_SIDE]
    if not large:
        return None, f"the longest track's box has {found[long[0]].side:.0f} pixels, expected at least {MIN_SIDE:g}"
    return large[0], ""


def _card(track: Track) -> dict[str, float | int]:
    left, top, right, bottom = (round(float(v), 1) for v in track.boxes.mean(0))
    return {
        "first": track.first, "frames": len(track), "found": track.found, "side": round(track.side, 1),
        "left": left, "top": top, "right": right, "bottom": bottom,
    }  # fmt: skip


def _value(curve: Curve, family: str) -> float:
    return {"sync_offset": curve.offset, "sync_confidence": curve.confidence, "sync_distance": curve.distance}[family]


def _result(clip: Clip, curve: Curve, family: str, *, first: int, entered: int, notes: dict[str, Any]) -> Result:
    frames = len(clip.frames)
    # a window's middle frame stands for it
    middle = first + syncnet.FRAMES // 2
    series = {
        "distance": spread_over_frames(curve.own, frames, first=middle),
        "confidence": spread_over_frames(curve.confidences, frames, first=middle),
        "track": ((np.arange(frames) >= first) & (np.arange(frames) < first + entered)).astype(np.float64),
    }
    own = {"sync_distance": "distance", "sync_confidence": "confidence"}.get(family)
    return Result(
        float(_value(curve, family)),
        entered / frames,
        per_frame=series[own] if own else None,
        series=series,
        # entry k is the offset k - 15 in the sign of sync_offset
        notes={**notes, "offsets": [-REACH, REACH], "distance_by_offset": curve.means[::-1].tolist()},
    )


def _bind(card: Card) -> Callable[[Clip], Result]:
    if card.protocol == CROPPED:
        return partial(measure_cropped, family=card.family, least=MIN_FRAMES)
    if card.protocol == LRS:
        return partial(measure_cropped, family=card.family, least=1 + syncnet.FRAMES)
    if card.protocol == TRACKED:
        return partial(measure_tracked, family=card.family, detector=card.detector)
    return partial(measure_legacy, family=card.family, detector=card.detector, code=card.protocol)


VARIANTS: tuple[Variant, ...] = tuple(variant(card, _bind(card)) for card in cards())
