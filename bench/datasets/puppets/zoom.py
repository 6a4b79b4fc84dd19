"""The corpus nearer or farther: pictures zoomed about the face, labels with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.records import Portrait, Take

_CENTRE = np.array([127.5, 142.0], np.float32)
"""Between nose and mouth of a face that looks straight ahead, in pixels of a 256x256 frame."""


def zoom(frame: np.ndarray, scale: float) -> np.ndarray:
    """A frame uint8 (H, W, 3) whose face is `scale` times as large; edges are continued."""
    import cv2

    shift = (1 - scale) * _CENTRE
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    if scale < 1:  # sampling alone would alias
        frame = cv2.GaussianBlur(frame, (0, 0), 0.5 * (1 / scale - 1) + 0.1)
    flags = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
    return cv2.warpAffine(frame, matrix, frame.shape[1::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)


def zoomed_points(points: np.ndarray, scale: float) -> np.ndarray:
    """Landmarks (..., 2) of the zoomed frame."""
    return (points * scale + (1 - scale) * _CENTRE).astype(np.float32)


def zoomed_pose(pose: np.ndarray, scale: float) -> np.ndarray:
    """Poses (..., 6) of a head that is nearer by `scale`, at the place in the picture where the zoom puts it."""
    out = np.array(pose, np.float32)
    focal = np.float32(700 / 3)  # OpenFace's guess for 256 pixels, as in the pose raster
    out[..., 5] = pose[..., 5] / scale
    place = pose[..., 3:5] / pose[..., 5:6] * focal + 128
    moved = place * scale + (1 - scale) * (_CENTRE + 0.5)
    out[..., 3:5] = (moved - 128) / focal * out[..., 5:6]
    return out


def zoomed_portrait(held: Portrait, scale: float) -> Portrait:
    """The portrait with its face `scale` times as large."""
    landmarks = None if held.landmarks is None else zoomed_points(held.landmarks, scale)
    pose = None if held.pose is None else zoomed_pose(held.pose, scale)
    return replace(held, image=zoom(held.image, scale), landmarks=landmarks, pose=pose)


def zoomed_take(take: Take, scale: float) -> Take:
    """The take with its face `scale` times as large."""
    frames = np.stack([zoom(f, scale) for f in take.frames])
    landmarks = None if take.landmarks is None else zoomed_points(take.landmarks, scale)
    pose = None if take.pose is None else zoomed_pose(take.pose, scale)
    return Take(frames, take.speech, landmarks, pose)
