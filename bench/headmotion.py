"""How the head moves in a single video: as the checkpoint's head-pose network hears it, gently swaying, still, or told
by a file.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import MediaError, MissingError
from bench.records import FPS

if TYPE_CHECKING:
    from avct.model import Model


@dataclass(frozen=True)
class HeadMotion:
    """Poses float32 (T, 6) and the portrait's own float32 (6,): rotation vector in rad, translation in mm."""

    poses: np.ndarray
    portrait: np.ndarray


def head_motion(how: str, audio: np.ndarray, model: Model, *, own: np.ndarray | None, seed: int) -> HeadMotion:
    """The motion of as many frames as audio float32 (T, 4, 41) has.

    how: "audio", "idle", "still" or the path of a CSV. own: the portrait's pose float32 (6,), None where it is not
    known and the head is taken to look straight ahead. Raises MissingError for "audio" where the checkpoint has no
    head-pose network and for a file that is not there, MediaError for a file that holds no poses.
    """
    from avct.audio2pose import head_poses
    from avct.inference import FRONTAL

    start, frames = FRONTAL if own is None else own, len(audio)
    if how == "audio":
        if model.audio2pose is None:
            raise MissingError("--pose audio: this checkpoint has no head-pose network; take idle, still or a CSV")
        return HeadMotion(head_poses(model.audio2pose, start, audio), start)
    if how == "still":
        return HeadMotion(np.repeat(start[None], frames, 0), start)
    if how == "idle":
        return HeadMotion(idle_pose(frames, seed) + (start - FRONTAL), start)
    poses = read_pose(Path(how), frames)
    # a file's first pose is the portrait's: what follows is motion relative to it
    return HeadMotion(poses, poses[0])


def portrait_pose(landmarks: np.ndarray | None, size: int, *, openface: bool) -> tuple[np.ndarray | None, str | None]:
    """The pose float32 (6,) of a portrait of size x size pixels with landmarks (68, 2), or None and a note why not.

    openface: with the translation that OpenFace states, as weights converted from the official ones expect it.
    """
    from avct.errors import AvctError
    from avct.headpose import as_openface, pose_from_landmarks

    reason = "no face detector is installed"
    if landmarks is not None:
        try:
            found = pose_from_landmarks(landmarks, size)
            return as_openface(found) if openface else found, None
        except AvctError as error:
            reason = str(error)
    return None, f"the portrait's head pose is not known ({reason}); it is taken to look straight ahead"


def idle_pose(frames: int, seed: int) -> np.ndarray:
    """A gentle seeded sway, float32 (frames, 6), that begins at rest: not learnt, only alive."""
    from avct.inference import FRONTAL

    rng = np.random.default_rng([seed, 0x69646C65])
    t = np.arange(frames) / FPS
    out = np.repeat(FRONTAL[None].astype(np.float64), frames, 0)
    rise = np.clip(t / 1.5, 0, 1)  # from the portrait's own pose, in a second and a half
    for column, amount in ((0, 0.035), (1, 0.055), (2, 0.022), (3, 1.5), (4, 1.0)):
        waves = [(0.5, rng.uniform(0.10, 0.25)), (0.35, rng.uniform(0.3, 0.5)), (0.15, rng.uniform(0.7, 1.1))]
        sway = sum(
            w * (np.sin(2 * np.pi * f * t + p) - np.sin(p))
            for (w, f), p in zip(waves, rng.uniform(0, 6.28, 3), strict=True)
        )
        out[:, column] += amount * rise * sway
    return out.astype(np.float32)


def read_pose(path: Path, frames: int) -> np.ndarray:
    """Poses float32 (frames, 6) of a CSV with OpenFace's columns pose_Rx … pose_Tz; the last one is held."""
    if not path.exists():
        raise MissingError(f"{path}: no such pose file (--pose takes audio, idle, still or a CSV)")
    if not path.is_file():
        raise MediaError(f"{path}: expected a CSV of poses, got a directory")
    names = ("pose_Rx", "pose_Ry", "pose_Rz", "pose_Tx", "pose_Ty", "pose_Tz")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
        values = np.array([[float(row[n]) for n in names] for row in rows], np.float32)
    except (KeyError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise MediaError(f"{path}: expected columns {', '.join(names)} with numbers, got {error}") from None
    if not len(values) or not np.isfinite(values).all():
        raise MediaError(f"{path}: expected at least one finite pose, got {len(values)} rows")
    return values[np.minimum(np.arange(frames), len(values) - 1)]
