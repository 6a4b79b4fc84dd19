"""Half-second clips of the embedded corpus in the containers that data sets come in, encoded once for all tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from shutil import copyfile

import av
import numpy as np
import pytest

from bench.datasets.phones import within
from bench.datasets.puppets import speech
from bench.datasets.puppets.corpus import perform
from bench.io.audio import write_wav
from bench.io.encode import write_browser

SECONDS = 0.6
_FORMATS = {".m4a": "mp4", ".mpg": "mpeg", ".flv": "flv"}


@dataclass(frozen=True)
class Kit:
    """One take of 15 frames uint8 (15, 128, 128, 3) and its sound, and `<name>.<ending>` of it in a folder."""

    folder: Path
    frames: np.ndarray
    samples: np.ndarray

    def put(self, path: Path, name: str = "square") -> Path:
        """A copy of the clip of that name with the ending of `path`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        copyfile(self.folder / f"{name}{path.suffix}", path)
        return path

    def tree(self, root: Path, names: list[str], name: str = "square") -> Path:
        """The folder with copies of the clip under all those names."""
        for one in names:
            self.put(root / one, name)
        return root


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    folder = tmp_path_factory.mktemp("clips")
    said = speech.speech("heldout-a-te01")
    start = 0.4
    samples = said.samples[round(start * 16_000) : round((start + SECONDS) * 16_000)]
    assert said.phones is not None
    phones, _ = within((said.phones, "file"), start, start + SECONDS)
    take = perform("test-000", replace(said, samples=samples, phones=phones))
    frames = np.ascontiguousarray(take.frames[:, ::2, ::2])
    wide = np.pad(frames, ((0, 0), (0, 0), (24, 24), (0, 0)))
    write_browser(folder / "square.mp4", frames, samples=samples, synthetic=False)
    write_browser(folder / "long.mp4", np.tile(frames, (4, 1, 1, 1)), samples=np.tile(samples, 4), synthetic=False)
    write_browser(folder / "mute.mp4", frames, synthetic=False)
    write_browser(folder / "wide.mp4", wide, samples=samples, synthetic=False)
    write_wav(folder / "square.wav", samples)
    _encode(folder / "square.m4a", None, samples)
    _encode(folder / "wide.mpg", wide, samples, codec="mpeg1video", sound="mp2")
    _encode(folder / "wide.flv", wide, samples, codec="flv", sound="aac", rate=Fraction(30_000, 1_001))
    return Kit(folder, frames, samples)


def _encode(
    path: Path,
    frames: np.ndarray | None,
    samples: np.ndarray,
    *,
    codec: str = "",
    sound: str = "aac",
    rate: Fraction = Fraction(25),
) -> None:
    """Another container than bench.io writes; frames are shown at `rate`, repeated or left out to keep the time."""
    with av.open(str(path), "w", format=_FORMATS[path.suffix]) as out:
        picture = out.add_stream(codec, rate=rate) if frames is not None else None
        if picture is not None and frames is not None:
            picture.height, picture.width, picture.pix_fmt = *frames.shape[1:3], "yuv420p"
            picture.bit_rate = 2_000_000
        audio = out.add_stream(sound, rate=16_000 if sound == "aac" else 32_000, layout="mono")
        if picture is not None and frames is not None:
            for k in range(round(len(frames) * rate / 25)):
                image = frames[min(len(frames) - 1, int(k * 25 / rate))]
                out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            out.mux(picture.encode())
        resampler = av.AudioResampler(format=audio.format, layout="mono", rate=audio.rate, frame_size=1024)
        block = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        block.sample_rate = 16_000
        for piece in [*resampler.resample(block), *resampler.resample(None)]:
            out.mux(audio.encode(piece))
        out.mux(audio.encode())
