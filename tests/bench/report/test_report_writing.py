"""The whole report on disk: what is written, the same bytes whatever the order of rows, the run left as it is."""

from __future__ import annotations

from pathlib import Path

from report_run import PSNR, make_entries, make_hostile_run, make_protocol, make_run

from bench.report import Report, write
from bench.store.rows import write_rows

FIGURES = {
    f"figures/{name}{width}.{kind}"
    for name in ("metrics", "bars", "paired", "sweep", "lip-opening", "contact-sheet")
    for width in ("", "-column")
    for kind in ("png", "pdf")
}
PAGE = {"index.html", *(f"page/{name}.js" for name in ("values-0", "values-1", "clip-0", "clip-1", "clip-2"))}
TABLES = {"table.md", "table.tex", "table.csv", "table.json", "table.html", "paired.csv"}


def contents(folder: Path, names: set[str]) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names}


def test_everything_is_written_and_named(written: Report) -> None:
    names = {path.relative_to(written.folder).as_posix() for path in written.paths}
    media = {name for name in names if name.startswith("media/")}
    assert names - media == TABLES | FIGURES | PAGE
    assert len(media) == 2 * 18
    assert len(written.paths) == len(names) and all(path.is_file() for path in written.paths)
    assert not list(written.folder.rglob("*.part"))


def test_the_same_rows_in_any_order_give_the_same_bytes(written: Report, tmp_path: Path) -> None:
    folder = make_hostile_run(tmp_path / "run", shuffled=5)
    for name in ("videos", "media"):
        (folder / name).rmdir() if (folder / name).exists() else None
        (folder / name).symlink_to(written.folder / name)
    before = {path: path.stat().st_mtime_ns for path in written.folder.rglob("*")}
    out = tmp_path / "out"
    again = write(folder, out=out)
    assert before == {path: path.stat().st_mtime_ns for path in written.folder.rglob("*")}
    assert {path.name for path in folder.iterdir()} == {"rows.jsonl", "manifest.json", "videos", "media"}
    assert again.folder == out
    names = {path.relative_to(out).as_posix() for path in again.paths}
    assert names == {path.relative_to(written.folder).as_posix() for path in written.paths}
    same = TABLES | FIGURES | PAGE - {"index.html"}
    assert contents(out, same) == contents(written.folder, same)
    # the page of another folder does not link to a manifest that is not in it
    page, other = (text.decode() for text in (contents(f, {"index.html"})["index.html"] for f in (written.folder, out)))
    assert page.replace(' · <a href="manifest.json">manifest.json</a>', "") == other


def test_a_run_without_curves_and_videos_leaves_nothing_old(tmp_path: Path) -> None:
    protocol = make_protocol(methods=["avct"], metrics=[PSNR])
    folder = make_run(tmp_path / "run", protocol)
    (folder / "figures").mkdir()
    (folder / "figures" / "lip-opening.png").write_bytes(b"old")
    (folder / "figures" / "mine.png").write_bytes(b"mine")
    write_rows(folder / "rows.parquet", [row for entry in make_entries(protocol) for row in entry["rows"]])
    (folder / "rows.jsonl").unlink()
    (folder / "page").mkdir()
    for name in ("clip-7.js", "values-1.js", "mine.js"):
        (folder / "page" / name).write_text("old")
    paths = write(folder, media=False).paths
    assert {path.name for path in (folder / "page").iterdir()} == {
        "mine.js", "values-0.js", "clip-0.js", "clip-1.js", "clip-2.js"
    }  # fmt: skip
    drawn = {f"{n}{width}.{kind}" for n in ("metrics", "bars") for width in ("", "-column") for kind in ("png", "pdf")}
    assert {path.name for path in (folder / "figures").iterdir()} == {"mine.png", *drawn}
    assert len(paths) == 18 and not (folder / "media").exists()
    assert "rows.parquet" in (folder / "index.html").read_text()
