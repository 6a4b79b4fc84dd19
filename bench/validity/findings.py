"""What the measurements say: curves and verdicts, the law of the optimum, the offset's law, the sensitivity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.stats.bootstrap import Interval
from bench.validity import sensitivity
from bench.validity.ladders import LADDERS, OFFSETS, STAND_INS
from bench.validity.measurement import Entry
from bench.validity.plan import OFFSET, TRUTH, Plan, hears
from bench.validity.scenes import Scene, scenes
from bench.validity.together import pooled, shares
from bench.validity.verdicts import Verdict, bounds, harm, judge, moved

if TYPE_CHECKING:
    from metrics.registry import Variant

Measured = Mapping[tuple[str, str, float], Entry]


@dataclass(frozen=True)
class Curve:
    """One variant on one ladder. values: float64 (levels, clips), NaN where there is none; one column where all clips
    have one value together. means: with limits, a level each. reason: the commonest where values are missing."""

    values: np.ndarray
    means: tuple[Interval, ...]
    reason: str


@dataclass(frozen=True)
class Findings:
    """Everything that the report says. curves, verdicts: by (variant, ladder). optimum: variant -> whether the truth
    against itself is the best of all (None: no value). offsets: variant -> {"clips", "cases", "exact", "whole",
    "by_offset"}. detectable: lines of sensitivity.csv."""

    plan: Plan
    curves: Mapping[tuple[str, str], Curve]
    verdicts: Mapping[tuple[str, str], Verdict]
    optimum: Mapping[str, bool | None]
    offsets: Mapping[str, Mapping[str, Any]]
    detectable: Sequence[Mapping[str, Any]]
    lacking: Mapping[str, str] = field(default_factory=dict)


def find(plan: Plan, measured: Measured, work: Path, *, lacking: Mapping[str, str]) -> Findings:
    """The findings of a whole plan. lacking: variants that cannot be measured here, and why."""
    curves = {
        (variant.id, ladder): _curve(plan, measured, variant, ladder, work)
        for variant in plan.variants
        for ladder in plan.ladders
    }
    verdicts = {}
    for variant in plan.variants:
        mine = {ladder: curves[variant.id, ladder] for ladder in plan.ladders}
        scale = max((moved(c.values, variant.direction, variant.target) for c in mine.values()), default=0.0)
        for ladder, curve in mine.items():
            promised = ladder in variant.promises
            verdicts[variant.id, ladder] = judge(
                curve.values, variant.direction, variant.target, promised=promised, scale=scale
            )
    return Findings(
        plan,
        curves,
        verdicts,
        {v.id: _optimum(v, [curves[v.id, name].values for name in plan.ladders]) for v in plan.variants if _paired(v)},
        _offsets(plan, measured) if plan.offsets else {},
        [_detect(plan, measured, v, work) for v in plan.variants if not v.legacy] if plan.sensitivity else [],
        lacking,
    )  # fmt: skip


def _curve(plan: Plan, measured: Measured, variant: Variant, ladder: str, work: Path) -> Curve:
    places = plan.of_ladder(variant, ladder)
    amounts = LADDERS[ladder].steps(plan.levels)
    heard = hears(variant, ladder)
    rungs = [[measured[scene.name, TRUTH, 0.0] for scene in places]]
    rungs += [[measured[s.name, ladder, a] if heard else measured[s.name, TRUTH, 0.0] for s in places] for a in amounts]
    if variant.corpus is not None:
        found = pooled({f"{ladder} {level}": rung for level, rung in enumerate(rungs)}, variant, work)
        means = tuple(interval for interval, _ in found.values())
        values = np.array([[np.nan if one.value is None else one.value] for one in means])
        return Curve(values, means, next((reason for _, reason in found.values() if reason), ""))
    outcomes = [[entry["outcomes"][variant.id] for entry in rung] for rung in rungs]
    values = np.array([[_number(outcome["value"]) for outcome in rung] for rung in outcomes])
    means = tuple(bounds(row[np.isfinite(row)], variant.id, ladder, str(level)) for level, row in enumerate(values))
    reasons = [o["reason"] for rung in outcomes for o in rung if o["value"] is None and o["reason"]]
    return Curve(values, means, max(sorted(set(reasons)), key=reasons.count) if reasons else "")


def _paired(variant: Variant) -> bool:
    """Whether there is an optimum at the truth against itself: it compares, and it knows better from worse."""
    compares = any(need.startswith("truth") and need != "truth_samples" for need in variant.needs)
    return compares and not (variant.direction == "target" and variant.target is None)


def _optimum(variant: Variant, curves: Sequence[np.ndarray]) -> bool | None:
    """Whether no clip has a better value on any ladder than the truth has against itself."""
    found = None
    for values in curves:
        harms = harm(values, variant.direction, variant.target)
        known = np.isfinite(harms).any(0) & np.isfinite(harms[0])
        if known.any():
            slack = 1e-9 * float(np.nanmax(np.abs(harms[:, known])))
            found = found is not False and bool((np.nanmin(harms[:, known], axis=0) >= harms[0, known] - slack).all())
    return found


def _offsets(plan: Plan, measured: Measured) -> dict[str, dict[str, Any]]:
    """By how much each offset moves with the sound. exact: share of cases, whole: share of clips exact in every one."""
    out = {}
    for variant in (v for v in plan.variants if v.family == "sync_offset"):
        read = np.array(
            [[_number(measured[scene.name, OFFSET, k]["outcomes"][variant.id]["value"]) for k in OFFSETS] for scene in
             scenes(plan.more)]
        )  # fmt: skip
        right = read - read[:, [OFFSETS.index(0.0)]] == np.array(OFFSETS)
        out[variant.id] = {
            "clips": len(read),
            "cases": int(right.size),
            "exact": float(right.mean()),
            "whole": float(right.all(1).mean()),
            "at_rest": sorted(set(read[:, OFFSETS.index(0.0)].tolist())),
            "by_offset": {int(k): float(right[:, j].mean()) for j, k in enumerate(OFFSETS)},
        }
    return out


def _detect(plan: Plan, measured: Measured, variant: Variant, work: Path) -> dict[str, Any]:
    """A line of sensitivity.csv: spreads over clips of the two stand-ins, and what so many clips can show."""
    first, second = STAND_INS
    places = plan.of_truth(variant)
    line: dict[str, Any] = {"variant": variant.id, "unit": variant.unit, "clips": 0, "mean_a": None, "mean_b": None}
    line |= {"sd_difference": None, "sd_values": None, "sd_difference_within": None}
    line |= {f"{kind}_{n}": None for kind in ("paired", "unpaired") for n in sensitivity.CLIPS}
    entries = {name: [measured[scene.name, name, 0.0] for scene in places] for name in (first, second)}
    if variant.corpus is not None:
        brought = shares(entries, variant, work)
        if brought is None:
            return line | {"reason": "no value of these clips together"}
        values, halves = np.array([brought[first], brought[second]]), None
    else:
        values, halves = _both(entries, variant, places)
    if values.shape[1] < 3:
        return line | {"reason": "fewer than 3 clips have a value for both"}
    paired, single = sensitivity.spreads(values[0], values[1])
    line |= {"clips": values.shape[1], "mean_a": values[0].mean(), "mean_b": values[1].mean(), "reason": ""}
    line |= {"sd_difference": paired, "sd_values": single}
    if halves is not None:
        line["sd_difference_within"] = sensitivity.within(halves[0], halves[1])
    for n in sensitivity.CLIPS:
        # no spread at all among these clips (a count that is 0 in all) says nothing of what others show
        line[f"paired_{n}"] = sensitivity.detectable(paired, n, paired=True) if paired else None
        line[f"unpaired_{n}"] = sensitivity.detectable(single, n, paired=False) if single else None
    return line


def _both(
    entries: Mapping[str, Sequence[Entry]], variant: Variant, places: Sequence[Scene]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Values float64 (2, n) of clips that both stand-ins have one of, and those of their halves (2, n, 2) or None."""
    outcomes = [[entry["outcomes"][variant.id] for entry in every] for every in entries.values()]
    kept = [k for k in range(len(places)) if all(side[k]["value"] is not None for side in outcomes)]
    values = np.array([[side[k]["value"] for k in kept] for side in outcomes], np.float64).reshape(2, -1)
    halves = [[side[k].get("halves") for k in kept] for side in outcomes]
    whole = kept and all(both is not None and None not in both for side in halves for both in side)
    return values, np.array(halves, np.float64) if whole else None


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
