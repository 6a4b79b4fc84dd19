"""Frames of speed: a line for each row of speeds.jsonl, whole enough that the figures of speed are drawn from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from bench.report.frames.columns import frame_of
from bench.report.speed.order import setting_name, sort_speeds
from bench.store.speeds import FidelityRow, SpeedRow

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

_FIELDS = tuple(field.name for field in fields(SpeedRow))
_NESTED = (
    *("setting", "figures", "curves", "stages", "excluded", "warmups", "memory", "machine", "monitor", "code"),
)  # fmt: skip


def frame_speeds(rows: Iterable[SpeedRow], manifest: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """`speeds`: the fields of `bench.store.speeds.SpeedRow`, whose setting is in the column `set_to`.

    Beside them `setting`, its name; `batch`, `device`, `precision` of it; and for each figure NAME its value, with
    NAME_low and NAME_high. Nested fields stay as they are, so that figures of speed can be drawn from the lines.
    """
    import pandas as pd  # type: ignore[import-untyped]

    ordered = sort_speeds(rows, manifest)
    names = sorted({name for row in ordered for name in row.figures})
    lines = []
    for row in ordered:
        line = {name: getattr(row, name) for name in _FIELDS if name != "setting"}
        line |= {"setting": setting_name(row), "set_to": dict(row.setting)}
        line |= {name: row.setting.get(name) for name in ("batch", "device", "precision")}
        for name in names:
            figure = row.figures.get(name)
            line |= {name: figure and figure.value, f"{name}_low": figure and figure.low}
            line |= {f"{name}_high": figure and figure.high}
        lines.append(line)
    flat = [name for name in _FIELDS if name not in _NESTED]
    heads = [*flat[: flat.index("mode")], "setting", *flat[flat.index("mode") :], "batch", "device", "precision"]
    measured = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    nested = ["set_to", *(name for name in _NESTED if name != "setting")]
    frame = pd.DataFrame(
        {name: pd.Series([line[name] for line in lines], dtype=object) for name in [*heads, *measured, *nested]}
    )
    numbers = [*measured, "wall", "unaccounted", "compile_s", "seconds"]
    return frame.astype(dict.fromkeys(numbers, "float64")).astype({"clips": "int64", "frames": "int64"})


def frame_fidelities(rows: Iterable[FidelityRow]) -> pd.DataFrame:
    """`fidelities`: a line for each fidelity row, by id."""
    return frame_of("fidelities", [vars(row) for row in sorted(rows, key=lambda row: row.id)])


def speed_rows(frame: pd.DataFrame) -> list[SpeedRow]:
    """The rows that a frame of speeds, or a part of one, was made of."""
    return [
        SpeedRow(**{**{name: _plain(line[name]) for name in _FIELDS}, "setting": line["set_to"]})
        for line in frame.to_dict("records")
    ]


def fidelity_rows(frame: pd.DataFrame) -> list[FidelityRow]:
    """The same of fidelities."""
    known = [field.name for field in fields(FidelityRow) if field.name in frame.columns]
    return [FidelityRow(**{name: _plain(line[name]) for name in known}) for line in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    """The value, None for a number that is missing."""
    return None if isinstance(value, float) and value != value else value
