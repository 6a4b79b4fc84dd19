"""Landmarks that lie beside a video: found by anybody's detector, read from a file, held to one shape."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from bench.errors import MediaError

ENDINGS = (".landmarks.npy", ".landmarks.npz", ".landmarks.csv")
"""Of landmark files beside a video, after its name without ending, in the order in which they are looked for."""
POINTS = 68


def points_beside(video: Path, frames: int) -> np.ndarray | None:
    """68 landmarks float64 (T, 68, 2) of `<video without ending>.landmarks.npy`, .npz or .csv; None without a file.

    Pixels of the video at 25 frames a second, x right and y down, 0 at the first pixel's centre; NaN throughout a frame
    without a face. npz: one array, or the one named "landmarks". csv: OpenFace's columns x_0 … x_67, y_0 … y_67, a line
    a frame; where it has a column "success", a line with 0 there has no face. frames: how many the video has; a file
    for up to two more is cut.
    Raises MediaError with file, what was expected and what came.
    """
    path = next((p for end in ENDINGS if (p := video.with_suffix("").with_name(video.stem + end)).is_file()), None)
    if path is None:
        return None
    points = _csv(path) if path.suffix == ".csv" else _numpy(path)
    if points.ndim != 3 or points.shape[1:] != (POINTS, 2) or points.dtype.kind not in "fiu":
        raise MediaError(f"{path}: expected numbers of shape (T, {POINTS}, 2), got {points.dtype} {points.shape}")
    if not frames <= len(points) <= frames + 2:
        raise MediaError(f"{path}: expected landmarks of {frames} frames, as the video has, got {len(points)}")
    points = points[:frames].astype(np.float64)
    absent = ~np.isfinite(points).all((1, 2))
    points[absent] = np.nan
    return points


def _numpy(path: Path) -> np.ndarray:
    try:
        held = np.load(path, allow_pickle=False)
        if isinstance(held, np.ndarray):
            return held
        with held:
            names = held.files
            if "landmarks" not in names and len(names) != 1:
                raise MediaError(
                    f'{path}: expected one array, or one named "landmarks", got {", ".join(names) or "none"}'
                )
            return held["landmarks" if "landmarks" in names else names[0]]
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise MediaError(f"{path}: expected a numpy file of landmarks ({error})") from None


def _csv(path: Path) -> np.ndarray:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file, skipinitialspace=True))
        names = [[f"{axis}_{k}" for axis in "xy"] for k in range(POINTS)]
        points = np.array([[[float(line[x]), float(line[y])] for x, y in names] for line in lines]).reshape(
            -1, POINTS, 2
        )
        found = np.array([float(line.get("success") or 1) > 0 for line in lines], bool)
    except KeyError as error:
        raise MediaError(f"{path}: expected OpenFace's columns x_0 to y_67, {error} is missing") from None
    except (OSError, ValueError, TypeError, UnicodeDecodeError) as error:
        raise MediaError(f"{path}: expected a table of landmarks ({error})") from None
    points[~found] = np.nan
    return points
