"""The feed: what of a run's rows a tracker is given, and that the same rows give the same feed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_run import LIPS, PSNR, SSIM, WHY_FAILED

from bench.errors import MissingError
from bench.report.folder import read_run
from bench.stats.summary import summarise
from bench.trackers.base import Entry, folder_name
from bench.trackers.feed import read_feed


@pytest.fixture(scope="module")
def entries(run: Path) -> dict[tuple[str, ...], Entry]:
    return {entry.path: entry for entry in read_feed(run).entries}


def test_there_is_an_entry_for_the_run_for_each_method_and_for_its_speed(entries: dict) -> None:
    speeds = [path for path in entries if path[:1] == ("speed",)]
    assert [path for path in entries if path not in speeds] == [
        (), ("ground-truth", "f32"), ("still", "f32"), ("loudness", "f32"), ("avct", "f32"),
    ]  # fmt: skip
    assert [path[1] for path in speeds] == ["avct"]


def test_estimates_are_those_of_the_table(run: Path, entries: dict) -> None:
    read = read_run(run)
    parts = {"value": "value", "ci_low": "ci_low", "ci_high": "ci_high", "n": "n", "coverage": "coverage"}
    wanted = {
        (line["method"], f"{line['metric']}/{part}"): line[name]
        for line in summarise(read.rows, read.protocol)
        for part, name in parts.items()
        if line[name] is not None
    }
    sent = {
        (path[0], name): value
        for path, entry in entries.items()
        if len(path) == 2
        for name, value in entry.scalars.items()
        if not name.startswith("cells/")
    }
    assert sent == wanted and len(sent) > 40


def test_what_is_missing_is_absent_and_its_reason_is_told(entries: dict) -> None:
    still, avct, loudness = (entries[name, "f32"] for name in ("still", "avct", "loudness"))
    assert f"{LIPS}/value" not in still.scalars and f"{LIPS}/ci_low" not in still.scalars
    assert still.scalars[f"{LIPS}/n"] == 0 and still.scalars[f"{LIPS}/coverage"] == 0
    assert LIPS not in still.series
    assert "undefined: constant lip opening" in still.texts["missing"]
    assert [place for place, _ in avct.series[PSNR]] == [1, 2]  # the first clip has no PSNR and keeps its place
    row = dict(zip(avct.grid.columns, avct.grid.rows[0], strict=True))
    assert row[PSNR] is None and row["missing"] == f"{PSNR}: unavailable: no truth here"
    assert row[SSIM] == pytest.approx(0.89) and row["driver"] == "a1"
    assert loudness.scalars["cells/failed"] == 1 and loudness.scalars["cells/asked"] == 3
    assert WHY_FAILED in loudness.texts["failures"] and "failures" not in avct.texts


def test_the_run_as_a_whole_has_table_failures_and_figures(run: Path, entries: dict) -> None:
    whole = entries[()]
    assert whole.scalars == {"cells/run": 12, "cells/failed": 1, "cells/asked": 12}
    assert whole.texts["table"].startswith("# tiny@1") and "loudness, f32" in whole.texts["failures"]
    assert whole.figures == {"metrics": (run / "figures" / "metrics.png").read_bytes()}


def test_hyperparameters_name_protocol_code_setting_and_weights(entries: dict) -> None:
    facts = entries["avct", "f32"].facts
    assert facts["protocol"] == "tiny@1" and facts["sha256.protocol"] == "ab" * 32
    assert facts["method"] == "avct" and facts["setting"] == "f32" and facts["setting.batch"] == 8
    assert facts["version"] == "0.1.0" and facts["version.source_sha256"] == "cd" * 32
    assert facts["weights.avct.safetensors"] == "ef" * 32
    assert "version.git_commit" not in facts  # unknown, and so absent


def test_a_method_has_the_weights_that_the_manifest_says_are_its_own(mine: Path) -> None:
    manifest = json.loads((mine / "manifest.json").read_text())
    for method in manifest["methods"]:
        own = [{"name": "net", "sha256": "12" * 32, "bytes": 3}] if method["name"] == "avct" else []
        method["fingerprints"] = {"f32": {"weights": own}}
    (mine / "manifest.json").write_text(json.dumps(manifest))
    entries = {entry.path: entry for entry in read_feed(mine).entries}
    found = {path: [k for k in entry.facts if k.startswith("weights.")] for path, entry in entries.items()}
    assert found["avct", "f32"] == ["weights.net"] and found["still", "f32"] == []
    assert found[()] == ["weights.avct.safetensors"]


def test_only_speeds_that_count_are_numbers(entries: dict) -> None:
    (speed,) = (entry for path, entry in entries.items() if path[:1] == ("speed",))
    assert speed.scalars["single-stream/p90/value"] > 0 and "single-stream/fidelity/psnr_mean" in speed.scalars
    assert {name.split("/")[0] for name in speed.scalars} == {"single-stream"}
    assert len(speed.series["single-stream/latency_ms"]) > 10
    assert "offline: timed in quick mode alone" in speed.texts["left out"]
    assert "cold-start: failed: RuntimeError: no cards" in speed.texts["left out"]
    assert "ms" in speed.texts["speed"]


def test_the_same_rows_give_the_same_feed_and_others_another(run: Path, mine: Path) -> None:
    assert read_feed(run).digest == read_feed(run).digest
    assert read_feed(run).name == "run-0000abcd" and read_feed(mine).name == "mine-0000abcd"
    same = read_feed(mine, name="run-0000abcd")
    assert same.digest == read_feed(run).digest
    journal = (mine / "rows.jsonl").read_bytes().splitlines(keepends=True)
    (mine / "rows.jsonl").write_bytes(b"".join(journal[:-1]))
    assert read_feed(mine, name="run-0000abcd").digest != same.digest


def test_a_folder_of_speeds_alone_is_a_feed(mine: Path) -> None:
    for name in ("rows.jsonl", "manifest.json"):
        (mine / name).unlink()
    feed = read_feed(mine)
    assert [entry.path[:2] for entry in feed.entries] == [(), ("speed", "avct")]
    assert feed.group == "throughput@1" and feed.moment > 1.7e9


def test_a_folder_without_rows_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such file"):
        read_feed(tmp_path)


def test_folder_names_are_harmless_and_tell_texts_apart() -> None:
    texts = ["avct", "..", ".", "", "a/b", "a%2Fb", "a\\b", "<script>", "é" * 99, "é" * 98, "%"]
    names = [folder_name(text) for text in texts]
    assert names[0] == "avct" and len(set(names)) == len(texts)
    assert all(len(n) <= 120 and not set(n) & set("/\\<>\0") and n.strip(".") == n and n for n in names)
