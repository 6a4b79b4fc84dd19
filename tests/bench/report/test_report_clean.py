"""Overlap of training and test data: a dagger in every format, and tables without those methods."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_run import make_protocol, make_run, make_table
from typer.testing import CliRunner

from bench.cli.app import app
from bench.errors import ConfigError
from bench.report.figures.forest import find_pairs, render_paired_csv
from bench.report.folder import only_clean, read_run
from bench.report.tables.cards import find_cards
from bench.report.tables.html import render_html
from bench.report.tables.latex import render_latex
from bench.report.tables.longform import render_csv
from bench.report.tables.markdown import render_markdown
from bench.report.tables.remarks import identity
from bench.report.tables.structured import render_json
from bench.report.tables.table import build_table

METHODS = make_protocol()["methods"]
UNCLEAN = {"methods": [{"name": name, "overlap": ["ann"] if name == "avct" else []} for name in METHODS]}


def test_the_dagger_is_in_every_format(tmp_path: Path) -> None:
    table = make_table(make_run(tmp_path / "run", manifest=UNCLEAN))
    text = render_markdown(table)
    assert "| avct †" in text and "† avct was trained on what it is tested on: ann." in text
    assert "loudness †" not in text
    tex = render_latex(table)
    assert r"avct$^{\dag}$ &" in tex and r"$^{\dag}$~avct was trained on" in tex
    html = render_html(table, METHODS)
    assert html.count('href="#overlap"') == 1 and "† avct was trained on" in html


def test_only_clean_leaves_them_out_and_says_so(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", manifest=UNCLEAN)
    run = only_clean(read_run(folder))
    cards = find_cards(run.protocol["metrics"])
    table = build_table(run, cards)
    for text in (render_markdown(table), render_latex(table), render_html(table, run.methods), render_json(table)):
        assert "Left out (--only-clean), as trained on what is tested here: avct." in text.replace("{}-", "-")
    assert ",avct," not in render_csv(table.records) and ",avct," in render_csv(make_table(folder).records)
    pairs = find_pairs(run, cards, table)
    assert pairs is not None and "avct" not in render_paired_csv(pairs)
    assert run.manifest["protocol"]["methods"] == METHODS, "the manifest still says what was run"


def test_the_verb_leaves_them_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(tmp_path / "run", manifest=UNCLEAN)
    # figures take long and say nothing here
    monkeypatch.setattr("bench.report.writing.draw_pictures", lambda *_: iter(()))
    ran = CliRunner().invoke(app, ["report", str(folder), "--only-clean", "--out", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.output
    assert ",avct," not in (tmp_path / "out" / "table.csv").read_text()
    assert "Left out (--only-clean)" in ran.output
    ran = CliRunner().invoke(app, ["report", str(folder), "--share", str(tmp_path / "small"), "--json"])
    assert ran.exit_code == 0 and (tmp_path / "small" / "rows.parquet").is_file()


def test_a_run_of_none_but_those_is_refused(tmp_path: Path) -> None:
    methods = [{"name": name, "overlap": ["ann"]} for name in METHODS]
    with pytest.raises(ConfigError, match="leaves no method"):
        only_clean(read_run(make_run(tmp_path / "run", manifest={"methods": methods})))


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({}, ""),
        ({"protocol_state": "as shipped"}, "as shipped"),
        ({"protocol_state": "own"}, "a protocol of the user's own"),
        ({"protocol_state": "changed"}, "changed from tiny@1"),
        ({"protocol_state": "changed", "protocol_sets": ["size=64"]}, "changed from tiny@1 by --set size=64"),
    ],
)
def test_the_head_says_which_protocol_it_is(manifest: dict, said: str) -> None:
    assert identity({"protocol": {"id": "tiny@1"}, "protocol_hash": "0123456789abcdef", **manifest}) == (
        "0123456789ab",
        said,
    )
