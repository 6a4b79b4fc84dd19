"""The table on a terminal: nothing is cut, at any width, and names are no markup and no control sequences."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from report_run import WHY_FAILED, make_protocol, make_run
from rich.console import Console

from bench.report.tables.terminal import terminal_table


def printed(folder: Path, width: int) -> str:
    screen = Console(file=io.StringIO(), width=width, highlight=False)
    screen.print(terminal_table(folder))
    return screen.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_every_value_is_there_whole(tmp_path: Path, width: int) -> None:
    text = printed(make_run(tmp_path / "run"), width)
    assert max(len(line) for line in text.splitlines()) <= width
    for word in ("ground-truth", "0.990", "±0.026", "36.0", "0.901", "0.00–1.00", "coverage"):
        assert word in text, word
    flat = " ".join(text.split())
    assert f"failed: loudness, f32, 1 clip: stage generate: {WHY_FAILED}" in flat
    assert "constant lip opening: standard deviation 0.00 to 0.02 %, under 0.5" in flat
    assert "…" not in text


def test_a_wide_terminal_shows_all_metrics_side_by_side(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    assert printed(folder, 200).count("method ") == 1 < printed(folder, 45).count("method ")


def test_names_are_not_acted_upon(tmp_path: Path) -> None:
    hostile = "[bold red]\x1b[2J\x07"
    text = printed(make_run(tmp_path / "run", make_protocol(methods=[hostile], title=hostile)), 120)
    assert "\x1b" not in text and "\x07" not in text
    assert r"[bold red]\x1b[2J\x07" in text
