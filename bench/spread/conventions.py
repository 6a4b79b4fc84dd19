"""What papers call by one name and compute in several ways, and how far apart methods typically are in their tables."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from protocols.published import load_published

if TYPE_CHECKING:
    from metrics.registry import Variant

_STYLETALK = ("styletalk-2023-mead", "styletalk-2023-hdtf")
_SADTALKER = ("sadtalker-2023-hdtf",)
_RECALLED = "recollection"


@dataclass(frozen=True)
class Name:
    """A name that tables print. families: of our variants whose numbers go by it. primary: the convention to report.

    column: what papers call it, and tables: the published ones (`protocols/published`) whose neighbours are compared.
    """

    title: str
    families: tuple[str, ...]
    primary: str
    column: str = ""
    tables: tuple[str, ...] = ()

    @cached_property
    def neighbours(self) -> dict[str, list[float]]:
        """Table -> what methods score in it, sorted, without films and without numbers that are only recalled."""
        found = {}
        for table in self.tables:
            numbers = [n for n in load_published(table) if n.metric == self.column and n.method != "Real"]
            found[table] = sorted(n.value for n in numbers if n.value is not None and n.trust != _RECALLED)
        return found

    @property
    def gap(self) -> float | None:
        """Median difference between neighbouring methods of the same published table; None where there is none."""
        steps = [high - low for values in self.neighbours.values() for low, high in pairwise(values)]
        return round(statistics.median(steps), 4) if steps else None

    @property
    def source(self) -> str:
        """Where the gap is from: tables and numbers."""
        said = [f"{table}: {' '.join(f'{v:g}' for v in values)}" for table, values in self.neighbours.items()]
        return "; ".join(said) or "no published neighbours at hand"


NAMES = (
    Name("PSNR", ("psnr",), "psnr/mean-of-frames@1", "PSNR", ("sidgan-hdtf",)),
    Name("SSIM", ("ssim",), "ssim/gauss11-rgb@1", "SSIM", _STYLETALK),
    Name("LPIPS", ("lpips",), "lpips/alex@1"),
    Name("LMD mouth", ("lmd",), "lmd/mouth20-centred-px-dlib68@1", "M-LMD", _STYLETALK),
    Name("LMD face", ("lmd",), "lmd/face68-centred-px-dlib68@1", "F-LMD", _STYLETALK),
    Name("FID", ("fid",), "fid/inception2015-clean@1", "FID", _SADTALKER),
    Name("CPBD", ("cpbd",), "", "CPBD", _SADTALKER),
    Name("SyncNet confidence (LSE-C)", ("sync_confidence",), "sync_confidence/syncnet-tracked-hog@1", "LSE-C",
         _SADTALKER),
    Name("SyncNet distance (LSE-D)", ("sync_distance",), "sync_distance/syncnet-tracked-hog@1", "LSE-D", _SADTALKER),
)  # fmt: skip
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
