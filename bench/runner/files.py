"""Videos made elsewhere as material to measure: one file, and the truth beside it where there is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.datasets.phones import phones_beside
from bench.errors import BenchError
from bench.io.audio import read_audio
from bench.io.decode import read_video
from bench.io.digest import sha256_array, sha256_json
from bench.io.probe import probe
from bench.runner.measure import Material
from bench.runner.prepare import Digests
from bench.runner.tasks import Files

SLACK = 2
"""Frames by which a video and its truth may differ in length: containers and encoders drop or add one at an end."""


class MatchError(BenchError):
    """A video and its truth that cannot be held against each other."""


def read_files(files: Files) -> tuple[Material, Digests]:
    """A video's frames and sound, with those of its truth, and their hashes.

    Sizes must be equal. Lengths may differ by SLACK frames; what both have, from the first frame on, is then
    compared. Sound is that of each file; phones are read from the file beside the video or its truth.
    Raises MatchError with the numbers, MediaError, MissingError.
    """
    if files.video is None:
        raise MatchError(files.lacking or "no video")
    shown, samples = read_video(files.video), _sound(files.video)
    truth = truth_samples = None
    if files.truth is not None:
        truth, truth_samples = read_video(files.truth), _sound(files.truth)
        shown, truth = _matched(shown, truth)
    known = phones_beside(files.video) or (None if files.truth is None else phones_beside(files.truth))
    phones = None if known is None else known[0]
    pixels = sha256_array(shown)
    truth_pixels = None if truth is None else sha256_array(truth)
    digests = Digests(
        frames=len(shown),
        portrait=None,
        portrait_points=None,
        speech=None if samples is None else sha256_array(samples),
        phones=None if phones is None else sha256_json([[p.symbol, p.start, p.end] for p in phones]),
        pose=None,
        truth=truth_pixels,
        truth_points=None,
        truth_speech=None if truth_samples is None else sha256_array(truth_samples),
        other=None,
    )
    material = Material(
        frames=shown,
        frames_sha256=pixels,
        truth=truth,
        truth_sha256=truth_pixels,
        samples=samples,
        truth_samples=truth_samples,
        truth_points=None,
        phones=phones,
        no_truth="no folder of true videos was given" if files.truth is None else "the true video has no sound",
    )
    return material, digests


def _matched(shown: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if shown.shape[1:3] != truth.shape[1:3]:
        sizes = [f"{array.shape[2]}x{array.shape[1]}" for array in (shown, truth)]
        raise MatchError(f"the video is {sizes[0]}, its truth {sizes[1]}; sizes must be equal")
    if abs(len(shown) - len(truth)) > SLACK:
        raise MatchError(
            f"the video has {len(shown)} frames at 25 a second, its truth {len(truth)}; "
            f"expected lengths within {SLACK} frames"
        )
    length = min(len(shown), len(truth))
    return shown[:length], truth[:length]


def _sound(path: Path) -> np.ndarray | None:
    """The sound of a video, None where it has no audio stream."""
    return read_audio(path) if probe(path).has_audio else None
