"""The shipped generator on identities, sentences and voices that it never met: what `puppet-lips` holds in full."""

from __future__ import annotations

import pytest

from bench.runner.expand import load
from bench.runner.how import How
from bench.runner.run import run
from bench.stats.summary import summarise
from bench.store.manifest import read_manifest
from bench.store.rows import read_rows

pytestmark = pytest.mark.slow

# One clip for each of the first 8 identities it deals out, none chosen, and bars a little below its own: so few scatter
# more than means over 64.
FEW = ("axes.drivers_per_speaker=4",)


ASKED = (
    "lip_opening_r/puppet68@1", "lip_opening_slope/puppet68@1", "lip_opening_bias/puppet68@1",
    "lip_opening_std/puppet68@1", "psnr/mouthbox-exact68@1", "sharpness/mouthbox-gradient-exact68@1",
)  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], float]:
    out = tmp_path_factory.mktemp("lips") / "run"
    asked = (f"metrics={list(ASKED)!r}", "methods=['silence','wrong-speech','avct']")
    result = run(load("puppet-lips", overrides=(*FEW, *asked)), out=out, how=How(workers=0))
    assert result.exit_code == 0, result.reason
    lines = summarise(read_rows(out / "rows.parquet"), read_manifest(out / "manifest.json")["protocol"])
    found = [line for line in lines if line["value"] is not None]
    return {(line["method"], line["metric"].partition("-")[0]): line["value"] for line in found}


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
