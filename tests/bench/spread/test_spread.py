"""The same clips under all conventions: numbers by hand, copies, warnings, and what a user can get wrong."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from bench.cli import main
from bench.errors import ConfigError
from bench.io.encode import write_lossless
from bench.spread import spread as module
from bench.spread import views
from bench.spread.conventions import NAMES, conventions
from bench.spread.spread import Line, pairs_of_folders, spread, table
from metrics.registry import variants

TWO = tuple(name for name in NAMES if name.title in ("PSNR", "LPIPS"))


def paint(folder: Path, *, change: int, count: int = 2, side: int = 48) -> Path:
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        base = np.kron(rng.integers(60, 180, (side // 8, side // 8, 3)), np.ones((8, 8, 1)))
        frames = [np.clip(base + 2 * t + change * (t % 3), 0, 255).astype(np.uint8) for t in range(8)]
        write_lossless(folder / f"clip{k}.mkv", frames, samples=np.full(8 * 640, 0.1, np.float32))
    return folder


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    monkeypatch.setattr(module, "NAMES", TWO)
    monkeypatch.setattr(module, "primaries", lambda: [name.primary for name in TWO])
    # no face is painted here; what the detector does is tested where it lives
    monkeypatch.setattr(views, "crop", None)
    monkeypatch.setattr(module, "crop", lambda pairs, folder, advance: ((folder, folder), {p.name: "" for p in pairs}))
    return paint(tmp_path / "mine", change=5), paint(tmp_path / "true", change=0), tmp_path / "out"


def test_conventions_side_by_side(folders):
    mine, true, out = folders
    steps: list[str] = []
    found = spread(pairs_of_folders(mine, true), out, workers=0, advance=steps.append)
    assert found.clips == 2 and steps.count("x264") == 6 and steps.count("224") == 2
    values = {line.convention: line for line in found.lines}
    error = np.mean([0, 25, 100, 0, 25, 100, 0, 25])
    assert values["psnr/pooled@1"].value == pytest.approx(10 * np.log10(255**2 / error), abs=0.05)
    assert values["psnr/mean-of-frames@1"].value > values["psnr/pooled@1"].value  # three frames are identical
    coded = [values[f"psnr/mean-of-frames@1, x264 crf {crf}"].value for crf in (18, 23, 28)]
    assert all(v is not None and v < values["psnr/mean-of-frames@1"].value for v in coded)
    assert values["psnr/mean-of-frames@1, resized to 224"].value is not None
    assert any(w.startswith("PSNR: ") and "times the 1.2" in w for w in found.warnings)


def test_what_is_written(folders):
    mine, true, out = folders
    found = spread(pairs_of_folders(mine, true), out, workers=0)
    text = (out / "spread.md").read_text()
    assert "| **psnr/mean-of-frames@1** |" in text and "## Warnings" in text
    assert "lpips/alex@1" in text and "weights fetch alexnet" in text and text.count("fetch alexnet") == 1
    with (out / "spread.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found.lines)
    row = next(r for r in rows if r["convention"] == "psnr/pooled@1")
    assert float(row["value"]) == next(line.value for line in found.lines if line.convention == "psnr/pooled@1")
    again = spread(pairs_of_folders(mine, true), out, workers=0)
    assert again == found


def test_conventions_of_a_name():
    known = list(variants().values())
    by_name = {name.title: [v.id for v in conventions(name, known)] for name in NAMES}
    for name in NAMES:
        assert not name.primary or by_name[name.title][0] == name.primary
        assert not any("puppet" in id or "mouthbox" in id or "exact" in id for id in by_name[name.title])
    assert all("mouth" in id or "atvgnet" in id or "ernerf" in id for id in by_name["LMD mouth"])
    assert len(by_name["SSIM"]) >= 7 and len(by_name["PSNR"]) >= 4
    assert all("face" in id for id in by_name["LMD face"])


def test_lines_that_lack_the_same_share_one():
    def line(convention: str, value: float | None, reason: str = "") -> Line:
        return Line("PSNR", convention, "", value, None, None, 0 if value is None else 3, "dB", False, reason)

    lines = (line("a", 1.0), line("b", None, "no x"), line("c", None, "no x"), line("d", None, "no y"))
    told = table(module.Spread(3, lines, ()), NAMES[0])
    assert [t[0] for t in told] == ["a", "b, c", "d"] and told[1][1] == "not measured: no x"


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture):
    assert main(["spread"]) == 2 and "expected --clips DIR --truth DIR, or --run RUN" in capsys.readouterr().err
    mine = paint(tmp_path / "mine", change=1, count=1)
    assert main(["spread", "--clips", str(mine)]) == 2 and "expected --truth DIR" in capsys.readouterr().err
    (tmp_path / "true").mkdir()
    write_lossless(tmp_path / "true" / "other.mkv", [np.zeros((16, 16, 3), np.uint8)] * 4, samples=None)
    with pytest.raises(ConfigError, match="none has one"):
        pairs_of_folders(mine, tmp_path / "true")
