"""Archives that are damaged, made to harm or hide something: named, and nothing of them is written anywhere."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bundle_run import contents, failed, failures, make_sound_run, plain_figures, sound_protocol
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_run import LIPS

from bench.errors import BenchError, ConfigError, MissingError
from bench.report.bundle import source
from bench.report.bundle.checks import FAILED, UNCHECKED, Flaw, one_line
from bench.report.bundle.making import bundle_run
from bench.report.bundle.names import refuse_name, refuse_names
from bench.report.bundle.packing import find_surplus, pack
from bench.report.bundle.policy import check_policy
from bench.report.bundle.verifying import verify_bundle


@pytest.fixture(scope="module", autouse=True)
def _plain() -> Iterator[None]:
    with plain_figures():
        yield


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of one metric without videos: small, so that damage meets something that counts."""
    folder = tmp_path_factory.mktemp("archive")
    protocol = sound_protocol(metrics=[LIPS], methods=["ground-truth", "avct"])
    run = make_sound_run(
        folder / "run", protocol, videos=False, cells={"total": 6, "done": 6, "failed": 0, "reused": 0}
    )
    return bundle_run(run, folder / "bundle.zip")


def added(bundle: Path, target: Path, member: zipfile.ZipInfo | str, content: bytes = b"x") -> Path:
    """The archive with one more member."""
    target.write_bytes(bundle.read_bytes())
    with pytest.warns(UserWarning) if member == "table.md" else _quiet(), zipfile.ZipFile(target, "a") as archive:
        archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return target


class _quiet:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def linked(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("member", "content", "says"),
    [
        ("../out.txt", b"x", "leads out of the folder"),
        ("page/../../out.txt", b"x", "leads out of the folder"),
        ("/etc/out.txt", b"x", "leads out of the folder"),
        ("C:out.txt", b"x", "not safe everywhere"),
        ("page\\out.txt", b"x", "not safe everywhere"),
        ("a\nb.txt", b"x", "not safe everywhere"),
        ("aux.txt", b"x", "a device's on some systems"),
        ("table.md", b"x", "'table.md' is there twice"),
        ("Table.md", b"x", "are one name"),
        ("table.md/x", b"x", "is a file and a folder"),
        (linked("page/link"), b"/etc/passwd", "is a link"),
        ("bomb.json", bytes(30 << 20), "would grow to"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else None,
)
def test_what_is_not_safe_is_not_read(
    bundle: Path, tmp_path: Path, member: zipfile.ZipInfo | str, content: bytes, says: str
) -> None:
    verdict = verify_bundle(added(bundle, tmp_path / "b.zip", member, content))
    assert says in failed(verdict)["archive"]
    assert {check.state for check in verdict.checks[1:]} == {UNCHECKED}
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]


def test_more_than_the_limits_is_not_read(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_FILES", 5)
    assert "expected at most 5" in failures(bundle)["archive"]
    monkeypatch.undo()
    monkeypatch.setattr(source, "MOST_BYTES", 1000)
    assert "expected at most 1,000" in failures(bundle)["archive"]


def test_a_file_never_grows_beyond_what_was_announced(bundle: Path, tmp_path: Path) -> None:
    """The list of an archive and its data may disagree; the data is then cut off."""
    content = bytearray(bundle.read_bytes())
    with zipfile.ZipFile(bundle) as archive:
        member = archive.getinfo("table.md")
    place = content.rindex(b"table.md") - 46
    struct.pack_into("<L", content, place + 24, member.file_size - 10)
    path = tmp_path / "b.zip"
    path.write_bytes(content)
    found = failures(path)
    assert "table.md" in found["files"] and "table.md" in found["packing"]


def prepend(content: bytes) -> bytes:
    return b"#!/bin/sh\n" + content


def append(content: bytes) -> bytes:
    return content + b"and more"


def comment(content: bytes) -> bytes:
    packed = io.BytesIO(content)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.comment = b"hello"
    return packed.getvalue()


def redate(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[10] ^= 1
    return bytes(changed)


def shuffle(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w") as new:
        for info in reversed(old.infolist()):
            new.writestr(info, old.read(info))
    return packed.getvalue()


@pytest.mark.parametrize("change", [prepend, append, comment, redate, shuffle])
def test_bytes_that_belong_to_no_file_are_found(bundle: Path, tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(change(bundle.read_bytes()))
    assert list(failures(path)) == ["packing"]


@pytest.mark.parametrize("limit", [None, 2000, 10])
def test_large_archives_are_laid_out_as_well(
    tmp_path: Path, limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if limit is not None:
        monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    sizes = {"bundle.json": 90, "a.png": 5000, "b.csv": 30, "µ/c.js": 1900, "d.csv": 4000}
    for name, size in sizes.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(os.urandom(size // 2) + bytes(size - size // 2))
    pack(tmp_path, sizes, tmp_path / "b.zip")
    whole = (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "b.zip") as archive, (tmp_path / "b.zip").open("rb") as file:
        assert archive.testzip() is None
        assert find_surplus(file, archive.infolist(), len(whole)) is None
        assert find_surplus(io.BytesIO(whole + b"x"), archive.infolist(), len(whole) + 1) is not None


def test_what_is_no_bundle_is_said_to_be_none(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such file"):
        verify_bundle(tmp_path / "none.zip")
    text = tmp_path / "text.zip"
    text.write_text("hello")
    with pytest.raises(ConfigError, match="not a bundle: it cannot be read as a ZIP"):
        verify_bundle(text)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=r"not a bundle: it has no bundle\.json"):
        verify_bundle(tmp_path / "folder")
    index = json.loads(contents(bundle)["bundle.json"])
    for content, says in (
        (b"{", "is no JSON"),
        (b'{"format": 1, "format": 2}', "a key is there twice"),
        (b"[" * 100_000, "is no JSON"),
        (b"[]", "does not say format"),
        (json.dumps({**index, "format": "other"}).encode(), "does not say format"),
        (json.dumps({**index, "schema_version": 9}).encode(), "of schema 9, this version reads 1"),
    ):
        (tmp_path / "folder" / "bundle.json").write_bytes(content)
        with pytest.raises(ConfigError, match=says):
            verify_bundle(tmp_path / "folder")


def test_links_in_a_folder_are_not_followed(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path / "b")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "b" / "table.md").unlink()
    (tmp_path / "b" / "table.md").symlink_to(tmp_path / "secret")
    assert failures(tmp_path / "b") == {
        "archive": "not safe to read: 'table.md' is a link or a device; expected files alone"
    }


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_never_passes(bundle: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Anywhere in the archive: a check fails, or it is no bundle any more; never a traceback, never "ok"."""
    content = bytearray(bundle.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "flipped.zip"
    path.write_bytes(content)
    try:
        verdict = verify_bundle(path)
    except BenchError as error:
        assert one_line(str(error)) == str(error)
        return
    assert not verdict.good or _same_files(bundle, path), place


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 10**6), junk=st.binary(max_size=40))
def test_a_torn_archive_never_passes(bundle: Path, tmp_path: Path, cut: int, junk: bytes) -> None:
    content = bundle.read_bytes()
    path = tmp_path / "torn.zip"
    path.write_bytes(content[: cut % len(content)] + junk)
    try:
        assert not verify_bundle(path).good
    except BenchError as error:
        assert one_line(str(error)) == str(error)


def _same_files(bundle: Path, other: Path) -> bool:
    """Whether a bit was flipped that says nothing: the padding of a compressed stream's last byte."""
    return contents(bundle) == contents(other)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(name=st.text(st.characters(codec="utf-8"), max_size=60))
def test_names_that_are_let_in_stay_in(name: str) -> None:
    if refuse_name(name) is None:
        inside = Path("/a/b") / name
        assert Path(os.path.normpath(inside)) == inside and inside.is_relative_to("/a/b")
        assert inside != Path("/a/b") and refuse_names([name, name]) is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<script>1</script><meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">", "stands behind"),
        ("{}<iframe src=a.html></iframe>", "an element <iframe>"),
        ("{}<p onclick='go()'>", "a script in its attribute onclick"),
        ("{}<img src='https://example.org/a.png'>", "names 'https://example.org/a.png'"),
        ("{}<img src='//example.org/a.png'>", "names '//example.org"),
        ("{}<meta http-equiv=refresh content='0;url=a'>", "another page"),
        ("{}<meta http-equiv='content-security-policy' content=\"default-src 'none'; img-src *\">", "lets in \\*"),
        ("{}<meta http-equiv='content-security-policy' content=\"default-src 'none'; script-src 'unsafe-inline'\">",
         "lets in 'unsafe-inline'"),
    ],
)  # fmt: skip
def test_a_page_that_lets_anything_in_is_named(text: str, says: str) -> None:
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    check_policy("index.html", policy + "<img src='figures/a.png'><a href='https://example.org'>paper</a>")
    with pytest.raises(Flaw, match=says):
        check_policy("index.html", text.format(policy))


def test_the_first_check_that_fails_is_told_with_all_others(bundle: Path, tmp_path: Path) -> None:
    verdict = verify_bundle(added(bundle, tmp_path / "b.zip", "../x"))
    assert verdict.checks[0].state == FAILED and len(verdict.checks) == 16 and len(str(verdict.sha256)) == 64


def test_a_table_to_be_put_into_other_pages_has_nothing_that_runs() -> None:
    check_policy("table.html", "<style>td{color:red}</style><table><tr><td>1</td></tr></table>", fragment=True)
    for text in ("<table></table><script>1</script>", "<td onclick='go()'>", "<img src='a.png'>", "<iframe></iframe>"):
        with pytest.raises(Flaw, match=r"table\.html: "):
            check_policy("table.html", text, fragment=True)
