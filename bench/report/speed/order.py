"""Rows of speed in an order of their own, whatever order they were timed in, and what tells them apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from bench.store.speeds import MODES, SCENARIOS, FidelityRow, SpeedRow


def sort_speeds(rows: Iterable[SpeedRow], manifest: Mapping[str, Any] | None = None) -> list[SpeedRow]:
    """Rows by protocol, method, setting and scenario: in the manifest's order where it names them, else by name."""
    protocol = (manifest or {}).get("protocol") or {}
    methods = {name: place for place, name in enumerate(protocol.get("methods") or ())}
    settings = {one.get("name"): place for place, one in enumerate(protocol.get("settings") or ())}

    def place(row: SpeedRow) -> tuple[Any, ...]:
        return (
            row.protocol,
            methods.get(row.method, len(methods)),
            row.method,
            settings.get(row.setting.get("name"), len(settings)),
            natural(setting_name(row)),
            _exact(row.setting),
            SCENARIOS.index(row.scenario),
            MODES.index(row.mode),
            row.started,
            row.id,
        )

    return sorted(rows, key=place)


def setting_name(row: SpeedRow) -> str:
    """The setting's own name, or one made of what it asks for."""
    named = row.setting.get("name")
    if named:
        return str(named)
    words = [str(row.setting[key]) for key in ("device", "precision") if key in row.setting]
    return "-".join([*words, *([f"batch{row.setting['batch']}"] if "batch" in row.setting else [])]) or "only"


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts batch8 before batch16."""
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in re.split(r"([0-9]+)", text) if p]


def link_gates(rows: Iterable[SpeedRow], fidelities: Iterable[FidelityRow]) -> dict[str, FidelityRow]:
    """The fidelity row of each speed row that has one, by the speed row's id."""
    held = {fidelity.id: fidelity for fidelity in fidelities}
    return {row.id: held[row.gate] for row in rows if row.gate in held}


def line_key(row: SpeedRow) -> tuple[str, str, str]:
    """What a line of a table is made of: protocol, method and everything that the setting says."""
    return row.protocol, row.method, _exact(row.setting)


def _exact(setting: Mapping[str, Any]) -> str:
    return json.dumps(dict(setting), sort_keys=True, default=str)
