"""Who is driven by what: the pairing rules of a protocol's axes, in the order that cells and tables keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Literal

Rule = Literal["all", "same", "dealt", "other-clip", "other-speaker"]
NEEDS_IDENTITIES = ("other-clip", "other-speaker")
"""Rules that ask who is seen in a reference."""


def pair_up(
    rule: Rule,
    drivers: Mapping[str, Sequence[str]],
    references: Sequence[str],
    *,
    identities: Mapping[str, str] | None = None,
    each: int | None = None,
) -> list[tuple[str, str, str]]:
    """(speaker, reference, driver) of every clip, by speaker, then driver, then reference.

    "all": every reference with every driver. "same": a reference with the driver of its own name, its own sound.
    "dealt": drivers are dealt out to the references like cards, speaker after speaker, so that each is used once and
    none rests on a few; with `each`, every reference gets so many, of the speakers in turn, and all are used alike.
    "other-clip": each driver with one reference of its own speaker that is not itself, the next one around.
    "other-speaker": each driver with one reference of another identity, dealt around, so that each is used alike.
    identities: {reference: who is seen}; for the last two rules, whose drivers' speakers are identities.
    """
    spoken = [(speaker, driver) for speaker, some in drivers.items() for driver in some]
    if rule == "dealt":
        return _deal(spoken, references, each)
    if rule in NEEDS_IDENTITIES:
        return _other(spoken, references, identities or {}, own=rule == "other-clip")
    return [
        (speaker, reference, driver)
        for speaker, driver in spoken
        for reference in references
        if rule == "all" or reference == driver
    ]


def _deal(spoken: Sequence[tuple[str, str]], references: Sequence[str], each: int | None) -> list[tuple[str, str, str]]:
    count = len(references)
    if not count or not spoken:
        return []
    if each is None:
        return [(speaker, references[i % count], driver) for i, (speaker, driver) in enumerate(spoken)]
    if each > len(spoken):
        raise ValueError(f"each reference was to have {each} drivers, there are {len(spoken)}")
    # Speakers take turns, so that no face has one voice only; a reference begins where the one before it ended.
    turns = _interleave(spoken)
    wanted = [(r, turns[(r * each + k) % len(turns)]) for r in range(count) for k in range(each)]
    order = {pair: number for number, pair in enumerate(spoken)}
    wanted.sort(key=lambda item: (order[item[1]], item[0]))
    return [(speaker, references[r], driver) for r, (speaker, driver) in wanted]


def _interleave(spoken: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The drivers, one of each speaker in turn, until every speaker's are used up."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for pair in spoken:
        groups.setdefault(pair[0], []).append(pair)
    rounds = zip_longest(*groups.values())
    return [pair for some in rounds for pair in some if pair is not None]


def _other(
    spoken: Sequence[tuple[str, str]], references: Sequence[str], identities: Mapping[str, str], *, own: bool
) -> list[tuple[str, str, str]]:
    """A driver without any reference that fits has no clip."""
    made = []
    for number, (speaker, driver) in enumerate(spoken):
        fits = [name for name in references if (identities.get(name) == speaker) is own and name != driver]
        if fits:
            # after its own place, where it has one, else after the last one dealt
            at = references.index(driver) if own and driver in references else number
            later = [name for name in fits if references.index(name) > at]
            made.append((speaker, later[0] if own and later else fits[number % len(fits) if not own else 0], driver))
    return made
