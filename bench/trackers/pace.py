"""Rows of speed as entries. What was not verified, or was timed in a hurry, is told in words and gives no number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.speed.order import line_key, setting_name
from bench.report.speed.table import left_out
from bench.report.tables.digits import show_alone
from bench.report.tables.markdown import escape
from bench.store.speeds import FidelityRow, SpeedRow, final
from bench.trackers.base import Entry, Fact
from bench.trackers.facts import known, method_facts

_FIDELITY = ("psnr_mean", "psnr_worst", "drift", "r_change", "lpips", "lse_c_change")


def speed_entries(
    rows: Sequence[SpeedRow], gates: Mapping[str, FidelityRow], manifest: Mapping[str, Any]
) -> list[Entry]:
    """An entry for each method and setting that was timed, in the order of `rows`; gates: by the speed row's id."""
    together: dict[tuple[str, str, str], list[SpeedRow]] = {}
    for row in rows:
        together.setdefault(line_key(row), []).append(row)
    entries: dict[tuple[str, ...], Entry] = {}
    for some in together.values():
        counted = final(some)
        first = (counted or some)[0]
        path = ("speed", first.method, setting_name(first))
        while path in entries:  # settings of one name that say different things
            path = (*path[:2], f"{path[2]}+")
        facts: dict[str, Fact] = {
            **method_facts(manifest, first.method, first.setting),
            **known({"protocol": first.protocol, "version.git_commit": first.code.get("git_commit")}),
            **known({f"machine.{key}": value for key, value in first.machine.items()}),
        }
        texts = {"speed": _table(counted, gates), "left out": _left_out(some)}
        entries[path] = Entry(
            path,
            facts=facts,
            scalars={name: value for row in counted for name, value in _numbers(row, gates.get(row.id)).items()},
            series={
                f"{row.scenario}/{name}": list(enumerate(map(float, curve)))
                for row in counted
                for name, curve in row.curves.items()
                if name.endswith("_ms") and curve  # measured one by one; the other curves are a plot's two axes
            },
            texts={key: text for key, text in texts.items() if text},
        )
    return list(entries.values())


def _numbers(row: SpeedRow, gate: FidelityRow | None) -> dict[str, float]:
    """Every number of a row that has a value, named "scenario/what/part"."""
    found: dict[str, float | None] = {}
    for name, figure in row.figures.items():
        if figure.value is not None:
            found |= {f"{name}/value": figure.value, f"{name}/ci_low": figure.low, f"{name}/ci_high": figure.high,
                      f"{name}/n": figure.n}  # fmt: skip
    for stage in row.stages:
        found |= {f"stages/{stage.name}/host_ms": stage.host, f"stages/{stage.name}/device_ms": stage.device}
    found |= {"stages/wall_ms": row.wall, "stages/unaccounted_ms": row.unaccounted, "compile_s": row.compile_s}
    found |= {f"memory/{name}_bytes": size for name, size in row.memory.items()}
    found |= {f"fidelity/{name}": getattr(gate, name) for name in _FIDELITY} if gate else {}
    return {f"{row.scenario}/{name}": float(value) for name, value in found.items() if value is not None}


def _table(rows: Sequence[SpeedRow], gates: Mapping[str, FidelityRow]) -> str:
    """Every figure with its unit as a Markdown table, and what nobody could measure of the fidelity."""
    if not rows:
        return ""
    lines = ["| scenario | figure | value | interval | unit | n |", "| --- | --- | ---: | ---: | --- | ---: |"]
    for row in rows:
        for name, figure in row.figures.items():
            if figure.value is None:
                continue
            bounds = [show_alone(end) for end in (figure.low, figure.high) if end is not None]
            words = (escape(row.scenario), escape(name), show_alone(figure.value), " to ".join(bounds) or "–")
            lines.append(f"| {' | '.join(words)} | {escape(figure.unit) or '–'} | {figure.n} |")
    unmeasured = dict.fromkeys(text for row in rows if row.id in gates for text in gates[row.id].unmeasured)
    return "\n".join([*lines, "", *(f"- not measured: {escape(text)}" for text in unmeasured)]).rstrip()


def _left_out(rows: Sequence[SpeedRow]) -> str:
    said = [f"- {escape(one.scenario)}: {escape(one.status)}: {escape(one.reason)}" for one in left_out(rows)]
    hurried = [row.scenario for row in rows if row.status == "ok" and row.mode == "quick"]
    return "\n".join([*said, *(f"- {escape(name)}: timed in quick mode alone" for name in hurried)])
