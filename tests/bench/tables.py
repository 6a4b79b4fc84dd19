"""A run's tables as they are printed, without figures and page: what must be the same bytes whoever did the work."""

from __future__ import annotations

from pathlib import Path

from bench.report.folder import read_run
from bench.report.tables.cards import find_cards
from bench.report.tables.latex import render_latex
from bench.report.tables.longform import render_csv
from bench.report.tables.markdown import render_markdown
from bench.report.tables.structured import render_json
from bench.report.tables.table import build_table


def tables_of(out: Path) -> dict[str, str]:
    """table.md, .tex, .csv and .json of a run folder."""
    run = read_run(out)
    table = build_table(run, find_cards(run.protocol["metrics"]))
    return {
        "table.md": render_markdown(table),
        "table.tex": render_latex(table),
        "table.csv": render_csv(table.records),
        "table.json": render_json(table),
    }
