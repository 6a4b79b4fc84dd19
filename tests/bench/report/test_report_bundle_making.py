"""A bundle is its run's rows and the report of them: the same bytes each time, whole, no place of a machine in it."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bundle_run import contents, failures, make_sound_run, plain_figures, sound_entries, sound_manifest, sound_protocol
from report_run import LIPS

from bench.errors import ConfigError, MissingError, StorageError
from bench.report.bundle.checks import UNCHECKED
from bench.report.bundle.contents import Index
from bench.report.bundle.definition import read_definition
from bench.report.bundle.making import bundle_run
from bench.report.bundle.privacy import hide_paths
from bench.report.bundle.verifying import verify_bundle
from bench.store.manifest import Asked, begin, complete

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module", autouse=True)
def _plain() -> Iterator[None]:
    with plain_figures():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run with videos, and its bundle."""
    folder = tmp_path_factory.mktemp("made")
    run = make_sound_run(folder / "run")
    return run, bundle_run(run, folder / "bundle.zip")


def test_a_bundle_holds_rows_report_and_hashes_and_passes(made: tuple[Path, Path]) -> None:
    run, path = made
    files = contents(path)
    assert next(iter(files)) == "bundle.json"
    assert {"manifest.json", "rows.parquet", "table.csv", "index.html", "figures/metrics.png"} <= set(files)
    assert sum(name.endswith(".mp4") for name in files) == 11  # one of twelve cells failed
    assert any(name.startswith("page/") for name in files)
    assert not {"rows.jsonl", "run.lock"} & set(files) and not any(name.endswith(".mkv") for name in files)
    index = Index.model_validate(json.loads(files["bundle.json"]))
    assert [member.name for member in index.files] == sorted(set(files) - {"bundle.json"})
    assert index.run_id == "20260101T000000Z-0000abcd" and index.protocol and index.protocol.id == "tiny@1"
    assert "synthetic" in index.remarks.synthetic and index.remarks.dataset_licence == "Apache-2.0"
    assert failures(path) == {}
    assert sorted(p.name for p in run.iterdir()) == ["manifest.json", "rows.jsonl", "videos"]  # left as it was


def test_the_same_run_gives_the_same_bytes(made: tuple[Path, Path], tmp_path: Path) -> None:
    run, path = made
    assert bundle_run(run, tmp_path / "again.zip").read_bytes() == path.read_bytes()


def test_what_is_packed_already_is_stored(made: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(made[1]) as archive:
        stored = {info.filename.rpartition(".")[2]: info.compress_type for info in archive.infolist()}
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert {stored[kind] for kind in ("mp4", "jpg", "png")} == {zipfile.ZIP_STORED}
    assert {stored[kind] for kind in ("json", "csv", "html", "js")} == {zipfile.ZIP_DEFLATED}


def test_it_opens_wherever_it_is_unpacked(made: tuple[Path, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(made[1]) as archive:
        archive.extractall(tmp_path / "somewhere else")
    here = tmp_path / "somewhere else"
    text = (here / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'(?:src|href)="([^"#:]+)"', text)
    assert named and all((here / name).is_file() for name in named if "." in name)
    verdict = verify_bundle(here)
    assert verdict.good
    assert {check.name for check in verdict.checks if check.state == UNCHECKED} == {"packing", "pooled rows", "speeds"}


def test_a_bundle_without_media_is_small_and_passes(made: tuple[Path, Path], tmp_path: Path) -> None:
    run, path = made
    small = bundle_run(run, tmp_path / "small.zip", media=False)
    assert not any(name.startswith("media/") for name in contents(small))
    assert small.stat().st_size < path.stat().st_size
    assert failures(small) == {}


def test_no_place_of_a_machine_is_in_it(tmp_path: Path) -> None:
    protocol = sound_protocol(metrics=[LIPS])
    entries = sound_entries(protocol)
    for row in (row for entry in entries for row in entry["rows"] if row["status"] == "failed"):
        row["reason"] = "/home/ann/secret place/a.mp4: no such file, nor /data/ann/b.wav"
    run = make_sound_run(
        tmp_path / "run",
        protocol,
        videos=False,
        entries=entries,
        weights=[{"name": "/srv/ann/w.pt", "sha256": "ef" * 32, "bytes": 1}],
        exit={"code": 1, "reason": f"{tmp_path}/run/videos: gone"},
    )
    path = bundle_run(run, tmp_path / "b.zip")
    files = contents(path)
    rows = files.pop("rows.parquet")  # its texts are those of the page's data, which are looked at
    assert rows
    for place in (b"/home/ann", b"/data/ann", b"/srv/ann", str(tmp_path).encode()):
        assert not [name for name, content in files.items() if place in content], place
    assert "b.wav" in files["table.md"].decode() and "w.pt" in files["manifest.json"].decode()
    assert failures(path) == {}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ann/a b.txt: gone", "…/a b.txt: gone"),
        ("'/mnt/x/y.mp4' and ~/z/w.wav", "'…/y.mp4' and …/w.wav"),
        (r"C:\Users\ann\v.mp4 is short", "…/v.mp4 is short"),
        ("file:///opt/a/b.mp4", "…/b.mp4"),
        ("expected 25/s, got 1/2 of https://example.org/a/b", "expected 25/s, got 1/2 of https://example.org/a/b"),
        ("speaker/reference/driver", "speaker/reference/driver"),
    ],
)
def test_paths_are_cut_to_their_last_part(text: str, shown: str) -> None:
    assert hide_paths(text) == shown


def test_an_unfinished_run_says_so_and_passes(tmp_path: Path) -> None:
    protocol = sound_protocol(metrics=[LIPS])
    counts = {"total": 12, "done": 5, "failed": 0, "reused": 0}
    run = make_sound_run(
        tmp_path / "run", protocol, videos=False, entries=sound_entries(protocol)[:5], cells=counts,
        exit={"code": 130, "reason": "interrupted"},
    )  # fmt: skip
    path = bundle_run(run, tmp_path / "b.zip")
    verdict = verify_bundle(path)
    said = {check.name: check.says for check in verdict.checks}
    assert verdict.good and "5 of 12 cells: the run did not finish" in said["cells"]


def test_methods_that_saw_the_test_data_can_be_left_out(tmp_path: Path) -> None:
    protocol = sound_protocol(metrics=[LIPS])
    methods = [{"name": name, "overlap": ["puppets:test"] if name == "avct" else []} for name in protocol["methods"]]
    run = make_sound_run(tmp_path / "run", protocol, videos=False, methods=methods)
    path = bundle_run(run, tmp_path / "b.zip", clean=True)
    assert "avct" not in contents(path)["table.csv"].decode() and failures(path) == {}


def test_speeds_alone_make_a_bundle(tmp_path: Path) -> None:
    path = bundle_run(ROOT / "results" / "throughput-cpu", tmp_path / "speeds.zip")
    verdict = verify_bundle(path)
    said = {check.name: (check.state, check.says) for check in verdict.checks}
    assert verdict.good
    assert said["rows"] == (UNCHECKED, "none in the bundle: it is of speed alone")
    assert "3 speed rows" in said["speeds"][1]


def test_nothing_is_left_where_a_bundle_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingError, match="no such folder"):
        bundle_run(tmp_path / "none", tmp_path / "out" / "b.zip")
    with pytest.raises(ConfigError, match="got a folder"):
        bundle_run(tmp_path / "none", tmp_path)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    run = make_sound_run(tmp_path / "run", sound_protocol(metrics=[LIPS]), videos=False)
    monkeypatch.setattr("bench.report.bundle.packing.shutil.copyfileobj", full)
    with pytest.raises(StorageError, match="No space left"):
        bundle_run(run, tmp_path / "out" / "b.zip")
    assert list((tmp_path / "out").iterdir()) == []


def test_every_manifest_that_runs_write_is_known(tmp_path: Path) -> None:
    protocol = sound_protocol()
    asked = sound_manifest(protocol)
    manifest = begin(
        tmp_path,
        Asked(
            protocol=protocol, protocol_hash=asked["protocol_hash"], declared_hash=asked["declared_hash"],
            protocol_state="own", dataset={"name": "puppets"}, methods=[{"name": "avct", "overlap": []}], seeds=[0],
            weights=[], devices=["cpu"], libraries={"libavcodec": "62"}, cells=12, executor="local", workers=1,
            threads=1,
        ),
    )  # fmt: skip
    assert read_definition(tmp_path / "manifest.json") == manifest
    complete(tmp_path, manifest, code=0, reason="finished", cells={"total": 12, "done": 12, "failed": 0, "reused": 0})
    assert read_definition(tmp_path / "manifest.json")["ended"]
    for path in sorted((ROOT / "results").glob("puppet-*/manifest.json")):
        assert read_definition(path)["schema"] == 1
