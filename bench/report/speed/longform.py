"""table.csv and table.json of speed, and what `perf --json` prints: everything of each row that counts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from bench.report.speed.columns import COLUMNS, RATIO, find_figure
from bench.report.speed.facts import row_facts
from bench.report.speed.order import link_gates, setting_name, sort_speeds
from bench.report.speed.stages import stage_table
from bench.report.speed.table import BASIS, left_out
from bench.store.speeds import FidelityRow, Figure, SpeedRow, final

HEADS = (
    "protocol", "method", "setting", "scenario", "mode", "part", "name", "value", "low", "high", "n", "unit", "note",
)  # fmt: skip
"""part: figure, stage, memory, count, gate or fact; its name, value and unit."""


def render_speed_csv(
    speeds: Iterable[SpeedRow], fidelities: Iterable[FidelityRow], manifest: Mapping[str, Any] | None = None
) -> str:
    """table.csv: a line for each figure, stage, size of memory, bar of the gate and fact of every row that counts."""
    rows = final(sort_speeds(speeds, manifest))
    gates = link_gates(rows, fidelities)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADS)
    for row in rows:
        base = [row.protocol, row.method, setting_name(row), row.scenario, row.mode]
        for part in _parts(row, gates.get(row.id), manifest):
            writer.writerow([*base, *map(_plain, part)])
    return text.getvalue()


def structure_speeds(
    speeds: Iterable[SpeedRow],
    fidelities: Iterable[FidelityRow],
    manifest: Mapping[str, Any] | None = None,
    *,
    quick: bool = True,
) -> dict[str, Any]:
    """Rows that count, and rows without numbers with their reason. quick: those of quick runs apart, else counted."""
    rows = sort_speeds(speeds, manifest)
    gates = link_gates(rows, fidelities)
    content: dict[str, Any] = {
        "protocols": sorted({row.protocol for row in rows}),
        "basis": BASIS,
        "rows": [_row(row, gates.get(row.id), manifest) for row in final(rows)],
        "not_in_the_table": [asdict(one) for one in left_out(rows)],
    }
    short = [row for row in rows if row.mode == "quick" and row.status == "ok"]
    if quick:
        content["quick"] = [_row(row, gates.get(row.id), manifest) for row in short]
    else:
        content["quick_rows"] = len(short)
    return content


def render_speed_json(content: Mapping[str, Any]) -> str:
    """table.json. NaN and infinity are refused with a ValueError."""
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _row(row: SpeedRow, gate: FidelityRow | None, manifest: Mapping[str, Any] | None) -> dict[str, Any]:
    stages = stage_table([row]) if row.stages else None
    return {
        "id": row.id,
        "protocol": row.protocol,
        "method": row.method,
        "setting": dict(row.setting),
        "setting_name": setting_name(row),
        "scenario": row.scenario,
        "mode": row.mode,
        "headline": row.headline,
        "excluded": list(row.excluded),
        "figures": {name: asdict(figure) for name, figure in sorted(_figures(row).items())},
        "stages": [asdict(stage) for stage in row.stages],
        "wall": row.wall,
        "unaccounted": row.unaccounted,
        "adds_up": stages.adds_up if stages else None,
        "memory": dict(sorted(row.memory.items())),
        "clips": row.clips,
        "frames": row.frames,
        "seconds": row.seconds,
        "warmups": dict(row.warmups),
        "compile_s": row.compile_s,
        "machine": dict(row.machine),
        "monitor": dict(row.monitor),
        "code": dict(row.code),
        "started": row.started,
        "facts": row_facts(row, gate, manifest),
        "gate": asdict(gate) if gate else None,
    }


def _figures(row: SpeedRow) -> dict[str, Figure]:
    """The row's figures and, where it can be made, the share of the networks' speed that is left end to end."""
    share = next((find_figure(row, column) for column in COLUMNS if column.figure == RATIO), None)
    return {**row.figures, **({RATIO: share} if share and row.scenario == "offline" else {})}


def _parts(row: SpeedRow, gate: FidelityRow | None, manifest: Mapping[str, Any] | None) -> Iterable[tuple[Any, ...]]:
    """(part, name, value, low, high, n, unit, note) of all that a row holds but its curves."""
    for name, figure in sorted(_figures(row).items()):
        note = "headline" if name == row.headline else ""
        yield "figure", name, figure.value, figure.low, figure.high, figure.n, figure.unit, note
    for stage in row.stages:
        yield "stage", f"{stage.name} host", stage.host, None, None, None, "ms/frame", ""
        for name, value, unit in (
            ("device", stage.device, "ms/frame"),
            ("flops", stage.flops, "flop/frame"),
            ("bytes", stage.bytes, "B/frame"),
            ("bound", stage.bound, "share"),
        ):
            if value is not None:
                yield "stage", f"{stage.name} {name}", value, None, None, None, unit, stage.limit or ""
    if row.stages:
        yield "stage", "wall", row.wall, None, None, None, "ms/frame", ""
        yield "stage", "unaccounted", row.unaccounted, None, None, None, "ms/frame", stage_table([row]).verdict
    for name, size in sorted(row.memory.items()):
        yield "memory", name, size, None, None, None, "B", "peak"
    for name, value, unit in (("clips", row.clips, ""), ("frames", row.frames, ""), ("seconds", row.seconds, "s"),
                              ("compile_s", row.compile_s, "s")):  # fmt: skip
        yield "count", name, value, None, None, None, unit, ""
    for name, value in sorted(asdict(gate).items()) if gate else ():
        if value is None or isinstance(value, int | float):
            yield "gate", name, value, None, None, gate.frames if gate else None, "", ""
    for name, text in row_facts(row, gate, manifest).items():
        yield "fact", name, text, None, None, None, "", ""


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else value
