"""Still pictures as uint8 RGB, upright."""

from __future__ import annotations

import io
import struct
import warnings
from os import PathLike

import numpy as np
from PIL import Image, ImageOps

from bench.errors import MediaError
from bench.io.files import check_file, reason, replacing, storing

# Named so that Pillow never starts an interpreter (EPS, PDF) or reads a container meant for something else.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
_MOST_PIXELS = 100_000_000
"""Pillow's own limit only warns; a file of a few kilobytes may unpack to gigabytes."""


def read_image(path: str | PathLike[str]) -> np.ndarray:
    """A picture as uint8 (H, W, 3) RGB, turned as its EXIF orientation says.

    Transparent areas are laid on white. Grey and palette pictures become RGB; 16 bits become 8 by division by 257,
    rounded. Of an animation the first frame is read. Embedded colour profiles are not applied.
    Formats: PNG, JPEG, WebP, BMP, TIFF, GIF, PPM. Raises MissingError, or MediaError: directory, empty, truncated,
    not an image, more than 100 million pixels, floating-point samples.
    """
    checked = check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(checked, formats=_FORMATS) as picture:
                if picture.width * picture.height > _MOST_PIXELS:
                    size = f"{picture.width}x{picture.height}"
                    raise MediaError(f"{checked}: expected at most {_MOST_PIXELS:,} pixels, the image is {size}")
                picture.load()
                return _rgb(ImageOps.exif_transpose(picture), str(checked))
    except Image.UnidentifiedImageError:
        raise MediaError(f"{checked}: not an image ({', '.join(_FORMATS)})") from None
    except Image.DecompressionBombError:
        raise MediaError(f"{checked}: expected at most {_MOST_PIXELS:,} pixels, the image has more") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise MediaError(f"{checked}: the image is truncated or damaged ({reason(error)})") from None


def write_png(path: str | PathLike[str], image: np.ndarray) -> None:
    """Write a PNG, whole or not at all. image: uint8 (H, W, 3) RGB. Raises MediaError (array), StorageError (disk)."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise MediaError(f"expected an image as uint8 (H, W, 3), got {got}")
    if not image.size:
        raise MediaError(f"expected an image of at least one pixel, got {image.shape}")
    # Packed in memory first: what fails afterwards is the disk, and is reported as such.
    packed = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(packed, format="PNG")
    with replacing(path) as temporary, storing(path):
        temporary.write_bytes(packed.getvalue())


def _rgb(picture: Image.Image, name: str) -> np.ndarray:
    """uint8 (H, W, 3) RGB of any mode that the named formats give."""
    if picture.mode.startswith("I"):
        # Grey with 16 bits: "I;16", or "I" in older versions of Pillow, which also stands for 32 bits.
        values = np.asarray(picture).astype(np.int64)
        if values.min() < 0 or values.max() > 65_535:
            raise MediaError(f"{name}: expected at most 16 bits per sample, got values up to {values.max()}")
        grey = ((values + 128) // 257).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if picture.mode == "F":
        raise MediaError(f"{name}: expected integer samples, got floating point")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture)
    return np.array(picture.convert("RGB"), dtype=np.uint8)
