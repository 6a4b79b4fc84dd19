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
from pathlib import Path
from typing import Any

from bench.perf import drawn, peers
from bench.perf.meter import REST, START, Meter, apart
from bench.perf.pairs import SIDE, Pair, write_pairs
from bench.perf.pass_result import PassResult, Side, show
from bench.perf.peers import PEERS, Lacking, Told
from bench.places import ROOT

__all__ = ["PassResult", "Side", "measure", "show", "walk"]
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
REAL = ROOT.parent / "shared" / "data" / "real" / "video"


def measure(
    *,
    quick: bool = False,
    puppets: int = 1,
    films: int = 1,
    methods: int = 2,
    threads: int = 1,
    rounds: int = 1,
    with_peers: bool = True,
    progress: Callable[[str], None] | None = None,
) -> PassResult:
    """Both sides over the same clips, in turns. quick: one puppet by one method, and no command for the root alone.

    puppets, films: clips of 125 frames; films only where they lie beside the checkout. methods: how many are
    compared on them, since metrics are for comparing: what is found in a truth counts for all of them here, and is
    found again for each by those who are called one after another. threads: each process's.
    progress: told in a line of every process that has ended.
    """
    tell = progress or (lambda line: None)
    if quick:
        puppets, films, methods = 1, 0, 1
    with tempfile.TemporaryDirectory(prefix="avct-pass-") as place:
        home = Path(place)
        pairs = write_pairs(home / "clips", puppets=puppets, films=films, methods=methods, real=REAL)
        drawn.write(home / "weights")
        mine: list[tuple[Told, float, float]] = []
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
            root = told.total * methods
    return PassResult(
        clips=tuple(dict.fromkeys(pair.name for pair in pairs)),
        methods=methods,
        frames=sum(pair.frames for pair in pairs),
        side=SIDE,
        threads=threads,
        rounds=rounds,
        quick=quick,
        wall=min(wall for _, wall, _ in mine),
        ours=Side("avct-bench", _medians([told for told, _, _ in mine]), tuple(IDS), note=mine[0][0].note),
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
        peak=max(peak for _, _, peak in mine),
        machine=_machine(),
    )


def walk(pairs: Sequence[Pair], work: Path, meter: Meter) -> tuple[dict[str, dict[str, Any]], dict[str, list[Any]]]:
    """Outcomes of every metric for every clip, {method/clip: {id: outcome}}, and Inception's features of videos and
    truths, pair by pair.

    The way that a run's worker takes: files are read once into memory, and what is found in frames is found once.
    """
    with meter.part(START):
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
        for part, names in IDS.items():
            with meter.part(part):
                found |= evaluate(material, [get(name) for name in names], store)[0]
        outcomes[f"{pair.method}/{pair.name}"] = found
        corpus = get(IDS["fid"][0]).corpus
        assert corpus is not None and material.truth is not None and material.truth_sha256 is not None
        sides = {"video": (material.frames, material.frames_sha256), "truth": (material.truth, material.truth_sha256)}
        with meter.part("fid"):  # found already, for the metric's own sake
            for side, shown in sides.items():
                features[side].append(store.find("features", corpus.features, *shown))
    return outcomes, features


def _alone(pairs: Sequence[Pair], home: Path, work: Path) -> tuple[Told, float, float]:
    """Our whole pass in a process of its own: CPU seconds by part, wall time from the first step on, and the peak."""
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
        groups = [
            [k for k, pair in enumerate(pairs) if pair.method == m] for m in dict.fromkeys(p.method for p in pairs)
        ]
        with meter.part(DISTANCE):
            for group in groups:
                corpus.distance(*(corpus.summarise([lines[k] for k in group]) for lines in features.values()))
        seconds, wall = meter.close(), time.perf_counter() - begin
    empty = sorted({f"{name}: {o['reason']}" for told in outcomes.values() for name, o in told.items() if o["reason"]})
    if empty:
        raise RuntimeError(f"expected every metric to be computed, got {empty[0]}")
    for side, lines in features.items():
        vectors = np.concatenate([lines[k] for k in groups[0]]).astype(np.float64)
        np.savez(work / f"{side}.npz", mu=vectors.mean(0), sigma=np.cov(vectors, rowvar=False))
    return Told(seconds, "faces by HOG, shared by landmarks and SyncNet's tracks"), wall, _peak()


def _peak(side: int = 1024) -> float:
    """GFLOP a second of CPU time of the quickest of some large matrix products."""
    import torch

    square = torch.ones((side, side))
    took = []
    for _ in range(10):
        begin = time.process_time()
        square @ square
        took.append(time.process_time() - begin)
    return 2 * side**3 / min(took) / 1e9


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
