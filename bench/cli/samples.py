"""Two people of the corpus as files, such as a user has them: what guides are tried with before data are at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.datasets.catalogue import open_dataset
from bench.io.audio import write_wav
from bench.io.encode import write_lossless
from bench.io.image import write_png
from bench.store.files import make_folder


@dataclass(frozen=True)
class Sample:
    """A name for the user, and whose face and which recording it is in the corpus."""

    name: str
    identity: str
    recording: str


SAMPLES = (Sample("anna", "test-003", "heldout-b-te06"), Sample("ben", "test-020", "heldout-a-te01"))
"""Held-out faces and the shortest held-out sentences: two seconds each."""


def write_samples(folder: Path) -> list[Path]:
    """The files written: `portraits/NAME.png`, `speech/NAME.wav`, `originals/NAME.mkv` with its transcript beside it.

    The original is the film of a face saying that speech, lossless, 25 fps, 256x256; the portrait is its first frame.
    Files that are there are written anew. Raises StorageError where the folder cannot be written.
    """
    for place in ("portraits", "speech", "originals"):
        make_folder(folder / place)
    written, corpus = [], open_dataset("puppets")
    for sample in SAMPLES:
        said = corpus.speech(sample.recording)
        shown = corpus.take(sample.identity, sample.recording).frames
        film = folder / "originals" / f"{sample.name}.mkv"
        write_lossless(film, shown, samples=said.samples)
        film.with_suffix(".txt").write_text(f"{said.transcript}\n", encoding="utf-8")
        portrait, sound = folder / "portraits" / f"{sample.name}.png", folder / "speech" / f"{sample.name}.wav"
        write_png(portrait, shown[0])
        write_wav(sound, said.samples)
        written += [portrait, sound, film, film.with_suffix(".txt")]
    return written
