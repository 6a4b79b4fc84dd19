"""Videos made elsewhere as material to measure: one file, and the truth beside it where there is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.datasets.phones import phones_beside
from bench.errors import BenchError
from bench.io.audio import read_sound
from bench.io.digest import sha256_array, sha256_json
from bench.io.pointfile import points_beside
from bench.io.spool import Video, first, spool
from bench.runner.measure import Material
from bench.runner.prepare import Digests, Inputs
from bench.runner.tasks import Files

SLACK = 2
"""Frames by which a video and its truth may differ in length: containers and encoders drop or add one at an end."""


class MatchError(BenchError):
    """A video and its truth that cannot be held against each other."""


def read_files(files: Files, work: Path) -> tuple[Material, Digests]:
    """A video's frames and sound, with those of its truth, and their hashes. work: where long videos are spooled to.

    Sizes must be equal. Lengths may differ by SLACK frames; what both have, from the first frame on, is then
    compared. Sound is that of each file; phones are read from the file beside the video or its truth, landmarks from
    files beside each (`bench.io.pointfile`).
    Raises MatchError with the numbers, MediaError, MissingError.
    """
    if files.video is None:
        raise MatchError(files.lacking or "no video")
    (shown, pixels), samples = spool(files.video, work), read_sound(files.video)
    points = points_beside(files.video, len(shown))
    truth = truth_samples = truth_pixels = truth_points = None
    if files.truth is not None:
        (truth, truth_pixels), truth_samples = spool(files.truth, work), read_sound(files.truth)
        truth_points = points_beside(files.truth, len(truth))
        length = _common_length(shown, truth.shape)
        if len(shown) > length:
            shown, pixels = first(shown, length)
        if len(truth) > length:
            truth, truth_pixels = first(truth, length)
        points, truth_points = (None if p is None else p[:length] for p in (points, truth_points))
    known = phones_beside(files.video) or (None if files.truth is None else phones_beside(files.truth))
    phones = None if known is None else known[0]
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
        file_points=None if points is None else sha256_array(points),
        truth_file_points=None if truth_points is None else sha256_array(truth_points),
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
        file_points=points,
        truth_file_points=truth_points,
        no_truth="no folder of true videos was given" if files.truth is None else "the true video has no sound",
    )
    return material, digests


def read_given(video: Path, inputs: Inputs, digests: Digests, work: Path) -> tuple[Material, Digests]:
    """A video of a dataset's clip, with the truth, sound and phones that the dataset has for it, and their hashes.

    Size and length as in `read_files`; the length that is expected is the truth's, or the speech's where there is none.
    Raises MatchError with the numbers, MediaError, MissingError.
    """
    shown, pixels = spool(video, work)
    take, size = inputs.take, inputs.portrait.image.shape[0]
    wanted = (inputs.frames, size, size, 3)
    length = _common_length(shown, wanted)
    if len(shown) > length:
        shown, pixels = first(shown, length)
    known = points_beside(video, len(shown))
    truth = None if take is None else take.frames[:length]
    digests = replace(
        digests,
        frames=length,
        truth=None if truth is None else digests.truth if length == inputs.frames else sha256_array(truth),
        file_points=None if known is None else sha256_array(known[:length]),
    )
    points = None if take is None or take.landmarks is None else take.landmarks[:length].astype(np.float64)
    material = Material(
        frames=shown,
        frames_sha256=pixels,
        truth=truth,
        truth_sha256=digests.truth,
        samples=inputs.speech.samples,
        truth_samples=None if take is None else take.speech.samples,
        truth_points=points,
        phones=inputs.speech.phones,
        file_points=None if known is None else known[:length],
        no_truth="the dataset has no take of this reference with this driver",
    )
    return material, digests


def _common_length(shown: Video, truth: tuple[int, ...]) -> int:
    """Frames that both have."""
    if shown.shape[1:3] != truth[1:3]:
        sizes = [f"{shape[2]}x{shape[1]}" for shape in (shown.shape, truth)]
        raise MatchError(f"the video is {sizes[0]}, its truth {sizes[1]}; sizes must be equal")
    if abs(len(shown) - truth[0]) > SLACK:
        raise MatchError(
            f"the video has {len(shown)} frames at 25 a second, its truth {truth[0]}; "
            f"expected lengths within {SLACK} frames"
        )
    return min(len(shown), truth[0])
