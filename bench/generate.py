"""`generate`: a portrait file and a speech file become a talking-face video file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import ConfigError, MediaError, MissingError, StorageError
from bench.records import FPS, RATE, Phone, Portrait, Speech

if TYPE_CHECKING:
    from avct.inference import Score
    from avct.model import Model
    from avct.phonemes import Word

SHORTEST = 0.2
"""Seconds of speech below which there is nothing to say: five frames."""
_SILENT = 10 ** (-60 / 20)  # peak below which a recording is called silent: 60 dB below full scale
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
class GeneratedVideo:
    """What was made. phones: "file", "textgrid", or the way of `avct.align.Heard`. keypoints: where they come from."""

    path: Path
    frames: int
    sha256: str
    run_id: str
    phones: str
    keypoints: str
    cropped: bool
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**self.__dict__, "path": str(self.path), "notes": list(self.notes)}


def generate_video(request: Request, *, progress: Advance = lambda *_: None) -> GeneratedVideo:
    """Makes the video of a request. Raises BenchError in one line for whatever cannot be used."""
    from avct.inference import perform
    from bench.adapters.avct import load_model
    from bench.faces import prepare
    from bench.io.image import read_image

    _check(request)
    speech, found_by, notes = read_speech(request, progress=progress)
    image = read_image(request.image)
    progress("loading the generator", 0, None)
    model = load_model(request.checkpoint, request.device)
    picture = prepare(image, request.image, side=model.config.image_size)
    if picture.note:
        notes.append(picture.note)
    portrait, source = _portrait(request, picture.image, picture.landmarks, model)
    told, more = _told(request, portrait, picture.landmarks, speech, model)
    notes += more
    frames = len(told.phonemes)
    run_id = _run_id(request, portrait, speech)

    def painted() -> Iterator[np.ndarray]:
        made = 0
        for some in perform(model, told, batch=request.batch, precision=request.precision):
            yield from some
            made += len(some)
            progress("painting", made, frames)

    written = _write(request.out, painted(), speech.samples, run_id)
    return GeneratedVideo(request.out, frames, written, run_id, found_by, source, picture.cropped, tuple(notes))


def _check(request: Request) -> None:
    if request.transcript is not None and request.phonemes is not None:
        raise ConfigError("generate: expected one of --transcript and --phonemes, got both")
    if request.out.suffix.lower() not in (".mp4", ".mkv"):
        raise ConfigError(
            f"--out: expected a name ending in .mp4 (to watch) or .mkv (lossless), got {request.out.name!r}"
        )
    kept = request.write_phonemes
    if kept is not None and not kept.parent.is_dir():  # said before minutes are spent on listening
        raise StorageError(f"{kept}: its folder does not exist")
    if request.keypoints not in ("auto", "landmarks", "detector"):
        raise ConfigError(f"--keypoints: expected auto, landmarks or detector, got {request.keypoints!r}")
    if request.precision not in ("float32", "bfloat16", "float16"):
        raise ConfigError(f"--precision: expected float32, bfloat16 or float16, got {request.precision!r}")
    if request.precision == "float16" and request.device == "cpu":
        raise ConfigError("--precision float16 is for CUDA devices; on the processor take bfloat16 or float32")
    if request.batch < 1:
        raise ConfigError(f"--batch: expected 1 or more, got {request.batch}")
    if request.device != "cpu":
        import torch

        try:
            torch.zeros(1, device=request.device)
        except (RuntimeError, AssertionError) as error:
            raise ConfigError(f"--device: {request.device!r} cannot be used ({str(error).splitlines()[0]})") from None


def read_speech(request: Request, *, progress: Advance = lambda *_: None) -> tuple[Speech, str, list[str]]:
    """The speech with its phones, how they were found, and notes for the user."""
    from bench.io.audio import read_audio

    samples = read_audio(request.audio)
    seconds = len(samples) / RATE
    if seconds < SHORTEST:
        raise MediaError(f"{request.audio}: expected at least {SHORTEST} s of speech, got {seconds:.2f} s")
    peak = float(np.abs(samples).max())
    if peak < _SILENT:
        level = f"{20 * np.log10(peak):.0f} dB" if peak > 0 else "digital silence"
        raise MediaError(f"{request.audio}: expected speech, got silence (peak {level} of full scale)")
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


def _told(
    request: Request, portrait: Portrait, landmarks: np.ndarray | None, speech: Speech, model: Model
) -> tuple[Score, list[str]]:
    """What is performed, and notes for the user. landmarks: float (68, 2) in the portrait where they are known."""
    from avct.checkpoint import CONVERTED, read_card
    from avct.inference import Score
    from bench.headmotion import head_motion, portrait_pose

    ids, audio, notes = _spoken(speech, model)
    own = None
    # the sway of `landmark` networks is relative to a frontal head, and a file says where its own motion starts
    if request.pose == "audio" or (model.kind == "faithful" and request.pose in ("idle", "still")):
        openface = request.checkpoint is not None and read_card(request.checkpoint).get("made_by") == CONVERTED
        own, unknown = portrait_pose(landmarks, portrait.image.shape[0], openface=openface)
        notes += [unknown] if unknown else []
    motion = head_motion(request.pose, audio, model, own=own, seed=request.seed)
    found = portrait.landmarks if portrait.photograph else None
    return Score(portrait.image, ids, audio, motion.poses, motion.portrait, found), notes


def _spoken(speech: Speech, model: Model) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Phoneme ids int64 (T,) and audio rows float32 (T, 4, 41) of speech, and notes for the user.

    The `faithful` networks get what the official code gives them: features of the whole recording, and no more frames
    than phones and features both last for. Else the video is as long as the sound.
    """
    from avct.audio import features, frame_rows
    from avct.config import AUDIO_ROWS
    from avct.phonemes import from_seconds, ids_at_25fps
    from bench.adapters.avct import speech_inputs

    whole = int(len(speech.samples) / RATE * FPS + 1e-6 * FPS)
    if model.kind != "faithful":
        return *speech_inputs(speech, whole), []
    rows = features(speech.samples)
    ids = ids_at_25fps(from_seconds([(p.symbol, p.start, p.end) for p in speech.phones], origin=speech.driver))
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


def _write(out: Path, frames: Iterator[np.ndarray], samples: np.ndarray, run_id: str) -> str:
    from bench.io.encode import write_browser, write_lossless

    write = write_browser if out.suffix.lower() == ".mp4" else write_lossless
    return write(out, frames, samples=samples, run_id=run_id).sha256
