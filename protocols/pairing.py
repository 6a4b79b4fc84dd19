"""Who is driven by what: the pairing rules of a protocol's axes, in the order that cells and tables keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Rule = Literal["all", "same", "dealt"]


def pair_up(rule: Rule, drivers: Mapping[str, Sequence[str]], references: Sequence[str]) -> list[tuple[str, str, str]]:
    """(speaker, reference, driver) of every clip, by speaker, then driver, then reference.

    "all": every reference with every driver. "same": a reference with the driver of its own name. "dealt": drivers are
    dealt out to the references like cards, speaker after speaker, so that each is used once and none rests on a few.
    """
    spoken = [(speaker, driver) for speaker, some in drivers.items() for driver in some]
    if rule == "dealt":
        count = len(references)
        return [(speaker, references[i % count], driver) for i, (speaker, driver) in enumerate(spoken) if count]
    return [
        (speaker, reference, driver)
        for speaker, driver in spoken
        for reference in references
        if rule == "all" or reference == driver
    ]
