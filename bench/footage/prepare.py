"""A folder of talking films into training shards: what is done is kept, what fails is a row, the rest goes on.

The folder of shards holds a journal (`rows.jsonl`): one line for each film that is done with, by the key of its content
and of the options. The same command goes on from there after an interruption; the index, which training reads, lists
what the folder of films holds now.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.datasets.folder import find_videos
from bench.errors import ConfigError, MissingError, StorageError
from bench.executors import open_executor
from bench.executors.base import Crew
from bench.footage.beside import identities
from bench.footage.clip import VERSION, Clip, Failed, Made, Options, clip_key, prepare_clip
from bench.io.files import storing
from bench.records import FPS
from bench.store.files import make_folder
from bench.store.journal import FILE, Journal
from bench.store.lock import held

LICENCE = "not known to this program: whether these films may be used for training is for their user to settle"
_EVERY = 25  # frames between two words of progress from a worker


@dataclass(frozen=True)
class Step:
    """Progress. clip: None between films; doing: "reading", "watching", "cropping"; frame: of that film."""

    done: int
    failed: int
    total: int
    clip: str | None = None
    doing: str = ""
    frame: int = 0


@dataclass
class Summary:
    """What the folder of shards holds in the end. failures: (stage, reason) of each film by name. Times in seconds.

    films: found; reused: of those, done by an earlier run; duplicates: films whose content another film has, left out.
    pieces, identities, seconds: in the index; of_seconds: of the films they are from. phones: pieces by the way in
    which phones were found. crowded: pieces in which other faces are seen too (the one seen longest and largest was
    taken); beyond: pieces of whose square more than 5 % lies outside the picture, whose border was continued.
    """

    films: int
    reused: int = 0
    duplicates: list[str] = field(default_factory=list)
    pieces: int = 0
    seconds: float = 0.0
    of_seconds: float = 0.0
    identities: int = 0
    crowded: int = 0
    beyond: int = 0
    phones: Counter[str] = field(default_factory=Counter)
    failures: dict[str, tuple[str, str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        failed = {name: {"stage": stage, "reason": reason} for name, (stage, reason) in self.failures.items()}
        return {**asdict(self), "phones": dict(self.phones), "failures": failed}


def prepare_folder(
    source: Path,
    out: Path,
    options: Options,
    *,
    rule: str = "folder",
    workers: int = 1,
    retry: bool = False,
    progress: Callable[[Step], None] = lambda _: None,
) -> Summary:
    """What became of the films below `source`; `out` can then be trained on (`avct.shards.Shards`).

    rule: who is who, see `bench.footage.beside.identities`. workers: processes; 0 works in this one. retry: films that
    failed earlier are tried again. Raises ConfigError, MissingError (no films; a package that is not installed),
    StorageError and BusyError; a film that cannot be used raises nothing.
    """
    if workers < 0:
        raise ConfigError(f"--workers: expected 0 or more, got {workers}")
    films = find_videos(source, "**/*")
    who = identities(films, rule)
    make_folder(out)
    with held(out), Journal(out / FILE) as journal:
        course = _Course(out, options, journal, progress, len(films), retry=retry)
        todo = course.begin(films)
        try:
            course.run(todo, workers)
        finally:
            # also after an interrupt: what is done can be trained on
            summary = course.finish(films, who, about=_about(source, rule, options))
    return summary


class _Course:
    """The state of one run over a folder."""

    def __init__(
        self,
        out: Path,
        options: Options,
        journal: Journal,
        progress: Callable[[Step], None],
        total: int,
        *,
        retry: bool,
    ) -> None:
        self._out, self._options, self._journal, self._progress = out, options, journal, progress
        self._total, self._retry = total, retry
        self._keys: dict[str, str] = {}
        self._unread: dict[str, tuple[str, str]] = {}
        self._rows: dict[str, Mapping[str, Any]] = {row["key"]: row for row in journal}
        self._reused: set[str] = set()
        self._lock = threading.Lock()
        self._done = self._failed = 0

    def begin(self, films: Mapping[str, Path]) -> list[Clip]:
        """The films that are to be done: neither known from the journal nor twice in the folder."""
        todo: dict[str, Clip] = {}
        for name, path in films.items():
            self._say(name, "reading")
            try:
                key = clip_key(path, self._options)
            except (OSError, MissingError) as error:
                self._unread[name] = ("read", str(error))
                self._failed += 1
                continue
            self._keys[name] = key
            if self._known(key):
                self._reused.add(name)
                self._count(self._rows[key]["status"] == "ok")
            elif key in todo:
                self._count(True)
            else:
                todo[key] = Clip(name, path, key)
        return list(todo.values())

    def _known(self, key: str) -> bool:
        """Whether the journal has the film's outcome, and its files are still there."""
        row = self._rows.get(key)
        if row is None or (row["status"] != "ok" and self._retry):
            return False
        return all((self._out / f"{entry['stem']}.npz").is_file() for entry in row["entries"])

    def run(self, todo: list[Clip], workers: int) -> None:
        """Do the films, each outcome on the disk before it counts."""
        if not todo:
            return
        with _news(self._say, workers) as tell:
            crew = Crew(_work, _start, (self._out, self._options, tell), workers=workers, threads=1)
            executor = open_executor("local" if workers else "inline", crew)
            executor.run(todo, done=self._keep, lost=lambda _, why: Failed("crash", why))

    def _keep(self, clip: Clip, outcome: Made | Failed) -> list[Clip]:
        if isinstance(outcome, Failed) and outcome.fatal:
            raise MissingError(outcome.reason) if outcome.missing else StorageError(outcome.reason)
        self._rows[clip.key] = self._journal.read(self._journal.append(_row(clip, outcome)))
        self._count(isinstance(outcome, Made))
        return []

    def finish(self, films: Mapping[str, Path], who: Mapping[str, str], *, about: Mapping[str, Any]) -> Summary:
        """Write the index of what is done; the summary."""
        from avct.shards import write_index

        summary = Summary(len(films), len(self._reused), failures=dict(self._unread))
        entries, sources, seen = [], [], set()
        for name, key in self._keys.items():
            row = self._rows.get(key)
            if row is None:
                continue
            if row["status"] != "ok":
                summary.failures[name] = (row["stage"], row["reason"])
                continue
            if key in seen:
                summary.duplicates.append(name)
                continue
            seen.add(key)
            for number, entry in enumerate(row["entries"]):
                entries.append({**entry, "name": f"{name}#{number:03d}", "identity": who[name]})
            sources.append({"film": name, "key": key, "seconds": row["of_seconds"]})
            summary.seconds += row["seconds"]
            summary.of_seconds += row["of_seconds"]
        summary.pieces, summary.identities = len(entries), len({entry["identity"] for entry in entries})
        summary.crowded = sum(entry["other_faces"] > 0 for entry in entries)
        summary.beyond = sum(entry["outside"] > 0.05 for entry in entries)
        summary.phones.update(str(entry["phones"]) for entry in entries if entry["phones"])
        made_of = {"seconds": round(summary.seconds, 2), "identities": summary.identities, "films": sources}
        if entries:
            with storing(self._out):
                write_index(self._out, entries, about={**about, "phones": dict(summary.phones), **made_of})
        return summary

    def _count(self, well: bool) -> None:
        with self._lock:
            self._done, self._failed = self._done + well, self._failed + (not well)
        self._say()

    def _say(self, clip: str | None = None, doing: str = "", at: int = 0) -> None:
        self._progress(Step(self._done, self._failed, self._total, clip, doing, at))


def _about(source: Path, rule: str, options: Options) -> dict[str, Any]:
    return {
        "kind": "footage",
        "folder": source.resolve().name,
        "fps": FPS,
        "version": VERSION,
        "options": asdict(options),
        "identities_by": rule if rule in ("folder", "stem") else Path(rule).name,
        "landmarks": "dlib 68 points (trained on 300-W: no commercial use), or files beside the films",
        "head_pose": "avct.headpose, from the landmarks",
        "licence": LICENCE,
    }


def _row(clip: Clip, outcome: Made | Failed) -> dict[str, Any]:
    head = {"key": clip.key, "film": clip.name}
    if isinstance(outcome, Failed):
        return {**head, "status": "failed", "stage": outcome.stage, "reason": outcome.reason, "entries": []}
    times = {"seconds": outcome.seconds, "of_seconds": outcome.of_seconds}
    return {**head, "status": "ok", "entries": list(outcome.entries), **times, "notes": list(outcome.notes)}


@contextmanager
def _news(hear: Callable[[str, str, int], None], workers: int) -> Iterator[Callable[[str, str, int], None]]:
    """What tells of progress, to be given to workers: `hear` itself where the work is done in this process."""
    if not workers:
        yield hear
        return
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    over = threading.Event()

    def listen() -> None:
        while not over.is_set():
            if reader.poll(0.1):
                hear(*reader.recv())

    listener = threading.Thread(target=listen, name="progress", daemon=True)
    listener.start()
    try:
        yield _Teller(writer, context.Lock())
    finally:
        over.set()
        listener.join(timeout=1)


@dataclass(frozen=True)
class _Teller:
    """A worker's end: tells the parent, unless another worker died in the middle of a word and left the lock held."""

    writer: Connection
    lock: Any

    def __call__(self, clip: str, doing: str, at: int) -> None:
        if self.lock.acquire(timeout=1):
            try:
                self.writer.send((clip, doing, at))
            finally:
                self.lock.release()


_HERE: dict[str, Any] = {}
"""What a worker process is told once: where shards go, the options, and whom to tell of progress."""


def _start(out: Path, options: Options, tell: Callable[[str, str, int], None]) -> None:
    import cv2

    cv2.setNumThreads(1)
    _HERE.update(out=out, options=options, tell=tell)


def _work(clip: Clip) -> Made | Failed:
    def advance(doing: str, at: int) -> None:
        if at % _EVERY == 0:
            _HERE["tell"](clip.name, doing, at)

    return prepare_clip(clip, _HERE["out"], _HERE["options"], advance=advance)
