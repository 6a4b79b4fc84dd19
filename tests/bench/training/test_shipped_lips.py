"""The shipped generator on identities, sentences and voices that it never met: what `puppet-lips` holds in full."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bench.runner.expand import load
from bench.runner.how import How
from bench.runner.run import run

# One clip for each of the protocol's first 14 identities, none chosen, and bars a little below its own: so few scatter
# more than means over 64.
FEW = ("axes.drivers_per_speaker=7",)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], float]:
    from bench.report import write

    out = tmp_path_factory.mktemp("lips") / "run"
    protocol = load("puppet-lips", overrides=(*FEW, "methods=['ground-truth','silence','wrong-speech','avct']"))
    result = run(protocol, out=out, how=How(workers=0))
    assert result.exit_code == 0, result.reason
    write(out)
    with (Path(out) / "table.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["value"]]
    return {(row["method"], row["metric"].partition("-")[0]): float(row["value"]) for row in rows}


def test_lips_follow_the_speech(table: dict) -> None:
    assert table["avct", "lip_opening_r/puppet68@1"] >= 0.9
    assert table["avct", "lip_opening_slope/puppet68@1"] >= 0.8
    assert abs(table["avct", "lip_opening_bias/puppet68@1"]) <= 0.8


def test_other_speech_and_silence_do_not(table: dict) -> None:
    assert table["wrong-speech", "lip_opening_r/puppet68@1"] <= 0.2
    ratio = table["silence", "lip_opening_std/puppet68@1"] / table["avct", "lip_opening_std/puppet68@1"]
    assert ratio <= 0.1


def test_mouths_are_better_than_a_shut_one_and_sharp(table: dict) -> None:
    assert table["avct", "psnr/mouthbox"] >= table["silence", "psnr/mouthbox"] + 2.5
    assert table["avct", "sharpness/mouthbox"] >= 0.85
