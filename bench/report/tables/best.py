"""Which values are set in bold: the best, and those that a paired test cannot tell from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.report.folder import TRUTH, Run
from bench.report.tables.cards import Card

BestKey = tuple[str, str, str]
"""(method, setting, metric)."""


@dataclass(frozen=True)
class Best:
    """first: what shares first place. records: every place, as `bench.stats.ranking.rank` gives it."""

    first: frozenset[BestKey]
    records: tuple[Mapping[str, Any], ...]


def find_best(run: Run, cards: Mapping[str, Card]) -> Best:
    """First places under each setting by each metric that has a direction, among methods that do not see the truth.

    Nothing is best where fewer than two methods are compared, or where no test can compare them.
    """
    from bench.stats.ranking import rank

    records = rank([*run.rows, *run.pooled], run.protocol, cards, contenders(run))
    compared: dict[tuple[str, str], int] = {}
    for record in records:
        if record["rank"] is not None and record["completed"]:
            place = (record["setting"], record["metric"])
            compared[place] = compared.get(place, 0) + 1
    first = frozenset(
        (record["method"], record["setting"], record["metric"])
        for record in records
        if record["first"] and compared.get((record["setting"], record["metric"]), 0) > 1 and not _untested(record)
    )
    return Best(first, tuple(records))


def _untested(record: Mapping[str, Any]) -> bool:
    """Whether all share first place because there are too few clips for a test: that sets nobody apart."""
    return (record["reason"] or "").startswith("no test")


def contenders(run: Run) -> list[str]:
    """The methods that are ranked: all but those that are given the truth."""
    described = {method["name"]: method for method in run.manifest.get("methods") or ()}
    return [name for name in run.methods if name != TRUTH and "truth" not in described.get(name, {}).get("uses", ())]


def describe_bold(run: Run, best: Best) -> str:
    """What bold says, in one sentence; "" where nothing is bold."""
    if not best.first:
        return ""
    level = 100 * run.protocol["statistics"]["level"]
    outside = [name for name in run.methods if name not in contenders(run)]
    apart = f"; {', '.join(outside)} apart" if outside else ""
    completed: dict[tuple[str, str], set[int]] = {}
    for record in best.records:
        completed.setdefault((record["setting"], record["metric"]), set()).add(record["completed"])
    behind = any(len(counts) > 1 for counts in completed.values())
    after = "; one that completed fewer clips than another comes after it" if behind else ""
    return f"Bold: best, or not told apart from the best (paired test, Holm, {level:g} %){apart}{after}"


def remark_fewer(run: Run, best: Best, names: Mapping[str, str]) -> list[str]:
    """That places rest on fewer clips than asked for: those that all compared methods have a value on."""
    expected = len(run.clips)
    fewer: dict[int, list[str]] = {}
    for record in best.records:
        if record["rank"] is not None and record["completed"] and record["n"] < expected:
            under = f" ({record['setting']})" if len(run.settings) > 1 else ""
            fewer.setdefault(record["n"], []).append(names[record["metric"]] + under)
    return [
        f"Places by {', '.join(dict.fromkeys(metrics))} rest on the {n} of {expected} clips that all compared methods "
        "have a value on."
        for n, metrics in sorted(fewer.items())
    ]
