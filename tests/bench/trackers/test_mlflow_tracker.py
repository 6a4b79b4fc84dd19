"""MLflow's client reads back what was sent to a database of this machine; nothing was sent anywhere else."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest
from report_run import LIPS, PSNR, SSIM, WHY_FAILED

from bench.errors import ConfigError, StorageError
from bench.trackers import check, send_run
from bench.trackers.feed import read_feed

for _module in ("mlflow", "sqlalchemy", "alembic"):
    pytest.importorskip(_module, reason="the extra `mlflow` is not installed")
NAME = "run-0000abcd"


@pytest.fixture(scope="module", autouse=True)
def offline() -> Iterator[list[Any]]:
    """Every attempt to reach another machine, which is refused."""
    tried: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> None:
        tried.append(arguments)
        raise OSError("no network in this test")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://tracking.invalid")  # alone it sends nothing there
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield tried


@pytest.fixture(scope="module")
def out(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ml")
    sent = send_run(run, "mlflow", out=folder)
    assert sent.fresh and NAME in sent.place and f"sqlite:///{folder}/mlflow.db" in sent.look
    return folder


def client(out: Path) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{out}/mlflow.db")


def runs(out: Path, experiment: str = "tiny@1") -> dict[str, Any]:
    found = client(out)
    place = found.get_experiment_by_name(experiment)
    listed = found.search_runs([place.experiment_id])
    assert len({run.info.run_name for run in listed}) == len(listed)
    return {run.info.run_name: run for run in listed}


def file(run: Any, name: str) -> bytes:
    return (Path(unquote(urlparse(run.info.artifact_uri).path)) / name).read_bytes()


def test_metrics_are_the_estimates_and_nothing_stands_for_what_is_missing(run: Path, out: Path) -> None:
    there = runs(out)
    feed = read_feed(run)
    assert set(there) == {"/".join(entry.path) or NAME for entry in feed.entries}
    for entry in feed.entries:
        mine = there["/".join(entry.path) or NAME]
        assert mine.info.status == "FINISHED"
        metrics = {k: v for k, v in mine.data.metrics.items() if not k.endswith("/each")}
        assert metrics == {name.replace("@", ".v"): value for name, value in entry.scalars.items()}
    assert "lip_opening_r/puppet68.v1/value" not in there["still/f32"].data.metrics


def test_values_of_clips_stand_at_their_places(out: Path) -> None:
    mine = runs(out)["avct/f32"].info.run_id
    points = client(out).get_metric_history(mine, f"{PSNR.replace('@', '.v')}/each")
    assert [(p.step, p.value, p.timestamp) for p in sorted(points, key=lambda p: p.step)] == [
        (1, 35.5, 1767225660000), (2, 36.5, 1767225660000),
    ]  # fmt: skip


def test_parameters_and_nesting(out: Path) -> None:
    there = runs(out)
    params = there["avct/f32"].data.params
    assert params["method"] == "avct" and params["setting.batch"] == "8" and params["sha256.protocol"] == "ab" * 32
    assert params["weights.avct.safetensors"] == "ef" * 32
    parents = {name: run.data.tags.get("mlflow.parentRunId") for name, run in there.items()}
    whole = there[NAME].info.run_id
    assert parents.pop(NAME) is None and set(parents.values()) == {whole}


def test_files_hold_clips_reasons_and_figures(run: Path, out: Path) -> None:
    there = runs(out)
    table = json.loads(file(there["avct/f32"], "clips.json"))
    first = dict(zip(table["columns"], table["data"][0], strict=True))
    assert len(table["data"]) == 3 and first[PSNR] is None and first[SSIM] == pytest.approx(0.89)
    assert first["missing"] == f"{PSNR}: unavailable: no truth here" and LIPS in first
    assert WHY_FAILED in file(there["loudness/f32"], "failures.md").decode()
    assert WHY_FAILED in there["loudness/f32"].data.tags["mlflow.note.content"]
    assert file(there[NAME], "figures/metrics.png") == (run / "figures" / "metrics.png").read_bytes()


def test_sending_again_changes_nothing_and_other_rows_take_their_place(mine: Path, out: Path) -> None:
    before = {name: (run.info.run_id, run.data.metrics) for name, run in runs(out).items()}
    assert not send_run(mine, "mlflow", out=out, name=NAME).fresh
    assert {name: (run.info.run_id, run.data.metrics) for name, run in runs(out).items()} == before
    text = (mine / "manifest.json").read_text()
    (mine / "manifest.json").write_text(text.replace('"still", ', "", 1))  # of the protocol's methods
    assert send_run(mine, "mlflow", out=out, name=NAME, options={"experiment": "tiny@1"}).fresh
    after = runs(out)
    assert set(before) - set(after) == {"still/f32"}
    assert not {run.info.run_id for run in after.values()} & {run for run, _ in before.values()}


def test_what_was_sent_in_part_is_sent_anew(run: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.trackers import mlflow as tracker

    log, calls = tracker._log, iter(range(100))

    def break_off(*arguments: Any) -> None:
        if next(calls) == 2:
            raise KeyboardInterrupt
        log(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tracker, "_log", break_off)
        send_run(run, "mlflow", out=out, options={"experiment": "broken"})
    assert len(runs(out, "broken")) == 3
    assert send_run(run, "mlflow", out=out, options={"experiment": "broken"}).fresh
    assert len(runs(out, "broken")) == 6
    assert not send_run(run, "mlflow", out=out, options={"experiment": "broken"}).fresh


def test_markup_and_odd_names_are_taken(hostile: Path, out: Path) -> None:
    send_run(hostile, "mlflow", out=out, name="'; drop table runs; --", options={"experiment": "a/b <i>"})
    assert len(runs(out, "a/b <i>")) == 7


def test_nothing_left_this_machine(out: Path, offline: list[Any]) -> None:
    assert runs(out) and not offline


def test_a_server_that_is_not_there_is_one_line(run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(StorageError, match=r"tracker 'mlflow': http://127.0.0.1:9: ") as caught:
        send_run(run, "mlflow", options={"uri": "http://127.0.0.1:9"}, out=tmp_path)
    assert "\n" not in str(caught.value)


def test_an_unknown_option_is_answered_with_a_near_one() -> None:
    with pytest.raises(ConfigError, match=r"no such option\. Did you mean experiment"):
        check("mlflow", {"experimnt": "x"})
