"""The full set of metrics as its users compute it today: one package after another, each in a process of its own.

Every peer decodes the videos itself, imports and loads what it needs itself, and is called in the way that its own
documentation shows. Networks have weights drawn from a seed (`bench.perf.drawn`); no value is kept.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.perf.meter import Meter
from bench.perf.pairs import Pair

LIMIT_S = 3600.0
"""Seconds that a peer's command may take."""


class Lacking(Exception):
    """A peer that cannot run here, and why."""


@dataclass(frozen=True)
class Told:
    """CPU seconds of a process by part, `start` and `unaccounted` among them, and what a reader must know of it."""

    seconds: dict[str, float]
    note: str = ""

    @property
    def total(self) -> float:
        """CPU seconds of the whole process tree."""
        return sum(self.seconds.values())


@dataclass(frozen=True)
class Peer:
    """parts: of our pass that it does the work of. how: what is called. needs: modules that must be installed."""

    name: str
    parts: tuple[str, ...]
    how: str
    needs: tuple[str, ...]
    work: Callable[[Sequence[Pair], Path, Path], Told]


def missing(peer: Peer) -> str | None:
    """Why a peer cannot run here, None where it can."""
    lacking = [name for name in peer.needs if importlib.util.find_spec(name) is None]
    return f"{', '.join(lacking)} not installed" if lacking else None


def _opened(pair: Pair, meter: Meter) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames of video and truth, RGB, as OpenCV's VideoCapture decodes them."""
    import cv2

    films = [cv2.VideoCapture(str(path)) for path in (pair.video, pair.truth)]
    while True:
        with meter.part("decode"):
            shots = [film.read() for film in films]
            if not all(good for good, _ in shots):
                return
            a, b = (cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) for _, frame in shots)
        yield a, b


def _pixels(pairs: Sequence[Pair], home: Path, work: Path) -> Told:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    meter = Meter()
    rule = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": -1}
    for pair in pairs:
        for frame, truth in _opened(pair, meter):
            with meter.part("psnr"):
                peak_signal_noise_ratio(truth, frame, data_range=255)
            with meter.part("ssim"):
                structural_similarity(truth, frame, data_range=255, **rule)
    return Told(meter.close())


def _lpips(pairs: Sequence[Pair], home: Path, work: Path) -> Told:
    import torch

    from bench.perf import drawn

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lpips  # type: ignore[import-untyped]

        network = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
    state = torch.load(drawn.path(home, "alexnet"), weights_only=True)
    trunk = {name: state[f"features.{name.split('.', 1)[1]}"] for name in network.net.state_dict()}
    network.net.load_state_dict(trunk)
    meter = Meter()
    for pair in pairs:
        for frame, truth in _opened(pair, meter):
            with meter.part("lpips"), torch.no_grad():
                network(lpips.im2tensor(frame), lpips.im2tensor(truth)).item()
    return Told(meter.close())


def _fid(pairs: Sequence[Pair], home: Path, work: Path) -> Told:
    """Pictures are written as PNG first, the truth's once, as the command reads folders of them; one call a method."""
    import cv2

    meter = Meter()
    for method in dict.fromkeys(pair.method for pair in pairs):
        folders = [work / "pictures" / side for side in (method, "truth")]
        fresh = [not folder.is_dir() for folder in folders]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        for pair in pairs:
            if pair.method != method:
                continue
            for t, shots in enumerate(_opened(pair, meter)):
                with meter.part("pictures"):
                    for folder, frame, new in zip(folders, shots, fresh, strict=True):
                        if new:
                            path = folder / f"{pair.name}-{t:05d}.png"
                            cv2.imwrite(str(path), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        with meter.part("fid"):
            _command(["-m", "pytorch_fid", *map(str, folders)], home, work)
    return Told(meter.close())


def root(statistics: Sequence[Path], home: Path, work: Path) -> Told:
    """The same command on statistics that are there already: its start and its root of a matrix, no pictures."""
    meter = Meter()
    with meter.part("root"):
        _command(["-m", "pytorch_fid", *map(str, statistics)], home, work)
    return Told(meter.close())


def _command(arguments: Sequence[str], home: Path, work: Path) -> None:
    from bench.adapters.process import last_lines, run_process

    log = work / "command.log"
    environment = {**os.environ, "TORCH_HOME": str(home)}
    ended = run_process([sys.executable, *arguments], cwd=work, environment=environment, timeout_s=LIMIT_S, log=log)
    if ended.code or ended.timed_out:
        raise Lacking(f"python {' '.join(arguments[:2])} failed: {last_lines(log, count=1)}")


def _lmd(pairs: Sequence[Pair], home: Path, work: Path) -> Told:
    import dlib

    from metrics.weights import locate

    detect, predict = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(locate("dlib68")))
    meter = Meter()

    def mouth(frame: np.ndarray) -> np.ndarray | None:
        faces = detect(frame, 0)
        if not faces:
            return None
        points = predict(frame, max(faces, key=lambda box: box.area()))
        found = np.array([(point.x, point.y) for point in points.parts()], float)[48:]
        return found - found.mean(0)

    for pair in pairs:
        for frame, truth in _opened(pair, meter):
            with meter.part("lmd"):
                ours, theirs = mouth(frame), mouth(truth)
                if ours is not None and theirs is not None:
                    np.linalg.norm(ours - theirs, axis=1).mean()
    return Told(meter.close())


def _syncnet(pairs: Sequence[Pair], home: Path, work: Path) -> Told:
    """The package's pipeline from file to offset, confidence and distance.

    Its detector runs on every frame, and what it gives with weights from a seed is put aside for the one box of
    `Pair`: the tracks that follow are as long as the clip. Without a program ffmpeg the pipeline cannot begin, and
    what is timed is its evaluation of a crop that is there already.
    """
    if shutil.which("ffmpeg") is None:
        return _syncnet_cropped(pairs, home, work)
    from bench.perf import drawn

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from syncnet_python.syncnet_pipeline import SyncNetPipeline  # type: ignore[import-untyped]
    files = {"s3fd_weights": str(drawn.path(home, "s3fd")), "syncnet_weights": str(drawn.path(home, "syncnet_v2"))}
    pipeline = SyncNetPipeline(files, device="cpu", min_face_size=50)
    meter = Meter()
    look = pipeline.s3fd.detect_faces
    tracks = 0
    for number, pair in enumerate(pairs):
        if pair.box is None:
            raise Lacking(f"no face is known in {pair.name}, so that no track can be given")
        known = np.array([[*pair.box, 1.0]])

        def detect(*given: Any, known: np.ndarray = known, **settings: Any) -> np.ndarray:
            with meter.part("faces"):
                look(*given, **settings)
            return known

        pipeline.s3fd.detect_faces = detect
        faces = meter.parts.get("faces", 0.0)
        with meter.part("sync"), _quiet(work / "syncnet.log"):
            offsets = pipeline.inference(str(pair.video), cache_dir=str(work / f"syncnet-{number}"))[0]
        meter.parts["sync"] -= meter.parts["faces"] - faces  # faces are a part of their own
        tracks += len(offsets)
    if tracks < len(pairs):
        raise Lacking(f"the pipeline kept {tracks} tracks of {len(pairs)} clips")
    return Told(meter.close(), "S3FD on every frame, its answer put aside for one known box a clip")


def _syncnet_cropped(pairs: Sequence[Pair], home: Path, work: Path) -> Told:
    import cv2
    import torch

    from bench.io.audio import read_sound, write_wav
    from bench.perf import drawn
    from metrics import syncnet

    class Options:
        tmp_dir, batch_size, vshift = "", 20, 15

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = syncnet.build_network()
    network.load_state_dict(torch.load(drawn.path(home, "syncnet_v2"), weights_only=True))
    instance = syncnet.part("SyncNetInstance").SyncNetInstance(network, device="cpu")
    meter = Meter()
    for number, pair in enumerate(pairs):
        folder = work / f"cropped-{number}"
        folder.mkdir()
        with meter.part("crop"):  # the pipeline writes pictures too
            for t, (frame, _) in enumerate(_opened(pair, Meter())):
                small = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), (syncnet.SIDE, syncnet.SIDE))
                cv2.imwrite(str(folder / f"{t:06d}.jpg"), small)
            sound = read_sound(pair.video)
            write_wav(folder / "audio.wav", np.zeros(1, np.float32) if sound is None else sound)
        options = Options()
        options.tmp_dir = str(folder)
        with meter.part("sync"), _quiet(work / "syncnet.log"):
            instance.evaluate(options)
    return Told(meter.close(), "no program ffmpeg: an evaluation of whole frames, without faces, tracks and crops")


class _quiet:
    """Meanwhile, what this process and its children print goes into a file: the pipeline and ffmpeg talk much."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def __enter__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._kept = [os.dup(1), os.dup(2)]
        with open(self._log, "ab") as file:
            for number in (1, 2):
                os.dup2(file.fileno(), number)

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, kept in zip((1, 2), self._kept, strict=True):
            os.dup2(kept, number)
            os.close(kept)


PEERS = (
    Peer("scikit-image", ("psnr", "ssim"), "PSNR and SSIM frame by frame, VideoCapture", ("skimage", "cv2"), _pixels),
    Peer("lpips", ("lpips",), "lpips.LPIPS(net='alex'), batch 1, VideoCapture", ("lpips", "cv2"), _lpips),
    Peer("pytorch-fid", ("fid",), "python -m pytorch_fid A B on PNG files", ("pytorch_fid", "cv2"), _fid),
    Peer("dlib", ("lmd",), "HOG and 68 points frame by frame, VideoCapture", ("dlib", "cv2"), _lmd),
    Peer(
        "syncnet-python", ("sync",), "SyncNetPipeline.inference", ("syncnet_python", "ffmpeg", "scenedetect"), _syncnet
    ),
)

RECORDED_WHERE = "recorded on another machine (2 cores, 2 threads, torch 2.15): shared/metrics/PEER_SPEED.md"
RECORDED = (
    ("psnr", "scikit-image 0.26, PSNR 256x256x3", 0.67, "frame"),
    ("ssim", "scikit-image 0.26, Wang's SSIM, colour", 32.0, "frame"),
    ("lpips", "lpips 0.1.4, AlexNet, batch 1", 92.0, "pair"),
    ("fid", "pytorch-fid 0.3.0, batch 50, slowest of 183 to 230", 230.0, "picture"),
    ("fid", "pytorch-fid 0.3.0, batch 50, quickest of 183 to 230", 183.0, "picture"),
    ("lmd", "dlib HOG, not enlarged", 16.0, "frame"),
    ("lmd", "dlib's 68 landmarks", 2.1, "face"),
)
"""Part, work, CPU milliseconds an item, item: never mixed with what is measured here."""
