"""Verbs that look things up: what a program reads, and what a person sees."""

from __future__ import annotations

import json

import pytest
from commands import bench


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("metrics", {"psnr/mean-of-frames@1", "ssim/gauss11-rgb@1", "lip_opening_r/puppet68@1"}),
        ("methods", {"ground-truth", "still", "wrong-speech", "silence", "loudness", "avct", "reconstruction"}),
        ("protocols", {"demo@1", "puppet-lips@2", "puppet-ablation@1"}),
        ("datasets", {"puppets"}),
    ],
)
def test_listings_are_objects_with_an_id(kind: str, expected: set[str]) -> None:
    told = bench("ls", kind, "--json")
    assert told.code == 0, told.err
    found = json.loads(told.out)
    assert expected <= {entry["id"] for entry in found}
    assert all(entry["title"] for entry in found)
    shown = bench("ls", kind)
    assert shown.code == 0 and all(name in shown.out for name in expected)


def test_a_card_says_what_a_metric_does_not_see() -> None:
    told = bench("explain", "lip_opening_r", "--json")
    cards = json.loads(told.out)
    assert cards and all(card["id"].startswith("lip_opening_r/") for card in cards)
    for key in ("formula", "unit", "direction", "source", "blind_to", "equals"):
        assert all(card[key] is not None for card in cards), key
    one = bench("explain", "psnr/mean-of-frames@1")
    assert one.code == 0 and "blind to" in one.out and "formula" in one.out


def test_a_dataset_that_is_not_here_says_how_to_get_it() -> None:
    states = {entry["id"]: entry["state"] for entry in json.loads(bench("ls", "datasets", "--json", HDTF_ROOT="").out)}
    assert (states["puppets"], states["hdtf"]) == ("here", "not here")
    (card,) = json.loads(bench("explain", "hdtf", "--json", HDTF_ROOT="").out)
    assert "HDTF_ROOT" in card["obtain"] and "HDTF_ROOT" in card["lacking"]
    shown = bench("explain", "hdtf")
    assert shown.code == 0 and card["homepage"] in shown.out and "4. Set HDTF_ROOT" in shown.out


def test_a_plan_is_told_and_nothing_is_run(tmp_path) -> None:
    told = bench("validate", "demo", "--json", cwd=tmp_path)
    assert told.code == 0, told.err
    plan = json.loads(told.out)
    # 2 speakers x 3 references x 6 methods x 2 settings
    assert plan["cells"] == len(plan["cell_names"]) == 72
    assert plan["missing_inputs"] == [] and plan["trained_on_what_is_tested"] == []
    assert plan["minutes"] > 0 and plan["megabytes"] > 0
    assert not list(tmp_path.iterdir())
    changed = json.loads(bench("validate", "demo", "--json", "--set", "axes.references=['test-003']").out)
    assert changed["cells"] == 24 and changed["hash"] != plan["hash"]


def test_shipped_weights_are_here_and_intact() -> None:
    told = bench("weights", "verify", "--json")
    states = {entry["name"]: entry["state"] for entry in json.loads(told.out)}
    assert states["puppet256"] == states["puppet68"] == "intact"
    assert told.code == (0 if set(states.values()) == {"intact"} else 3)


def test_damaged_weights_are_told(tmp_path) -> None:
    (tmp_path / "puppet68.safetensors").write_bytes(b"not what it was")
    told = bench("weights", "verify", "--json", AVCT_BENCH_WEIGHTS=str(tmp_path))
    states = {entry["name"]: entry["state"] for entry in json.loads(told.out)}
    assert told.code == 3 and states["puppet68"] == "damaged"
