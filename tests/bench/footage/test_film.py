"""What a film gives: square pixels whatever is stored, and sound from the file or beside it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import speaking_films as films

from bench.errors import MediaError
from bench.footage.film import pictures, sound
from bench.io.audio import write_wav


@pytest.mark.parametrize("aspect", [Fraction(16, 11), Fraction(8, 9)])
def test_oblong_pixels_become_square(tmp_path: Path, aspect: Fraction) -> None:
    y, x = np.mgrid[0:120, 0:100]
    disc = ((np.hypot((x - 50) * float(aspect), y - 60) < 30) * 255).astype(np.uint8)
    path = tmp_path / "old.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 100, 120, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        picture = av.VideoFrame.from_ndarray(np.repeat(disc[..., None], 3, 2), format="rgb24")
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    shown = next(pictures(path))
    assert shown.shape[:2] == (120, round(100 * aspect))
    tall, wide = np.ptp(np.argwhere(shown[..., 0] > 127), axis=0)
    assert abs(int(tall) - int(wide)) <= 2


def test_sound_beside_a_mute_film(tmp_path: Path) -> None:
    mute = films.write(tmp_path / "x.mkv", np.zeros((5, 32, 32, 3), np.uint8))
    with pytest.raises(MediaError, match=r"a file such as x\.wav beside it"):
        sound(mute)
    wave = np.sin(np.arange(3200) / 20).astype(np.float32) * 0.5
    write_wav(tmp_path / "x.wav", wave)
    np.testing.assert_allclose(sound(mute), wave, atol=1e-4)
    write_wav(tmp_path / "x.wav", wave * 1e-4)
    with pytest.raises(MediaError, match=r"x\.wav: expected speech, got silence"):
        sound(mute)
