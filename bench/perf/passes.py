"""The whole metric pass, PSNR to SyncNet, over clips of a real size: how fast it is, and what the same costs elsewhere.

    run_bench.py perf --metrics

Ours is what `run` and `score` do with a clip: decoded once, seen by each network once and in batches, every need shared
by all metrics that have it. The peers are called one after another (`bench.perf.peers`). Both sides run in processes of
their own, with the same number of threads, on the same files, in turns; what is compared is CPU time, user and system,
of the whole process tree, imports and loading included, which a machine that others share disturbs least. Networks have
weights drawn from a seed: nothing here is a metric's value, and none is shown.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.perf import drawn, peers
from bench.perf.meter import REST, START, Meter, apart
from bench.perf.pairs import FRAMES, SIDE, Pair, write_pairs
from bench.perf.peers import PEERS, Lacking, Told

IDS: Mapping[str, tuple[str, ...]] = {
    "psnr": ("psnr/mean-of-frames@1",),
    "ssim": ("ssim/gauss11-rgb@1",),
    "lpips": ("lpips/alex@1",),
    "fid": ("fid/inception2015-pytorchfid@1",),
    "lmd": ("lmd/mouth20-centred-px-dlib68@1",),
    "sync": ("sync_confidence/syncnet-tracked-hog@1", "sync_distance/syncnet-tracked-hog@1"),
}
"""The full set: part -> metrics that are computed in it."""
DISTANCE = "distance"
"""The part in which all clips' Inception features become one FID."""
REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real" / "video"


@dataclass(frozen=True)
class Side:
    """A process's CPU seconds by part (medians over rounds), and what a reader must know. lacking: why it did not run.

    covers: parts of our pass that a peer does the work of.
    """

    name: str
    seconds: Mapping[str, float]
    covers: tuple[str, ...] = ()
    how: str = ""
    note: str = ""
    lacking: str | None = None

    @property
    def total(self) -> float:
        """CPU seconds of the whole process tree."""
        return sum(self.seconds.values())


@dataclass(frozen=True)
class PassResult:
    """clips: names. frames: of all clips, each once. wall: seconds of our pass, quickest round, start included.

    root: CPU seconds of pytorch-fid's command on statistics that it is given, which are a part of its cost that does
    not grow with the number of pictures; None where it was not measured.
    """

    clips: tuple[str, ...]
    frames: int
    side: int
    threads: int
    rounds: int
    quick: bool
    wall: float
    ours: Side
    theirs: tuple[Side, ...]
    root: float | None
    machine: Mapping[str, str]

    @property
    def frames_per_second(self) -> float:
        """Frames of clips (each with its truth's) a second of wall time."""
        return self.frames / self.wall

    @property
    def ratio(self) -> float | None:
        """All peers' CPU time over ours; None where a peer did not run, since then it would not be the full set."""
        if any(side.lacking for side in self.theirs):
            return None
        return sum(side.total for side in self.theirs) / self.ours.total

    @property
    def ratio_without_root(self) -> float | None:
        """The same with nothing counted for what pytorch-fid does after its features."""
        if self.ratio is None or self.root is None:
            return None
        return (sum(side.total for side in self.theirs) - self.root) / self.ours.total

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, derived figures included, and the figures recorded elsewhere apart from them."""
        recorded = [dict(zip(("part", "work", "cpu_ms", "item"), line, strict=True)) for line in peers.RECORDED]
        return {
            **asdict(self),
            "frames_per_second": self.frames_per_second,
            "cpu_ours": self.ours.total,
            "cpu_theirs": sum(side.total for side in self.theirs),
            "ratio": self.ratio,
            "ratio_without_root": self.ratio_without_root,
            "recorded_elsewhere": {"where": peers.RECORDED_WHERE, "figures": recorded},
        }


def measure(
    *,
    quick: bool = False,
    puppets: int = 2,
    films: int = 2,
    threads: int = 1,
    rounds: int = 1,
    with_peers: bool = True,
    progress: Callable[[str], None] | None = None,
) -> PassResult:
    """Both sides over the same clips, in turns. quick: one puppet, and no command for the root alone.

    puppets, films: clips of 125 frames; films only where they lie beside the checkout. threads: each process's.
    progress: told in a line of every process that has ended.
    """
    tell = progress or (lambda line: None)
    if quick:
        puppets, films = 1, 0
    with tempfile.TemporaryDirectory(prefix="avct-pass-") as place:
        home = Path(place)
        pairs = write_pairs(home / "clips", puppets=puppets, films=films, frames=FRAMES, real=REAL)
        drawn.write(home / "weights")
        mine: list[tuple[Told, float]] = []
        others: dict[str, list[Told]] = {}
        lacking: dict[str, str] = {}
        for number in range(rounds):
            mine.append(apart(_alone, pairs, home / "weights", _folder(home / f"ours-{number}"), threads=threads))
            tell(f"ours: {mine[-1][0].total:.1f} s of CPU time")
            for peer in PEERS if with_peers else ():
                work = _folder(home / f"{peer.name}-{number}")
                reason = lacking.get(peer.name) or peers.missing(peer)
                try:
                    if reason is None:
                        told = apart(peer.work, pairs, home / "weights", work, threads=threads)
                        others.setdefault(peer.name, []).append(told)
                        tell(f"{peer.name}: {told.total:.1f} s of CPU time")
                except (Lacking, ImportError) as error:
                    reason = str(error)
                if reason is not None:
                    lacking[peer.name] = reason
                    tell(f"{peer.name}: {reason}")
        root = None
        if with_peers and not quick and "pytorch-fid" in others:
            files = [home / "ours-0" / f"{side}.npz" for side in ("video", "truth")]
            told = apart(peers.root, files, home / "weights", _folder(home / "root"), threads=threads)
            root = told.total
    return PassResult(
        clips=tuple(pair.name for pair in pairs),
        frames=sum(pair.frames for pair in pairs),
        side=SIDE,
        threads=threads,
        rounds=rounds,
        quick=quick,
        wall=min(wall for _, wall in mine),
        ours=Side("avct-bench", _medians([told for told, _ in mine]), tuple(IDS), note=mine[0][0].note),
        theirs=tuple(
            Side(
                peer.name,
                _medians(others[peer.name]) if peer.name not in lacking else {},
                peer.parts,
                peer.how,
                others[peer.name][0].note if peer.name not in lacking else "",
                lacking.get(peer.name),
            )
            for peer in (PEERS if with_peers else ())
        ),
        root=root,
        machine=_machine(),
    )


def walk(
    pairs: Sequence[Pair], work: Path, meter: Meter, *, ids: Mapping[str, Sequence[str]] = IDS
) -> tuple[dict[str, dict[str, Any]], dict[str, list[Any]]]:
    """Outcomes of every metric for every clip, {clip: {id: outcome}}, and Inception's features of videos and truths.

    The way that a run's worker takes: files are read once into memory, and what is found in frames is found once.
    """
    from bench.runner.files import read_files
    from bench.runner.measure import measure as evaluate
    from bench.runner.sightings import SightingStore
    from bench.runner.tasks import Files
    from metrics.registry import get

    store = SightingStore(work / "sightings")
    outcomes: dict[str, dict[str, Any]] = {}
    features: dict[str, list[Any]] = {"video": [], "truth": []}
    for pair in pairs:
        with meter.part("decode"):
            material, _ = read_files(Files(pair.video, pair.truth, None), work)
        found: dict[str, Any] = {}
        for part, names in ids.items():
            with meter.part(part):
                found |= evaluate(material, [get(name) for name in names], store)[0]
        outcomes[pair.name] = found
        if "fid" in ids:
            corpus = get(ids["fid"][0]).corpus
            assert corpus is not None and material.truth is not None and material.truth_sha256 is not None
            sides = {"video": material.frames, "truth": material.truth}
            digests = {"video": material.frames_sha256, "truth": material.truth_sha256}
            for side, frames in sides.items():
                features[side].append(store.find("features", corpus.features, frames, digests[side]))
    return outcomes, features


def _alone(pairs: Sequence[Pair], home: Path, work: Path) -> tuple[Told, float]:
    """Our whole pass in a process of its own: CPU seconds by part, and wall time from the first step on."""
    import numpy as np

    from metrics.registry import get

    begin = time.perf_counter()
    with drawn.networks(home):
        meter = Meter()
        with meter.part(START):
            _open()
        outcomes, features = walk(pairs, work, meter)
        corpus = get(IDS["fid"][0]).corpus
        assert corpus is not None
        with meter.part(DISTANCE):
            corpus.distance(*(corpus.summarise(lines) for lines in features.values()))
        seconds, wall = meter.close(), time.perf_counter() - begin
    empty = sorted({f"{name}: {o['reason']}" for told in outcomes.values() for name, o in told.items() if o["reason"]})
    if empty:
        raise RuntimeError(f"expected every metric to be computed, got {empty[0]}")
    for side, lines in features.items():
        vectors = np.concatenate(lines).astype(np.float64)
        np.savez(work / f"{side}.npz", mu=vectors.mean(0), sigma=np.cov(vectors, rowvar=False))
    return Told(seconds, "faces by HOG, shared by landmarks and SyncNet's tracks"), wall


def _open() -> None:
    """Loads every network, as the first clip of a run would."""
    from metrics import lpips_distance, syncnet
    from metrics.faces import detector
    from metrics.features import extractor
    from metrics.landmarks import backend

    lpips_distance.network("alex")
    syncnet.load()
    backend("dlib68")
    detector("hog")
    extractor("inception_pytorchfid")


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def _medians(told: Sequence[Told]) -> dict[str, float]:
    """Seconds of every part, in order of first appearance, the two that every process has at the ends."""
    names = list(dict.fromkeys(name for one in told for name in one.seconds))
    ordered = sorted(names, key=lambda name: (name == REST) - (name == START))
    return {name: statistics.median(one.seconds.get(name, 0.0) for one in told) for name in ordered}


def _machine() -> dict[str, str]:
    import os
    import platform

    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0
    return {"processor": platform.processor() or platform.machine(), "cores": str(cores),
            "python": ".".join(map(str, sys.version_info[:3])), "torch": torch.__version__}  # fmt: skip


def show(result: PassResult) -> str:
    """A result as lines of text."""
    frames, mode = result.frames, "quick" if result.quick else "full"
    lines = [
        f"metric pass ({mode}): {len(result.clips)} clips ({', '.join(result.clips)}), {frames} frames of "
        f"{result.side}x{result.side}, each with its truth; {result.threads} thread(s) a process, "
        f"{result.rounds} round(s); {', '.join(f'{k} {v}' for k, v in result.machine.items())}",
        f"our whole pass: {result.frames_per_second:.2f} frames/s of wall time, {result.wall:.1f} s",
        "",
        "CPU seconds, user and system, of whole process trees (milliseconds a frame and its truth's):",
        f"  {'ours':<34}{result.ours.total:8.1f} s ({1000 * result.ours.total / frames:7.1f} ms)  {result.ours.note}",
        *_parts(result.ours, frames),
    ]
    for side in result.theirs:
        if side.lacking:
            lines.append(f"  {side.name:<34} did not run: {side.lacking}")
            continue
        told = f"  {side.name:<34}{side.total:8.1f} s ({1000 * side.total / frames:7.1f} ms)  {side.how}"
        lines += [f"{told}; {side.note}" if side.note else told, *_parts(side, frames)]
    if result.theirs:
        lines += ["", *_verdict(result), f"peers {peers.RECORDED_WHERE}:"]
        lines += [f"  {part:<6} {cost:7.2f} ms a {item:<8} {work}" for part, work, cost, item in peers.RECORDED]
    return "\n".join(lines)


def _parts(side: Side, frames: int) -> list[str]:
    return [
        f"    {name:<32}{seconds:8.1f} s ({1000 * seconds / frames:7.1f} ms, {seconds / side.total:5.1%})"
        for name, seconds in side.seconds.items()
    ]


def _verdict(result: PassResult) -> list[str]:
    theirs = sum(side.total for side in result.theirs)
    if result.ratio is None:
        return [f"peers that ran: {theirs:.1f} s; not the full set, so there is no ratio"]
    lines = [f"all peers: {theirs:.1f} s of CPU time, {result.ratio:.2f} times ours"]
    if result.ratio_without_root is not None and result.root is not None:
        lines.append(
            f"  {result.root:.1f} s of them are pytorch-fid's command on statistics alone (its start and its root of a "
            f"2048x2048 matrix, however many pictures): without these {result.ratio_without_root:.2f} times ours"
        )
    return lines
