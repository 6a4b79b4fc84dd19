"""table.csv: one line for each method, setting and metric, at full precision, for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from bench.stats.summary import COLUMNS


def render_csv(records: Iterable[Mapping[str, Any]]) -> str:
    """The nine columns of `bench.stats.summary.COLUMNS`. A number that there is not is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerow([_shown(record[name]) for name in COLUMNS])
    return text.getvalue()


def _shown(value: Any) -> Any:
    """repr gives the shortest digits that read back as the same float64."""
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else value
