"""`explain`: every variant of every family tells all that a reader of its number must know."""

from __future__ import annotations

import json
import re

import pytest
from commands import bench

from bench.cli.cards import card_lines, metric_cards
from metrics.registry import Variant, variants
from metrics.weights import entries
from protocols.published import listing, load_published

KNOWN = variants()
CARDS = {card["id"]: card for card in metric_cards(list(KNOWN.values()))}
HEADINGS = (
    "formula", "unit", "best", "range", "value of", "needs", "weights", "source", "equals", "blind to", "promises",
    "printed as", "status",
)  # fmt: skip
SOFTWARE = re.compile(r"skimage|torchmetrics|piq|lpips\.LPIPS|syncnet-python|Wav2Lip|\b\w+/[\w-]+\b|no one repository")


@pytest.mark.parametrize("variant", KNOWN.values(), ids=lambda v: v.id)
def test_nothing_is_left_out(variant: Variant) -> None:
    lines = card_lines(CARDS[variant.id])
    assert tuple(lines) == HEADINGS and all(text.strip() for text in lines.values())
    for name in ("title", "formula", "source", "equals", "blind_to"):
        text = getattr(variant, name)
        assert len(text) >= 10 and "todo" not in text.lower() and text[-1] not in ".;,", name
    assert re.search(r"\d{4}|defined here|arXiv", variant.source), "a source has a year, or is this project"
    assert re.search(r"[=/*()]|mean|median|share|distance|stretches|rate|log|width", variant.formula), variant.formula
    if variant.legacy:
        assert re.search(r"\d{4}", variant.source) and "legacy" in lines["status"]
        told = f"{variant.equals} {variant.source}"
        assert SOFTWARE.search(told) or "papers" in told, "whose convention it is"
    elif variant.direction == "target" and variant.target is None:
        assert "describes" in lines["best"]
    need = {
        n.removeprefix("truth_") for n in variant.needs if ":" in n and n.partition(":")[2] not in ("exact", "file")
    }
    if need & {looker for entry in entries() for looker in entry.needed_by}:
        assert CARDS[variant.id]["weight_files"], "whatever looks at frames with weights names them"
    assert set(variant.weights) <= {file["name"] for file in CARDS[variant.id]["weight_files"]}


def test_weights_that_are_not_here_come_with_their_command(tmp_path, monkeypatch) -> None:
    for name in ("AVCT_BENCH_CACHE", "TORCH_HOME", "AVCT_BENCH_WEIGHTS"):
        monkeypatch.setenv(name, str(tmp_path))
    told = bench("explain", "lpips/alex@1")
    said = " ".join(told.out.split())
    assert "alexnet (missing: run_bench.py weights fetch alexnet); lpips_alex (here)" in said
    (card,) = json.loads(bench("explain", "fid/inception2015-clean@1", "--json").out)
    assert card["weight_files"] == [
        {"name": "inception2015", "state": "missing", "way": "run_bench.py weights fetch inception2015"}
    ]
    (card,) = json.loads(bench("explain", "csim", "--json").out)
    assert {"arcface_r50", "dlib68"} <= {file["name"] for file in card["weight_files"]}


def test_a_family_tells_what_its_variants_share_once() -> None:
    told = bench("explain", "psnr")
    assert told.code == 0 and told.out.startswith("psnr  ") and "variants, all of them" in told.out
    assert told.out.count("higher is better") == 1 and told.out.count("10 log10") >= 5
    for id in KNOWN:
        assert (id in told.out) == id.startswith("psnr/")
    one = bench("explain", "psnr/pooled@1").out
    assert "all of them" not in one and "higher is better" in one and "the true video" in one


def test_papers_whose_columns_come_near_are_named() -> None:
    numbers = [number for name in listing() for number in load_published(name)]
    named = {id for number in numbers for id in number.comparable}
    assert named and named == {id for id, card in CARDS.items() if card["printed"]}
    assert "LSE-C of SadTalker (CVPR 2023)" in card_lines(CARDS["sync_confidence/syncnet-tracked-s3fd@1"])["printed as"]


@pytest.mark.parametrize("family", sorted({v.family for v in KNOWN.values()}))
def test_every_family_can_be_printed(family: str) -> None:
    told = bench("explain", family)
    assert told.code == 0 and not told.err and "blind to" in told.out


def test_unknown_names_get_a_suggestion() -> None:
    assert "Did you mean psnr" in bench("explain", "pnsr").line
