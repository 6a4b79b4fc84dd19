"""`report --bundle` and `report --verify` as a user meets them: a file, a table, one line of error, an exit code."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import bench

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from bundle_run import make_sound_run, plain_figures, rebuild, sound_protocol
from report_run import LIPS


@pytest.fixture(scope="module", autouse=True)
def _plain() -> Iterator[None]:
    with plain_figures():
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    protocol = sound_protocol(metrics=[LIPS], methods=["ground-truth", "avct"])
    cells = {"total": 6, "done": 6, "failed": 0, "reused": 0}
    return make_sound_run(tmp_path_factory.mktemp("cli") / "run", protocol, videos=False, cells=cells)


@pytest.fixture(scope="module")
def bundle(run: Path) -> Path:
    path = run.parent / "sent" / "bundle.zip"
    made = bench("report", run, "--bundle", path)
    assert made.code == 0, made.err
    assert f"bundle {path}" in made.out.replace("\n", "") and "sha256" in made.out
    return path


def test_a_bundle_is_made_sent_and_verified(bundle: Path) -> None:
    seen = bench("report", "--verify", bundle)
    assert seen.code == 0, seen.out
    assert "byte for byte what the rows give" in seen.out and "failed" not in seen.out
    assert "shows only who runs it again" in seen.out


def test_a_tampered_bundle_fails_with_the_check_and_code_1(bundle: Path, tmp_path: Path) -> None:
    def forge(files: dict[str, bytes]) -> None:
        files["[bold]extra.md"] = b"\x1b[31mred"
        files["figures/metrics.png"] += b"x"

    path = rebuild(bundle, tmp_path / "b.zip", forge)
    seen = bench("report", "--verify", path, "--json")
    told = json.loads(seen.out)
    states = {check["name"]: (check["state"], check["says"]) for check in told["checks"]}
    assert seen.code == 1 and told["good"] is False and len(told["sha256"]) == 64
    assert states["tables"] == ("failed", "[bold]extra.md is not made of these rows")
    assert states["figures"][0] == "failed" and states["files"][0] == "ok"
    shown = bench("report", "--verify", path)
    assert shown.code == 1 and "[bold]extra.md" in shown.out and "not what it says" in shown.out


def test_json_says_what_was_written(run: Path, tmp_path: Path) -> None:
    made = bench("report", run, "--bundle", tmp_path / "b.zip", "--no-media", "--json")
    told = json.loads(made.out)
    assert made.code == 0 and told["bytes"] == (tmp_path / "b.zip").stat().st_size and len(told["sha256"]) == 64
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert json.loads(archive.read("bundle.json"))["options"] == {"media": False, "only_clean": False}


def test_what_is_no_bundle_is_code_2_and_what_is_not_there_code_3(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("hello")
    none = bench("report", "--verify", tmp_path / "a.zip")
    assert none.code == 2 and "not a bundle" in none.line
    gone = bench("report", "--verify", tmp_path / "b.zip")
    assert gone.code == 3 and "no such file" in gone.line
    nowhere = bench("report", tmp_path / "run", "--bundle", tmp_path / "c.zip")
    assert nowhere.code == 3 and "no such folder" in nowhere.line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "expected a run folder, or --verify"),
        (("run", "--verify", "b.zip"), "expected no RUN with it"),
        (("--verify", "b.zip", "--no-media"), "expected no --no-media with it"),
        (("run", "--bundle", "b.zip", "--share", "c"), "expected --share or --bundle, not both"),
    ],
)
def test_options_that_exclude_one_another_are_said(arguments: tuple[str, ...], says: str) -> None:
    told = bench("report", *arguments)
    assert told.code == 2 and says in told.line
