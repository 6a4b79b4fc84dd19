"""Metric cards: what a column means, from the registry where it knows the id, else from the id alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from metrics.errors import MetricError

_ACRONYMS = frozenset({"ssim", "lpips", "fid", "kid", "lse", "csim", "iou", "aue"})
"""Family names that are acronyms although they hold a vowel; those without one are taken for acronyms anyway."""


@dataclass(frozen=True)
class Card:
    """A metric variant in words. direction: "higher", "lower", "target" or, where it is not known, ""."""

    id: str
    title: str
    formula: str = ""
    unit: str = ""
    direction: str = ""
    target: float | None = None
    source: str = ""
    equals: str = ""
    blind_to: str = ""
    legacy: bool = False

    @property
    def arrow(self) -> str:
        """The direction as a sign: "↑", "↓", "→ 1" or nothing."""
        if self.direction == "target" and self.target is not None:
            return f"→ {self.target:g}"
        return {"higher": "↑", "lower": "↓"}.get(self.direction, "")

    @property
    def wish(self) -> str:
        """The direction in words: "higher is better", or nothing where it is not known."""
        if self.direction == "target" and self.target is not None:
            return f"nearer to {self.target:g} is better"
        return f"{self.direction} is better" if self.direction in ("higher", "lower") else ""

    def badness(self, value: float) -> float:
        """A number that grows as the value gets worse; 0 for every value where the direction is not known."""
        if self.direction == "target" and self.target is not None:
            return abs(value - self.target)
        return {"higher": -value, "lower": value}.get(self.direction, 0.0)


def find_cards(ids: Iterable[str]) -> dict[str, Card]:
    """A card for every id. A variant that is not installed here gets one that knows its id only."""
    from metrics.registry import variants

    try:
        known = variants()
    except MetricError:
        # A broken plug-in must not keep rows that are there from being shown.
        known = {}
    cards = {}
    for name in ids:
        variant = known.get(name)
        if variant is None:
            cards[name] = Card(name, "this variant is not installed here")
        else:
            cards[name] = Card(
                id=name,
                title=variant.title,
                formula=variant.formula,
                unit="" if variant.unit in ("", "1") else variant.unit,
                direction=variant.direction,
                target=variant.target,
                source=variant.source,
                equals=variant.equals,
                blind_to=variant.blind_to,
                legacy=variant.legacy,
            )
    return cards


def headings(ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """A short name for every id, as (family, what tells it from others of its family or ""): ("PSNR", "mouthbox").

    The second part is the shortest run of the variant's first words that no other id of the family shares; the
    version is added where only that differs.
    """
    families: dict[str, list[str]] = {}
    for name in ids:
        families.setdefault(name.partition("/")[0], []).append(name)
    named = {}
    for family, members in families.items():
        for name in members:
            named[name] = (_family(family), _distinction(name, members) if len(members) > 1 else "")
    return {name: named[name] for name in ids}


def _family(name: str) -> str:
    words = [word.upper() if _acronym(word) else word for word in name.split("_")]
    if len(words) > 1 and words[0].isupper() and len(words[-1]) == 1:
        return f"{' '.join(words[:-1])}-{words[-1].upper()}"
    return " ".join(words)


def _acronym(word: str) -> bool:
    return word in _ACRONYMS or (len(word) > 1 and not set(word) & set("aeiouy"))


def _distinction(name: str, members: Sequence[str]) -> str:
    variant = name.partition("/")[2]
    words = variant.partition("@")[0].split("-")
    others = [other.partition("/")[2].partition("@")[0].split("-") for other in members if other != name]
    for count in range(1, len(words) + 1):
        if all(other[:count] != words[:count] for other in others):
            return " ".join(words[:count])
    return variant
