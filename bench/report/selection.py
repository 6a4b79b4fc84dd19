"""Which clips are shown where not all can be: chosen by a stated rule, never by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.report.folder import TRUTH, Run
from bench.report.tables.cards import Card
from bench.stats.summary import Clip, clip_values

LIPS = "lip_opening_r"
"""The metric family whose rows hold the curves of lip opening, and by which clips are ranked where it is there."""


@dataclass(frozen=True)
class Ranking:
    """Clips from the best to the worst, those without a value left out. metric: by which; None where by none."""

    metric: str | None
    clips: tuple[Clip, ...]

    def spread(self, count: int) -> list[tuple[str, Clip]]:
        """Up to `count` clips with a word each: the worst, the middle one and the best, in this order of need."""
        if not self.clips:
            return []
        if self.metric is None:
            return [("first in the protocol", self.clips[0]), *(("next", clip) for clip in self.clips[1:count])]
        wanted = [
            ("median", self.clips[(len(self.clips) - 1) // 2]),
            ("worst", self.clips[-1]),
            ("best", self.clips[0]),
        ]
        chosen: dict[Clip, str] = {}
        for word, clip in wanted[:count]:
            chosen.setdefault(clip, word)
        order = [clip for clip in self.clips if clip in chosen]
        return [(chosen[clip], clip) for clip in order]


def rank_clips(run: Run, cards: Mapping[str, Card], *, among: Sequence[str] | None = None) -> Ranking:
    """Clips by the mean over methods (the truth apart) and settings of one metric; ties in the protocol's order.

    Every method's own mean is taken off first: a clip must not look good because a bad method failed on it.
    The metric is the first of `among` (all of the protocol's, lip opening first) that has a direction and a value.
    Without one, clips keep the protocol's order.
    """
    values = clip_values(run.rows)
    asked = list(run.protocol["metrics"])
    lips = [name for name in asked if name.startswith(f"{LIPS}/")]
    for metric in among or [*lips, *asked]:
        card = cards[metric]
        if not card.direction:
            continue
        found: dict[Clip, list[float]] = {}
        for method in run.methods:
            if method != TRUTH:
                for setting in run.settings:
                    mine = {c: card.badness(v) for c, v in values.get((method, setting, metric), {}).items()}
                    mean = math.fsum(mine.values()) / max(len(mine), 1)
                    for clip, bad in mine.items():
                        found.setdefault(clip, []).append(bad - mean)
        if found:
            # Rounded, because ties would else be broken by rounding errors.
            worse = {clip: round(math.fsum(some) / len(some), 12) for clip, some in found.items()}
            order = {clip: place for place, clip in enumerate(run.clips)}
            return Ranking(metric, tuple(sorted(worse, key=lambda clip: (worse[clip], order[clip]))))
    return Ranking(None, tuple(run.clips))
