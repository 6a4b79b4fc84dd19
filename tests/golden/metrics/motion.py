"""Records goldens of movement: `python tests/golden/metrics/motion.py`. It adds what is lacking, as record.py does.

Their clip is landmarks and sound by formula: a head that turns, blinks twice and closes its lips for two of three
bilabials, beside a truth that turns otherwise and trembles less. motion.json holds values by id with the backend's name
as *: every backend is given the same landmarks, so a new backend needs no new golden.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
FRAMES, FPS = 100, 25.0
BLINKS = (20, 71)
PHONES = (("P", 0.6, 0.68), ("AA1", 0.68, 0.9), ("M", 1.5, 1.62), ("B", 2.9, 2.96), ("S", 3.0, 3.1))
CLOSED = (16, 39)
"""First frames with lips closed: two of the three bilabials."""
ONSETS = (0.5, 0.9, 1.42, 1.9, 2.3, 3.0, 3.5)
FAMILIES = (
    "bilabial_closure", "blink_rate", "head_beat", "head_motion_std", "jitter", "jitter_ratio", "pose_error",
)  # fmt: skip


def rotation(degrees: np.ndarray) -> np.ndarray:
    """R = Rx(pitch) Ry(yaw) Rz(roll) float64 (T, 3, 3) of angles (T, 3)."""
    (sp, sy, sr), (cp, cy, cr) = np.sin(np.deg2rad(degrees)).T, np.cos(np.deg2rad(degrees)).T
    return np.array([
        [cy * cr, -cy * sr, sy],
        [cp * sr + sp * sy * cr, cp * cr - sp * sy * sr, -sp * cy],
        [sp * sr - cp * sy * cr, sp * cr + cp * sy * sr, cp * cy],
    ]).transpose(2, 0, 1)  # fmt: skip


def talking_head(
    degrees: np.ndarray, *, shut: tuple[int, ...] = (), blinks: tuple[int, ...] = (), size: float = 1.0
) -> np.ndarray:
    """Landmarks float64 (T, 68, 2) of a head turned by pitch, yaw, roll (T, 3) in degrees, seen without perspective.

    Its lips are open save for three frames from each of `shut`, its lids save for three from each of `blinks`.
    """
    face = np.array(json.loads((HERE / "dlib68.json").read_text())["points68_xy"], np.float64)
    face -= face[27]
    depth = 0.0125 * np.square(face[:, 0])
    depth[27:36] -= np.array([0, 6, 11, 19, 4, 2, 1, 2, 4])
    points = np.repeat(np.column_stack([face, depth])[None], len(degrees), 0)
    points[:, 66] = points[:, 62] + (0, 7, 0)
    for first in shut:
        points[first : first + 3, 66] = points[first : first + 3, 62] + (0, 0.5, 0)
    for first in blinks:
        for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
            points[first : first + 3, upper] += 0.8 * (points[first : first + 3, lower] - points[first, upper])
    return size * (points @ rotation(degrees).transpose(0, 2, 1))[..., :2] + (128, 90)


def sway(frames: int, *, pace: float = 1.0) -> np.ndarray:
    """Angles float64 (T, 3) that wander as a speaking head's do."""
    t = np.arange(frames) / FPS * 2 * np.pi * pace
    return np.stack([3 * np.sin(0.7 * t), 7 * np.sin(0.43 * t + 1) + np.sin(1.9 * t), 2 * np.sin(0.9 * t + 2)], 1)


def bursts(times: tuple[float, ...], seconds: float) -> np.ndarray:
    """Sound float32 at 16 kHz: noise that starts at once at each time and dies away in 80 ms, over a whisper of it."""
    rng = np.random.default_rng(4)
    t = np.arange(round(seconds * 16000)) / 16000
    loud = 1e-3 + sum((t >= at) * 0.5 * np.exp(-np.clip(t - at, 0, None) / 0.03) for at in times)
    return np.clip(loud * rng.normal(0, 0.3, len(t)), -1, 1).astype(np.float32)


def open_motion(backends: tuple[str, ...]):  # type: ignore[no-untyped-def]
    """The clip as a metrics.clip.Clip, its landmarks by each backend's name."""
    from metrics.clip import Clip

    rng = np.random.default_rng(9)
    ours = talking_head(sway(FRAMES), shut=CLOSED, blinks=BLINKS) + rng.normal(0, 0.15, (FRAMES, 68, 2))
    theirs = talking_head(sway(FRAMES, pace=0.8), shut=(*CLOSED, 72)) + rng.normal(0, 0.05, (FRAMES, 68, 2))
    ours[[3, 55]] = np.nan
    black = np.zeros((FRAMES, 8, 8, 3), np.uint8)
    return Clip(
        frames=black, truth=black, fps=FPS, samples=bursts(ONSETS, FRAMES / FPS), phones=PHONES,
        landmarks=dict.fromkeys(backends, ours), truth_landmarks=dict.fromkeys(backends, theirs),
    )  # fmt: skip


def main() -> None:
    """Write what is lacking."""
    from metrics.landmarks import BACKENDS
    from metrics.registry import variants

    clip = open_motion(tuple(BACKENDS))
    path = HERE / "motion.json"
    held = json.loads(path.read_text()) if path.exists() else {}
    for id, variant in variants().items():
        if variant.family in FAMILIES and "puppet68" in id and id.replace("puppet68", "*") not in held:
            result = variant.measure(clip)
            held[id.replace("puppet68", "*")] = {"value": result.value, "coverage": result.coverage}
            print(f"recorded {id}: {result.value}")
    path.write_text(json.dumps(dict(sorted(held.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
