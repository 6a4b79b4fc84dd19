"""What all figures share: colours that everyone tells apart, text that fits, files without dates."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from bench.report.figures.style import (
    COLUMN,
    NEUTRAL,
    as_pdf,
    as_png,
    fitted,
    looks,
    new_figure,
    plain,
    styled,
    text_width,
)

BUILT_IN = ["ground-truth", "still", "silence", "loudness", "wrong-speech", "avct", "reconstruction"]
# Viénot, Brettel and Mollon (1999): linear RGB as a dichromat sees it.
SIGHT = {
    "protan": np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]),
    "deutan": np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]),
}


def lab(colour: str, sight: np.ndarray | None = None) -> np.ndarray:
    """float64 (3,): CIE L*a*b* of "#rrggbb", as seen."""
    from skimage.color import rgb2lab

    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear if sight is None else sight @ linear, 0, 1)
    coded = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    return rgb2lab(coded.reshape(1, 1, 3)).ravel()


@pytest.mark.parametrize("sight", [None, "protan", "deutan"])
def test_built_in_methods_are_told_apart_by_everyone(sight: str | None) -> None:
    colours = [look.colour for look in looks(BUILT_IN).values()]
    seen = [lab(colour, SIGHT[sight] if sight else None) for colour in colours]
    # 10 is about four times a just noticeable difference
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 10


def test_every_method_has_a_look_of_its_own() -> None:
    names = [*BUILT_IN, *(f"m{number}" for number in range(20))]
    found = looks(names)
    assert found["ground-truth"].colour == NEUTRAL
    assert len({(look.colour, look.dashes) for look in found.values()}) == len(names)


def test_looks_of_built_in_methods_do_not_depend_on_others() -> None:
    assert looks(["avct"])["avct"] == looks(["other", "avct"])["avct"] != looks(["other", "avct"])["other"]


def test_text_is_drawn_as_it_is() -> None:
    assert plain("a$b$\n c") == r"a\$b\$ c"
    assert plain("é → 中") == r"é → \u4e2d"


def test_long_text_is_cut_in_the_middle() -> None:
    assert fitted("short", 1.0, 7.0) == "short"
    text = fitted("a-very-long-name-of-a-method-with-its-version-17", 1.0, 7.0)
    assert text.startswith("a-ver") and text.endswith("-17") and "…" in text
    assert text_width(text, 7.0) <= 1.0 < text_width(text.replace("…", "abcd"), 7.0) + 0.2
    assert text_width("wide", 14.0) == pytest.approx(2 * text_width("wide", 7.0), rel=0.05)


def test_files_are_the_same_twice_and_bear_no_date() -> None:
    def draw() -> tuple[bytes, bytes]:
        with styled():
            figure = new_figure(COLUMN, 1.0)
            figure.subplots().plot([1, 2])
            return as_png(figure), as_pdf(figure)

    first, second = draw(), draw()
    assert first == second
    assert b"Software" not in first[0] and b"tIME" not in first[0]
    assert not re.search(rb"CreationDate|Producer|Creator|/Type3", first[1])


def test_the_users_own_style_is_left_alone() -> None:
    import matplotlib

    with matplotlib.rc_context({"font.size": 31.0}):
        with styled():
            assert matplotlib.rcParams["font.size"] == 7.0
        assert matplotlib.rcParams["font.size"] == 31.0
