"""Heat maps: the number in every cell, letters that can be read on it, missing cells hatched with their reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from report_frames import LIPS, METRICS, make_table
from report_run import PSNR, make_protocol, make_run

from bench.errors import ConfigError
from bench.frames import draw_sweep, load
from bench.report.figures.sweep import describe_sweep

METHODS, SETTINGS = ["ground-truth", "a", "b", "c"], ["f32", "bf16", "third"]


def luminance(colour: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_cell_holds_its_number_in_letters_that_can_be_read() -> None:
    table = make_table(METHODS, settings=SETTINGS, metrics=METRICS[2:])
    figure = draw_sweep(table)
    for axes, metric in zip(figure.axes, METRICS[2:], strict=True):
        cells = {(round(p.get_x() + 0.5), round(p.get_y() + 0.5)): p.get_facecolor() for p in axes.patches}
        assert len(cells) == len(axes.texts) == 12
        for text in axes.texts:
            across, down = map(int, text.get_position())
            lines = table[(table["metric"] == metric) & (table["method"] == METHODS[down])]
            assert text.get_text() == f"{lines['value'].iloc[across]:.3f}"
            over, under = sorted([luminance(cells[across, down]), luminance(to_rgb(text.get_color()))])[::-1]
            assert (over + 0.05) / (under + 0.05) >= 4.5, "WCAG's contrast for text"
        # darker is better, whichever way that is; the truth does not enter the range
        shades = {cell: luminance(colour) for cell, colour in cells.items() if cell[1] > 0}
        values = {
            cell: table[table["metric"] == metric]["value"].to_numpy().reshape(4, 3)[cell[::-1]] for cell in shades
        }
        best = max(values, key=values.__getitem__) if metric == LIPS else min(values, key=values.__getitem__)
        worst = min(values, key=values.__getitem__) if metric == LIPS else max(values, key=values.__getitem__)
        assert shades[best] == min(shades.values()) < 0.1 and shades[worst] == max(shades.values()) > 0.8


def test_missing_cells_are_hatched_and_say_why() -> None:
    table = make_table(["a", "b"], settings=["f32", "bf16"], metrics=[LIPS])
    table.loc[[0, 3], "value"], table.loc[0, "note"], table.loc[3, "note"] = np.nan, "no $weights", "no face"
    figure = draw_sweep(table)
    (axes,) = figure.axes
    assert [bool(patch.get_hatch()) for patch in axes.patches] == [True, False, False, True]
    assert [text.get_text() for text in axes.texts][::3] == ["a", "b"]
    assert figure.get_supxlabel() == "a: no \\$weights\nb: no face"
    assert "Hatched" in describe_sweep(table, what="Means") and "Hatched" not in describe_sweep(table[1:3], what="M")


def test_a_cell_that_was_not_asked_for_says_so() -> None:
    table = make_table(["a", "b"], settings=["f32", "bf16"], metrics=[LIPS])
    figure = draw_sweep(table[1:])
    assert figure.get_supxlabel() == "a: not asked for"


def test_rows_are_averaged_over_clips(tmp_path: Path) -> None:
    rows = load(make_run(tmp_path / "run", make_protocol(metrics=[PSNR]))).rows
    (axes,) = draw_sweep(rows[rows["method"] == "still"], down="reference", across="speaker").axes
    ann, bob = (
        rows[(rows["method"] == "still") & (rows["speaker"] == name)]["value"].mean() for name in ("ann", "bob")
    )
    assert [float(text.get_text()) for text in axes.texts] == pytest.approx([ann, bob], abs=0.05)
    assert axes.get_title(loc="left") == "PSNR ↑"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["ann", "bob"]


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="expected a column 'speaker'"):
        draw_sweep(make_table(["a"]), across="speaker")
