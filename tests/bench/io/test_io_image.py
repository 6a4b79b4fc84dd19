"""Pictures: every mode becomes uint8 RGB, upright; what is no picture is one line."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from bench.errors import MediaError
from bench.io.image import read_image, write_png

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)


def test_png_round_trip_is_exact_and_repeatable(tmp_path):
    for name in ("a.png", "b.png"):
        write_png(tmp_path / name, RGB)
    back = read_image(tmp_path / "a.png")
    assert back.dtype == np.uint8 and (back == RGB).all() and back.flags.writeable
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    write_png(tmp_path / "c.png", RGB[::-1, ::-1])
    assert (read_image(tmp_path / "c.png") == RGB[::-1, ::-1]).all()


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("value", UPRIGHT)
def test_exif_orientation_is_applied(tmp_path, value):
    exif = Image.Exif()
    exif[0x0112] = value
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    assert (read_image(tmp_path / "a.png") == UPRIGHT[value](RGB)).all()


def test_transparency_is_laid_on_white(tmp_path):
    alpha = np.full((5, 7), 255, np.uint8)
    alpha[0], alpha[1] = 0, 128
    Image.fromarray(np.dstack([RGB, alpha])).save(tmp_path / "a.png")
    seen = read_image(tmp_path / "a.png")
    assert (seen[0] == 255).all() and (seen[2:] == RGB[2:]).all()
    assert np.abs(seen[1] - (RGB[1] * (128 / 255) + 255 * (127 / 255))).max() <= 1
    grey = np.dstack([RGB[..., 0], alpha])
    Image.fromarray(grey).save(tmp_path / "la.png")
    assert (read_image(tmp_path / "la.png")[0] == 255).all()
    palette = Image.fromarray(RGB).quantize(8)
    palette.save(tmp_path / "p.png", transparency=0)
    shown, index = read_image(tmp_path / "p.png"), np.asarray(palette)
    assert (shown[index == 0] == 255).all()
    assert (shown[index == 1] == palette.getpalette()[3:6]).all()


def test_grey_palette_and_one_bit(tmp_path):
    Image.fromarray(RGB[..., 0]).save(tmp_path / "l.png")
    assert (read_image(tmp_path / "l.png") == RGB[..., :1]).all()
    Image.fromarray(RGB).quantize(16).save(tmp_path / "p.png")
    assert (read_image(tmp_path / "p.png") == np.asarray(Image.fromarray(RGB).quantize(16).convert("RGB"))).all()
    Image.fromarray(RGB[..., 0] > 127).save(tmp_path / "one.png")
    assert (read_image(tmp_path / "one.png") == 255 * (RGB[..., :1] > 127)).all()


def test_sixteen_bits_become_eight(tmp_path):
    values = np.array([[0, 128, 129, 257, 32_768, 65_407, 65_535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    want = np.rint(values / 257).astype(np.uint8)
    assert (read_image(tmp_path / "a.png") == want[:, :, None]).all() and want.tolist() == [[0, 0, 1, 1, 128, 255, 255]]
    Image.fromarray(values.astype(np.int32) * 9).save(tmp_path / "a.tif")
    with pytest.raises(MediaError, match="at most 16 bits"):
        read_image(tmp_path / "a.tif")
    Image.fromarray(values.astype(np.float32)).save(tmp_path / "f.tif")
    with pytest.raises(MediaError, match="got floating point"):
        read_image(tmp_path / "f.tif")


def test_cmyk_jpeg_and_webp(tmp_path):
    flat = np.full((32, 32, 3), (200, 60, 20), np.uint8)
    Image.fromarray(flat).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    Image.fromarray(flat).save(tmp_path / "b.webp", lossless=True)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - flat).max() <= 4
    assert (read_image(tmp_path / "b.webp") == flat).all()


def test_the_first_frame_of_an_animation(tmp_path):
    pages = [Image.fromarray(np.full((8, 8), v, np.uint8)) for v in (30, 200)]
    pages[0].save(tmp_path / "a.gif", save_all=True, append_images=pages[1:])
    assert (read_image(tmp_path / "a.gif") == 30).all()


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "bmp"])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_truncated_image_is_one_line(tmp_path, kind, part):
    path = tmp_path / f"a.{kind}"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(MediaError, match=f"a.{kind}: (the image is truncated or damaged|not an image)") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("side", [10_001, 40_000])
def test_a_bomb_is_refused_before_it_unpacks(tmp_path, side):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(png)
    with pytest.raises(MediaError, match="expected at most 100,000,000 pixels"):
        read_image(tmp_path / "a.png")


def test_postscript_is_not_run(tmp_path):
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(MediaError, match="not an image"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("image", [RGB.astype(float), RGB[..., 0], np.zeros((0, 3, 3), np.uint8), None])
def test_write_png_refuses_other_arrays(tmp_path, image):
    with pytest.raises(MediaError, match="expected an image"):
        write_png(tmp_path / "a.png", image)
    assert not list(tmp_path.iterdir())
