"""The table: what is counted, why a value is missing, what failed, and that the order of rows does not matter."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from report_run import LIPS, PSNR, SSIM, WHY_FAILED, make_entries, make_protocol, make_run, make_table

from bench.report.folder import read_run
from bench.report.tables.longform import render_csv
from bench.report.tables.markdown import render_markdown
from bench.report.tables.table import Estimate, Table
from bench.stats.summary import summarise
from bench.store.rows import write_rows


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return make_table(make_run(tmp_path_factory.mktemp("table") / "run"))


def cell(table: Table, method: str, metric: str, setting: str = "f32") -> tuple[Estimate, str]:
    """An estimate and the text of its note."""
    line = next(line for line in table.lines if (line.method, line.setting) == (method, setting))
    place = [column.card.id for column in table.columns].index(metric)
    estimate = line.estimates[place]
    return estimate, "" if estimate.note is None else table.notes[estimate.note]


def test_a_whole_line_has_mean_interval_n_and_no_note(table: Table) -> None:
    estimate, note = cell(table, "ground-truth", PSNR)
    assert estimate.value == pytest.approx(36.0)
    assert estimate.low is not None and estimate.high is not None and 33 <= estimate.low < 36 < estimate.high <= 39
    assert (estimate.n, estimate.coverage, note) == (3, 1.0, "")


def test_a_missing_value_says_why(table: Table) -> None:
    estimate, note = cell(table, "still", LIPS)
    assert (estimate.value, estimate.n, estimate.coverage) == (None, 0, 0.0)
    assert note == "undefined: constant lip opening: standard deviation 0.00 to 0.02 %, under 0.5"


def test_a_partial_value_says_how_many_and_why(table: Table) -> None:
    estimate, note = cell(table, "loudness", SSIM)
    assert (estimate.n, estimate.coverage) == (2, pytest.approx(2 / 3))
    assert note.startswith(f"2 of 3 clips; 1 failed at generate: {WHY_FAILED}; no interval from ")
    assert cell(table, "avct", PSNR)[1].startswith("2 of 3 clips; 1 unavailable: no truth here; no interval ")


def test_failed_cells_are_listed_with_their_clips(table: Table) -> None:
    (failure,) = table.failures
    assert (failure.method, failure.setting, failure.stage, failure.reason) == (
        "loudness",
        "f32",
        "generate",
        WHY_FAILED,
    )
    assert failure.clips == ("bob / face / b1",)


def test_remarks_name_low_coverage_of_clips_and_of_frames(table: Table) -> None:
    # lips of `still` and three values of `loudness`, and PSNR of `avct`
    assert any("Coverage is below 1 in 5 of 12 values" in remark for remark in table.remarks)
    assert "SSIM: not every frame entered; lowest share 0.75, in a clip of avct." in table.remarks


def test_training_on_test_data_is_said(tmp_path: Path) -> None:
    overlap = {"methods": [{"name": "avct", "overlap": ["ann", "face"]}]}
    table = make_table(make_run(tmp_path / "run", manifest=overlap))
    assert table.overlap == ("avct was trained on what it is tested on: ann, face",)
    assert [line.method for line in table.lines if line.overlap] == ["avct"]


def test_cells_that_are_not_there_yet_are_shown_as_not_run(tmp_path: Path) -> None:
    protocol = make_protocol()
    table = make_table(make_run(tmp_path / "run", protocol, entries=make_entries(protocol)[:4]))
    assert cell(table, "avct", PSNR)[1] == "not run"
    assert cell(table, "still", PSNR)[1] == "1 of 3 clips; 2 not run; no interval from 1 clip, expected at least 2"
    waiting = [(f.method, len(f.clips)) for f in table.failures if f.stage == "run"]
    assert waiting == [("still", 2), ("loudness", 3), ("avct", 3)]


def test_the_csv_is_the_summary_with_the_reason_for_lacking_limits(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    text = render_csv(make_table(folder).records)
    assert text.splitlines()[0].startswith("protocol,method,setting,metric,value,ci_low,ci_high,n,coverage,")
    read = list(csv.DictReader(io.StringIO(text)))
    wanted = summarise(read_run(folder).rows, make_protocol())
    assert len(read) == len(wanted) == 12
    for got, want in zip(read, wanted, strict=True):
        for name, value in want.items():
            if isinstance(value, float):
                assert float(got[name]) == value, name
            else:
                assert got[name] == ("" if value is None else str(value)), name


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_does_not_matter(tmp_path: Path, seed: int) -> None:
    entries = make_entries(make_protocol())
    order = np.random.default_rng(seed).permutation(len(entries))
    shuffled = [{**entries[i], "rows": entries[i]["rows"][::-1]} for i in order]
    first, second = (
        make_table(make_run(tmp_path / name, entries=some)) for name, some in (("a", entries), ("b", shuffled))
    )
    assert first == second
    assert render_markdown(first) == render_markdown(second)


def test_a_retried_cell_counts_by_its_last_line(tmp_path: Path) -> None:
    entries = make_entries(make_protocol())
    mended = {**entries[8], "rows": [{**row, "value": 1.0, "status": "ok"} for row in entries[8]["rows"]]}
    assert entries[8]["cell"]["method"] == "loudness" and entries[8]["video"] is None
    table = make_table(make_run(tmp_path / "run", entries=[*entries, mended]))
    assert not table.failures and cell(table, "loudness", SSIM)[0].n == 3


def test_rows_parquet_serves_where_there_is_no_journal(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    whole = make_table(folder)
    stranger = {**read_run(folder).rows[0], "method": "nobody-asked", "value": 0.0}
    write_rows(folder / "rows.parquet", [*read_run(folder).rows, stranger])
    (folder / "rows.jsonl").unlink()
    assert make_table(folder) == whole


def test_a_variant_that_is_not_installed_is_shown_all_the_same(tmp_path: Path) -> None:
    table = make_table(make_run(tmp_path / "run", make_protocol(metrics=["strange/thing@3"])))
    assert table.columns[0].card.title == "this variant is not installed here"
    assert cell(table, "avct", "strange/thing@3")[0].n == 3
