"""What the parent asks of a worker process and what comes back: small records that can be pickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.records import Setting
from bench.runner.prepare import Digests


@dataclass(frozen=True)
class Pair:
    """A reference and the driver whose speech it is to say, at a size and under a pose rule."""

    speaker: str
    reference: str
    driver: str
    size: int
    pose: str


@dataclass(frozen=True)
class Files:
    """A video made elsewhere and the truth it is held against. lacking: what is not there, where one of them is not.

    pair: the clip of a dataset that it is a video of; truth, sound and phones are then the dataset's.
    """

    video: Path | None
    truth: Path | None
    lacking: str | None = None
    pair: Pair | None = None


Source = Pair | Files


@dataclass(frozen=True)
class Prepare:
    """Read a clip's inputs and hash them.

    metrics: of a video made elsewhere, to be computed at once, so that it is decoded only once; empty where the journal
    may know the answers.
    """

    source: Source
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Generate:
    """Make the video of a key, or, where it is there already, read it.

    group: number of the cells it is made for. uses: what the method is given beyond the plain inputs. digests: what
    the inputs must still be. anew: made even where it is there.
    """

    group: int
    key: str
    method: str
    pair: Pair
    setting: Setting
    seed: int
    uses: tuple[str, ...]
    digests: Digests
    anew: bool = False


@dataclass(frozen=True)
class Measure:
    """Compute metrics of a video whose pixels have the given hash."""

    group: int
    source: Source
    video: Path
    video_sha256: str
    digests: Digests
    metrics: tuple[str, ...]


Task = Prepare | Generate | Measure


@dataclass(frozen=True)
class Failure:
    """Why a task gave nothing. fatal: nothing further can be stored, so the run ends."""

    stage: str
    reason: str
    fatal: bool = False


@dataclass(frozen=True)
class Prepared:
    """Hashes of a clip's inputs. video_sha256: of the pixels of a video made elsewhere. phones_by: as in Speech.

    measured: the metrics asked for with it.
    """

    digests: Digests
    seconds: Mapping[str, float] = field(default_factory=dict)
    video_sha256: str | None = None
    phones_by: str | None = None
    measured: Measured | None = None


@dataclass(frozen=True)
class Made:
    """A video that lies under its key."""

    video_sha256: str
    frames: int
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """Metric id -> the part of a Row that the measurement decides (`bench.runner.measure.Outcome`)."""

    outcomes: Mapping[str, Mapping[str, Any]]
    seconds: Mapping[str, float] = field(default_factory=dict)


Result = Prepared | Made | Measured | Failure
