"""Which video of a folder belongs to which clip of a protocol: by its name alone, and only where that is certain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RULE = (
    "a video's path below its method's folder, without ending, is REFERENCE/DRIVER or REFERENCE--DRIVER, or DRIVER or "
    "REFERENCE alone where one clip only has it; slashes within names may be underscores; with several seeds, --SEED "
    "is added"
)
Clip = tuple[str, str, str, int]
"""(speaker, reference, driver, seed)"""


@dataclass(frozen=True)
class Matched:
    """found: clip -> name. unmatched: names that belong to no clip, and second names of a clip, sorted."""

    found: dict[Clip, str]
    unmatched: tuple[str, ...]


def match(clips: Sequence[Clip], names: Iterable[str]) -> Matched:
    """Names of videos dealt to clips by RULE; of two names of one clip the longer form counts."""
    several = len({clip[3] for clip in clips}) > 1
    owners: dict[str, set[Clip]] = {}
    forms: dict[Clip, list[str]] = {}
    for clip in clips:
        _, reference, driver, seed = clip
        end = f"--{seed}" if several else ""
        plain = [f"{reference}/{driver}", f"{reference}--{driver}", driver, reference]
        forms[clip] = list(dict.fromkeys(name + end for text in plain for name in (text, text.replace("/", "_"))))
        for form in forms[clip]:
            owners.setdefault(form, set()).add(clip)
    known = set(names)
    found: dict[Clip, str] = {}
    for clip in clips:
        for form in forms[clip]:
            if form in known and owners[form] == {clip}:
                found[clip] = form
                break
    return Matched(found, tuple(sorted(known - set(found.values()))))
