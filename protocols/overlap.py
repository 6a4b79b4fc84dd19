"""What a method was trained on among what it is tested on.

A method file says `trained_on = ["voxceleb2", "hdtf:train", "hdtf/AdamSchiff"]`: a family, one part of it, or one
person of it. Whatever is not declared apart counts as overlap: the family alone overlaps every part of it, and a part
overlaps a test on no part in particular, unless everybody tested is known to belong elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from protocols.dataset import DatasetSpec


def overlap(
    trained_on: Sequence[str], dataset: DatasetSpec, *, split: str | None = None, identities: Sequence[str] = ()
) -> list[str]:
    """The entries of `trained_on` that a test on this dataset overlaps with, sorted.

    split: the part that is tested, None for all of it. identities: everybody seen or heard in the test.
    """
    return sorted({entry for entry in trained_on if _overlaps(entry, dataset, split, identities)})


def _overlaps(entry: str, dataset: DatasetSpec, split: str | None, identities: Sequence[str]) -> bool:
    if entry in dataset.identities or entry in identities:
        return True
    name, colon, part = entry.partition(":")
    name, slash, person = name.partition("/")
    if _plain(name) not in (_plain(dataset.family), _plain(dataset.name)):
        return False
    if slash:
        return not identities or person in identities
    if not colon:
        return True
    if split is not None:
        return part == split
    patterns = dataset.splits.get(part)
    if patterns is None or not identities:
        return True
    return any(fnmatchcase(identity, pattern) for identity in identities for pattern in patterns)


def _plain(name: str) -> str:
    """ "CREMA-D" and "crema_d" are one name."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
