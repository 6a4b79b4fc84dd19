"""The most memory that scoring a long video takes.

    python -m bench.perf.memory --minutes 10

A puppet's take is repeated to that length and scored against a blurred copy of itself in a process of its own, by all
metrics that `score` chooses where nobody does. What counts is that process's largest resident set, libraries included.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from bench.records import FPS, RATE
from bench.runner.how import How

SIDE = 256
_HOLD = 5
"""Frames that a picture stays: what looks for faces looks once at each, and the run takes a fifth of the time."""


@dataclass(frozen=True)
class Peak:
    """minutes, frames: of the clip. metrics: how many were computed. megabytes: largest resident set, in 10^6 bytes."""

    minutes: float
    frames: int
    metrics: int
    megabytes: float
    seconds: float


def measure(minutes: float, metrics: Sequence[str] = ()) -> Peak:
    """The peak of scoring a clip of that length, `metrics` or those that fit. RuntimeError where scoring fails."""
    with tempfile.TemporaryDirectory(prefix="avct-memory-") as place:
        home = Path(place)
        frames = _write(home, minutes)
        # a process of its own, started afresh: its peak is its own and begins at nothing
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            told = pool.submit(_score, home, tuple(metrics)).result()
    return Peak(minutes, frames, **told)


def _write(home: Path, minutes: float) -> int:
    """The clip, its truth and the number of frames."""
    import cv2

    from bench.datasets.catalogue import open_dataset
    from bench.io.encode import write_lossless

    dataset = open_dataset("puppets")
    reference = next(name for name in dataset.references() if name.startswith("test"))
    take = dataset.take(reference, dataset.drivers(dataset.speakers()[-1])[0])
    count = round(60 * minutes * FPS)
    samples = np.resize(take.speech.samples, count * RATE // FPS)

    def shown() -> Iterator[np.ndarray]:
        held = itertools.cycle(take.frames)
        for _ in range(-(-count // _HOLD)):
            yield from itertools.repeat(next(held), _HOLD)

    for side, change in (("true", lambda f: f), ("mine", lambda f: cv2.GaussianBlur(f, (0, 0), 0.8))):
        (home / side).mkdir()
        pictures = (change(frame) for frame in itertools.islice(shown(), count))
        write_lossless(home / side / "long.mkv", pictures, samples=samples)
    return count


def _score(home: Path, metrics: Sequence[str]) -> dict[str, float]:
    """metrics, megabytes and seconds of scoring, of the process that does it."""
    from bench.runner.choice import fitting, named
    from bench.runner.score import score

    chosen = named(list(metrics)) or fitting(home / "mine", home / "true")
    start = time.perf_counter()
    result = score(home / "mine", truth=home / "true", metrics=chosen, out=home / "out", how=How(workers=0))
    if result.exit_code:
        raise RuntimeError(f"scoring failed: {result.reason}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"metrics": len(chosen), "megabytes": peak / 1e6, "seconds": time.perf_counter() - start}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.perf.memory", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the clip (default 10)")
    parser.add_argument("--metrics", default="", help="ids or families, separated by commas (default: all that fit)")
    asked = parser.parse_args(arguments)
    metrics = [name for name in asked.metrics.split(",") if name]
    if asked.minutes <= 0:
        print(f"error: expected --minutes above 0, got {asked.minutes}", file=sys.stderr)
        return 2
    print(json.dumps(asdict(measure(asked.minutes, metrics)), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
