"""Places of methods by every metric, such that a clip that fails never improves the place of the method it fails for.

First come the methods that completed most clips, then those that completed fewer; among methods that completed equally
many, the mean over the clips that all contenders completed decides. A method that loses a clip so falls behind all
that it shared its number with, whatever the clips that are left say of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bench.stats.bootstrap import FEWEST, derive_seed, too_few
from bench.stats.paired import Card, directed, holm, probe
from bench.stats.summary import Clip, clip_values, clips, cluster_labels, pooled_rows

COLUMNS = ("setting", "metric", "method", "rank", "first", "completed", "n", "value", "p_holm", "reason")


def rank(
    rows: Iterable[Mapping[str, Any]],
    protocol: Mapping[str, Any],
    cards: Mapping[str, Card],
    contenders: Sequence[str],
) -> list[dict[str, Any]]:
    """A dict of COLUMNS for each setting, metric and contender, in the protocol's order and the contenders'.

    completed: clips on which the method has a value. n: clips that all contenders with any value completed; value: the
    method's mean over these. rank: 1 + methods that are ahead; None where it is not known which value is better.
    first: best, or as complete as the best and not told apart from it by the paired test (p_holm: against the best,
    Holm's correction over that many). A method without any value is last, and takes no clip from the others. A value
    of all clips together is ranked among those of the same clips; there intervals that overlap are not told apart.
    """
    rows = list(rows)
    values, pooled, made_of = clip_values(rows), pooled_rows(rows), _pooled_clips(rows)
    wanted = clips(protocol)
    lines = []
    for setting in (one["name"] for one in protocol["settings"]):
        for metric in protocol["metrics"]:
            keys = {name: (name, setting, metric) for name in contenders}
            card = cards.get(metric)
            if card is None or not directed(card):
                found = {name: {"reason": "it is not known which value is better"} for name in contenders}
            elif any(key in pooled for key in keys.values()):
                sides = {name: pooled.get(key) for name, key in keys.items()}
                found = _rank_pooled(sides, {name: made_of.get(key) for name, key in keys.items()}, card)
            else:
                mine = {name: values.get(key, {}) for name, key in keys.items()}
                found = _rank_clips(mine, wanted, card, protocol["statistics"], (setting, metric))
            empty = {"rank": None, "first": False, "completed": 0, "n": 0, "value": None, "p_holm": None}
            for name in contenders:
                line = {"setting": setting, "metric": metric, "method": name, "reason": None, **empty, **found[name]}
                lines.append({column: line[column] for column in COLUMNS})
    return lines


def _rank_clips(
    values: Mapping[str, Mapping[Clip, float]],
    wanted: Sequence[Clip],
    card: Card,
    chosen: Mapping[str, Any],
    names: tuple[str, str],
) -> dict[str, dict[str, Any]]:
    """rank, first, completed, n, value, p_holm and reason of each contender, by a metric that clips have values of."""
    completed = {name: sum(clip in mine for clip in wanted) for name, mine in values.items()}
    most = max(completed.values(), default=0)
    shared = [clip for clip in wanted if all(clip in mine for name, mine in values.items() if completed[name])]
    shared = shared if most else []
    harms = {
        name: np.array([card.badness(mine[clip]) for clip in shared]) if completed[name] else np.array([])
        for name, mine in values.items()
    }
    place = {name: (-completed[name], _mean(harm.tolist()) or 0.0) for name, harm in harms.items()}
    out = {}
    for name, mine in values.items():
        out[name] = {
            "rank": 1 + sum(other < place[name] for other in place.values()),
            "completed": completed[name],
            "n": len(shared),
            "value": _mean([mine[clip] for clip in shared]) if completed[name] else None,
            "reason": _behind(completed[name], most),
        }
    leaders = [name for name in values if completed[name] == most > 0]
    return _merged(out, _first(leaders, harms, shared, chosen, names))


def _first(
    leaders: Sequence[str],
    harms: Mapping[str, np.ndarray],
    shared: Sequence[Clip],
    chosen: Mapping[str, Any],
    names: tuple[str, str],
) -> dict[str, dict[str, Any]]:
    """first, p_holm and, where there is no test, the reason, of those that completed most clips."""
    if not leaders:
        return {}
    best = min(leaders, key=lambda name: _mean(harms[name].tolist()) or 0.0)
    rest = [name for name in leaders if name != best]
    labels = cluster_labels(shared, chosen["cluster"])
    units = len(set(labels)) if labels is not None else len(shared)
    lacking = too_few(len(shared), units, fewest=chosen.get("fewest", FEWEST), unit=chosen["cluster"])
    if lacking is not None:
        reason = lacking.replace("no interval", "no test", 1)
        return {name: {"first": True, "reason": reason if rest else None} for name in leaders}
    tests = []
    for name in rest:
        seed = derive_seed(chosen["seed"], "rank", *sorted((best, name)), *names)
        tests.append(probe(harms[name] - harms[best], labels, chosen, seed=seed))
    out: dict[str, dict[str, Any]] = {best: {"first": True}}
    for name, p in zip(rest, holm(tests), strict=True):
        out[name] = {"first": p is None or p > 1 - chosen["level"], "p_holm": p}
    return out


def _rank_pooled(
    rows: Mapping[str, Mapping[str, Any] | None], made_of: Mapping[str, frozenset[Clip] | None], card: Card
) -> dict[str, dict[str, Any]]:
    """The same by a metric that all clips have together. made_of: the clips that entered."""
    value: dict[str, Any] = {name: None if row is None else row["value"] for name, row in rows.items()}
    completed = {
        name: 0 if row is None or value[name] is None else int(row["notes"]["clips"]) for name, row in rows.items()
    }
    most = max(completed.values(), default=0)
    tiers: dict[int, list[str]] = {}
    for name, count in completed.items():
        tiers.setdefault(count, []).append(name)
    mixed = {count for count, some in tiers.items() if count and len({made_of[name] for name in some}) > 1}
    place = {
        name: (-count, 0.0 if not count or count in mixed else card.badness(value[name]))
        for name, count in completed.items()
    }
    out = {
        name: {
            "rank": 1 + sum(other < place[name] for other in place.values()),
            "completed": count,
            "n": count,
            "value": value[name],
            "reason": "others rest on as many, but other clips" if count in mixed else _behind(count, most),
        }
        for name, count in completed.items()
    }
    leaders = [name for name, count in completed.items() if count == most > 0]
    best = min(leaders, key=lambda name: place[name], default="")
    for name in leaders:
        limits = [(rows[each] or {})["notes"].get("interval") for each in (best, name)]
        apart = all(limits) and max(low for low, _ in limits) > min(high for _, high in limits)
        out[name]["first"] = name == best or most in mixed or not apart
        if name != best and not all(limits):
            out[name]["reason"] = out[name]["reason"] or "no interval to tell it from the best"
    return out


def _pooled_clips(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str], frozenset[Clip]]:
    """(method, setting, metric) -> the clips that entered a value of all clips together."""
    found: dict[tuple[str, str, str], set[Clip]] = {}
    for row in rows:
        if row["status"] == "pooled":
            clip = (row["speaker"], row["reference"], row["driver"], int(row["seed"]))
            found.setdefault((row["method"], row["setting"], row["metric"]), set()).add(clip)
    return {key: frozenset(some) for key, some in found.items()}


def _behind(completed: int, most: int) -> str | None:
    """Why a method is behind others whatever its mean."""
    if not completed:
        return "no clip has a value"
    return f"a value on {completed} clips, the most complete on {most}: after these" if completed < most else None


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _merged(one: dict[str, dict[str, Any]], other: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {**line, **other.get(name, {})} for name, line in one.items()}
