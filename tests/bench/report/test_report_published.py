"""Published numbers stand apart from measured ones, in every format, with trust marks and a warning."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from report_run import make_protocol, make_run, make_table

from bench.report.tables.html import render_html
from bench.report.tables.latex import render_latex
from bench.report.tables.longform import render_csv
from bench.report.tables.markdown import render_markdown
from bench.report.tables.published import TITLE, WARNING, arrange, find_printed, render_published_csv
from bench.report.tables.structured import render_json
from bench.report.tables.table import Table
from protocols.published import load_published

METRICS = ["cpbd/sobel-grey@1", "psnr/mean-of-frames@1", "ssim/gauss11-rgb@1"]
TABLES = ["styletalk-2023-mead", "sadtalker-2023-hdtf", "avct-2022-hdtf"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    protocol = make_protocol(metrics=METRICS, published=TABLES)
    return make_table(make_run(tmp_path_factory.mktemp("published") / "run", protocol))


def test_columns_follow_the_measured_order() -> None:
    printed = arrange("x", load_published("styletalk-2023-mead"), METRICS)
    assert [column.name for column in printed.columns] == ["CPBD", "SSIM", "F-LMD", "M-LMD", "Sync_conf"]
    assert [column.beside for column in printed.columns] == [METRICS[0], METRICS[2], "", "", ""]
    assert [column.arrow for column in printed.columns] == ["↑", "↑", "↓", "↓", "↑"]
    assert [method for method, _ in printed.lines] == ["Wav2Lip", "AVCT", "StyleTalk"]
    # as the paper prints it, its last zero too
    assert [cell.text for cell in dict(printed.lines)["AVCT"]] == ["0.139", "0.832", "2.923", "5.520", "2.525"]
    assert "quoted by others" in printed.trust
    assert any("MakeItTalk, PC-AVS, GC-AVT, EAMM" in text for text in printed.lacking)
    assert any("landmark detector and scale not stated" in text for text in printed.differs)


def test_what_is_recalled_or_missing_is_marked() -> None:
    printed = arrange("x", load_published("sadtalker-2023-hdtf"), METRICS)
    names = [column.name for column in printed.columns]
    rows = {method: dict(zip(names, cells, strict=True)) for method, cells in printed.lines}
    recalled = rows["AVCT"]["LSE-C"]
    assert recalled.text == "4.932" and "from memory, not verified" in printed.notes[recalled.note]
    assert printed.notes[rows["Wav2Lip"]["CPBD"].note] == "not found in the notes at hand"
    assert rows["SadTalker"]["LSE-C"].note is None


@pytest.mark.parametrize(
    "render", [render_markdown, render_latex, lambda t: render_html(t, list(make_protocol()["methods"]))]
)
def test_every_format_shows_them_apart(table: Table, render) -> None:
    text = render(table)
    measured, _, published = text.partition(TITLE)
    assert published and WARNING.partition(";")[0] in " ".join(text.split())
    for word in ("5.520", "10.055", "quoted by others", "from memory, not verified", "Not at hand"):
        assert word in published and word not in measured, word


def test_measured_files_hold_nothing_published(table: Table) -> None:
    assert "AVCT" not in render_csv(table.records) and "StyleTalk" not in render_csv(table.records)
    content = json.loads(render_json(table))
    assert {line["method"] for line in content["lines"]} == set(make_protocol()["methods"])
    assert [one["name"] for one in content["published"]] == TABLES
    read = list(csv.DictReader(io.StringIO(render_published_csv(table.printed))))
    assert len(read) == sum(len(load_published(name)) for name in TABLES)
    mine = next(r for r in read if (r["published"], r["method"], r["metric"]) == (TABLES[0], "AVCT", "SSIM"))
    assert (mine["value"], mine["beside"], mine["trust"]) == ("0.832", METRICS[2], "quoted-second-hand")


def test_a_table_that_is_not_here_is_said_and_the_rows_are_shown(tmp_path: Path) -> None:
    printed, broken = find_printed(["nowhere-2030"], METRICS)
    assert printed == [] and "nowhere-2030" in broken[0]
    made = make_table(make_run(tmp_path / "run", make_protocol(published=["nowhere-2030"])))
    assert any("nowhere-2030 cannot be shown" in remark for remark in made.remarks)
