"""The movable mesh under a puppet's paint: a pinhole camera, vertices with depth, exact landmarks and head pose.

The painting is taken as what a pinhole camera sees of the unturned head. Every vertex is lifted to the depth of the
relief, turned about the neck and projected again. Landmarks are vertices, so their places are exact by construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from scipy.spatial import Delaunay

from bench.datasets.puppets.canvas import FRAME, MARGIN
from bench.datasets.puppets.expression import articulate, close_lids
from bench.datasets.puppets.relief import head_frame, height_field
from bench.datasets.puppets.skin import head_outline
from bench.datasets.puppets.styles import TRAINER, Style

FOCAL = 1150.0
"""Focal length in frame pixels: a portrait lens some six face widths away."""
OPENFACE_FOCAL = 700 / 3  # 233.33 px for a 256x256 image (SPEC section 7): the convention in which poses are stated
FACE_WIDTH_MM = 140.0  # bizygomatic breadth of an average adult, the scale that turns pixels into millimetres


@dataclass(frozen=True)
class Moment:
    """What a face does at one moment. controls: float (7,) as in visemes.CONTROLS. degrees: pitch, yaw, roll or None.

    shift: pixels by which the head moves. blink: 0 open to 1 shut. brow: raise in pixels. gaze: shift of the irises in
    pixels.
    """

    controls: np.ndarray
    degrees: np.ndarray | None = None
    shift: np.ndarray = field(default_factory=lambda: np.zeros(2))
    blink: float = 0.0
    brow: float = 0.0
    gaze: np.ndarray = field(default_factory=lambda: np.zeros(2))


def rotation(degrees: np.ndarray | None) -> np.ndarray:
    """Rotation matrix of a rotation vector given in degrees (pitch, yaw, roll about x right, y down, z away)."""
    return np.eye(3) if degrees is None else cv2.Rodrigues(np.deg2rad(np.asarray(degrees, np.float64)))[0]


class Skeleton:
    """One face's mesh. anchored: a photograph's, whose border stays where it is while the face moves."""

    def __init__(self, landmarks: np.ndarray, *, age: float, anchored: bool = False) -> None:
        self.landmarks = landmarks
        self.frame = f = head_frame(landmarks)
        u = f.unit
        self._pupils = np.stack([landmarks[36:42].mean(0), landmarks[42:48].mean(0)])
        cap = head_outline(landmarks, f)[17:]
        chin = landmarks[3:14]
        below = chin + (chin - [f.cx, f.nasion]) * (11 * u / np.linalg.norm(chin - [f.cx, f.nasion], axis=1))[:, None]
        brow = [
            [f.cx + dx * f.half, f.nasion - dy * u]
            for dx, dy in ((-0.62, 34), (-0.3, 40), (0, 44), (0.3, 40), (0.62, 34))
        ]
        sides = ((0.62, landmarks[30, 1] - 6 * u), (0.56, landmarks[33, 1] + 8 * u), (0.72, landmarks[48, 1]))
        cheeks = [[f.cx + s * f.half * k, y] for s in (-1, 1) for k, y in sides]
        centre = np.array([f.cx, f.nasion])
        volume = centre + (cap - centre) * (1 + 22 * u / np.linalg.norm(cap - centre, axis=1))[:, None]
        edge = [[x, y] for x in (-MARGIN, FRAME / 2, FRAME + MARGIN) for y in (-MARGIN, FRAME / 2, FRAME + MARGIN)]
        edge = [e for e in edge if e != [FRAME / 2, FRAME / 2]]
        groups = [landmarks, self._pupils, cap, below, np.array(brow), np.array(cheeks), volume, np.array(edge, float)]
        self.points = np.vstack(groups)
        starts = np.cumsum([0] + [len(g) for g in groups])
        self._below, self._cheeks = slice(starts[3], starts[4]), slice(starts[5], starts[6])
        hair, far = slice(starts[6], starts[7]), slice(starts[7], None)
        z = height_field(landmarks, age=age)(self.points[:, 0], self.points[:, 1])
        z[starts[2] : starts[3]], z[self._below], z[hair], z[far] = 3 * u, -7 * u, -9 * u, -18 * u
        self._height = z
        self._follow = np.ones(len(self.points))
        if anchored:  # hair and neck follow less, the frame not at all: the background stretches between them
            self._follow[hair], self._follow[far] = 0.85, 0.0
        self._pivot = np.array([f.cx, landmarks[33, 1] + 4 * u, 58 * u])  # between the ears' lobes, where skulls turn
        self._triangles: np.ndarray | None = None

    @property
    def triangles(self) -> np.ndarray:
        """Vertex indices int (n, 3) of the mesh, over the unturned face."""
        if self._triangles is None:
            self._triangles = Delaunay(self.points).simplices
        return self._triangles

    def project(
        self, points: np.ndarray, height: np.ndarray, turn: np.ndarray, shift: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Image points (n, 2) and distances from the camera (n,) of vertices after the turn and the shift."""
        px, py, pz = self._pivot
        depth = pz - height
        scale = (FOCAL + depth) / FOCAL
        solid = np.stack([(points[:, 0] - px) * scale, (points[:, 1] - py) * scale, depth - pz], 1)
        turned = solid @ turn.T
        away = FOCAL + turned[:, 2] + pz
        return turned[:, :2] * (FOCAL / away)[:, None] + [px, py] + shift, away

    def vertices(self, moment: Moment, style: Style, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Image points float64 (n, 2) and distances (n,) of every vertex at one moment, `turn` its head rotation."""
        q, depth = articulate(self.landmarks, moment.controls, style, self.frame)
        q[17:27, 1] -= moment.brow * self.frame.unit
        q, pupils = close_lids(q, self._pupils + moment.gaze * self.frame.unit, moment.blink)
        points, height = self.points.copy(), self._height.copy()
        moved = q - self.landmarks
        points[:68], points[68:70] = q, pupils
        points[self._below] += moved[3:14] * 0.9
        points[self._cheeks, 1] += np.array([0.04, 0.16, 0.34] * 2) * moved[8, 1]
        height[:68] += depth
        image, away = self.project(points, height, turn, moment.shift)
        return points + (image - points) * self._follow[:, None], away

    def pose(self, turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """Head pose float32 (6,) in OpenFace's convention: rotation vector (rad), translation of the nasion (mm)."""
        nasion = np.array([[self.frame.cx, self.frame.nasion]])
        at, _ = self.project(nasion, self._height[27:28], turn, shift)
        distance = OPENFACE_FOCAL * FACE_WIDTH_MM / (2 * self.frame.half)
        t = [
            (at[0, 0] - FRAME / 2) / OPENFACE_FOCAL * distance,
            (at[0, 1] - FRAME / 2) / OPENFACE_FOCAL * distance,
            distance,
        ]
        return np.concatenate([cv2.Rodrigues(turn)[0][:, 0], t]).astype(np.float32)

    def place(self, moment: Moment, *, style: Style = TRAINER) -> tuple[np.ndarray, np.ndarray]:
        """Landmarks float32 (68, 2) and pose float32 (6,) of one moment, without painting it."""
        turn = rotation(moment.degrees)
        image, _ = self.vertices(moment, style, turn)
        return image[:68].astype(np.float32), self.pose(turn, moment.shift)
