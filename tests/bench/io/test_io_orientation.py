"""Rotation metadata: the picture that comes back stands upright, for all eight orientations."""

from __future__ import annotations

import numpy as np
import pytest
from painted import HEIGHT, WIDTH, film, numbers, paint

from bench.errors import MediaError
from bench.io.decode import frames, read_video
from bench.io.probe import probe

TURNS = [(angle, mirror) for angle in (0, 90, 180, 270) for mirror in (False, True)]


def stored(image: np.ndarray, angle: int, mirror: bool) -> np.ndarray:
    """What a camera would store, so that turning it counter-clockwise by angle, then mirroring, shows `image`."""
    image = image[:, ::-1] if mirror else image
    return np.ascontiguousarray(np.rot90(image, -angle // 90))


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(("angle", "mirror"), TURNS)
def test_pictures_stand_upright(tmp_path, suffix, angle, mirror):
    # film() stores 96 x 64; a turn by 90 degrees needs a tall picture, so the painted one is cut square.
    square = [paint(k)[:, :HEIGHT] for k in range(6)]
    images = [np.pad(stored(s, angle, mirror), ((0, 0), (0, WIDTH - HEIGHT), (0, 0))) for s in square]
    path = film(tmp_path / f"a.{suffix}", 6, images=images, rotation=(angle, mirror, False))
    clip = read_video(path)
    tall = angle in (90, 270)
    assert clip.shape == (6, WIDTH if tall else HEIGHT, HEIGHT if tall else WIDTH, 3)
    info = probe(path)
    assert (info.width, info.height) == (clip.shape[2], clip.shape[1]) and info.mirrored == mirror
    # Where the added strip of black went tells which corner the picture sits in.
    found = [corner for corner in corners(clip) if np.abs(corner.astype(int) - np.stack(square)).mean() < 12]
    assert len(found) == 1


def corners(clip):
    return (
        [clip[:, :HEIGHT], clip[:, -HEIGHT:]] if clip.shape[1] > HEIGHT else [clip[:, :, :HEIGHT], clip[:, :, -HEIGHT:]]
    )


def test_the_angle_is_counter_clockwise(tmp_path):
    images = [np.zeros((HEIGHT, WIDTH, 3), np.uint8) for _ in range(3)]
    for image in images:
        image[:16, -16:] = 255  # a white patch in the stored top right corner
    path = film(tmp_path / "a.mp4", 3, images=images, rotation=(90, False, False))
    assert probe(path).rotation == 90
    shown = read_video(path)[0]
    assert shown[:16, :16].min() > 200 and shown[:16, -16:].max() < 60  # now top left


def test_a_camera_file_by_its_tkhd_matrix(tmp_path):
    # The same by hand: a telephone writes the matrix for "turn 180" into the track header.
    path = film(tmp_path / "a.mp4", 5, images=[np.ascontiguousarray(paint(k)[::-1, ::-1]) for k in range(5)])
    data = bytearray(path.read_bytes())
    unity = b"".join(v.to_bytes(4, "big") for v in (65536, 0, 0, 0, 65536, 0, 0, 0, 0x40000000))
    turned = b"".join(
        v.to_bytes(4, "big", signed=True) for v in (-65536, 0, 0, 0, -65536, 0, WIDTH << 16, HEIGHT << 16, 0x40000000)
    )
    at = data.find(unity, data.find(b"tkhd"))
    assert at > 0
    data[at : at + 36] = turned
    path.write_bytes(data)
    assert probe(path).rotation == 180
    assert numbers(frames(path)) == list(range(5))


def test_an_angle_between_is_refused(tmp_path):
    path = film(tmp_path / "a.mp4", 3, rotation=(30, False, False))
    with pytest.raises(MediaError, match="expected a rotation by 0, 90, 180 or 270 degrees, got 30"):
        read_video(path)
