"""The verb `track` and the option `--track` of the verbs that make rows."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import bench

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from report_run import make_run

from bench.io.encode import write_lossless


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("track") / "run")


def test_track_says_where_the_rows_lie_and_a_second_time_that_nothing_changed(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
    words = ("track", folder, "--to", "tensorboard", "--out", tmp_path / "board")
    first = bench(*words)
    assert first.code == 0 and f"tensorboard --logdir {tmp_path / 'board'}" in first.out, first.err
    assert "nothing changed" not in first.out and "nothing changed" in bench(*words).out
    held = json.loads(bench(*words, "--name", "mine", "--json").out)
    assert held["tracker"] == "tensorboard" and held["fresh"] and Path(held["place"]).name == "mine"
    assert len(list(Path(held["place"]).rglob("events*"))) == 5


def test_what_a_user_gets_wrong_is_one_line(folder: Path, tmp_path: Path) -> None:
    unknown = bench("track", folder, "--to", "tensorbord")
    assert unknown.code == 2 and "Did you mean tensorboard?" in unknown.line
    option = bench("track", folder, "--to", "mlflow", "--option", "uri")
    assert option.code == 2 and "expected key=value" in option.line
    nothing = bench("track", tmp_path / "nowhere", "--to", "tensorboard")
    assert nothing.code in (2, 3) and "Traceback" not in nothing.err  # 2 where the extra is not installed
    assert bench("track", folder).code == 2
    assert not (folder / "tracking").exists()


def test_an_unknown_tracker_stops_a_run_before_it_starts(tmp_path: Path) -> None:
    for words in (("run", "demo"), ("score", "--videos", tmp_path), ("perf",)):
        ended = bench(*words, "--out", tmp_path / "run", "--track", "tensorbord")
        assert ended.code == 2 and "Did you mean tensorboard?" in ended.line, words
    assert not (tmp_path / "run").exists()


def test_score_sends_its_rows_at_its_end(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
    frames = np.random.default_rng(0).integers(0, 255, (6, 64, 64, 3)).astype(np.uint8)
    for name in ("videos", "truth"):
        (tmp_path / name).mkdir()
        write_lossless(tmp_path / name / "one.mkv", frames)
    ended = bench(
        "score", "--videos", tmp_path / "videos", "--truth", tmp_path / "truth", "--metrics", "psnr/pooled@1",
        "--out", tmp_path / "run", "--executor", "inline", "--track", "tensorboard", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    (sent,) = json.loads(ended.out)["tracked"]
    assert sent["tracker"] == "tensorboard" and sent["fresh"]
    assert Path(sent["place"]).parent == tmp_path / "run" / "tracking" / "tensorboard"
    assert list(Path(sent["place"]).rglob("events*"))
