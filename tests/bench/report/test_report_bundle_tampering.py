"""Whoever changes a bundle is found out, and by the check that should find it: also who writes new hashes for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bundle_run import edit_json, edit_rows, failed, failures, make_sound_run, plain_figures, rebuild
from report_run import PSNR

from bench.report.bundle.checks import FAILED, UNCHECKED, Flaw, Unchecked
from bench.report.bundle.definition import check_protocol, check_shipped
from bench.report.bundle.making import bundle_run
from bench.report.bundle.verifying import NAMES, verify_bundle
from protocols.schema import Protocol
from protocols.validation import validate

ROOT = Path(__file__).parents[3]
Files = dict[str, bytes]


@pytest.fixture(scope="module", autouse=True)
def _plain() -> Iterator[None]:
    with plain_figures():
        yield


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tampering")
    return bundle_run(make_sound_run(folder / "run"), folder / "bundle.zip")


def raise_value(files: Files) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        row = next(row for row in rows if row["method"] == "avct" and row["metric"] == PSNR and row["value"])
        row["value"] += 5

    files["rows.parquet"] = edit_rows(files["rows.parquet"], change)


def edit_table(files: Files) -> None:
    lines = files["table.csv"].decode().split("\n")
    place = next(number for number, line in enumerate(lines) if ",avct," in line and PSNR in line)
    cells = lines[place].split(",")
    value = next(number for number, cell in enumerate(cells) if cell.startswith("3") and "." in cell)
    cells[value] = "39.5"
    lines[place] = ",".join(cells)
    files["table.csv"] = "\n".join(lines).encode()


def swap_videos(files: Files) -> None:
    a, b = sorted(name for name in files if name.endswith(".mp4"))[:2]
    files[a], files[b] = files[b], files[a]


def drop_table(files: Files) -> None:
    del files["table.tex"]


def add_file(files: Files) -> None:
    files["notes.md"] = b"Trust me."


def edit_figure(files: Files) -> None:
    files["figures/metrics.png"] += b" "


def edit_data(files: Files) -> None:
    name = next(name for name in sorted(files) if name.startswith("page/"))
    files[name] = files[name] + b"take(1,2);\n"


def strip_policy(files: Files) -> None:
    files["index.html"] = files["index.html"].replace(b"Content-Security-Policy", b"X-Policy")


def loosen_policy(files: Files) -> None:
    files["index.html"] = files["index.html"].replace(b"default-src &#39;none&#39;", b"default-src https:", 1)


def foreign_video(files: Files) -> None:
    name = next(name for name in sorted(files) if name.endswith(".mp4"))
    files["media/other-000000000000.mp4"] = files.pop(name)


def change_protocol(files: Files) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["protocol"]["statistics"]["level"] = 0.5

    files["manifest.json"] = edit_json(files["manifest.json"], change)


def change_protocol_well(files: Files) -> None:
    """With new hashes everywhere: only the intervals tell."""
    change_protocol(files)
    manifest = json.loads(files["manifest.json"])
    manifest["protocol_hash"] = validate(Protocol, manifest["protocol"], "test").hash()
    files["manifest.json"] = json.dumps(manifest).encode()
    files["bundle.json"] = edit_json(
        files["bundle.json"], lambda index: index["protocol"].update(hash=manifest["protocol_hash"])
    )


def other_run(files: Files) -> None:
    files["manifest.json"] = edit_json(files["manifest.json"], lambda manifest: manifest.update(run_id="another"))


def unknown_field(files: Files) -> None:
    files["manifest.json"] = edit_json(files["manifest.json"], lambda manifest: manifest.update(trusted=True))


def drop_rows(files: Files) -> None:
    files["rows.parquet"] = edit_rows(files["rows.parquet"], lambda rows: rows.__delitem__(slice(0, 2)))


def invent_status(files: Files) -> None:
    files["rows.parquet"] = edit_rows(files["rows.parquet"], lambda rows: rows[0].update(status="splendid"))


def break_rows(files: Files) -> None:
    files["rows.parquet"] = files["rows.parquet"][:-10]


@pytest.mark.parametrize("change", [raise_value, edit_table, swap_videos, drop_table, edit_figure, edit_data])
def test_a_changed_file_is_not_as_listed(bundle: Path, tmp_path: Path, change: Callable[[Files], None]) -> None:
    assert "files" in failures(rebuild(bundle, tmp_path / "b.zip", change, relist=False))


@pytest.mark.parametrize(
    ("change", "finds", "says"),
    [
        (raise_value, "tables", "table.csv: line"),
        (edit_table, "tables", "is '39.5', the rows give '3"),
        (drop_table, "tables", "table.tex is made of these rows and is not in the bundle"),
        (add_file, "tables", "notes.md is not made of these rows"),
        (edit_figure, "figures", "figures/metrics.png is not what the rows give"),
        (edit_data, "page", "is not what the rows give"),
        (strip_policy, "policy", "has no content-security policy"),
        (loosen_policy, "policy", "does not forbid by default"),
        (foreign_video, "media", "media/other-000000000000.mp4 is of no row's video"),
        (change_protocol, "protocol", "its content hashes to"),
        (change_protocol_well, "tables", "ci_"),
        (other_run, "manifest", "run 'another', bundle.json is of"),
        (unknown_field, "manifest", "trusted: unknown key"),
        (drop_rows, "cells", "of 12 cells lack rows, the manifest knows of 0"),
        (invent_status, "rows", "status is 'splendid'"),
        (break_rows, "rows", "rows.parquet cannot be read"),
    ],
)
def test_new_hashes_do_not_hide_a_change(
    bundle: Path, tmp_path: Path, change: Callable[[Files], None], finds: str, says: str
) -> None:
    found = failures(rebuild(bundle, tmp_path / "b.zip", change))
    assert says in found[finds] and "files" not in found, found


def test_a_bundle_that_is_packed_again_passes(bundle: Path, tmp_path: Path) -> None:
    again = rebuild(bundle, tmp_path / "b.zip", lambda files: None, relist=False)
    assert failures(again) == {} and again.read_bytes() == bundle.read_bytes()


def test_what_is_there_and_not_listed_is_named(bundle: Path, tmp_path: Path) -> None:
    assert failures(rebuild(bundle, tmp_path / "b.zip", add_file, relist=False)) == {
        "files": "notes.md is there and not listed"
    }
    said = failures(rebuild(bundle, tmp_path / "c.zip", drop_table, relist=False))["files"]
    assert said == "table.tex is listed and not there"


def test_a_wrong_hash_is_named(bundle: Path, tmp_path: Path) -> None:
    def change(files: Files) -> None:
        def lie(index: dict[str, Any]) -> None:
            member = next(member for member in index["files"] if member["name"] == "table.md")
            member["sha256"] = "0" * 64

        files["bundle.json"] = edit_json(files["bundle.json"], lie)

    said = failures(rebuild(bundle, tmp_path / "b.zip", change, relist=False))
    assert list(said) == ["files"] and "listed are" in said["files"] and said["files"].startswith("table.md")


def test_a_list_that_is_none_stops_everything(bundle: Path, tmp_path: Path) -> None:
    def change(files: Files) -> None:
        files["bundle.json"] = edit_json(files["bundle.json"], lambda index: index["files"][0].update(sha256="short"))

    verdict = verify_bundle(rebuild(bundle, tmp_path / "b.zip", change, relist=False))
    assert list(failed(verdict)) == ["bundle.json"] and [check.name for check in verdict.checks] == list(NAMES)
    assert {check.state for check in verdict.checks[3:]} == {UNCHECKED}


def test_other_versions_draw_other_bytes_but_no_other_numbers(bundle: Path, tmp_path: Path) -> None:
    def older(files: Files) -> None:
        files["bundle.json"] = edit_json(
            files["bundle.json"], lambda index: index["made_by"]["libraries"].update(matplotlib="3.1.0")
        )

    def redrawn(files: Files) -> None:
        older(files)
        edit_figure(files)
        files["table.md"] += b"\n"

    def faked(files: Files) -> None:
        redrawn(files)
        edit_table(files)

    verdict = verify_bundle(rebuild(bundle, tmp_path / "b.zip", redrawn))
    found = {check.name: check for check in verdict.checks}
    assert verdict.good and found["figures"].state == UNCHECKED and "matplotlib 3.1.0" in found["figures"].says
    assert "every number" in found["tables"].says
    assert "39.5" in failures(rebuild(bundle, tmp_path / "c.zip", faked))["tables"]


def shipped_run() -> tuple[dict[str, Any], Protocol]:
    manifest = json.loads((ROOT / "results" / "puppet-oneshot" / "manifest.json").read_text())
    return manifest, check_protocol(manifest)


def test_a_shipped_protocol_is_known_by_what_it_says() -> None:
    manifest, protocol = shipped_run()
    assert check_shipped(manifest, protocol).startswith("puppet-oneshot@1 as shipped")
    with pytest.raises(Unchecked, match="no other@3 is shipped here"):
        check_shipped(manifest, protocol.model_copy(update={"id": "other@3"}))
    with pytest.raises(Flaw, match="said to be 'changed'"):
        check_shipped({**manifest, "protocol_state": "changed"}, protocol)
    with pytest.raises(Flaw, match="said to be 'as shipped', the one here hashes to"):
        check_shipped({**manifest, "declared_hash": "0" * 64}, protocol)
    assert "changed by the maker" in check_shipped(
        {**manifest, "declared_hash": "0" * 64, "protocol_state": "changed"}, protocol
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"statistics": {"level": 0.5}}, "statistics is"),
        ({"metrics": ["ssim/gauss11-rgb@1"]}, "metrics is"),
        ({"settings": [{"name": "f", "size": 256, "pose": "truth"}]}, "its settings are others"),
        ({"methods": ["avct"]}, "methods is"),
        ({"axes": {"seeds": [7]}}, "axes.seeds is"),
        ({"axes": {"drivers": {"me": ["mine"]}}}, "axes.|its (speakers|drivers|references) are"),
    ],
)
def test_a_protocol_that_is_passed_off_as_the_shipped_one_is_named(change: dict[str, Any], says: str) -> None:
    manifest, protocol = shipped_run()
    content = protocol.as_dict()
    for key, value in change.items():
        content[key] = {**content[key], **value} if isinstance(value, dict) else value
    changed = validate(Protocol, content, "test")
    with pytest.raises(Flaw, match=says):
        check_shipped({**manifest, "protocol": content, "protocol_hash": changed.hash()}, changed)


def test_a_verdict_can_be_read_by_programs(bundle: Path, tmp_path: Path) -> None:
    verdict = verify_bundle(rebuild(bundle, tmp_path / "b.zip", add_file)).as_dict()
    assert json.loads(json.dumps(verdict)) == verdict and verdict["good"] is False
    assert {"name": "tables", "state": FAILED, "says": "notes.md is not made of these rows"} in verdict["checks"]
