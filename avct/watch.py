"""How a clock looks on while frames are made: stages are named where the work is done, and timed by whoever cares.

Nobody is timed by default: an unwatched stage costs a tenth of a microsecond.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

STAGES = (
    "decode", "crop", "features", "phonemes", "pose", "portrait", "motion", "render", "copy", "encode",
)  # fmt: skip
"""Parts of making a video, in the order in which a frame meets them. decode: files to pixels and samples. crop: the
face found and cut out. features: sound to cepstra, energies and pitch. phonemes: phones found or read. pose: the
head's. portrait: what is constant for a portrait. motion: windows to keypoints. render: keypoints to pictures (flow,
warp, painting, levels). copy: pictures from the device to the processor's memory. encode: pictures to a file."""
DEVICE_STAGES = ("portrait", "motion", "render", "copy")
"""Those that run on the device."""


class Watch(Protocol):
    """What is told which stage a block of work belongs to. Stages do not nest."""

    def stage(self, name: str) -> AbstractContextManager[object]:
        """A block that belongs to the stage `name`, one of STAGES."""
        ...


class Unwatched:
    """A watch that looks away."""

    def stage(self, name: str) -> AbstractContextManager[object]:
        return _NOTHING


_NOTHING = nullcontext()
UNWATCHED = Unwatched()
