"""What papers call by one name and compute in several ways, and how far apart methods typically are in their tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metrics.registry import Variant

_STYLETALK = "StyleTalk (AAAI 2023) table 1, MEAD and HDTF"
_SADTALKER = "SadTalker (CVPR 2023) table 1"


@dataclass(frozen=True)
class Name:
    """A name that tables print. families: of our variants whose numbers go by it. primary: the convention to report.

    gap: median difference between neighbouring methods in published tables; source: which.
    """

    title: str
    families: tuple[str, ...]
    primary: str
    gap: float | None
    source: str


NAMES = (
    Name("PSNR", ("psnr",), "psnr/mean-of-frames@1", 1.2, "SIDGAN's table: PC-AVS 19.49, Wav2Lip-384 20.69 dB"),
    Name("SSIM", ("ssim",), "ssim/gauss11-rgb@1", 0.037,
         f"{_STYLETALK}: .795 .832 .837 and .755 .812"),
    Name("LPIPS", ("lpips",), "lpips/alex@1", None, "no published neighbours at hand"),
    Name("LMD mouth", ("lmd",), "lmd/mouth20-centred-px-dlib68@1", 1.198,
         f"{_STYLETALK}: 3.249 4.052 5.520, 2.412 3.610"),
    Name("LMD face", ("lmd",), "lmd/face68-centred-px-dlib68@1", 0.596,
         f"{_STYLETALK}: 2.122 2.718 2.923, 1.941 2.733"),
    Name("FID", ("fid",), "fid/inception2015-clean@1", 1.168, f"{_SADTALKER}: 21.725 22.057 22.432 24.392 28.243"),
    Name("CPBD", ("cpbd",), "", 0.012, f"{_SADTALKER}: .281 .283 .295 .335"),
    Name("SyncNet confidence (LSE-C)", ("sync_confidence",), "sync_confidence/syncnet-tracked-hog@1", 2.18,
         f"{_SADTALKER}: 5.110 7.290 7.357 10.221"),
    Name("SyncNet distance (LSE-D)", ("sync_distance",), "sync_distance/syncnet-tracked-hog@1", 2.0,
         f"{_SADTALKER}: 5.535 7.535 7.772 10.059"),
)  # fmt: skip
"""Gaps are medians over neighbouring methods of the numbers listed, as quoted in secondary notes of those papers."""
BACKENDS = ("dlib68", "yunet68", "file")
"""Landmark backends that real clips can be compared by; the corpus's own judge knows painted faces only."""


def conventions(name: Name, known: Iterable[Variant]) -> list[Variant]:
    """The variants whose numbers go by a name, the primary one first.

    Left out: those of the corpus's judges and of exact landmarks, parts of the picture (a mouth's box is another
    quantity, not another convention), and landmark distances that are another kind (face for mouth, velocity).
    """
    found = [v for v in known if v.family in name.families and _fits(name, v)]
    return sorted(found, key=lambda v: (v.id != name.primary, v.legacy, v.id))


def primaries() -> list[str]:
    """The variants that are computed on every copy of the clips."""
    return [name.primary for name in NAMES if name.primary]


def _fits(name: Name, variant: Variant) -> bool:
    label = variant.id.partition("/")[2]
    if "mouthbox" in label or "exact68" in label or "puppet" in label:
        return False
    if variant.family != "lmd":
        return True
    return label.startswith("legacy") == variant.legacy and ("face" in label) == (name.title == "LMD face")
