"""One film into training clips: watched, cut into pieces, each cropped and labelled, written as shards.

The film is decoded twice, first for the landmarks, then for the crops, since a piece's square is known only when all of
its faces are: memory is then that of one piece's crops (49 MB at 10 s and 256x256) and of the film's sound and
landmarks (0.3 GB an hour). An error becomes a `Failed` that names the stage it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import BenchError, ConfigError, MediaError, MissingError, StorageError
from bench.footage.beside import Beside, beside, read_landmarks, read_transcript
from bench.footage.film import STEP, pictures, sound
from bench.footage.pieces import Piece, pieces
from bench.footage.watch import Watched, watch
from bench.framing import SIDE, STYLES, Box, cut, frame, move
from bench.io.digest import sha256_file, sha256_json
from bench.records import RATE

if TYPE_CHECKING:
    from avct.shards import ShardClip

VERSION = 1
"""Of what is made of a film: change it when the same film would give other clips."""
Advance = Callable[[str, int], None]
"""Called with what is being done and the number of the frame."""


@dataclass(frozen=True)
class Options:
    """What decides a film's clips. style: of `bench.framing`. size: side in pixels. longest, shortest: seconds.

    pictures_only: no sound and no phones, for training the renderer alone.
    """

    style: str = "fomm"
    size: int = SIDE
    longest: float = 10.0
    shortest: float = 1.0
    pictures_only: bool = False

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ConfigError(f"--style: expected one of {', '.join(STYLES)}, got {self.style!r}")
        if not 32 <= self.size <= 1024:
            raise ConfigError(f"--size: expected 32 to 1024 pixels, got {self.size}")
        if not 0.2 <= self.shortest <= self.longest <= 600:
            wanted = "0.2 <= --shortest <= --longest <= 600 seconds"
            raise ConfigError(f"--shortest, --longest: expected {wanted}, got {self.shortest:g} and {self.longest:g}")


@dataclass(frozen=True)
class Clip:
    """A film to prepare: its name below the folder, its file, and the key of its content and the options."""

    name: str
    path: Path
    key: str


@dataclass(frozen=True)
class Made:
    """What became of a film. seconds: of its pieces; of_seconds: of the film. notes: on its phones.

    entries: of the index, one a piece, with its times in seconds, the share of its square that lay outside the picture,
    how many other faces were seen meanwhile, and the way in which its phones were found.
    """

    entries: tuple[dict[str, Any], ...]
    seconds: float
    of_seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failed:
    """Why there is nothing. stage: read, landmarks, sound, face, phones, crop, pose or write. fatal: ends the run."""

    stage: str
    reason: str
    fatal: bool = False
    missing: bool = False


def clip_key(path: Path, options: Options) -> str:
    """The hash of the film's bytes, of the files beside it and of the options: the same key, the same clips."""
    files = {file.name.removeprefix(path.stem): sha256_file(file) for file in (path, *beside(path).files())}
    return sha256_json({"version": VERSION, "options": asdict(options), "files": files})


def prepare_clip(clip: Clip, folder: Path, options: Options, *, advance: Advance = lambda *_: None) -> Made | Failed:
    """What became of one film, whose pieces are then in the folder as `<key's beginning>-<number>`.

    Every error but a broken disk or a package that is not installed is a `Failed` of this film alone.
    """
    from avct.errors import AvctError, MissingWeights
    from metrics.errors import MetricError

    work = _Work(clip, folder, options, advance)
    try:
        return work.run()
    except (MissingError, MissingWeights) as error:
        # the film was there a moment ago: what is missing is a package or its weights, for every film
        return Failed(work.stage, str(error), fatal=clip.path.is_file(), missing=True)
    except StorageError as error:
        return Failed(work.stage, str(error), fatal=True)
    except OSError as error:
        return Failed(work.stage, f"{error.filename or folder}: {error.strerror or error}", fatal=work.stage == "write")
    except (BenchError, AvctError, MetricError) as error:
        return Failed(work.stage, str(error))
    except MemoryError:
        return Failed(work.stage, "not enough memory; try fewer --workers")
    except Exception as error:  # one film of thousands must not end the others' night; the row says what it was
        return Failed(work.stage, f"{type(error).__name__}: {error}")


def stem(key: str, number: int) -> str:
    """Name of a piece's files."""
    return f"{key[:20]}-{number:03d}"


@dataclass
class _Work:
    """The way of one film, so that an error's stage is known."""

    clip: Clip
    folder: Path
    options: Options
    advance: Advance
    stage: str = "read"
    way: str | None = None
    notes: list[str] = field(default_factory=list)

    def run(self) -> Made:
        near, options = beside(self.clip.path), self.options
        samples = None
        if not options.pictures_only:
            self.stage = "sound"
            samples = sound(self.clip.path)
        watched = self._watch(near)
        frames = watched.frames if samples is None else min(watched.frames, -(-len(samples) // STEP))
        self.stage = "face"
        found = pieces(watched, frames=frames, longest=options.longest, shortest=options.shortest)
        self.stage = "phones"
        whole = None if samples is None else self._spoken(near, samples[: frames * STEP], frames)
        entries = []
        self.stage = "crop"
        for number, (piece, box, shown) in enumerate(self._cropped(found)):
            clip = self._labelled(number, piece, box, shown, samples, whole)
            self.stage = "write"
            entries.append(self._written(number, clip, piece, box.outside(watched.height, watched.width)))
            self.stage = "crop"
        kept = sum(len(piece.points) for piece in found) * STEP / RATE
        return Made(tuple(entries), kept, watched.frames * STEP / RATE, tuple(self.notes))

    def _watch(self, near: Beside) -> Watched:
        self.stage = "landmarks" if near.landmarks else "read"
        given = read_landmarks(near.landmarks) if near.landmarks else None
        seen: int | Watched = 0
        self.stage = "read"
        for seen in watch(pictures(self.clip.path), given=given):
            if isinstance(seen, int):
                self.advance("watching", seen)
        assert isinstance(seen, Watched)
        if given is not None and abs(len(given) - seen.frames) > 1:
            self.stage = "landmarks"
            raise MediaError(
                f"{near.landmarks}: expected landmarks for {seen.frames} frames at 25 fps, got {len(given)}"
            )
        return seen

    def _spoken(self, near: Beside, samples: np.ndarray, frames: int) -> np.ndarray | None:
        """Phoneme ids int64 (frames,) of the whole film where a file says them, else None: pieces are heard alone."""
        from avct.align import phones_of
        from avct.phonemes import from_seconds, ids_at_25fps, read

        if near.phones is not None:
            self.way = "file"
            return _as_long(ids_at_25fps(read(near.phones)), frames)
        if near.transcript is None:
            return None
        heard = phones_of(samples, read_transcript(near.transcript))
        self.way = heard.way
        self.notes += heard.notes
        return _as_long(ids_at_25fps(from_seconds(heard.phones)), frames)

    def _cropped(self, found: list[Piece]) -> Iterator[tuple[Piece, Box, np.ndarray]]:
        """Each piece with its square and its crops uint8 (n, S, S, 3), in one pass over the film."""
        stream, size, at = pictures(self.clip.path), self.options.size, 0
        for piece in found:
            box = frame(piece.points, self.options.style)
            shown = np.empty((len(piece.points), size, size, 3), np.uint8)
            filled = 0
            for filled, image in enumerate(islice(stream, piece.start - at, piece.stop - at), start=1):
                shown[filled - 1] = cut(image, box, size)
                self.advance("cropping", piece.start + filled)
            if filled != len(shown):
                raise MediaError(f"{self.clip.path}: changed while it was read")
            at = piece.stop
            yield piece, box, shown

    def _labelled(
        self, number: int, piece: Piece, box: Box, shown: np.ndarray, samples: np.ndarray | None, ids: np.ndarray | None
    ) -> ShardClip:
        from avct.headpose import poses_from_landmarks
        from avct.shards import ShardClip

        size = self.options.size
        marks = move(piece.points, box, size).astype(np.float32)
        self.stage = "pose"
        pose = poses_from_landmarks(marks, size)
        said = rows = None
        if samples is not None:
            self.stage = "sound"
            heard = samples[piece.start * STEP : piece.stop * STEP]
            rows = _audio_rows(heard, len(shown))
            self.stage = "phones"
            said = ids[piece.start : piece.stop] if ids is not None else self._heard(heard, len(shown))
        name = f"{self.clip.name}#{number:03d}"
        return ShardClip(name, "", size, shown, marks, pose, said, rows)

    def _heard(self, samples: np.ndarray, frames: int) -> np.ndarray:
        from avct.align import phones_of
        from avct.phonemes import from_seconds, ids_at_25fps

        heard = phones_of(samples)
        self.way = heard.way
        self.notes += [note for note in heard.notes if note not in self.notes]
        return _as_long(ids_at_25fps(from_seconds(heard.phones)), frames)

    def _written(self, number: int, clip: ShardClip, piece: Piece, outside: float) -> dict[str, Any]:
        from avct.shards import write_clip

        entry = write_clip(self.folder, stem(self.clip.key, number), clip)
        times = {"from": piece.start * STEP / RATE, "to": piece.stop * STEP / RATE}
        return {**entry, **times, "outside": round(outside, 4), "other_faces": piece.others, "phones": self.way}


def _as_long(ids: list[int], frames: int) -> np.ndarray:
    from avct.phonemes import SIL

    return np.array((ids + [SIL] * (frames - len(ids)))[:frames], np.int64)


def _audio_rows(samples: np.ndarray, frames: int) -> np.ndarray:
    """Audio rows float32 (frames, 4, 41) of a piece's own sound."""
    from avct.audio import features, frame_rows, lengthen

    return frame_rows(features(lengthen(samples, frames)), frames)
