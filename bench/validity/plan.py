"""What is to be measured: one task for each scene and level, the same for the same arguments."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from bench.io.digest import sha256_json
from bench.places import source_sha256
from bench.validity.ladders import LADDERS, OFFSETS, STAND_INS
from bench.validity.scenes import Scene, scenes

if TYPE_CHECKING:
    from metrics.registry import Variant

TRUTH, OFFSET = "truth", "offset"
"""Kinds of a case beside ladders and stand-ins."""
LEGACY_SHARE = 2
"""Every second scene has legacy variants: conventions kept for comparison, half of all the time."""
_SOUND = {"samples", "truth_samples"}
_CODE = (
    *(f"bench/validity/{name}.py" for name in ("scenes", "pictures", "performances", "ladders")),
    *("bench/datasets/puppets", "bench/io/encode.py", "bench/io/decode.py", "bench/runner/measure.py"),
)
"""What decides a video of ours and how it is measured, beside the metrics."""


@dataclass(frozen=True)
class Case:
    """One video of a scene. kind: a ladder's name, a stand-in's, "truth" or "offset". amount: 0 where there is none."""

    scene: Scene
    kind: str
    amount: float = 0.0


@dataclass(frozen=True)
class Task:
    """A case and the variants to measure on it."""

    case: Case
    variants: tuple[str, ...]

    @property
    def key(self) -> str:
        """What a finished measurement is found by again: the case, and all code that decides its values."""
        case = self.case
        return sha256_json([case.scene.name, case.kind, case.amount, source_sha256("metrics"), source_sha256(*_CODE)])


@dataclass(frozen=True)
class Plan:
    """clips: scenes on every ladder. more: scenes (the first among them) of the offset's law, of the sensitivity, and
    of corpus metrics on ladders they promise. levels: of a ladder, the truth included."""

    clips: int
    more: int
    levels: int
    ladders: tuple[str, ...]
    variants: tuple[Variant, ...]
    offsets: bool = True
    sensitivity: bool = True

    def of_ladder(self, variant: Variant, ladder: str) -> tuple[Scene, ...]:
        """The scenes on which a variant climbs a ladder."""
        if variant.corpus is not None and ladder in variant.promises:
            return scenes(max(self.clips, self.more))
        return scenes(math.ceil(self.clips / LEGACY_SHARE) if variant.legacy else self.clips)

    def of_truth(self, variant: Variant) -> tuple[Scene, ...]:
        """The scenes on which a variant is measured against nothing but the truth itself."""
        wider = self.sensitivity or (variant.corpus is not None and set(variant.promises) & set(self.ladders))
        return scenes(max(self.clips, self.more)) if wider and not variant.legacy else self.of_ladder(variant, "")

    def tasks(self) -> list[Task]:
        """Every task. Scenes take turns, so that two workers seldom look at the same truth at the same moment."""
        every = scenes(max(self.clips, self.more))
        queues = [list(self._of_scene(scene)) for scene in every]
        ordered: list[Task] = []
        for first in range(0, len(queues), 2):  # two scenes at a time: a worker keeps few stages open
            turns = zip_longest(*queues[first : first + 2])
            ordered += [task for turn in turns for task in turn if task is not None]
        return ordered

    def _of_scene(self, scene: Scene) -> Iterator[Task]:
        def task(kind: str, amount: float, chosen: Sequence[Variant]) -> Iterator[Task]:
            if chosen:
                yield Task(Case(scene, kind, amount), tuple(variant.id for variant in chosen))

        yield from task(TRUTH, 0.0, [v for v in self.variants if scene in self.of_truth(v)])
        for name in self.ladders:
            chosen = [v for v in self.variants if scene in self.of_ladder(v, name) and hears(v, name)]
            for amount in LADDERS[name].steps(self.levels):
                yield from task(name, amount, chosen)
        if self.sensitivity:
            for name in STAND_INS:
                yield from task(name, 0.0, [v for v in self.variants if scene in self.of_truth(v)])
        if self.offsets and scene in scenes(self.more):
            for amount in OFFSETS:
                yield from task(OFFSET, amount, [v for v in self.variants if v.family == "sync_offset"])


def hears(variant: Variant, ladder: str) -> bool:
    """Whether a variant is given what a ladder alters: most never hear, and their value then is the truth's own."""
    return LADDERS[ladder].alters != "sound" or bool(_SOUND & set(variant.needs))
