"""AVCT as something to be timed: from a portrait file and a speech file to frames, the way users make videos.

Networks are the shipped ones, a checkpoint's, or the paper's at full size drawn from a seed: speed does not depend on
what was learnt, and portraits and speech are real ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from avct.watch import UNWATCHED, Watch
from bench.assembly import Plan, make_all, plan_for
from bench.front import Composition, compose, measure, read_files
from bench.front import Request as Wanted
from bench.generate import store
from bench.perf.inputs import describe_clips
from bench.perf.networks import Network
from bench.perf.subject import Crowd, Request, Tap
from bench.records import Setting

if TYPE_CHECKING:
    from avct.engine import Engine
    from bench.perf.counting import Work
    from bench.perf.fleet import Fleet
    from bench.perf.live import Ready

CODEC = "H.264 (libx264 veryfast, CRF 20, yuv420p, one thread a file) and AAC in MP4, pixels hashed"
_SHORT = 3
"""Batches, less a few frames, of what compiling is tried on: full ones and a tail."""


class AvctSubject:
    """A `bench.perf.subject.Subject`. What networks cannot do (the setting's size, its pose rule) is told by Lacking
    when they are first asked for."""

    excluded: Mapping[str, Sequence[str]] = MappingProxyType(
        {
            "single-stream": ("encode",),
            "multi-stream": ("decode", "crop", "phonemes", "portrait", "encode"),
        }
    )

    def __init__(self, network: Network, setting: Setting, requests: Sequence[Request]) -> None:
        self.name, self.setting, self.requests = network.name, setting, tuple(requests)
        self._network = network
        self._made: Engine | None = None
        self._fleet: Fleet | None = None
        self._told: dict[int, Composition] = {}
        self._ready: dict[int, Ready] = {}
        self._crowded = False

    @property
    def engine(self) -> Engine:
        """The model made ready, loaded when it is first asked for."""
        if self._made is None:
            self._made = self._network.prepare(self.setting)
        return self._made

    @property
    def plan(self) -> Plan:
        """How the cores are shared when many videos are made."""
        return plan_for(self.engine.device.type)

    def prepare(self) -> float:
        """Seconds that compiling and capturing took; 0.0 where nothing is compiled. Raises Lacking."""
        if self.setting.devices > 1:
            from bench.perf.fleet import Fleet

            self._fleet = self._fleet or Fleet(self._network, self.setting)
        if not self.engine.tuning.fixed:
            return 0.0
        took = []
        for _ in range(2):  # the second time, everything is there
            began = time.perf_counter()
            self._try_out()
            self.synchronise()
            took.append(time.perf_counter() - began)
        return max(0.0, took[0] - took[1])

    def _try_out(self) -> None:
        """Paints batches of every size that files ask for: one frame, full ones of one portrait and of many, a tail."""
        from avct.inference import predictions

        score, batch, engine = self._composed(self.requests[0]).score, self.setting.batch, self.engine
        count = min(len(score.phonemes), _SHORT * batch - 1)
        short = replace(score, phonemes=score.phonemes[:count], audio=score.audio[:count], poses=score.poses[:count])
        for some in predictions(engine, short, batch=batch):
            engine.pixels(some)
        next(self._frames(short))
        if self.plan.fill:
            self._try_portraits([batch])

    def _try_portraits(self, counts: Iterable[int]) -> None:
        """Paints batches of so many portraits, a frame each."""
        import torch

        from avct.engine import stack

        score, engine = self._composed(self.requests[0]).score, self.engine
        with torch.inference_mode(), engine.exactly():
            sitter = engine.meet(score.image, pose=score.portrait_pose, landmarks=score.landmarks)
            for count in counts:
                many = stack([sitter] * count)
                engine.pixels(engine.paint(many, many.source, batch=count))

    def synchronise(self) -> None:
        """Returns when the device has done all that it was told."""
        if self.engine.device.type == "cuda":
            import torch

            torch.cuda.synchronize(self.engine.device)

    def recompiles(self) -> int:
        """Programs that were compiled or captured so far: a timed run in which this grows has timed a compilation."""
        return self.engine.recompiles()

    def stream(self, request: Request, *, watch: Watch = UNWATCHED) -> Iterator[np.ndarray]:
        """Frames one by one, each in the processor's memory before the next is begun. The whole recording is read and
        heard before the first; from then on a frame waits for half a window of what follows, as its window asks."""
        wanted = self._wanted(request)
        told = self._compose(wanted, watch)
        yield from self._frames(told.score, watch)

    def make(self, request: Request, out: Path, *, tap: Tap | None = None, watch: Watch = UNWATCHED) -> int:
        """Frames of the MP4 that was made."""
        from avct.inference import perform

        told = self._compose(self._wanted(request, out), watch)

        def painted() -> Iterator[np.ndarray]:
            number = 0
            for some in perform(self.engine, told.score, batch=self.setting.batch, watch=watch):
                for frame in some:
                    if tap is not None:
                        tap(request.number, number, frame)
                    number += 1
                    yield frame

        return store(out, painted(), told.samples, told.run_id, watch=watch).frames

    def make_all(self, requests: Sequence[Request], folder: Path, *, tap: Tap | None = None) -> Iterator[int]:
        """Frames of every MP4, as files are finished; the first error of a request is raised when all others are."""
        asked = [self._wanted(request, folder / f"{place:05d}.mp4") for place, request in enumerate(requests)]
        numbers = [request.number for request in requests]

        def tell(place: int, frame: int, pixels: np.ndarray) -> None:
            if tap is not None:
                tap(numbers[place], frame, pixels)

        heard = None if tap is None else tell
        if self._fleet is not None:
            outcomes = self._fleet.make_all(asked, tap=heard)
        else:
            outcomes = make_all(self.engine, asked, batch=self.setting.batch, plan=self.plan, tap=heard)
        trouble: Exception | None = None
        for outcome in outcomes:
            if outcome.written is not None:
                yield outcome.written.frames
            else:
                trouble = trouble or outcome.error
        if trouble is not None:
            raise trouble

    def paint(self, request: Request) -> int:
        """Frames that were painted of a request whose score is ready; levels stay on the device."""
        from avct.inference import predictions

        painted = 0
        for some in predictions(self.engine, self._composed(request).score, batch=self.setting.batch):
            painted += len(self.engine.pixels(some))
        return painted

    def crowd(self) -> Crowd:
        """Nobody yet. The first time, sizes of batches that only crowds have are compiled where any are."""
        from bench.perf.live import CROWD, LiveCrowd, sizes

        if self.engine.tuning.fixed and not self._crowded:
            self._try_portraits(sizes(max(self.setting.batch, CROWD)))
            self._crowded = True
        return LiveCrowd(self.engine, self._wanted, self.requests, batch=self.setting.batch, ready=self._ready)

    def plain(self, request: Request, frames: Sequence[int]) -> np.ndarray:
        """Those frames of the score by the plain loop in float32, on the setting's device."""
        from avct import plain

        return self._exactly(plain.predictions(self.engine.model, self._composed(request).score, frames))

    def plain_live(self, request: Request, frames: Sequence[int]) -> np.ndarray:
        """Those frames by the plain loop of what a live talker knows (`bench.perf.live`): the reference for a crowd."""
        from avct import plain
        from bench.perf.live import live_score

        score, tuned = live_score(self.engine, self._wanted(request))
        return self._exactly(plain.predictions(self.engine.model, score, frames, tuned=tuned))

    def works(self, batch: int) -> dict[str, Work]:
        """FLOPs and bytes of a frame by stage, where frames are painted `batch` at a time."""
        from bench.perf.counting import count_engine

        return count_engine(self.engine, self._composed(self.requests[0]).score, batch=batch)

    def describe(self) -> dict[str, Any]:
        """Networks, codec, phones, pose, clips."""
        model = self.engine.model
        return {
            "network": model.kind,
            "weights": self._network.weights,
            "parameters": sum(p.numel() for p in model.parameters()),
            "size": model.config.image_size,
            "engine": self.engine.describe(),
            "codec": CODEC,
            "pose": self.setting.pose,
            "faces": "none" if self._network.drawn else "painted",
            "plan": asdict(self.plan),
            **describe_clips(self.requests, self.setting.batch),
        }

    def _wanted(self, request: Request, out: Path = Path("frames.mp4")) -> Wanted:
        pose = self.setting.pose
        if pose == "truth":
            pose = "still" if request.poses is None else str(request.poses)
        return Wanted(
            request.portrait,
            request.speech,
            out,
            phonemes=request.phones,
            pose=pose,
            checkpoint=self._network.checkpoint,
        )

    def _compose(self, wanted: Wanted, watch: Watch) -> Composition:
        model = self.engine.model
        read = read_files(wanted, watch=watch)
        measured = measure(wanted, read, kind=model.kind, side=model.config.image_size, watch=watch)
        return compose(wanted, measured, model, watch=watch)

    def _composed(self, request: Request) -> Composition:
        """What is performed, kept for those who time or check the networks alone."""
        if request.number not in self._told:
            self._told[request.number] = self._compose(self._wanted(request), UNWATCHED)
        return self._told[request.number]

    def _frames(self, score: Any, watch: Watch = UNWATCHED) -> Iterator[np.ndarray]:
        """Frames of a score one by one, its windows filled a frame at a time."""
        import torch

        from avct.geometry import Keypoints
        from avct.inference import Windows

        engine = self.engine
        with torch.inference_mode(), engine.exactly():
            with watch.stage("portrait"):
                sitter = engine.meet(score.image, pose=score.portrait_pose, landmarks=score.landmarks)
            with watch.stage("motion"):
                windows, rows = Windows(engine, sitter), engine.tune(score.audio)
        for frame in range(len(rows) + 1):
            with torch.inference_mode(), engine.exactly(), watch.stage("motion"):
                one = slice(frame, frame + 1)
                if frame < len(rows):
                    known = windows.add(score.phonemes[one], rows[one], score.poses[one])
                else:
                    known = windows.finish()
            for k in range(0 if known is None else len(known.value)):
                with torch.inference_mode(), engine.exactly():
                    with watch.stage("render"):
                        driving = Keypoints(*(None if part is None else part[k : k + 1] for part in known))
                        pixels = engine.pixels(engine.paint(sitter, driving, batch=1))
                    with watch.stage("copy"):
                        levels = pixels.cpu().numpy()
                yield levels[0]

    def _exactly(self, predictions: Iterator[Any]) -> np.ndarray:
        import torch

        with self.engine.exactly():
            painted = torch.stack(list(predictions))
        return self.engine.levels(painted)
