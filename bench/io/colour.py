"""From stored samples to full-range RGB, with the stream's own matrix and range, the same on every machine.

Defaults where a stream says nothing: matrix BT.601 at every size, range limited ("tv"), full for RGB and grey. That
is what FFmpeg and OpenCV assume when they write and read unlabelled files, which most talking-face clips are;
guessing BT.709 by height would change the colours of a clip when it is only resized.
Not converted: primaries and transfer curve. HDR transfer curves are refused, since the pixels would not be sRGB.
"""

from __future__ import annotations

from os import PathLike

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from bench.errors import MediaError

# Bilinear chroma at full resolution, exact arithmetic, no processor-dependent shortcuts. Without these flags FFmpeg
# repeats chroma samples and loses up to 3 levels on flat colour; with them the result is within 1 level of the formula.
_FLAGS = int(
    Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
)
# AVColorSpace values (ITU-T H.273 matrix coefficients): name and swscale's constant.
_MATRICES = {
    1: ("bt709", Colorspace.ITU709),
    4: ("fcc", Colorspace.FCC),
    5: ("bt601", Colorspace.ITU601),
    6: ("bt601", Colorspace.ITU601),
    7: ("smpte240m", Colorspace.SMPTE240M),
    9: ("bt2020", Colorspace.BT2020),
}
_UNSPECIFIED = 2
_HDR = {16: "PQ (SMPTE 2084)", 18: "HLG (ARIB STD-B67)"}


def colour_space(frame: av.VideoFrame) -> str:
    """The declared matrix: "bt709", "bt601", "bt2020", "rgb", "grey", ... or "unspecified" (BT.601 is applied)."""
    if _is_rgb(frame):
        return "rgb"
    if _is_grey(frame):
        return "grey"
    if frame.colorspace == _UNSPECIFIED:
        return "unspecified"
    return _MATRICES.get(frame.colorspace, (f"matrix {frame.colorspace}", None))[0]


def colour_range(frame: av.VideoFrame) -> str:
    """The range that is applied: "tv" (16 to 235) or "pc" (0 to 255)."""
    if _is_rgb(frame):
        return "pc"
    if frame.color_range == ColorRange.UNSPECIFIED:
        return "pc" if _is_grey(frame) else "tv"
    return "pc" if frame.color_range == ColorRange.JPEG else "tv"


def to_rgb(frame: av.VideoFrame, reformatter: VideoReformatter, path: str | PathLike[str]) -> np.ndarray:
    """uint8 (H, W, 3) RGB, full range, as stored (not turned); alpha is dropped. Raises MediaError (HDR, odd matrix).

    reformatter: kept by the caller for a whole stream, because it holds the tables of the conversion.
    """
    if frame.color_trc in _HDR:
        raise MediaError(f"{path}: expected standard dynamic range, got {_HDR[frame.color_trc]}: convert it first")
    matrix = Colorspace.ITU601
    if not (_is_rgb(frame) or _is_grey(frame)) and frame.colorspace != _UNSPECIFIED:
        if frame.colorspace not in _MATRICES:
            raise MediaError(f"{path}: colour matrix {frame.colorspace} (H.273) is not supported: convert it to BT.709")
        matrix = _MATRICES[frame.colorspace][1]
    picture = reformatter.reformat(
        frame,
        format="rgb24",
        src_colorspace=matrix,
        dst_colorspace=matrix,
        src_color_range=ColorRange.JPEG if colour_range(frame) == "pc" else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=_FLAGS,
        threads=1,
    )
    return picture.to_ndarray()


def _is_rgb(frame: av.VideoFrame) -> bool:
    return frame.format.is_rgb or frame.format.name in ("pal8", "monoblack", "monowhite")


def _is_grey(frame: av.VideoFrame) -> bool:
    return frame.format.name.startswith(("gray", "ya8", "ya16"))
