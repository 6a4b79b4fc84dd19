"""Cold start: from the start of a process to its first frame, with an empty and with a warm cache of compiled code.

Each start is a process of its own (`python -m bench.perf.cold` is what it runs). The system's cache of files is as it
is: weights were read before, and their bytes come from memory.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.adapters.process import last_lines, run_process
from bench.errors import MediaError
from bench.perf.subject import Request, Tap
from bench.places import ROOT
from bench.records import Setting

PARTS = ("imports", "load", "first_frame")
"""What a start is made of: the interpreter and what it imports; networks loaded, and compiled where they are; from the
files to the first frame."""
_CACHES = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")


@dataclass(frozen=True)
class Start:
    """Seconds of starts, in order, and of their parts by name (medians)."""

    seconds: tuple[float, ...]
    parts: dict[str, float]

    @property
    def median(self) -> float:
        """The median of the starts."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class ColdStarts:
    """empty: with no compiled code kept. warm: with that of a start before, None where nothing is compiled."""

    empty: Start
    warm: Start | None


def measure_starts(
    method: str,
    setting: Setting,
    request: Request,
    *,
    repeats: int = 3,
    timeout_s: float = 600.0,
    threads: int = 0,
    tap: Tap | None = None,
) -> ColdStarts:
    """Cold starts of a method under a setting, `repeats` of each kind. Raises MediaError where a process breaks off.

    threads: of torch, 0 for its own choice. tap: told of the last process's frames; those after the first are made when
    no clock runs any more.
    """
    with tempfile.TemporaryDirectory(prefix="avct-bench-cold-") as place:
        folder = Path(place)
        compiled = setting.compile != "none"
        caches = [f"cache{k}" for k in range(repeats)] + [f"cache{repeats - 1}"] * (repeats if compiled else 0)
        kept = folder / "frames.npy"
        starts = []
        for number, cache in enumerate(caches, 1):
            keep = kept if tap is not None and number == len(caches) else None
            starts.append(_start(method, setting, request, folder, cache, timeout_s, threads=threads, keep=keep))
        if tap is not None and kept.is_file():
            for number, frame in enumerate(np.load(kept)):
                tap(request.number, number, frame)
        return ColdStarts(_joined(starts[:repeats]), _joined(starts[repeats:]) if compiled else None)


def _joined(starts: Sequence[dict[str, float]]) -> Start:
    parts = {name: statistics.median(start[name] for start in starts) for name in PARTS}
    return Start(tuple(sum(start[name] for name in PARTS) for start in starts), parts)


def _start(
    method: str,
    setting: Setting,
    request: Request,
    folder: Path,
    cache: str,
    timeout_s: float,
    *,
    threads: int,
    keep: Path | None,
) -> dict[str, float]:
    """Seconds of one start by part. cache: the folder below `folder` that keeps compiled code. keep: a file for all
    frames of the request."""
    log, answer = folder / "log.txt", folder / "answer.json"
    log.unlink(missing_ok=True)
    files = {name: None if path is None else str(path.absolute()) for name, path in _files(request).items()}
    told = {"method": _method(method), "setting": asdict(setting), "frames": request.frames, **files,
            "threads": threads, "keep": None if keep is None else str(keep)}  # fmt: skip
    environment = {**os.environ, **{name: str(folder / cache / name.lower()) for name in _CACHES}}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    began = time.monotonic()  # the system's own, the same in every process
    ended = run_process(
        [sys.executable, "-m", "bench.perf.cold", json.dumps(told)],
        cwd=folder,
        environment=environment,
        timeout_s=timeout_s,
        log=log,
        into=answer,
    )
    if ended.timed_out:
        raise MediaError(f"cold start of {method}: ended after the limit of {timeout_s:g} s")
    try:
        stamps = json.loads(answer.read_text(encoding="utf-8"))
    except ValueError:
        raise MediaError(f"cold start of {method}: exit code {ended.code}; it said last: {last_lines(log)}") from None
    if "lacking" in stamps:
        from bench.perf.subject import Lacking

        raise Lacking(stamps["lacking"])
    places = [began, *(stamps[name] for name in PARTS)]
    return {name: places[k + 1] - places[k] for k, name in enumerate(PARTS)}


def _method(name: str) -> str:
    """The method's name, or its file's whole path: the new process stands elsewhere."""
    path = Path(name)
    return str(path.absolute()) if path.is_file() else name


def _files(request: Request) -> dict[str, Path | None]:
    return {
        "portrait": request.portrait,
        "speech": request.speech,
        "phones": request.phones,
        "poses": request.poses,
    }


def main(arguments: Sequence[str]) -> int:
    """Starts, makes one frame, and prints when each part had ended; exit code 0."""
    from bench.perf.subject import Lacking
    from bench.perf.subjects import open_subject

    told = json.loads(arguments[0])
    files = {
        name: None if told[name] is None else Path(told[name]) for name in ("portrait", "speech", "phones", "poses")
    }
    request = Request(0, "cold", frames=told["frames"], **files)
    import torch  # the longest of the imports

    if told["threads"]:
        torch.set_num_threads(told["threads"])

    stamps = {"imports": time.monotonic()}
    try:
        subject = open_subject(told["method"], Setting(**told["setting"]), [request])
        subject.prepare()
        subject.synchronise()
        stamps["load"] = time.monotonic()
        coming = iter(subject.stream(request))
        first = next(coming)
        stamps["first_frame"] = time.monotonic()
        if told["keep"]:
            np.save(told["keep"], np.stack([first, *coming]))
    except Lacking as error:
        stamps = {"lacking": str(error)}
    print(json.dumps(stamps))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
