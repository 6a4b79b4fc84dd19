"""Without foreign weights: their metrics are rows that say how to get them, everything else is computed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import bench, spawn

from metrics.registry import variants
from metrics.weights import entries, entry

FOREIGN = {weight.name for weight in entries() if not weight.bundled_in}
# one for everything that can be lacking, of those that a clip without phones could have
POSSIBLE = [v for v in variants().values() if set(v.weights) & FOREIGN and "phones" not in v.needs]
LACKING = sorted({(v.weights, v.needs): v.id for v in POSSIBLE}.values())
COMPUTED = ("psnr/mean-of-frames@1", "ssim/gauss11-rgb@1", "lmd/mouth20-centred-px-puppet68@1")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """Rows by metric of one clip scored against itself by a fresh process that finds no foreign weight."""
    import numpy as np

    from bench.datasets.puppets.corpus import rest_portrait
    from bench.io.encode import write_lossless
    from bench.store.rows import read_rows

    folder = tmp_path_factory.mktemp("lacking")
    for name in ("videos", "truth"):
        (folder / name).mkdir()
        frames = [rest_portrait("astronaut").image] * 8
        write_lossless(folder / name / "a.mkv", frames, samples=np.zeros(8 * 640, np.float32))
    process = spawn(
        "score", "--videos", folder / "videos", "--truth", folder / "truth", "--out", folder / "run",
        "--metrics", ",".join([*COMPUTED, *LACKING]), "--workers", "0", "--json",
        AVCT_BENCH_CACHE=str(folder / "cache"), TORCH_HOME=str(folder / "torch"), AVCT_BENCH_WEIGHTS="",
    )  # fmt: skip
    _, err = process.communicate(timeout=240)
    assert process.returncode in (0, 1), err
    told = json.loads((folder / "run" / "manifest.json").read_text())
    return {row["metric"]: row for row in read_rows(folder / "run" / "rows.parquet")} | {"manifest": told}


def test_there_are_such_metrics() -> None:
    families = {name.partition("/")[0] for name in LACKING}
    assert {"lpips", "fid", "fvd"} <= families and any(name.startswith("sync_") for name in families)


@pytest.mark.parametrize("name", LACKING)
def test_a_metric_without_its_weights_is_unavailable_and_says_the_command(rows: dict[str, dict], name: str) -> None:
    row = rows[name]
    assert row["status"] == "unavailable" and row["value"] is None and row["stage"] is None
    lacking = [weight for weight in variants()[name].weights if row["reason"].startswith(f"weights {weight} (")]
    assert len(lacking) == 1 and row["reason"].endswith(entry(lacking[0]).way), row["reason"]


@pytest.mark.parametrize("name", COMPUTED)
def test_everything_else_is_computed(rows: dict[str, dict], name: str) -> None:
    assert rows[name]["status"] in ("ok", "undefined") and rows[name]["coverage"] > 0, rows[name]


def test_the_manifest_names_what_lacked(rows: dict[str, dict]) -> None:
    told = {weight["name"]: weight for weight in rows["manifest"]["weights"]}
    assert told["alexnet"]["sha256"] is None and "run_bench.py weights fetch alexnet" in told["alexnet"]["reason"]
    assert told["puppet68"]["sha256"] == entry("puppet68").sha256


def test_a_plan_lists_metrics_without_weights(tmp_path: Path) -> None:
    told = bench("validate", "demo", "--json", "--set", "metrics=['psnr/mean-of-frames@1', 'lpips/vgg@1']",
                 AVCT_BENCH_CACHE=str(tmp_path), TORCH_HOME=str(tmp_path))  # fmt: skip
    assert told.code == 3, told.err
    assert "metric lpips/vgg@1: vgg16" in json.loads(told.out)["missing_weights"]
