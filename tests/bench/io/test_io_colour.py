"""Colour: both ranges, both matrices and the stated defaults, against the standard's formula written out here."""

from __future__ import annotations

import av
import numpy as np
import pytest
from painted import HEIGHT, WIDTH

from bench.errors import MediaError
from bench.io.decode import read_video
from bench.io.encode import write_browser
from bench.io.probe import probe

# Kr and Kb of ITU-R BT.601-7 and BT.709-6, and the H.273 number that a stream carries for each.
MATRICES = {"bt601": (0.299, 0.114, 6), "bt709": (0.2126, 0.0722, 1), "bt2020": (0.2627, 0.0593, 9)}


def formula(yuv: np.ndarray, matrix: str, *, full: bool) -> np.ndarray:
    """RGB (H, W, 3) from 8-bit Y'CbCr (3, H, W)."""
    kr, kb, _ = MATRICES[matrix]
    y, u, v = yuv.astype(np.float64)
    y = y / 255 if full else (y - 16) / 219
    u, v = ((c - 128) / (255 if full else 224) for c in (u, v))
    red, blue = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(np.rint(255 * np.stack([red, green, blue], -1)), 0, 255)


def patches(seed: int = 0) -> np.ndarray:
    """Y'CbCr (3, 64, 96) in flat blocks of 16."""
    values = np.random.default_rng(seed).integers(16, 236, (3, 4, 6), np.uint8)
    return values.repeat(16, 1).repeat(16, 2)


def record(path, yuv, *, pixels="yuv444p", codec="ffv1", space=None, colour_range=None, curve=None, options=None):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        context = stream.codec_context
        if space is not None:
            context.colorspace = space
        if colour_range is not None:
            context.color_range = colour_range
        if curve is not None:
            context.color_trc = curve
        frame = av.VideoFrame(WIDTH, HEIGHT, pixels)
        for index, plane in enumerate(frame.planes):
            values = yuv[index, ::2, ::2] if index and "420" in pixels else yuv[index]
            lines = np.zeros((plane.height, plane.line_size), np.uint8)
            lines[:, : plane.width] = values
            plane.update(lines.tobytes())
        for k in range(3):
            frame.pts = k
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("full", [False, True], ids=["tv", "pc"])
@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize(
    ("name", "pixels", "codec"),
    [("a.mkv", "yuv444p", "ffv1"), ("a.mkv", "yuv420p", "ffv1"), ("a.mp4", "yuv420p", "libx264")],
)
def test_declared_matrix_and_range_are_honoured(tmp_path, name, pixels, codec, matrix, full):
    options = {"qp": "0"} if codec == "libx264" else {}
    path = record(
        tmp_path / name,
        patches(),
        pixels=pixels,
        codec=codec,
        options=options,
        space=MATRICES[matrix][2],
        colour_range=2 if full else 1,
    )
    info = probe(path)
    assert (info.colour_space, info.colour_range) == (matrix, "pc" if full else "tv")
    assert_inner(read_video(path)[0], formula(patches(), matrix, full=full))


def assert_inner(got: np.ndarray, want: np.ndarray) -> None:
    """Equal within one level inside the blocks, where 4:2:0 does not mix neighbours."""
    error = np.abs(got.astype(float) - want).reshape(4, 16, 6, 16, 3)[:, 4:12, :, 4:12]
    assert error.max() <= 1, error.max()
    assert error.mean() < 0.1


@pytest.mark.parametrize("pixels", ["yuv444p", "yuv420p"])
def test_silence_means_bt601_limited(tmp_path, pixels):
    path = record(tmp_path / "a.mkv", patches(1), pixels=pixels)
    info = probe(path)
    assert (info.colour_space, info.colour_range) == ("unspecified", "tv")
    assert_inner(read_video(path)[0], formula(patches(1), "bt601", full=False))


def test_yuvj_means_full_range(tmp_path):
    path = record(tmp_path / "a.mov", patches(2), pixels="yuvj444p", codec="mjpeg", options={"qmin": "1", "qmax": "1"})
    assert probe(path).colour_range == "pc"
    got, want = read_video(path)[0].astype(float), formula(patches(2), "bt601", full=True)
    assert np.abs(got - want).mean() < 2 < np.abs(got - formula(patches(2), "bt601", full=False)).mean()


def test_matrices_and_ranges_do_differ():
    # Were they alike on these patches, the tests above could not fail.
    images = [formula(patches(), matrix, full=full) for matrix in MATRICES for full in (False, True)]
    for i, a in enumerate(images):
        for b in images[:i]:
            assert np.abs(a - b).max() > 8


def test_grey_and_rgb_pass_unchanged(tmp_path):
    grey = np.arange(256, dtype=np.uint8)[None].repeat(HEIGHT, 0)[:, :WIDTH]
    path = record(tmp_path / "g.mkv", grey[None], pixels="gray")
    assert (read_video(path)[0] == grey[:, :, None]).all()
    assert probe(path).colour_space == "grey"
    planes = np.random.default_rng(5).integers(0, 256, (3, HEIGHT, WIDTH), np.uint8)
    path = record(tmp_path / "rgb.avi", planes, pixels="gbrp", codec="utvideo")
    assert probe(path).colour_space == "rgb"
    assert (read_video(path)[0] == planes[[2, 0, 1]].transpose(1, 2, 0)).all()


@pytest.mark.parametrize(("curve", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused_in_one_line(tmp_path, curve, name):
    path = record(tmp_path / "a.mkv", patches(), space=9, colour_range=1, curve=curve)
    with pytest.raises(MediaError, match=f"expected standard dynamic range, got {name}"):
        read_video(path)


def test_an_unknown_matrix_is_refused(tmp_path):
    path = record(tmp_path / "a.mkv", patches(), space=8, colour_range=1)  # 8: YCgCo
    with pytest.raises(MediaError, match="colour matrix 8"):
        read_video(path)


def test_browser_copies_are_labelled_bt709_and_look_right(tmp_path):
    colours = np.random.default_rng(3).integers(0, 256, (4, 6, 3), np.uint8)
    image = colours.repeat(16, 0).repeat(16, 1)
    path = tmp_path / "a.mp4"
    write_browser(path, [image] * 10, crf=4)
    info = probe(path)
    assert (info.colour_space, info.colour_range, info.pixel_format) == ("bt709", "tv", "yuv420p")
    inner = np.abs(read_video(path)[5].astype(int) - image).reshape(4, 16, 6, 16, 3)[:, 5:11, :, 5:11]
    assert inner.max() <= 6 and inner.mean() < 2
    # The container says it as well (colr box, nclx: primaries, curve, matrix 1, limited range), for browsers.
    data = path.read_bytes()
    at = data.find(b"colrnclx")
    assert at > 0 and data[at + 8 : at + 15] == b"\x00\x01\x00\x01\x00\x01\x00"
