"""The whole way on few clips: promises of metrics that are quick, the offset's law, a journal that goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.validity import measurement, tables
from bench.validity.__main__ import choose, main
from bench.validity.findings import Findings, find
from bench.validity.measurement import JOURNAL, measure_all
from bench.validity.plan import OFFSET, TRUTH, Plan
from bench.validity.scenes import scenes, stage
from bench.validity.writing import write
from metrics import registry
from metrics.clip import Clip, Result

LADDERS = ("blur", "mouth-smaller", "audio-delay")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Findings, Path]]:
    """Two clips, three levels, quick metrics, without offsets."""
    work = tmp_path_factory.mktemp("validity")
    variants, lacking = choose("psnr/mean-of-frames,psnr/mouthbox-exact68,ssim/gauss11-grey,lip_opening_slope/file")
    plan = Plan(2, 2, 4, LADDERS, tuple(variants), offsets=False, sensitivity=False)
    seen: list[tuple[int, int]] = []
    measured = measure_all(plan.tasks(), work, workers=0, done=lambda *now: seen.append(now))
    assert seen[0] == (0, len(plan.tasks())) and seen[-1] == (len(plan.tasks()),) * 2
    yield find(plan, measured, work, lacking=lacking), work
    stage.cache_clear()


def test_promises_hold_on_a_small_subset(found: tuple[Findings, Path]) -> None:
    verdicts = found[0].verdicts
    for name in ("psnr/mean-of-frames@1", "psnr/mouthbox-exact68@1", "ssim/gauss11-grey@1"):
        assert verdicts[name, "blur"].rho == pytest.approx(1.0), name
        assert verdicts[name, "audio-delay"].word == "blind"
    assert verdicts["lip_opening_slope/file@1", "mouth-smaller"].rho == pytest.approx(1.0)
    assert verdicts["lip_opening_slope/file@1", "blur"].word == "blind"  # exact landmarks see no blur
    slopes = found[0].curves["lip_opening_slope/file@1", "mouth-smaller"].values
    assert slopes[0] == pytest.approx(np.ones(2)) and (np.abs(slopes[-1]) < 0.05).all()
    assert all(found[0].optimum.values())


def test_a_broken_metric_is_found(
    found: tuple[Findings, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: a metric that promises blur and rewards it, by a sign that slipped."""

    def slipped(clip: Clip) -> Result:
        assert clip.truth is not None
        return Result(float(np.abs(clip.frames[5].astype(float) - clip.truth[5]).mean()), 1.0)

    broken = replace(
        registry.get("psnr/mean-of-frames@1"), id="broken/sign@1", measure=slipped, promises=("blur",), bounds=(0, None)
    )
    monkeypatch.setattr(registry, "get", lambda _name: broken)
    plan = replace(found[0].plan, variants=(broken,), ladders=("blur",))
    measured = measure_all(plan.tasks(), tmp_path, workers=0, done=lambda *_: None)
    told = find(plan, measured, tmp_path, lacking={})
    assert told.verdicts["broken/sign@1", "blur"].word == "FAILS"
    assert told.optimum["broken/sign@1"] is False
    assert "Those that fail" in tables.summary(told, "x") and "Not so: `broken/sign@1`" in tables.summary(told, "x")


def test_a_second_call_measures_nothing_again(found: tuple[Findings, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    plan, work = found[0].plan, found[1]
    lines = len((work / JOURNAL).read_text().splitlines())
    monkeypatch.setattr(measurement, "measure", lambda *_: pytest.fail("measured again"))
    again = measure_all(plan.tasks(), work, workers=0, done=lambda *_: None)
    assert len((work / JOURNAL).read_text().splitlines()) == lines == len(plan.tasks())
    assert {kind for _, kind, _ in again} == {TRUTH, *LADDERS} - {"audio-delay"}  # nothing here hears


def test_the_offset_moves_with_the_sound_by_exactly_as_many_frames(tmp_path: Path) -> None:
    variants, _ = choose("sync_offset/puppet-sync-puppet68")
    plan = Plan(1, 2, 3, (), tuple(variants), sensitivity=False)
    tasks = [t for t in plan.tasks() if t.case.kind == TRUTH or t.case.amount in (-12, -7, -1, 0, 1, 5, 12)]
    measured = measure_all(tasks, tmp_path, workers=0, done=lambda *_: None)
    for scene in scenes(2):
        read = {
            k: entry["outcomes"][variants[0].id]["value"]
            for (name, kind, k), entry in measured.items()
            if name == scene.name and kind == OFFSET
        }
        assert len(read) == 7
        assert {k: value - read[0] for k, value in read.items()} == {k: k for k in read}


def test_the_report_is_written_whole_and_small(found: tuple[Findings, Path], tmp_path: Path) -> None:
    paths = write(found[0], tmp_path, command="python -m bench.validity")
    assert {path.name for path in paths} == {
        "validity.csv", "verdicts.csv", "sensitivity.csv", "summary.md", "manifest.json", "matrix.png", "matrix.pdf",
        "curves.png", "curves.pdf",
    }  # fmt: skip
    lines = (tmp_path / "validity.csv").read_text().splitlines()
    assert len(lines) == 1 + 4 * len(LADDERS) * 4
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["settings"]["levels"] == 4 and len(manifest["settings"]["clips"]) == 2
    assert "promises of the cards hold" in (tmp_path / "summary.md").read_text()


def test_sound_alone_is_no_task_for_who_does_not_hear() -> None:
    deaf, _ = choose("psnr/mean-of-frames")
    tasks = Plan(1, 1, 3, ("audio-delay", "blur"), tuple(deaf), offsets=True, sensitivity=True).tasks()
    assert {task.case.kind for task in tasks} == {TRUTH, "blur", "stand-in-a", "stand-in-b"}


def test_what_cannot_be_asked_for_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--ladders", "blurr"]) == 2 and "no ladder 'blurr'" in capsys.readouterr().err
    assert main(["--metrics", "psrn"]) == 2 and "psnr" in capsys.readouterr().err
