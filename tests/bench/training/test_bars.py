"""The bars of the shipped checkpoint, read from rows that are made up here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.datasets.puppets.speech import recordings, speech
from bench.records import FPS
from bench.training.bars import BILABIALS, bars, closures, loss, main

SAID = next(r.id for r in recordings() if r.split == "test" and any(p.symbol in BILABIALS for p in speech(r.id).phones))
GOOD = {"lip_opening_r/x": 0.95, "lip_opening_slope/x": 1.0, "lip_opening_bias/x": 0.1, "lip_opening_std/x": 2.5,
        "psnr/mouthbox-x": 30.0, "sharpness/mouthbox-x": 1.0}  # fmt: skip


def rows(opening: np.ndarray, **changed: float) -> list[dict]:
    """One clip by three methods, as the journal holds it."""
    base = {"reference": "test-000", "driver": SAID, "series": {"opening": opening.tolist()}}
    values = {"avct": GOOD | changed, "silence": {"lip_opening_std/x": 0.1, "psnr/mouthbox-x": 25.0},
              "wrong-speech": {"lip_opening_r/x": 0.0}}  # fmt: skip
    return [{**base, "method": m, "metric": k, "value": v} for m, held in values.items() for k, v in held.items()]


def frames() -> int:
    return int(speech(SAID).phones[-1].end * FPS) + 1


def test_everything_is_met_and_each_miss_is_seen() -> None:
    shut = np.zeros(frames())
    assert all(bar.met for bar in bars(rows(shut)))
    misses = {"lip_opening_r/x": 0.9, "lip_opening_slope/x": 1.2, "lip_opening_bias/x": -0.6,
              "lip_opening_std/x": 1.0, "psnr/mouthbox-x": 28.9, "sharpness/mouthbox-x": 0.8}  # fmt: skip
    for name, value in misses.items():
        assert sum(not bar.met for bar in bars(rows(shut, **{name: value}))) == 1, name


def test_lips_close_at_bilabials_and_nowhere_else_is_looked() -> None:
    said = [p for p in speech(SAID).phones if p.symbol.rstrip("012") in BILABIALS]
    hit, count = closures(rows(np.full(frames(), 5.0)), "avct")
    assert hit == 0 and count == len(said)
    opening = np.full(frames(), 5.0)
    opening[int((said[0].start + said[0].end) / 2 * FPS)] = 1.0
    assert closures(rows(opening), "avct")[0] >= 1
    elsewhere = np.zeros(frames())
    for phone in said:
        elsewhere[max(0, int(phone.start * FPS) - 1) : int(np.ceil(phone.end * FPS)) + 1] = 5.0
    assert closures(rows(elsewhere), "avct")[0] == 0


def test_what_other_faces_lose_is_over_the_same_clips() -> None:
    shut = np.zeros(frames())
    bar = loss(rows(shut), rows(shut, **{"lip_opening_r/x": 0.88}))
    assert bar.value == pytest.approx(0.07) and not bar.met and "1 clips" in bar.name


def test_the_command_tells_what_is_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, r in (("good", 0.95), ("bad", 0.5)):
        held = rows(np.zeros(frames()), **{"lip_opening_r/x": r})
        (tmp_path / name).mkdir()
        (tmp_path / name / "rows.jsonl").write_text(json.dumps({"rows": held}) + "\n")
    assert main([str(tmp_path / "good")]) == 0 and "MISSED" not in capsys.readouterr().out
    assert main([str(tmp_path / "bad")]) == 1 and "MISSED" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([str(tmp_path / "none")])
