"""From a request's files to what is performed: speech, phones and features, a square face, keypoints and head poses.

In three steps, so that many requests can be prepared side by side: what files hold (`read_files`), what can be measured
in that without a network of ours (`measure`, on any thread), and what a model makes of it (`compose`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from avct.watch import UNWATCHED, Watch
from bench.errors import ConfigError, MediaError, MissingError
from bench.records import FPS, RATE, Phone, Portrait, Speech

if TYPE_CHECKING:
    from avct.inference import Score
    from avct.model import Model
    from avct.phonemes import Word
    from bench.faces import FacePicture

SHORTEST = 0.2
"""Seconds of speech below which there is nothing to say: five frames."""
_SILENT = 10 ** (-60 / 20)  # peak below which a recording is called silent: 60 dB below full scale
_DETECTOR = Lock()
"""Who looks for a face: dlib's detector keeps its pyramid and cannot look at two pictures at once."""
Advance = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Request:
    """What a user asks for; fields are the command line's options."""

    image: Path
    audio: Path
    out: Path
    transcript: str | None = None
    phonemes: Path | None = None
    write_phonemes: Path | None = None
    pose: str = "idle"
    keypoints: str = "auto"
    checkpoint: Path | None = None
    device: str = "cpu"
    precision: str = "float32"
    batch: int = 8
    seed: int = 0


@dataclass(frozen=True)
class Read:
    """A request's files. image: uint8 (H, W, 3). phones: how they were found."""

    speech: Speech
    phones: str
    image: np.ndarray
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """What a request's files hold for networks of one kind and size, found without a network of ours.

    picture: the square face. ids: int64 (T,) phoneme ids. rows: float32 (T, 4, 41) audio features.
    """

    read: Read
    picture: FacePicture
    ids: np.ndarray
    rows: np.ndarray
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Met:
    """A portrait, its landmarks there where they are to be its keypoints. pose: float32 (6,), its own, None where it is
    not known or not asked for. keypoints: where they come from."""

    portrait: Portrait
    keypoints: str
    pose: np.ndarray | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Composition:
    """What is performed for a request, and how it came about: see `GeneratedVideo`. samples: what is heard."""

    score: Score
    samples: np.ndarray
    run_id: str
    phones: str
    keypoints: str
    cropped: bool
    notes: tuple[str, ...]


def read_files(request: Request, *, progress: Advance = lambda *_: None, watch: Watch = UNWATCHED) -> Read:
    """The request's speech, its phones and the picture. Raises BenchError in one line for what cannot be used."""
    from bench.io.image import read_image

    speech, found_by, notes = read_speech(request, progress=progress, watch=watch)
    with watch.stage("decode"):
        image = read_image(request.image)
    return Read(speech, found_by, image, tuple(notes))


def measure(request: Request, read: Read, *, kind: str, side: int, watch: Watch = UNWATCHED) -> Measured:
    """What files hold for networks of that kind ("faithful" or "landmark") whose pictures are side x side.

    No network of ours is asked, so that it may be done on any thread. Raises BenchError as `bench.faces.prepare` does.
    """
    from bench.faces import prepare

    with watch.stage("crop"), _DETECTOR:
        picture = prepare(read.image, request.image, side=side)
    ids, rows, notes = _spoken(read.speech, kind, watch)
    return Measured(read, picture, ids, rows, (*read.notes, *([picture.note] if picture.note else []), *notes))


def compose(request: Request, measured: Measured, model: Model, *, watch: Watch = UNWATCHED) -> Composition:
    """The score of a request for a model, and what a user must know of it."""
    from avct.inference import Score
    from bench.headmotion import head_motion

    met = meet(request, measured.picture, model, watch=watch)
    with watch.stage("pose"):
        motion = head_motion(request.pose, measured.rows, model, own=met.pose, seed=request.seed)
    portrait, speech = met.portrait, measured.read.speech
    score = Score(portrait.image, measured.ids, measured.rows, motion.poses, motion.portrait, portrait.landmarks)
    notes = (*measured.notes, *met.notes)
    run_id = _run_id(request, portrait, speech)
    return Composition(
        score, speech.samples, run_id, measured.read.phones, met.keypoints, measured.picture.cropped, notes
    )


def meet(request: Request, picture: FacePicture, model: Model, *, watch: Watch = UNWATCHED) -> Met:
    """The portrait as a model is to know it, whoever speaks."""
    from avct.checkpoint import CONVERTED, read_card
    from bench.headmotion import portrait_pose

    with watch.stage("portrait"):
        portrait, source = _portrait(request, picture.image, picture.landmarks, model)
    own, unknown = None, None
    # the sway of `landmark` networks is relative to a frontal head, and a file says where its own motion starts
    if request.pose == "audio" or (model.kind == "faithful" and request.pose in ("idle", "still")):
        with watch.stage("pose"):
            openface = request.checkpoint is not None and read_card(request.checkpoint).get("made_by") == CONVERTED
            own, unknown = portrait_pose(picture.landmarks, portrait.image.shape[0], openface=openface)
    return Met(portrait, source, own, (unknown,) if unknown else ())


def read_speech(
    request: Request, *, progress: Advance = lambda *_: None, watch: Watch = UNWATCHED
) -> tuple[Speech, str, list[str]]:
    """The speech with its phones, how they were found, and notes for the user."""
    from bench.io.audio import read_audio

    with watch.stage("decode"):
        samples = read_audio(request.audio)
    seconds = len(samples) / RATE
    if seconds < SHORTEST:
        raise MediaError(f"{request.audio}: expected at least {SHORTEST} s of speech, got {seconds:.2f} s")
    peak = float(np.abs(samples).max())
    if peak < _SILENT:
        level = f"{20 * np.log10(peak):.0f} dB" if peak > 0 else "digital silence"
        raise MediaError(f"{request.audio}: expected speech, got silence (peak {level} of full scale)")
    with watch.stage("phonemes"):
        if request.phonemes is not None:
            return _with_phone_file(samples, request)
        return _with_ears(samples, request, progress)


def _with_ears(samples: np.ndarray, request: Request, progress: Advance) -> tuple[Speech, str, list[str]]:
    from avct.align import phones_of

    text = None if request.transcript is None else _transcript(request.transcript)
    seconds = int(len(samples) / RATE)
    heard = phones_of(samples, text, progress=lambda done: progress("listening (seconds)", int(done), seconds))
    notes = list(heard.notes)
    if text is None and heard.words:
        said = " ".join(word.text for word in heard.words)
        notes.insert(0, f"no transcript was given; heard: {said if len(said) <= 160 else said[:157] + '...'}")
    if request.write_phonemes is not None:
        _write_phonemes(request.write_phonemes, heard.official())
    phones = tuple(Phone(*p) for p in heard.phones)
    return Speech(request.audio.stem, "user", samples, phones, text), heard.way, notes


def _with_phone_file(samples: np.ndarray, request: Request) -> tuple[Speech, str, list[str]]:
    from avct.phonemes import is_textgrid, read, spans

    path = request.phonemes
    if not path.exists():
        raise MissingError(f"{path}: no such phoneme file")
    if not path.is_file():
        raise MediaError(f"{path}: expected a phoneme file, got a directory")
    words = read(path)
    way = "textgrid" if is_textgrid(path, path.read_bytes()[:200]) else "file"
    if request.write_phonemes is not None:
        _write_phonemes(request.write_phonemes, words)
    # from the end of the one before: the official code does not read the times at which phones begin
    phones = tuple(Phone(*span) for span in spans(words))
    if not phones:
        raise MediaError(f"{path}: expected phones that last, all end at 0")
    notes = []
    ends, seconds = phones[-1].end, len(samples) / RATE
    if abs(ends - seconds) > 1.0:
        notes.append(f"{path.name} ends at {ends:.2f} s, {request.audio.name} at {seconds:.2f} s")
    return Speech(request.audio.stem, "user", samples, phones), way, notes


def _write_phonemes(path: Path, words: list[Word]) -> None:
    from avct.phonemes import write
    from bench.io.files import replacing

    with replacing(path) as temporary:
        write(temporary, words)


def _transcript(given: str) -> str:
    """The words themselves, or those in the text file of that name."""
    path = Path(given)
    try:
        if path.suffix.lower() == ".txt" or (len(given) < 200 and path.is_file()):
            given = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MissingError(f"{path}: no such transcript file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise MediaError(f"{path}: expected a text file in UTF-8 ({error})") from None
    if not given.strip():
        raise ConfigError("--transcript: expected what is said, got nothing; leave it out to have words recognised")
    return given


def _portrait(request: Request, image: np.ndarray, landmarks: np.ndarray | None, model: Model) -> tuple[Portrait, str]:
    """The portrait and where its keypoints come from.

    auto: the generator's own detector where every point agrees with the landmark detector's (it knows painted faces),
    else the landmarks, which hold on photographs.
    """
    from avct.facepoints import from_landmarks
    from avct.inference import find_keypoints
    from avct.model import LandmarkModel

    if request.keypoints == "landmarks" and not isinstance(model, LandmarkModel):
        raise ConfigError("--keypoints landmarks: the keypoints of this checkpoint are its own, none is a landmark")
    if request.keypoints == "landmarks" and landmarks is None:
        raise MissingError("--keypoints landmarks: no face detector is installed; install the extra `faces`")
    use = request.keypoints == "landmarks"
    if request.keypoints == "auto" and landmarks is not None and isinstance(model, LandmarkModel):
        own = find_keypoints(model, image[None])[0]
        other = from_landmarks(landmarks, image.shape[0])
        width = np.linalg.norm(other[9] - other[10])
        # the worst point, not the median: one lip corner that is lost ruins the mouth. On 14 held-out painted faces
        # the two differ by at most 9.8 % of the face's width, on nine real portraits by 10.4 % to 105 %
        use = bool(np.linalg.norm(own - other, axis=1).max() > 0.10 * width)
    portrait = Portrait(request.image.stem, image, landmarks if use else None, None, photograph=use)
    return portrait, "landmarks" if use else "detector"


def _spoken(speech: Speech, kind: str, watch: Watch) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Phoneme ids int64 (T,) and audio rows float32 (T, 4, 41) of speech, and notes for the user.

    The `faithful` networks get what the official code gives them: features of the whole recording, and no more frames
    than phones and features both last for. Else the video is as long as the sound, its end silent if phones are short.
    Features are measured anew for every request: whoever times them must not find those of the last one.
    """
    from avct.audio import features, frame_rows, lengthen
    from avct.config import AUDIO_ROWS
    from avct.phonemes import SIL, from_seconds, ids_at_25fps

    whole = int(len(speech.samples) / RATE * FPS + 1e-6 * FPS)
    with watch.stage("phonemes"):
        ids = ids_at_25fps(from_seconds([(p.symbol, p.start, p.end) for p in speech.phones], origin=speech.driver))
    with watch.stage("features"):
        if kind != "faithful":
            rows = features(lengthen(speech.samples[: whole * RATE // FPS], whole))
            return np.array((ids + [SIL] * whole)[:whole], np.int64), frame_rows(rows, whole), []
        rows = features(speech.samples)
        frames = min(len(rows) // AUDIO_ROWS, len(ids))
        notes = [] if whole - frames < FPS else [f"the phones end at frame {frames} of {whole}, and so does the video"]
        return np.array(ids[:frames], np.int64), frame_rows(rows, frames), notes


def _run_id(request: Request, portrait: Portrait, speech: Speech) -> str:
    """An id that says which inputs made the video: the first 16 digits of a hash over them."""
    digest = hashlib.sha256(portrait.image.tobytes() + speech.samples.tobytes())
    digest.update(
        repr((speech.phones, request.pose, request.seed, str(request.checkpoint), request.precision)).encode()
    )
    return digest.hexdigest()[:16]
