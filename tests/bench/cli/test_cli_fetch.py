"""`weights ls | verify | fetch | add` and `--weights`, as a user meets them; the server is the test's own."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import bench, spawn
from weight_server import BODY, SHA256, Server, serving, table


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving() as told, table(tmp_path, told.url):
        yield told


def states(*arguments: str | Path) -> dict[str, dict]:
    ended = bench("weights", *arguments, "--json")
    return {entry["name"]: entry for entry in json.loads(ended.out)}


def test_what_is_missing_says_how_to_get_it(server: Server) -> None:
    told = states("ls")
    assert told["toy"]["state"] == told["wheel"]["state"] == "missing"
    assert told["toy"]["way"] == "run_bench.py weights fetch toy" and told["wheel"]["way"] == "pip install toys"
    shown = bench("weights", "ls", COLUMNS="300")
    assert shown.code == 0 and "run_bench.py weights fetch toy" in shown.out and "free as air" in shown.out
    assert bench("weights", "verify").code == 3
    assert server.asked == []  # looking fetches nothing


def test_licence_and_origin_stand_before_the_download(server: Server, tmp_path: Path) -> None:
    ended = bench("weights", "fetch", "toy")
    path = tmp_path / "cache" / "weights" / "toy.bin"
    assert ended.code == 0 and path.read_bytes() == BODY
    assert "licence  free as air" in ended.err and "origin   https://example.org/toys" in ended.err
    assert ended.out.strip() == f"toy: fetched, intact: {path}"
    again = json.loads(bench("weights", "fetch", "toy", "--json").out)
    assert again == [{"name": "toy", "done": "here", "state": "intact", "path": str(path), "bytes": len(BODY),
                      "sha256": SHA256}]  # fmt: skip
    assert server.asked == [None]


def test_all_gets_what_can_be_had_and_tells_the_rest(server: Server) -> None:
    ended = bench("weights", "fetch", "all", "--json")
    assert ended.code == 3 and [entry["name"] for entry in json.loads(ended.out)] == ["toy", "lone"]
    assert ended.line.startswith("error: weights wheel (wheel.bin, 0.7 MB) have no direct link: pip install toys")
    assert states("verify")["lone"]["state"] == "pinned"


def test_a_server_that_breaks_is_one_line(server: Server) -> None:
    server.status = 503
    ended = bench("weights", "fetch", "toy")
    assert ended.code == 3 and "the server answers 503" in ended.line
    server.status, server.body = 200, BODY[::-1]
    ended = bench("weights", "fetch", "toy")
    assert ended.code == 3 and f"expected sha256 {SHA256}" in ended.line


def test_a_file_of_ones_own_is_added(server: Server, tmp_path: Path) -> None:
    mine = tmp_path / "mine.bin"
    mine.write_bytes(b"mine")
    assert bench("weights", "add", "toy", mine).code == 2
    ended = bench("weights", "add", "lone", mine, "--move", "--json")
    assert ended.code == 0 and json.loads(ended.out)["state"] == "pinned" and not mine.exists()
    assert states("verify")["lone"]["state"] == "pinned"


def test_a_folder_given_comes_first_and_stays_in_the_process_alone(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "toy.bin").write_bytes(BODY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVCT_BENCH_WEIGHTS", str(tmp_path / "other"))
        told = states("verify", "--weights", folder)
        assert told["toy"]["state"] == "intact" and told["toy"]["path"] == str(folder / "toy.bin")
        assert os.environ["AVCT_BENCH_WEIGHTS"] == f"{folder}{os.pathsep}{tmp_path / 'other'}"  # workers inherit it
    assert states("ls")["toy"]["state"] == "missing"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fetch"], "expected names, or all"),
        (["fetch", "toi"], "Did you mean toy"),
        (["fetch", "toy", "lone", "--from", "https://example.org/x"], "expected one name beside --from"),
        (["fetch", "all", "--from", "https://example.org/x"], "expected one name beside --from"),
        (["fetch", "toy", "--from", "ftp://example.org/x"], "expected an address that begins with"),
        (["fetch", "toy", "--move"], "got --move"),
        (["add", "toy"], "expected NAME FILE"),
        (["add", "toi", "x"], "Did you mean toy"),
        (["verify", "toy"], "expected no files or names"),
        (["ls", "--out", "x"], "got --out"),
        (["ls", "--weights", "no such folder"], "--weights no such folder: expected a folder"),
    ],
)
def test_what_cannot_be_meant_is_one_line(server: Server, arguments: list[str], said: str) -> None:
    ended = bench("weights", *arguments)
    assert ended.code == 2 and said in ended.line and server.asked == []


def test_an_interrupted_fetch_goes_on(tmp_path: Path) -> None:
    """The real table and a real process: SIGINT keeps the part, whose content the mirror then completes or not."""
    with serving() as told:
        told.body, told.hold = bytes(95_628_359), 5_000_000  # as long as the real file; only its start is sent
        process = spawn(
            "weights", "fetch", "inception2015", "--from", told.url,
            AVCT_BENCH_CACHE=str(tmp_path), TORCH_HOME=str(tmp_path), AVCT_BENCH_WEIGHTS="",
        )  # fmt: skip
        part = tmp_path / "weights" / "pt_inception-2015-12-05-6726825d.pth.part"
        end = time.monotonic() + 60
        while not (part.is_file() and part.stat().st_size > 1_000_000) and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        told.hold = None
    assert process.returncode == 130 and "interrupted" in err and "Traceback" not in err, err
    assert 1_000_000 < part.stat().st_size <= 5_000_000 and not part.with_suffix("").exists()
