"""Fetching from a server of the test's own: resume, cuts, wrong files; adding a file of the user's; pins."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from weight_server import BODY, SHA256, Server, serving, table

from bench import fetching
from bench.errors import BusyError, ConfigError, MissingError
from bench.fetching import add, download, fetch
from metrics.errors import MetricError, MissingWeights
from metrics.weights import locate_intact, pins, pins_file, verify


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving() as told, table(tmp_path, told.url):
        yield told


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    folder = tmp_path / "cache" / "weights"
    folder.mkdir(parents=True)
    return folder


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_file_is_fetched_checked_and_named(server: Server, kept: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = fetch("toy", progress=lambda here, total: seen.append((here, total)))
    assert path == kept / "toy.bin" and path.read_bytes() == BODY and verify("toy") == "intact"
    assert visible(kept) == ["toy.bin"] and server.asked == [None]
    assert seen[0] == (0, len(BODY)) and seen[-1] == (len(BODY), len(BODY)) and seen == sorted(seen)


def test_a_cut_leaves_the_part_and_the_next_attempt_goes_on(server: Server, kept: Path) -> None:
    server.cut = 300_000
    with pytest.raises(MissingError, match=r"ended at byte 300000 of 700001, from where the same command goes on"):
        fetch("toy")
    assert visible(kept) == ["toy.bin.part"] and (kept / "toy.bin.part").read_bytes() == BODY[:300_000]
    with pytest.raises(MissingError, match="ended at byte 600000 of 700001"):
        fetch("toy")
    server.cut = None
    assert fetch("toy").read_bytes() == BODY
    assert server.asked == [None, "bytes=300000-", "bytes=600000-"] and visible(kept) == ["toy.bin"]


def test_a_server_without_ranges_sends_all_again(server: Server, kept: Path) -> None:
    server.ranges = False
    (kept / "toy.bin.part").write_bytes(BODY[:1000])
    assert fetch("toy").read_bytes() == BODY and server.asked == ["bytes=1000-"]


def test_a_whole_part_asks_for_nothing(server: Server, kept: Path) -> None:
    (kept / "toy.bin.part").write_bytes(BODY)
    assert fetch("toy").read_bytes() == BODY and server.asked == []


def test_a_part_of_another_file_is_fetched_anew(server: Server, kept: Path) -> None:
    (kept / "toy.bin.part").write_bytes(b"x" * 1000)
    assert fetch("toy").read_bytes() == BODY and server.asked == ["bytes=1000-", None]
    (kept / "toy.bin").unlink()
    (kept / "toy.bin.part").write_bytes(b"x" * (len(BODY) + 5))
    assert fetch("toy").read_bytes() == BODY


@pytest.mark.parametrize("length", [True, False])
def test_a_wrong_file_gets_no_name(server: Server, kept: Path, length: bool) -> None:
    server.body, server.length = BODY[:-1] + bytes([BODY[-1] ^ 1]), length
    with pytest.raises(MissingError, match=f"expected sha256 {SHA256}, got .*; the file was not kept"):
        fetch("toy")
    assert visible(kept) == [] and verify("toy") == "missing"


def test_another_size_is_refused_before_it_is_fetched(server: Server, kept: Path) -> None:
    server.body = BODY + b"more"
    with pytest.raises(MissingError, match=r"expected a file of 700001 bytes, the server has one of 700005"):
        fetch("toy")
    server.length = False  # it does not say: the surplus ends it
    with pytest.raises(MissingError, match="expected a file of 700001 bytes, the server sends more"):
        fetch("toy")
    assert verify("toy") == "missing"


@pytest.mark.parametrize("status", [403, 404, 416, 500, 503])
def test_a_servers_error_is_one_line(server: Server, kept: Path, status: int) -> None:
    server.status = status
    with pytest.raises(MissingError, match=f"the server answers {status}") as caught:
        fetch("toy")
    assert str(caught.value).startswith(server.url) and "\n" not in str(caught.value)
    assert caught.value.exit_code == 3


def test_nobody_there_is_one_line(server: Server) -> None:
    with socket.socket() as taken:  # bound, not listening
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(MissingError, match="refused"):
            fetch("toy", url=f"http://127.0.0.1:{taken.getsockname()[1]}/x")
    with pytest.raises(MissingError):
        fetch("toy", url="http://nowhere.invalid/x")


def test_a_silent_server_times_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        start = time.monotonic()
        with pytest.raises(MissingError, match="timed out"):
            fetch("toy", url=f"http://127.0.0.1:{silent.getsockname()[1]}/x")
        assert time.monotonic() - start < 5


def test_a_mirror_on_disk_serves_as_well(server: Server, tmp_path: Path, kept: Path) -> None:
    mirror = tmp_path / "mirror of ours.bin"
    mirror.write_bytes(BODY)
    (kept / "toy.bin.part").write_bytes(BODY[:5])
    assert fetch("toy", url=mirror.as_uri()).read_bytes() == BODY and server.asked == []
    with pytest.raises(MissingError, match="No such file"):
        fetch("lone", url=(tmp_path / "absent").as_uri())


@pytest.mark.parametrize("url", ["ftp://example.org/x", "data:,x", "/etc/hostname", "javascript:1"])
def test_other_addresses_are_refused(server: Server, url: str) -> None:
    with pytest.raises(ConfigError, match="expected an address that begins with https, http or file"):
        fetch("toy", url=url)


@pytest.mark.parametrize("to", ["file:///etc/hostname", "ftp://127.0.0.1/x"])
def test_a_redirect_leads_to_no_file(server: Server, kept: Path, to: str) -> None:
    server.to = to
    with pytest.raises(MissingError):
        fetch("lone")
    assert visible(kept) == []


def test_an_interruption_keeps_the_part(server: Server, kept: Path) -> None:
    def stop(here: int, total: int | None) -> None:
        if here > 400_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("toy", progress=stop)
    done = (kept / "toy.bin.part").stat().st_size
    assert 400_000 < done < len(BODY)
    assert fetch("toy").read_bytes() == BODY and server.asked == [None, f"bytes={done}-"]


def test_two_do_not_fetch_the_same_file(server: Server, kept: Path) -> None:
    with fetching._alone(kept / "toy.bin.part"), pytest.raises(BusyError, match=r"another process fetches toy\.bin"):
        fetch("toy")


def test_what_has_no_address_says_what_to_do(server: Server) -> None:
    with pytest.raises(MissingError, match=r"weights wheel \(wheel\.bin, .* have no direct link: pip install toys"):
        fetch("wheel")


def test_download_alone_keeps_bytes_where_nothing_is_known(server: Server, tmp_path: Path) -> None:
    server.length = False
    download(server.url, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == BODY


def test_the_first_fetch_of_an_unpublished_weight_pins_it(server: Server, kept: Path) -> None:
    fetch("lone")
    assert pins() == {"lone": SHA256} and verify("lone") == "pinned" and locate_intact("lone") == kept / "lone.bin"
    (kept / "lone.bin").write_bytes(b"another")
    assert verify("lone") == "damaged"
    with pytest.raises(MetricError, match=rf"expected the sha256 that {pins_file()} pins for lone"):
        locate_intact("lone")
    server.body = BODY[::-1]
    with pytest.raises(MissingError, match="expected sha256"):
        fetch("lone")
    assert pins() == {"lone": SHA256}


def test_adding_checks_copies_and_pins(server: Server, kept: Path, tmp_path: Path) -> None:
    mine = tmp_path / "download (1).bin"
    mine.write_bytes(BODY)
    assert add("toy", mine) == kept / "toy.bin" and verify("toy") == "intact" and mine.exists() and not pins()
    mine.write_bytes(b"wrong")
    with pytest.raises(ConfigError, match=f"expected the sha256 of toy, {SHA256} .published., got"):
        add("toy", mine)
    assert verify("toy") == "intact" and visible(kept) == ["toy.bin"]
    add("lone", mine, move=True)
    assert not mine.exists() and verify("lone") == "pinned" and pins() == {"lone": hashlib.sha256(b"wrong").hexdigest()}
    mine.write_bytes(b"a third")
    with pytest.raises(ConfigError, match=r"pinned: take its line out of .*pins\.toml to pin another file"):
        add("lone", mine)
    assert verify("lone") == "pinned" and not list(kept.glob(".*.part"))
    with pytest.raises(MissingError, match="no such file"):
        add("toy", tmp_path / "absent")


def test_a_file_that_lies_in_its_place_is_pinned_there(server: Server, kept: Path) -> None:
    place = kept / "lone.bin"
    place.write_bytes(b"found on a disk")
    assert verify("lone") == "unverified"
    with pytest.raises(MissingWeights, match=rf"run_bench\.py weights add lone {place}"):
        locate_intact("lone")
    assert add("lone", place, move=True) == place and place.read_bytes() == b"found on a disk"
    assert verify("lone") == "pinned" and locate_intact("lone") == place


def test_broken_pins_are_told(server: Server, kept: Path) -> None:
    pins_file().write_text("lone = ")
    with pytest.raises(MetricError, match=r"pins\.toml: expected lines such as"):
        verify("lone")
