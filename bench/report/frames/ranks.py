"""Frames of places: each method's mean rank over clips by each metric, and which pairs a test tells apart.

Ranks over clips and the diagram that shows them are Demsar's (2006, Journal of Machine Learning Research 7). Pairs are
told apart by the test that decides the table's bold, the sign-flip test of clip-by-clip differences with whole clusters
flipped, with Holm's correction over all pairs of a metric under a setting. A clip without a value is a last place, so
that failing never improves a rank, and methods that completed different numbers of clips count as told apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.report.folder import Run
from bench.report.frames.columns import frame_of
from bench.report.frames.quality import name_metrics
from bench.report.tables.best import contenders
from bench.report.tables.cards import Card
from bench.stats.bootstrap import derive_seed
from bench.stats.paired import directed, holm, probe
from bench.stats.summary import Clip, clip_values, cluster_labels

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]


def frame_ranks(
    run: Run, cards: Mapping[str, Card], *, metrics: Sequence[str] | None = None, settings: Sequence[str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`ranks` and `contests`, of these metrics and settings or of all.

    Only methods that are not given the truth and have a value are ranked, only by metrics of which it is known which
    value is better and which clips have values of, and only where at least two methods can be tested on shared clips.
    """
    values, names = clip_values(run.rows), name_metrics(run)
    ranks: list[dict[str, Any]] = []
    contests: list[dict[str, Any]] = []
    for setting in run.settings if settings is None else settings:
        for metric in run.protocol["metrics"] if metrics is None else metrics:
            if not directed(cards[metric]):
                continue
            held = {name: values.get((name, setting, metric), {}) for name in contenders(run)}
            held = {name: mine for name, mine in held.items() if mine}
            base = {"setting": setting, "metric": metric, "heading": names[metric]}
            tested = _contests(held, run, cards[metric], (setting, metric))
            if tested:
                ranks += [{**base, **line} for line in _ranks(held, run.clips, cards[metric])]
                contests += [{**base, **line} for line in tested]
    return frame_of("ranks", ranks, run), frame_of("contests", contests, run)


def _ranks(held: Mapping[str, Mapping[Clip, float]], clips: Sequence[Clip], card: Card) -> list[dict[str, Any]]:
    from scipy.stats import rankdata  # type: ignore[import-untyped]

    ranked = [clip for clip in clips if any(clip in mine for mine in held.values())]
    harms = np.array([[card.badness(mine[c]) if c in mine else np.inf for c in ranked] for mine in held.values()])
    places = rankdata(harms, axis=0).mean(axis=1)
    return [
        {"method": name, "mean_rank": float(place), "n": len(ranked), "completed": len(mine), "methods": len(held)}
        for (name, mine), place in zip(held.items(), places, strict=True)
    ]


def _contests(
    held: Mapping[str, Mapping[Clip, float]], run: Run, card: Card, names: tuple[str, str]
) -> list[dict[str, Any]]:
    """Each pair with its test; empty where no pair can be tested."""
    chosen = run.protocol["statistics"]
    pairs = list(combinations(held, 2))
    tests = []
    for one, two in pairs:
        shared = [clip for clip in run.clips if clip in held[one] and clip in held[two]]
        apart = np.array([card.badness(held[one][clip]) - card.badness(held[two][clip]) for clip in shared])
        seed = derive_seed(chosen["seed"], "rank", *sorted((one, two)), *names)
        tests.append(probe(apart, cluster_labels(shared, chosen["cluster"]), chosen, seed=seed))
    if all(p is None for p in tests):
        return []
    return [
        {
            "method": one,
            "other": two,
            "p": p,
            "p_holm": corrected,
            "alike": len(held[one]) == len(held[two]) and (corrected is None or corrected > 1 - chosen["level"]),
        }
        for (one, two), p, corrected in zip(pairs, tests, holm(tests), strict=True)
    ]
