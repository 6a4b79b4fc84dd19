"""Landmark distances against golden vectors, closed forms, and what each convention must not see."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from faces68 import marked, syllables, talk

from metrics.clip import Result
from metrics.lmd import Rule, align, distances
from metrics.registry import evaluate

MOUTH, FACE = "mouth20-centred-px", "face68-centred-px"
IOD, LAID, RAW = "face68-iod", "mouth20-procrustes-px", "legacy-mouth20-raw-native"
SUM, ERNERF, EYES = "legacy-atvgnet-sum", "legacy-ernerf-native", "legacy-face68-eyecentres"
ALL = (MOUTH, FACE, IOD, LAID, RAW, SUM, ERNERF, EYES, "legacy-face68-raw-native")
SQUARE = (256, 256)


def lmd(name: str, ours: np.ndarray, theirs: np.ndarray, size: tuple[int, int] = SQUARE) -> Result:
    return evaluate(f"lmd/{name}-puppet68@1", marked(ours, theirs, size=size))


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    return talk(syllables(), seed=1), talk(syllables()[::-1], seed=2)


@pytest.mark.parametrize("case", ["case0", "case1"])
def test_eight_conventions(case: str, read_golden: Callable) -> None:
    expected, arrays = read_golden("lmd")
    want, ours, theirs = expected[case], arrays[f"{case}__gen"], arrays[f"{case}__ref"]
    height, width = want["image_hw"]
    rules = {
        "face68_px_mean": (Rule(mouth=False), False),
        "mouth20_px_mean": (Rule(mouth=True), False),
        "mouth20_meancentred_px_mean (LMD, Chen 2018 formula)": (Rule(mouth=True, centring="mean"), False),
        "mouth20_meancentred_px_SUM_over_points (ATVGnet evaluation_matrix.py)": (
            Rule(mouth=True, centring="mean", total=True),
            False,
        ),
        "face68_over_interocular_eyecentres": (Rule(mouth=False, normaliser="eye centres"), False),
        "face68_over_outer_eye_corners_36_45": (Rule(mouth=False, normaliser="outer eye corners"), False),
        "face68_at_256 (coords scaled x by 256/W, y by 256/H)": (Rule(mouth=False), True),
        "mouth20_after_similarity_alignment_on_68": (Rule(mouth=True, centring="similarity"), False),
    }
    assert set(rules) == set(want) - {"image_hw", "T", "n_valid", "valid_ratio"}
    for name, (rule, scaled) in rules.items():
        scale = (256 / width, 256 / height) if scaled else (1.0, 1.0)
        assert np.nanmean(distances(ours, theirs, rule, scale=scale)) == pytest.approx(want[name], rel=1e-9), name


def test_variants_against_the_same_vectors(read_golden: Callable) -> None:
    expected, arrays = read_golden("lmd")
    want, ours, theirs = expected["case0"], arrays["case0__gen"], arrays["case0__ref"]
    told = {
        MOUTH: "mouth20_meancentred_px_mean (LMD, Chen 2018 formula)",  # 256x256: its own pixels
        SUM: "mouth20_meancentred_px_SUM_over_points (ATVGnet evaluation_matrix.py)",
        ERNERF: "mouth20_meancentred_px_mean (LMD, Chen 2018 formula)",
        RAW: "mouth20_px_mean",
        "legacy-face68-raw-native": "face68_px_mean",
        EYES: "face68_over_interocular_eyecentres",
        IOD: "face68_over_outer_eye_corners_36_45",
        LAID: "mouth20_after_similarity_alignment_on_68",
    }
    for name, key in told.items():
        assert lmd(name, ours, theirs).value == pytest.approx(want[key], rel=1e-9), name
    # frames of 512x384 with four lost faces: native conventions, and the share that entered
    want, ours, theirs = expected["case1"], arrays["case1__gen"], arrays["case1__ref"]
    for name in (SUM, ERNERF, RAW, EYES, IOD):
        result = lmd(name, ours, theirs, tuple(want["image_hw"]))
        assert result.value == pytest.approx(want[told[name]], rel=1e-9), name
        assert result.coverage == pytest.approx(want["valid_ratio"])


@pytest.mark.parametrize("name", ALL)
def test_identity_and_symmetry(name: str, pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = pair
    assert lmd(name, ours, ours).value == pytest.approx(0, abs=1e-9)
    value = lmd(name, ours, theirs).value
    assert value > 0
    if name not in (IOD, EYES, LAID):  # whose unit or whose frame is the truth's
        assert lmd(name, theirs, ours).value == pytest.approx(value, rel=1e-12)


def test_a_shifted_head(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = pair
    moved = ours + (3.0, 4.0)
    for name in (MOUTH, FACE, SUM, ERNERF, LAID):
        assert lmd(name, moved, theirs).value == pytest.approx(lmd(name, ours, theirs).value, rel=1e-9)
    assert lmd(RAW, moved, ours).value == pytest.approx(5)
    corners = np.linalg.norm(ours[:, 36] - ours[:, 45], axis=-1)
    assert lmd(IOD, moved, ours).value == pytest.approx(np.mean(5 / corners))


def test_a_turned_and_enlarged_head(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = pair
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = 1.2 * ours @ turn.T + (10.0, -4.0)
    assert lmd(LAID, moved, theirs).value == pytest.approx(lmd(LAID, ours, theirs).value, rel=1e-9)
    assert lmd(MOUTH, moved, theirs).value > lmd(MOUTH, ours, theirs).value + 1
    assert align(moved, ours) == pytest.approx(ours, abs=1e-9)


def test_alignment_does_not_mirror(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, _ = pair
    assert lmd(LAID, ours * (-1, 1), ours).value > 5


def test_opening_alone_has_a_closed_form() -> None:
    shut, wide = talk(np.zeros(5)), talk(np.full(5, 20.0))  # one point of 20 moves by 20
    assert lmd(RAW, wide, shut).value == pytest.approx(1)
    assert lmd(SUM, wide, shut).value == pytest.approx(20 * lmd(ERNERF, wide, shut).value)
    # its mean moves by 1: one point is off by 19, nineteen by 1
    assert lmd(ERNERF, wide, shut).value == pytest.approx((19 + 19 * 1) / 20)


def test_pixels_at_256_do_not_depend_on_the_resolution(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = pair
    for name in (MOUTH, FACE, LAID):
        small = lmd(name, ours, theirs, (128, 128)).value
        assert lmd(name, 3 * ours, 3 * theirs, (384, 384)).value == pytest.approx(small, rel=1e-9)
        assert small == pytest.approx(2 * lmd(name, ours, theirs).value, rel=1e-9)
    flat = [lmd(MOUTH, talk(np.full(3, 10.0)), talk(np.zeros(3)), size).value for size in ((128, 64), (64, 128))]
    assert flat[1] == pytest.approx(2 * flat[0])  # the lips move along y


def test_four_fifths_of_the_frames(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = (points.copy() for points in pair)
    ours[:6], theirs[4:10] = np.nan, np.nan  # ten of 50 together
    result = lmd(MOUTH, ours, theirs)
    assert result.coverage == 0.8
    assert result.value == pytest.approx(lmd(MOUTH, ours[10:], theirs[10:]).value)
    assert np.isnan(result.per_frame[:10]).all() and np.isfinite(result.per_frame[10:]).all()
    theirs[10] = np.nan
    result = lmd(MOUTH, ours, theirs)
    assert result.value is None and result.reason == "a face was found in 39 of 50 frames, under 80%"
    assert lmd(SUM, ours, theirs).value is not None  # as the code that it stands for
    ours[:] = np.nan
    assert lmd(SUM, ours, theirs).value is None


def test_a_face_of_no_width_has_no_unit(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = (points.copy() for points in pair)
    theirs[0, 45] = theirs[0, 36]
    result = lmd(IOD, ours, theirs)
    assert np.isnan(result.per_frame[0]) and result.coverage == pytest.approx(0.98)
