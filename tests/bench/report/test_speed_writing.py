"""The folder: what is written, that it depends on rows and manifest alone, and that what is damaged is said."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from report_run import HOSTILE, make_run
from speed_rows import make_gate, make_manifest, make_row, make_rows, make_setting, make_speeds
from test_report_html import Page

from bench.errors import ConfigError, MediaError, MissingError
from bench.report import share, write
from bench.report.speed.terminal import speed_row, speed_table
from bench.report.speed.writing import write_speeds
from bench.report.tables.terminal import terminal_table
from bench.store.speeds import FILE

FEW = ("table.md", "table.tex", "table.csv", "table.json", "table.html", "speeds.html")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and p.name != FILE
    }


def printed(shown: object) -> str:
    from rich.console import Console

    text = io.StringIO()
    Console(file=text, width=160).print(shown)
    return text.getvalue()


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_speeds(tmp_path_factory.mktemp("speeds") / "run")
    write(folder)
    return folder


def test_everything_is_written(reported: Path) -> None:
    names = set(contents(reported))
    assert {*FEW, "quick.md"} <= names
    for name in ("latency", "batch", "stages", "fidelity", "devices"):
        for suffix in ("", "-column"):
            assert {f"figures/speed-{name}{suffix}.png", f"figures/speed-{name}{suffix}.pdf"} <= names


def test_bytes_do_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    # what these rows have makes no figures, which are looked at elsewhere
    rows = [make_row("clip-latency"), make_row("cold-start"), make_row("offline", mode="quick", method="b")]
    rows += [make_row("offline", method="z", status="failed", reason="no")]
    gates = [make_gate(row) for row in rows]
    one = make_speeds(tmp_path / "one", [*rows, *gates])
    two = make_speeds(tmp_path / "two", [*gates[::-1], *rows[::-1]])
    paths = write_speeds(one).paths
    assert [p.name for p in paths] == [p.name for p in write_speeds(two).paths]
    assert contents(one) == contents(two)
    write_speeds(one)
    assert contents(one) == contents(two)


def test_the_page_is_whole_and_loads_nothing(reported: Path) -> None:
    text = (reported / "speeds.html").read_text(encoding="utf-8")
    page = Page(text)
    sources = [attrs["src"] for _, attrs in page.tags if "src" in attrs]
    assert len(sources) == 5 and all(source.startswith("data:image/png;base64,") for source in sources)
    assert "http://" not in text and "https://" not in text
    assert {attrs["href"] for _, attrs in page.tags if "href" in attrs} >= {"#table", "#figures", "#stages", "#quick"}
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["href"][1:] for tag, attrs in page.tags if tag == "a"} <= set(ids)
    for part in ("out of memory", "mean PSNR 31.20 dB", "excludes: encode", "NVIDIA H100", "QUICK"):
        assert part in text


def test_nothing_of_the_data_is_markup(tmp_path: Path) -> None:
    row = make_row("cold-start", method=HOSTILE, setting=make_setting(name=HOSTILE), machine={"gpu": HOSTILE})
    short = make_row("offline", method=HOSTILE, mode="quick", status="unverified", reason=HOSTILE)
    folder = make_speeds(tmp_path / "run", [row, short, make_gate(row)],
                         manifest=make_manifest(protocol={"title": HOSTILE}))  # fmt: skip
    write_speeds(folder)
    for name in ("speeds.html", "table.html"):
        page = Page((folder / name).read_text(encoding="utf-8"))
        assert "script" not in {tag for tag, _ in page.tags}
        assert all(not attrs.get("onerror") for _, attrs in page.tags)


def test_figures_and_quick_rows_that_are_no_more_are_removed(tmp_path: Path) -> None:
    row, short = make_row("single-stream", stages=()), make_row("single-stream", mode="quick", method="b")
    folder = make_speeds(tmp_path / "run", [row, short, make_gate(row)])
    write_speeds(folder)
    assert (folder / "quick.md").is_file() and (folder / "figures" / "speed-latency.png").is_file()
    (folder / FILE).unlink()
    make_speeds(folder, [make_row("single-stream", status="failed", reason="no")])
    write_speeds(folder)
    assert not (folder / "quick.md").exists() and not list((folder / "figures").iterdir())
    page = (folder / "speeds.html").read_text(encoding="utf-8")
    assert "No latency to draw" in page and "No row of a full run passed the gate" in page


def test_an_empty_run_has_clear_words(tmp_path: Path) -> None:
    folder = make_speeds(tmp_path / "run", [])
    write_speeds(folder)
    for name in ("table.md", "table.tex", "table.html", "speeds.html"):
        assert "Nothing was timed" in (folder / name).read_text(encoding="utf-8"), name
    assert "Nothing was timed" in printed(speed_table(folder))
    assert "Nothing was timed" in printed(terminal_table(folder))  # what `report` prints


def test_no_manifest_is_no_error_and_no_rows_are(tmp_path: Path) -> None:
    folder = make_speeds(tmp_path / "run", [make_row("cold-start")])
    (folder / "manifest.json").unlink()
    assert folder / "speeds.html" in write_speeds(folder).paths
    with pytest.raises(MissingError, match=r"speeds\.jsonl: no such file"):
        write_speeds(tmp_path)
    (folder / FILE).write_text("{}\n")
    with pytest.raises(MediaError, match="line 1"):
        write_speeds(folder)


def test_rows_of_quality_keep_their_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(tmp_path / "run")
    make_speeds(folder, [make_row("cold-start")], manifest=json.loads((folder / "manifest.json").read_text()))
    monkeypatch.setattr("bench.report.writing.write_report", lambda run, *_, **__: [run / "table.md"])
    names = {path.name for path in write(folder).paths}
    assert {"table.md", "speed-table.md", "speed-table.json", "speeds.html"} <= names
    assert "Cold start" in (folder / "speed-table.md").read_text(encoding="utf-8")
    assert not (folder / "table.md").exists()


def test_a_shared_copy_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = make_speeds(tmp_path / "run", [make_row("cold-start"), make_row("offline", status="failed", reason="no")])
    write(folder)
    share(folder, tmp_path / "copy")
    assert contents(folder) == contents(tmp_path / "copy")
    with pytest.raises(ConfigError):
        share(folder, folder)


def test_the_terminal_marks_what_does_not_count() -> None:
    speeds, gates = make_rows()
    text = printed(speed_table(speeds, gates))
    assert "ok QUICK" in text and "excludes: encode" in text
    line = next(line for line in text.splitlines() if "cuda-int8" in line)
    assert not re.search(r"[0-9]+\.[0-9]", line) and "unverified" in line
    assert "mean PSNR 31.20 dB" in text


def test_the_terminal_shows_a_row_beside_the_bound() -> None:
    row = make_row("single-stream")
    text = printed(speed_row(row, make_gate(row)))
    assert "excludes: encode" in text and "31.0 %" in text and "adds up" in text and "PSNR" in text
    off = make_row("single-stream", unaccounted=1.0, wall=2.0)
    assert "DOES NOT ADD UP" in printed(speed_row(off))
    bad = make_row("single-stream", status="unverified", reason="PSNR too low")
    assert "PSNR too low" in printed(speed_row(bad)) and "ms/frame" not in printed(speed_row(bad))


def test_names_do_not_steer_the_terminal() -> None:
    row = make_row("offline", method="\x1b[31m[bold]x", status="failed", reason="\x1b]0;t\x07")
    text = printed(speed_table([row]))
    assert "\x1b" not in text and "\x07" not in text and "[bold]x" in text
