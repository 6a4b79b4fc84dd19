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
        # repr gives the shortest digits that read back as the same float64
        writer.writerow(["" if (v := record[name]) is None else repr(v) if isinstance(v, float) else v for name in COLUMNS])
    return text.getvalue()
