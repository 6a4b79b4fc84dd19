"""Turns painted layers into frames: layers follow the skeleton triangle by triangle, the mouth is painted in."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from bench.datasets.puppets.canvas import FRAME, MARGIN, SCALE
from bench.datasets.puppets.mouth import paint_mouth
from bench.datasets.puppets.portrait import Layers
from bench.datasets.puppets.skeleton import Moment, Skeleton, rotation
from bench.datasets.puppets.styles import TRAINER, Style


@dataclass(frozen=True)
class Pictured:
    """One rendered frame: image uint8 (256, 256, 3) RGB, landmarks float32 (68, 2), pose float32 (6,)."""

    image: np.ndarray
    landmarks: np.ndarray
    pose: np.ndarray


@dataclass(frozen=True)
class Look:
    """What the inside of the mouth looks like: tooth and skin sRGB colours, gum 0..1 how far gums show."""

    tooth: np.ndarray
    gum: float
    skin: np.ndarray


def _texture(layer: np.ndarray) -> np.ndarray:
    """A layer slightly low-passed: it is sampled at half its resolution."""
    return cv2.GaussianBlur(layer, (0, 0), 0.55)


def _texels(points: np.ndarray) -> np.ndarray:
    """Texture coordinates of frame coordinates."""
    return (points + MARGIN + 0.5) * SCALE - 0.5


class Rig:
    """One identity, ready to render; `render` changes nothing, so one rig serves any number of clips."""

    def __init__(self, layers: Layers, skeleton: Skeleton, look: Look) -> None:
        self.skeleton, self._look = skeleton, look
        f = skeleton.frame
        lo, hi = MARGIN * SCALE, (MARGIN + FRAME) * SCALE
        self._room = cv2.resize(layers.room[lo:hi, lo:hi], (FRAME, FRAME), interpolation=cv2.INTER_AREA)
        self._head = _texture(layers.head)
        self._body = None if layers.body is None else _texture(layers.body)
        self._back = None if layers.back is None else _texture(layers.back)
        self._source = _texels(skeleton.points)[skeleton.triangles]
        self._gy, self._gx = np.mgrid[0:FRAME, 0:FRAME].astype(np.float32)
        # the neck's top goes with the head, the shoulders stay: weight of the head's shift on the body layer
        self._sway = np.clip(1 - (self._gy - (f.chin - 12 * f.unit)) / (46 * f.unit), 0.10, 1).astype(np.float32) ** 1.5

    def render(self, moment: Moment, *, style: Style = TRAINER) -> Pictured:
        """The frame of one moment."""
        turn, shift = rotation(moment.degrees), moment.shift
        points, away = self.skeleton.vertices(moment, style, turn)
        out = self._backdrop(turn, shift)
        _blend(out, self._warp_head(points, away))
        landmarks = points[:68]
        look = self._look
        paint_mouth(out, landmarks, moment.controls, self.skeleton.frame.unit, look.tooth, look.gum, look.skin)
        return Pictured(out, landmarks.astype(np.float32), self.skeleton.pose(turn, shift))

    def _backdrop(self, turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """Room, back hair and body under one head turn: uint8 (256, 256, 3)."""
        f, project = self.skeleton.frame, self.skeleton.project
        out = self._room.copy()
        if self._back is not None:
            corners = np.array([[f.cx - 60, f.nasion], [f.cx + 60, f.nasion], [f.cx, f.chin + 50]])
            to, _ = project(corners, np.full(3, -30.0 * f.unit), turn, shift)
            there = cv2.getAffineTransform(to.astype(np.float32), _texels(corners).astype(np.float32))
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            _blend(out, cv2.warpAffine(self._back, there.astype(np.float32), (FRAME, FRAME), flags=flags))
        if self._body is not None:
            neck, _ = project(np.array([[f.cx, f.chin]]), np.array([-4.0 * f.unit]), turn, shift)
            move = (neck[0] - [f.cx, f.chin]).astype(np.float32)
            mx = (self._gx - self._sway * move[0] + np.float32(MARGIN + 0.5)) * SCALE - np.float32(0.5)
            my = (self._gy - self._sway * move[1] + np.float32(MARGIN + 0.5)) * SCALE - np.float32(0.5)
            _blend(out, cv2.remap(self._body, mx, my, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
        return out

    def _warp_head(self, points: np.ndarray, away: np.ndarray) -> np.ndarray:
        """The head layer warped triangle by triangle, far ones first: uint8 (256, 256, 4) premultiplied."""
        triangles = self.skeleton.triangles
        corners = points[triangles]
        system = np.concatenate([corners, np.ones((len(corners), 3, 1))], 2)
        system[np.abs(np.linalg.det(system)) < 1e-3] += np.eye(3) * 1e-2  # a sliver has no inverse and no area to show
        maps = np.linalg.solve(system, self._source).astype(np.float32).transpose(0, 2, 1).reshape(-1, 6)
        ids = np.zeros((FRAME, FRAME), np.int32)
        fixed = np.rint(corners * 16).astype(np.int32)
        for i in np.argsort(-away[triangles].mean(1), kind="stable"):
            cv2.fillConvexPoly(ids, fixed[i], int(i), cv2.LINE_8, 4)
        m = maps[ids]
        mx = self._gx * m[..., 0] + self._gy * m[..., 1] + m[..., 2]
        my = self._gx * m[..., 3] + self._gy * m[..., 4] + m[..., 5]
        return cv2.remap(self._head, mx, my, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _blend(under: np.ndarray, over: np.ndarray) -> None:
    """Lays premultiplied `over` (H, W, 4) on `under` (H, W, 3), both uint8, in place."""
    keep = cv2.merge([255 - over[..., 3]] * 3)
    cv2.multiply(under, keep, dst=under, scale=1 / 255)
    cv2.add(under, np.ascontiguousarray(over[..., :3]), dst=under)
