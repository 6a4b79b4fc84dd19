"""Frames of a folder: their columns as documented, their values those of rows and tables, whatever kind of folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_run import FRAMES, LIPS, PSNR, SKILL, SSIM, make_entries, make_protocol, make_run, make_table
from speed_rows import make_manifest, make_rows

from bench.errors import ConfigError, MissingError
from bench.frames import Frames, draw_batch, draw_intervals, draw_latency, load
from bench.report import share
from bench.report.figures.forest import find_pairs
from bench.report.folder import read_run
from bench.report.frames.columns import MEANINGS
from bench.report.frames.speeds import fidelity_rows, speed_rows
from bench.report.tables.cards import find_cards
from bench.report.tables.table import build_table
from bench.stats.bootstrap import student

SYNC = ("sync_confidence/puppet-sync-puppet68@1", "sync_offset/puppet-sync-puppet68@1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    protocol = make_protocol(metrics=[LIPS, PSNR, SSIM, *SYNC])
    entries = make_entries(protocol)
    for place, entry in enumerate(entries):
        for row in entry["rows"]:
            if row["metric"] in SYNC and row["status"] == "ok":
                row["notes"] = {"offsets": [-1, 1], "distance_by_offset": [1.5, 1.0 + 0.01 * place, None]}
    return make_run(tmp_path_factory.mktemp("frames") / "run", protocol, entries=entries)


@pytest.fixture(scope="module")
def frames(folder: Path) -> Frames:
    return load(folder)


@pytest.mark.parametrize("name", list(MEANINGS))
def test_columns_are_those_that_are_documented(frames: Frames, name: str) -> None:
    frame = getattr(frames, name)
    assert list(frame.columns) == list(frames.meaning(name).index)
    assert len(frame) or name == "fidelities"
    assert all(frames.meaning(name))


def test_rows_are_the_runs(frames: Frames, folder: Path) -> None:
    rows = read_run(folder).rows
    assert len(frames.rows) == len(rows) == 4 * 3 * 5
    for name in ("cell", "method", "metric", "status", "frames", "coverage"):
        assert frames.rows[name].tolist() == [row[name] for row in rows], name
    values = [np.nan if row["value"] is None else row["value"] for row in rows]
    assert np.array_equal(frames.rows["value"], values, equal_nan=True)
    assert frames.rows["stage"].isna().sum() == sum(row["stage"] is None for row in rows)
    assert frames.rows.loc[0, "clip"] == "ann / face / a1"


def test_methods_keep_the_protocols_order_and_filters_keep_their_colours(frames: Frames) -> None:
    means = frames.rows.groupby(["metric", "method"], observed=True)["value"].mean()
    assert list(means[PSNR].index) == list(SKILL)
    (alone,) = draw_intervals(frames.table.query("metric == @PSNR and method == 'still'")).axes
    whole = draw_intervals(frames.table.query("metric == @PSNR")).axes[0]
    colours = [
        [line.get_markeredgecolor() for line in axes.lines if line.get_marker() == "o"] for axes in (alone, whole)
    ]
    assert colours[0] == colours[1][1:2]


def test_the_table_is_the_reports(frames: Frames, folder: Path) -> None:
    table = make_table(folder)
    assert frames.table["metric"].tolist()[:5] == [column.card.id for column in table.columns]
    estimates = [estimate for line in table.lines for estimate in line.estimates]
    for name, field in (("value", "value"), ("ci_low", "low"), ("n", "n"), ("best", "best"), ("coverage", "coverage")):
        ours, theirs = frames.table[name].astype(float), [getattr(estimate, field) for estimate in estimates]
        assert np.array_equal(ours, np.array(theirs, dtype=float), equal_nan=True), name
    notes = [None if estimate.note is None else table.notes[estimate.note] for estimate in estimates]
    assert [None if text is np.nan or pd.isna(text) else text for text in frames.table["note"]] == notes
    places = {(p["method"], p["metric"]): p["rank"] for p in table.places}
    for line in frames.table.itertuples():
        assert line.ranked == (line.method != "ground-truth")
        assert (None if pd.isna(line.rank) else line.rank) == places.get((line.method, line.metric))


def test_pairs_are_the_reports(frames: Frames, folder: Path) -> None:
    run = read_run(folder)
    cards = find_cards(run.protocol["metrics"])
    found = find_pairs(run, cards, build_table(run, cards))
    assert found is not None and len(frames.pairs) == len(found.records)
    records = {(r["metric"], r["method"]): r for r in found.records}
    for line in frames.pairs.itertuples():
        record = records[line.metric, line.method]
        assert (line.baseline, line.n, line.ties) == ("avct", record["n"], record["ties"])
        assert line.difference == record["difference"] or record["difference"] is None
        assert (None if pd.isna(line.verdict) else line.verdict) == record["verdict"]


def test_curves_are_those_of_the_rows(frames: Frames, folder: Path) -> None:
    rows = read_run(folder).rows
    lengths = sum(len(row["per_frame"] or ()) + sum(map(len, row["series"].values())) for row in rows)
    assert len(frames.curves) == lengths
    mine = frames.curves.query("method == 'avct' and driver == 'a2' and metric == @PSNR and series == 'per_frame'")
    (row,) = [r for r in rows if (r["method"], r["driver"], r["metric"]) == ("avct", "a2", PSNR)]
    assert mine["value"].tolist() == list(row["per_frame"])
    assert mine["frame"].tolist() == list(range(FRAMES)) and mine["seconds"].iloc[5] == 0.2


def test_curves_by_offset_are_held_once_and_averaged_over_clips(frames: Frames) -> None:
    assert set(frames.offsets["metric"]) == {SYNC[0]}, "metrics that share a curve have it once"
    mine = frames.offsets.query("method == 'avct' and offset == 0")["distance"]
    assert mine.tolist() == pytest.approx([1.09, 1.10, 1.11])
    (line,) = frames.sync.query("method == 'avct' and offset == 0").itertuples()
    reach = student(0.975, 2) * mine.std() / np.sqrt(3)
    assert (line.value, line.n, line.lowest) == (pytest.approx(1.1), 3, True)
    assert (line.ci_low, line.ci_high) == (pytest.approx(1.1 - reach), pytest.approx(1.1 + reach))
    assert not len(frames.sync.query("offset == 1")), "an offset that no clip has a distance at"


def test_a_shared_run_gives_the_same_frames(
    folder: Path, frames: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # figures take long and say nothing here
    monkeypatch.setattr("bench.report.writing.draw_pictures", lambda *_: iter(()))
    small = load(share(folder, tmp_path / "small").folder)
    for name in ("rows", "table", "pairs", "lips", "offsets", "sync", "ranks", "contests"):
        pd.testing.assert_frame_equal(getattr(small, name), getattr(frames, name))
    assert len(small.curves) < len(frames.curves), "curves that no figure shows are left out"


def test_speeds_alone_have_frames_too(tmp_path: Path) -> None:
    made, manifest = make_rows(), make_manifest()
    frames = Frames(tmp_path, None, made, manifest)
    assert frames.rows.empty and list(frames.table.columns) == list(MEANINGS["table"])
    assert len(frames.speeds) == len(made[0]) and len(frames.fidelities) == len(made[1])
    assert sorted(speed_rows(frames.speeds), key=lambda row: row.id) == sorted(made[0], key=lambda row: row.id)
    assert sorted(fidelity_rows(frames.fidelities), key=lambda row: row.id) == sorted(made[1], key=lambda row: row.id)


def test_a_folder_of_speeds_loads_and_is_drawn() -> None:
    folder = Path(__file__).parents[3] / "results" / "throughput-cpu"
    frames = load(folder)
    assert frames.run is None and frames.rows.empty and len(frames.speeds)
    offline = frames.speeds.query("scenario == 'offline'")
    assert offline["frames_per_s"].notna().any()
    assert (offline["frames_per_s_low"] <= offline["frames_per_s"]).all()
    assert draw_batch(frames.speeds).axes and draw_latency(frames.speeds).axes
    with pytest.raises(ConfigError, match="No latency"):
        draw_latency(offline)


def test_what_is_no_folder_of_results_is_refused(tmp_path: Path, folder: Path, frames: Frames) -> None:
    with pytest.raises(MissingError, match="no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="got a file"):
        load(folder / "manifest.json")
    with pytest.raises(ConfigError, match="expected one of rows, table"):
        frames.meaning("row")


def test_a_path_may_be_text(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert len(load(str(copy)).rows) == 60
    assert "60 rows of metrics" in repr(load(copy))
