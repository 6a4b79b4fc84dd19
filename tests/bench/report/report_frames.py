"""Frames made by hand: as many methods and settings as a figure may meet, with names that no parser is glad to see."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from report_run import HOSTILE

from bench.report.frames.columns import frame_of

LONG = "our-method-with-a-name-that-nobody-can-remember-v17"
NAMES = ("ground-truth", HOSTILE, "$x^2$ of ${a}", "说话的人脸方法", LONG, "_hidden", "avct")
IDENTITY, SYNC, LIPS = "csim/arcface-cosine@1", "sync_confidence/puppet-sync-puppet68@1", "lip_opening_r/puppet68@1"
METRICS = (IDENTITY, SYNC, LIPS, "lmd/mouth20-centred-px-puppet68@1")


def name_methods(count: int) -> list[str]:
    """As many names, the worst first."""
    return [*NAMES, *(f"method-{number}" for number in range(count))][:count]


def make_table(
    methods: Sequence[str], *, settings: Sequence[str] = ("f32",), metrics: Sequence[str] = METRICS, missing: float = 0
) -> pd.DataFrame:
    """`table` with values that are all different. missing: the share of estimates without a value."""
    random = np.random.default_rng(0)
    lines = []
    for method in methods:
        for setting in settings:
            for metric in metrics:
                value = None if random.random() < missing else float(random.uniform(0.1, 0.9))
                known = value is not None
                line = {"protocol": "p@1", "method": method, "setting": setting, "metric": metric, "value": value}
                line |= {"heading": metric.partition("/")[0].replace("_", " "), "group": metric.partition("/")[0]}
                line |= {"ci_low": value - 0.05 if known else None, "ci_high": value + 0.05 if known else None}
                line |= {
                    "n": 5 if known else 0,
                    "expected": 5,
                    "coverage": float(known),
                    "best": False,
                    "format": ".3f",
                }
                line |= {"ranked": method != "ground-truth", "unit": "", "note": None if known else f"no {setting}"}
                line |= {"direction": "lower" if metric.startswith("lmd") else "higher", "format": ".3f"}
                lines.append(line)
    return frame_of("table", lines)


def make_ranks(
    ranks: dict[str, float], alike: Sequence[tuple[str, str]], *, metric: str = LIPS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`ranks` and `contests` of these mean ranks, these pairs alike."""
    base = {"setting": "f32", "metric": metric, "heading": "lip opening r"}
    lines = [
        {**base, "method": name, "mean_rank": rank, "n": 9, "completed": 9, "methods": len(ranks)}
        for name, rank in ranks.items()
    ]
    pairs = [
        {**base, "method": a, "other": b, "alike": (a, b) in alike or (b, a) in alike}
        for a, b in combinations(ranks, 2)
    ]
    return frame_of("ranks", lines), frame_of("contests", pairs)


def make_sync(methods: Sequence[str], *, settings: Sequence[str] = ("f32",), limits: bool = True) -> pd.DataFrame:
    """`sync`, the minimum of method k at offset k - 2."""
    lines = []
    for number, method in enumerate(methods):
        for setting in settings:
            for offset in range(-5, 6):
                value = 1.0 + 0.1 * abs(offset - (number % 5 - 2)) + 0.01 * number
                line = {"method": method, "setting": setting, "metric": SYNC, "heading": "sync confidence", "n": 6}
                line |= {"ci_low": value - 0.05 if limits else None, "ci_high": value + 0.05 if limits else None}
                lines.append({**line, "offset": offset, "value": value, "lowest": offset == number % 5 - 2})
    return frame_of("sync", lines)
