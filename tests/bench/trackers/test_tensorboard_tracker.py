"""TensorBoard reads back what was sent: scalars, hyperparameters, histograms, texts and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from report_run import LIPS, PSNR, WHY_FAILED

from bench.trackers import send_run
from bench.trackers.feed import read_feed

accumulators = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="the extra `tensorboard` is not installed"
)
NAME = "run-0000abcd"


@pytest.fixture(scope="module")
def board(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("board")
    sent = send_run(run, "tensorboard", out=out)
    assert sent.fresh and sent.place == str(out / NAME) and str(out) in sent.look
    return out


def load(folder: Path) -> accumulators.EventAccumulator:
    found = accumulators.EventAccumulator(str(folder), size_guidance={"tensors": 0})
    found.Reload()
    return found


def tensor(found: accumulators.EventAccumulator, tag: str) -> np.ndarray:
    from tensorboard.util.tensor_util import make_ndarray

    (event,) = found.Tensors(tag)
    assert event.step == 0 and event.wall_time == 1767225660.0  # when the run ended
    return make_ndarray(event.tensor_proto)


def files(folder: Path) -> Mapping[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_scalars_are_the_estimates_and_nothing_stands_for_what_is_missing(run: Path, board: Path) -> None:
    for entry in read_feed(run).entries:
        found = load(board.joinpath(NAME, *entry.path))
        tags = set(found.PluginTagToContent("scalars")) if entry.scalars else set()
        assert tags == set(entry.scalars)
        for name, value in entry.scalars.items():
            assert tensor(found, name) == pytest.approx(value, rel=1e-6)
    assert f"{LIPS}/value" not in load(board / NAME / "still" / "f32").Tags()["tensors"]


def test_hyperparameters_are_read_back(board: Path) -> None:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    content = load(board / NAME / "avct" / "f32").SummaryMetadata("_hparams_/session_start_info")
    start = HParamsPluginData.FromString(content.plugin_data.content).session_start_info
    assert start.hparams["method"].string_value == "avct" and start.hparams["setting.batch"].number_value == 8
    assert start.hparams["sha256.protocol"].string_value == "ab" * 32
    assert start.hparams["weights.avct.safetensors"].string_value == "ef" * 32
    assert start.start_time_secs == 1767225660.0


def test_histograms_hold_the_clips_that_have_a_value(board: Path) -> None:
    found = load(board / NAME / "avct" / "f32")
    counts = {tag: tensor(found, tag)[:, 2].sum() for tag in found.PluginTagToContent("histograms")}
    assert counts[PSNR] == 2 and counts[LIPS] == 3


def test_texts_say_why_and_hold_the_clips(board: Path) -> None:
    loudness = load(board / NAME / "loudness" / "f32")
    assert WHY_FAILED in str(tensor(loudness, "failures"))
    lines = tensor(loudness, "clips").item().decode().splitlines()
    assert len(lines) == 4 and all(line.startswith("    ") for line in lines)
    assert lines[0].split()[:4] == ["speaker", "reference", "driver", "seed"] and "–" in lines[3]
    assert "undefined" in str(tensor(load(board / NAME / "still" / "f32"), "missing"))


def test_figures_are_the_reports_files(run: Path, board: Path) -> None:
    width, height, png = tensor(load(board / NAME), "metrics")
    assert png == (run / "figures" / "metrics.png").read_bytes()
    assert int(width) > int(height) > 0


def test_sending_again_changes_no_byte(run: Path, board: Path) -> None:
    before = files(board)
    assert not send_run(run, "tensorboard", out=board).fresh
    assert files(board) == before


def test_other_rows_under_a_name_take_its_place(mine: Path, tmp_path: Path) -> None:
    send_run(mine, "tensorboard", out=tmp_path / "board", name="x")
    text = (mine / "manifest.json").read_text()
    (mine / "manifest.json").write_text(text.replace('"still", ', "", 1))  # of the protocol's methods
    assert send_run(mine, "tensorboard", out=tmp_path / "board", name="x").fresh
    left = {path.parent.relative_to(tmp_path / "board" / "x").parts[0] for path in
            (tmp_path / "board" / "x").glob("*/f32/*")}  # fmt: skip
    assert left == {"ground-truth", "loudness", "avct"} and not (tmp_path / "board/x/still/f32").exists()


def test_markup_stays_text_and_below_the_folder(hostile: Path, tmp_path: Path) -> None:
    from tensorboard.plugin_util import markdown_to_safe_html

    send_run(hostile, "tensorboard", out=tmp_path / "board")
    places = list((tmp_path / "board").rglob("events*"))
    assert len(places) == 7 and {len(p.relative_to(tmp_path / "board").parts) for p in places} == {2, 4}
    place = next((tmp_path / "board").iterdir())
    for folder, tag in ((place, "table"), (place / "avct" / "f32", "missing"), (place / "avct" / "f32", "clips")):
        text = tensor(load(folder), tag).item().decode()
        assert "window.pwned" in text, tag
        assert "<script" not in markdown_to_safe_html(text) and "<img" not in markdown_to_safe_html(text), tag
