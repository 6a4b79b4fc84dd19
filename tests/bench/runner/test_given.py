"""Videos made elsewhere, scored as a protocol's clips: its truth, its metrics, its failures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import ConfigError
from bench.io.encode import write_lossless
from bench.runner.given import score_given
from bench.runner.how import How
from bench.runner.run import run
from bench.store.manifest import read_manifest
from bench.store.rows import read_rows

LENGTHS = {"one": 8, "two": 10, "three": 9}


@pytest.fixture
def made(place, tmp_path: Path) -> Path:
    """The videos of the toy protocol's `echo`, as somebody else would name them."""
    from bench.store.journal import read_journal

    run(place.protocol("methods=['echo']"), out=tmp_path / "ran", how=How(workers=0))
    folder = tmp_path / "made" / "theirs"
    for entry in read_journal(tmp_path / "ran" / "rows.jsonl"):
        cell = entry["cell"]
        path = folder / cell["reference"] / f"{cell['driver']}.mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((tmp_path / "ran" / entry["video"]).read_bytes())
    place.calls()
    return tmp_path / "made"


def values(out: Path, *, method: str) -> dict[tuple[str, str, str], float | None]:
    rows = read_rows(out / "rows.parquet")
    some = [row for row in rows if row["method"] == method and row["setting"] in ("first", "as-given")]
    return {(row["reference"], row["driver"], row["metric"]): row["value"] for row in some}


def test_the_numbers_are_those_of_a_run(place, made: Path, tmp_path: Path) -> None:
    result, unmatched = score_given(made, place.protocol(), out=tmp_path / "out", how=How(workers=0))
    assert (result.exit_code, result.total, unmatched) == (0, 6, {})
    assert values(tmp_path / "out", method="theirs") == values(tmp_path / "ran", method="echo")
    manifest = read_manifest(tmp_path / "out" / "manifest.json")
    assert manifest["protocol"]["id"] == "toy@1" and manifest["protocol"]["methods"] == ["theirs"]
    assert manifest["protocol"]["axes"]["drivers"] == {"ann": ["one", "two"], "bob": ["three"]}


def test_what_is_lacking_fails_and_what_is_too_much_is_listed(place, made: Path, tmp_path: Path) -> None:
    (made / "theirs/r0/one.mkv").rename(made / "theirs/r0/won.mkv")
    write_lossless(made / "theirs/r1/two.mkv", [np.zeros((32, 32, 3), np.uint8)] * 5)
    write_lossless(made / "theirs/r1/three.mkv", [np.zeros((16, 16, 3), np.uint8)] * 9)
    result, unmatched = score_given(made, place.protocol(), out=tmp_path / "out", how=How(workers=0))
    assert (result.exit_code, result.failed, unmatched) == (1, 3, {"theirs": ("r0/won",)})
    rows = read_rows(tmp_path / "out" / "rows.parquet")
    reasons = {(row["reference"], row["driver"]): row["reason"] for row in rows if row["status"] == "failed"}
    assert reasons == {
        ("r0", "one"): "no video of clip r0/one",
        ("r1", "two"): "the video has 5 frames at 25 a second, its truth 10; expected lengths within 2 frames",
        ("r1", "three"): "the video is 16x16, its truth 32x32; sizes must be equal",
    }


def test_a_frame_more_or_less_is_forgiven(place, made: Path, tmp_path: Path) -> None:
    for driver, more in (("one", 2), ("two", -2)):
        frames = [np.full((32, 32, 3), 7, np.uint8)] * (LENGTHS[driver] + more)
        write_lossless(made / f"theirs/r0/{driver}.mkv", frames)
    result, _ = score_given(made, place.protocol(), out=tmp_path / "out", how=How(workers=0))
    rows = {(r["reference"], r["driver"]): r for r in read_rows(tmp_path / "out" / "rows.parquet") if r["value"]}
    assert result.exit_code == 0 and (rows["r0", "one"]["frames"], rows["r0", "two"]["frames"]) == (8, 8)


def test_a_folder_without_any_clip_is_refused_with_the_rule(place, made: Path, tmp_path: Path) -> None:
    for path in sorted((made / "theirs").glob("*/*.mkv")):
        path.rename(made / "theirs" / f"film{path.parent.name}{path.name}")
    for folder in sorted((made / "theirs").glob("r*")):
        folder.rmdir()
    with pytest.raises(
        ConfigError, match=r"no video belongs to a clip of toy@1, for example 'filmr0one'; a video's path"
    ):
        score_given(made, place.protocol(), out=tmp_path / "out", how=How(workers=0))
