"""Any method as something to be timed, by its adapter: it makes whole clips, and how is its own affair."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from avct.watch import UNWATCHED, Watch
from bench.adapters import open_adapter
from bench.front import Request as Wanted
from bench.front import read_speech
from bench.headmotion import read_pose
from bench.io.decode import frames as decode
from bench.io.image import read_image
from bench.perf.inputs import describe_clips
from bench.perf.subject import Crowd, Lacking, Request, Tap
from bench.records import Job, Portrait, Setting
from protocols.method import BuiltinMethod, CommandMethod


class MethodSubject:
    """A `bench.perf.subject.Subject` that has `make` and `plain` alone. file: of the method, a stem or a path.

    Its videos are stored losslessly, as `run` stores them.
    """

    excluded: Mapping[str, Sequence[str]] = MappingProxyType({})

    def __init__(
        self, file: str, spec: BuiltinMethod | CommandMethod, setting: Setting, requests: Sequence[Request]
    ) -> None:
        self.name, self.setting, self.requests = spec.name, setting, tuple(requests)
        self._spec, self._adapter = spec, open_adapter(file)
        self._plain: dict[int, Path] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def prepare(self) -> float:
        """0.0: what a method loads or compiles is within every video. Raises MissingError where a file is not there."""
        if self._spec.uses:
            raise Lacking(f"{self.name} needs {' and '.join(self._spec.uses)}, which no user has")
        self._adapter.fingerprint(self.setting)
        return 0.0

    def synchronise(self) -> None:
        """Nothing waits: a video that is stored is done."""

    def recompiles(self) -> int:
        """0: nobody can look into a method."""
        return 0

    def stream(self, request: Request, *, watch: Watch = UNWATCHED) -> Iterator[np.ndarray]:
        raise Lacking(self._whole)

    def paint(self, request: Request) -> int:
        raise Lacking(self._whole)

    def crowd(self) -> Crowd:
        raise Lacking(self._whole)

    def make(self, request: Request, out: Path, *, tap: Tap | None = None, watch: Watch = UNWATCHED) -> int:
        """Frames of the lossless video that was made; for a tap it is read again, within the time that is taken."""
        with watch.stage("decode"):
            job = self._job(request, self.setting, out.parent)
        with watch.stage("render"):
            made = self._adapter.generate(job, out.with_suffix(".mkv"), run_id="perf")
        if tap is not None:
            for number, frame in enumerate(decode(made.path)):
                tap(request.number, number, frame)
        return made.frames

    def make_all(self, requests: Sequence[Request], folder: Path, *, tap: Tap | None = None) -> Iterator[int]:
        """Frames of every video, one after another."""
        for place, request in enumerate(requests):
            yield self.make(request, folder / f"{place:05d}.mkv", tap=tap)

    def plain(self, request: Request, frames: Sequence[int]) -> np.ndarray:
        """Those frames of a video by the same method in float32, one at a time and uncompiled, where settings change
        its videos; else of a second video."""
        if request.number not in self._plain:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="avct-bench-plain-")
                weakref.finalize(self, self._folder.cleanup)
            out = Path(self._folder.name) / f"{request.number}.mkv"
            setting = self.setting
            if self._spec.sensitive_to_setting:
                setting = replace(
                    setting, precision="float32", batch=1, compile="none", graphs=False, channels_last=None
                )
            job = self._job(request, setting, out.parent)
            self._plain[request.number] = self._adapter.generate(job, out, run_id="perf").path
        chosen = set(frames)
        held = {k: frame for k, frame in enumerate(decode(self._plain[request.number])) if k in chosen}
        return np.stack([held[k] for k in frames])

    def describe(self) -> dict[str, Any]:
        """What a reader must know of it."""
        return {
            "network": self._spec.title or self.name,
            "codec": "as the method does, then FFV1 in Matroska, lossless",
            "pose": self.setting.pose,
            "faces": "painted",
            "stages": "the method's own work is one stage, render, loading included",
            **describe_clips(self.requests, self.setting.batch),
        }

    @property
    def _whole(self) -> str:
        return f"{self.name} makes whole clips, not frames"

    def _job(self, request: Request, setting: Setting, workdir: Path) -> Job:
        wanted = Wanted(request.portrait, request.speech, Path("video.mkv"), phonemes=request.phones)
        speech, _, _ = read_speech(wanted)
        portrait = Portrait(request.portrait.stem, read_image(request.portrait))
        poses = None if request.poses is None else read_pose(request.poses, request.frames)
        return Job(portrait, speech, request.frames, setting, seed=0, pose=poses, workdir=str(workdir))
