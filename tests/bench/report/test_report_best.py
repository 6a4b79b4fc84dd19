"""Bold: first place, shared where the test cannot tell; the truth apart; and what groups of columns are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from report_run import LIPS, PSNR, make_entries, make_protocol, make_run, make_table

from bench.report.tables.groups import OTHER, fill, group_of, grouped, pack
from bench.report.tables.latex import render_latex
from bench.report.tables.markdown import render_markdown
from bench.report.tables.table import Table

DRIVERS = {"ann": [f"a{n}" for n in range(8)]}
METHODS = ["ground-truth", "still", "loudness", "avct"]


def table_of(folder: Path, values: dict[str, float], *, noise: float = 0.0, **manifest: Any) -> Table:
    """PSNR of four methods on eight clips: a mean each, and a difference that changes sign from clip to clip."""
    axes = {**make_protocol()["axes"], "drivers": DRIVERS}
    protocol = make_protocol(metrics=[PSNR], methods=METHODS, axes=axes)
    entries = make_entries(protocol)
    for place, entry in enumerate(entries):
        name = entry["cell"]["method"]
        sign = (-1) ** place if name == "avct" else 0
        entry["rows"] = [
            {
                **row,
                "value": values[name] + noise * sign,
                "status": "ok",
                "coverage": 1.0,
                "reason": None,
                "stage": None,
            }
            for row in entry["rows"]
        ]
    return make_table(make_run(folder / "run", protocol, entries=entries, manifest=manifest))


def bold(table: Table) -> list[str]:
    return [line.method for line in table.lines if line.estimates[0].best]


def test_the_best_is_bold_and_the_truth_is_not(tmp_path: Path) -> None:
    table = table_of(tmp_path, {"ground-truth": 99.0, "still": 20.0, "loudness": 30.0, "avct": 33.0})
    assert bold(table) == ["avct"]
    assert table.bold == "Bold: best, or not told apart from the best (paired test, Holm, 95 %); ground-truth apart"
    assert "**33.0**" in render_markdown(table) and "**99.0**" not in render_markdown(table)
    assert r"\textbf{33.0}" in render_latex(table)


def test_what_the_test_cannot_tell_shares_the_place(tmp_path: Path) -> None:
    table = table_of(tmp_path, {"ground-truth": 99.0, "still": 20.0, "loudness": 30.0, "avct": 30.1}, noise=2.0)
    assert bold(table) == ["loudness", "avct"]


def test_methods_that_are_given_the_truth_are_not_ranked(tmp_path: Path) -> None:
    described = [{"name": name, "uses": ["truth"] if name == "avct" else []} for name in METHODS]
    values = {"ground-truth": 99.0, "still": 20.0, "loudness": 30.0, "avct": 33.0}
    table = table_of(tmp_path, values, methods=described)
    assert bold(table) == ["loudness"] and "ground-truth, avct apart" in table.bold


def test_where_no_test_is_possible_nothing_is_bold(tmp_path: Path) -> None:
    protocol = make_protocol(methods=["still", "avct"], metrics=["ssim/gauss11-rgb@1"])
    protocol["statistics"] = {**protocol["statistics"], "fewest": 5}
    table = make_table(make_run(tmp_path / "run", protocol))
    assert not any(e.best for line in table.lines for e in line.estimates) and table.bold == ""


def test_places_rest_on_clips_that_all_have(tmp_path: Path) -> None:
    table = make_table(make_run(tmp_path / "run"))
    said = [remark for remark in table.remarks if remark.startswith("Places by")]
    assert any("2 of 3 clips that all compared methods have a value on" in remark for remark in said)
    assert "completed fewer clips than another comes after" in table.bold


def test_wide_tables_put_metrics_of_a_kind_together(tmp_path: Path) -> None:
    many = [PSNR, LIPS, "ssim/gauss11-rgb@1", "odd/one@1", "lmd/a@1", "fid/b@1", "lip_opening_std/puppet68@1"]
    table = make_table(make_run(tmp_path / "run", make_protocol(metrics=many)))
    assert [column.card.id for column in table.columns] == grouped(many)
    assert list(dict.fromkeys(column.group for column in table.columns)) == ["Pictures", "Lips", OTHER, "Landmarks"]
    assert [record["metric"] for record in table.records[:7]] == many, "the csv keeps the protocol's order"
    text = render_latex(table)
    assert text.count(r"\begin{tabular}") == 2
    assert r"\multicolumn{3}{c}{Pictures}" in text and r"\cmidrule(lr){2-4}" in text
    assert "**Pictures, Lips**" in render_markdown(table)


@pytest.mark.parametrize(
    ("groups", "parts"),
    [
        ("aaabb", [[0, 1, 2], [3, 4]]),
        ("aabb", [[0, 1, 2, 3]]),
        ("aaaaaa", [[0, 1, 2], [3, 4, 5]]),
        ("aaaaab", [[0, 1], [2, 3, 4], [5]]),
    ],
)
def test_groups_stay_whole_where_they_fit(groups: str, parts: list[list[int]]) -> None:
    assert pack(list(groups), lambda some: len(some) <= 4 and sum(some) < 13) == parts


def test_fill_takes_as_many_as_fit_and_never_none() -> None:
    assert fill(5, lambda some: len(some) <= 2) == [[0, 1], [2, 3], [4]]
    assert fill(2, lambda _: False) == [[0], [1]]
    assert fill(0, lambda _: True) == []
    assert group_of("nobody/knows@1") == OTHER
