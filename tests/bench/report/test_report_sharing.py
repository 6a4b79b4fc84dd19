"""A small copy of a run: the same tables and figures byte for byte, from its rows alone, without torch."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from remade import remake
from report_run import LIPS, PSNR, make_protocol, make_run

from bench.errors import ConfigError
from bench.report import share
from bench.report.folder import read_run
from bench.report.frames.curves import frame_lips
from bench.report.tables.cards import find_cards
from bench.report.tables.table import build_table
from bench.store.rows import read_rows


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("shared")
    # more clips than the figure of lip opening shows, so that some lose their curves
    drivers = {"ann": [f"a{n}" for n in range(6)], "bob": ["b1"]}
    settings = [{**make_protocol()["settings"][0], "name": name} for name in ("f32", "bf16")]
    protocol = make_protocol(
        axes={**make_protocol()["axes"], "drivers": drivers},
        settings=settings,
        metrics=[LIPS, PSNR],
        methods=["ground-truth", "still", "avct"],
        published=["sidgan-hdtf"],
    )
    run = make_run(folder / "run", protocol)
    (run / "figures").mkdir()
    (run / "figures" / "contact-sheet.png").write_bytes(b"made of videos")
    share(run, folder / "small")
    return run, folder / "small"


def test_a_copy_has_no_videos_journal_or_page(shared: tuple[Path, Path]) -> None:
    _, small = shared
    assert {path.name for path in small.iterdir()} == {
        "manifest.json", "rows.parquet", "figures", "table.md", "table.tex", "table.csv", "table.json", "table.html",
        "paired.csv", "published.csv",
    }  # fmt: skip
    assert {path.name for path in (small / "figures").iterdir()} == {"contact-sheet.png"} | {
        f"{name}{width}.{kind}"
        for name in ("metrics", "bars", "paired", "sweep", "lip-opening")
        for width in ("", "-column")
        for kind in ("png", "pdf")
    }
    assert (small / "figures" / "contact-sheet.png").read_bytes() == b"made of videos"


def test_it_shows_what_the_run_shows(shared: tuple[Path, Path]) -> None:
    whole, thin = (read_run(folder) for folder in shared)
    cards = find_cards(whole.protocol["metrics"])
    assert build_table(whole, cards) == build_table(thin, cards)
    ours, theirs = frame_lips(whole, cards), frame_lips(thin, cards)
    assert len(ours) and ours.equals(theirs)


def test_only_curves_that_are_drawn_are_kept(shared: tuple[Path, Path]) -> None:
    run, small = shared
    whole, thin = read_run(run).rows, read_rows(small / "rows.parquet")
    assert [(r["cell"], r["metric"], r["value"]) for r in thin] == [(r["cell"], r["metric"], r["value"]) for r in whole]
    assert any(r["per_frame"] for r in whole if r["metric"] == PSNR) and not any(r["per_frame"] for r in thin)
    kept = {(r["setting"], r["driver"]) for r in thin if r["series"]}
    assert len(kept) == 3 and {setting for setting, _ in kept} == {"f32"}
    assert {r["metric"] for r in thin if r["series"]} == {LIPS}


def test_report_makes_the_same_bytes_again_without_torch(shared: tuple[Path, Path], tmp_path: Path) -> None:
    small = shutil.copytree(shared[1], tmp_path / "small")
    before, after = remake(small)
    assert set(after) == set(before)
    for name, content in before.items():
        assert after[name] == content, name
    assert not (small / "media").exists()


def test_figures_hold_no_dates(shared: tuple[Path, Path]) -> None:
    for path in (shared[1] / "figures").glob("*.pdf"):
        assert not {b"CreationDate", b"/Creator", b"/Producer"} & set(path.read_bytes().split()), path.name


def test_the_run_itself_is_never_made_small(shared: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match="another folder"):
        share(shared[0], shared[0])
