"""What figures read off a frame: its metrics with their cards, its names in order, and whether there is anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError
from bench.report.tables.cards import Card, find_cards
from bench.report.tables.digits import choose_format
from bench.report.tables.table import Column

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]


def require_values(frame: pd.DataFrame, column: str, what: str) -> pd.DataFrame:
    """The lines of metrics that have any value in that column. ConfigError where none has: no figure is empty."""
    there = set(frame.loc[frame[column].notna(), "metric"])
    if not there:
        raise ConfigError(f"nothing to draw: expected a frame with {what}, got {len(frame)} lines without")
    return frame[frame["metric"].isin(there)]


def names_of(frame: pd.DataFrame, column: str) -> list[Any]:
    """The names in a column, each once, in the order in which they come."""
    return list(dict.fromkeys(frame[column]))


def columns_of(frame: pd.DataFrame) -> list[Column]:
    """The metrics of a frame in their order. What it does not say of them is taken from the registry of metrics."""
    metrics = frame.drop_duplicates("metric")
    if "direction" not in metrics.columns:
        cards = find_cards(metrics["metric"])
        return [
            Column(cards[line.metric], (line.heading, ""), _form(frame[frame["metric"] == line.metric]))
            for line in metrics.itertuples()
        ]
    return [
        Column(
            Card(line.metric, "", unit=line.unit, direction=line.direction, target=known(line.target)),
            (line.heading, ""),
            line.format,
        )
        for line in metrics.itertuples()
    ]


def known(value: Any) -> float | None:
    """The value as it is in rows: None where a frame has NaN."""
    return None if value is None or value != value else float(value)


def _form(lines: pd.DataFrame) -> str:
    return choose_format(lines["value"].dropna().tolist(), [])
