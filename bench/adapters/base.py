"""What every generator looks like to the runner: it says what decides its output, and makes one video at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bench.errors import BenchError
from bench.records import Job, Setting


class GenerationError(BenchError):
    """A method that was run and did not make the video asked for; the message is the reason in the failure row."""


@dataclass(frozen=True)
class Generated:
    """A finished video. frames, sha256: of its pixels, as `bench.io.encode` gives them. seconds: time by stage."""

    path: Path
    frames: int
    sha256: str
    seconds: Mapping[str, float] = field(default_factory=dict)


class Adapter(Protocol):
    """A generator. It sees a Job and nothing else; whatever it needs beyond that it opens on first use and keeps."""

    name: str

    def fingerprint(self, setting: Setting) -> dict[str, Any]:
        """What decides the video besides the job's inputs and seed, as JSON-able data.

        Keys: "method" (sha256 of the specification), "weights" ([{"name", "sha256", "bytes"}]), "code" (what
        identifies code outside this repository), and "setting" ({"device", "precision", "batch"}) where the method
        is sensitive to it. Answered without loading a network. Raises MissingError where a file is not there.
        """
        ...

    def generate(self, job: Job, out: Path, *, run_id: str) -> Generated:
        """Write exactly `job.frames` frames of the portrait's size to `out`, lossless, with the speech as its sound.

        Raises GenerationError (the method failed), MissingError (weights), StorageError (the disk).
        """
        ...


def setting_fingerprint(setting: Setting, *, sensitive: bool) -> dict[str, Any]:
    """{"setting": {...}} without the setting's name, or nothing for a method that makes the same video everywhere."""
    if not sensitive:
        return {}
    names = ["device", "precision", "batch", "compile"]
    # what a setting does not ask for is left out: videos that were made before it could be asked for are the same
    names += [name for name in ("graphs", "channels_last") if getattr(setting, name)]
    return {"setting": {name: getattr(setting, name) for name in names}}
