"""Cards and headings of columns."""

from __future__ import annotations

import pytest

from bench.report.tables.cards import Card, find_cards, headings


def test_a_registered_variant_has_its_card() -> None:
    card = find_cards(["psnr/mean-of-frames@1"])["psnr/mean-of-frames@1"]
    assert (card.unit, card.direction, card.arrow, card.wish) == ("dB", "higher", "↑", "higher is better")
    assert card.formula and card.source


def test_an_unknown_variant_has_its_id_alone() -> None:
    card = find_cards(["odd/one@1"])["odd/one@1"]
    assert (card.arrow, card.wish, card.badness(3.0)) == ("", "", 0.0)


@pytest.mark.parametrize(
    ("card", "better", "worse"),
    [
        (Card("a", "", direction="higher"), 2.0, 1.0),
        (Card("a", "", direction="lower"), 1.0, 2.0),
        (Card("a", "", direction="target", target=1.0), 1.1, 0.5),
        (Card("a", "", direction="target", target=0.0), -0.1, 0.5),
    ],
)
def test_badness_grows_as_values_get_worse(card: Card, better: float, worse: float) -> None:
    assert card.badness(better) < card.badness(worse)


def test_headings_are_short_and_tell_variants_apart() -> None:
    ids = [
        "psnr/mean-of-frames@1",
        "psnr/mouthbox-exact68@1",
        "ssim/gauss11-rgb@1",
        "lse_c/wav2lip@1",
        "lip_opening_r/a@1",
    ]
    named = headings(ids)
    assert list(named) == ids
    assert list(named.values()) == [
        ("PSNR", "mean"),
        ("PSNR", "mouthbox"),
        ("SSIM", ""),
        ("LSE-C", ""),
        ("lip opening r", ""),
    ]


def test_versions_are_told_apart() -> None:
    assert {rest for _, rest in headings(["x/a@1", "x/a@2"]).values()} == {"a@1", "a@2"}
