"""Bilabial closures: planted ones, the tolerance's edges, and the same count as the shipped checkpoint's bars."""

from __future__ import annotations

import numpy as np
import pytest
from faces68 import talk
from heads68 import head_clip

from metrics.bilabial import SHUT
from metrics.clip import Result
from metrics.lip_opening import face_height
from metrics.registry import evaluate

HEIGHT = face_height(talk(np.zeros(1)))
OPEN = np.full(50, 8.0)


def rate(opening: np.ndarray, *phones: tuple[str, float, float], truth: np.ndarray | None = None) -> Result:
    id = "bilabial_closure/puppet68@1" if truth is None else "bilabial_closure/truth-height-puppet68@1"
    return evaluate(id, head_clip(talk(opening), truth, phones=phones))


def shut(*frames: int, opening: float = 0.3) -> np.ndarray:
    out = OPEN.copy()
    out[list(frames)] = opening
    return out


def test_each_of_p_b_m_counts_and_nothing_else() -> None:
    said = (("P", 0.2, 0.28), ("B", 0.6, 0.7), ("M", 1.0, 1.1), ("AA1", 1.3, 1.5), ("F", 1.5, 1.6))
    for frames, want in (((), 0), ((6,), 1 / 3), ((6, 16), 2 / 3), ((6, 16, 26), 1), ((34, 38), 0)):
        assert rate(shut(*frames), *said).value == pytest.approx(want)
    assert rate(np.zeros(50), *said).value == 1.0


@pytest.mark.parametrize(("frame", "closed"), [(8, False), (9, True), (10, True), (12, True), (13, True), (14, False)])
def test_one_frame_on_either_side(frame: int, closed: bool) -> None:
    """A phone from 0.42 s to 0.51 s touches frames 10 to 12."""
    result = rate(shut(frame), ("M", 0.42, 0.51))
    assert result.value == float(closed)
    assert np.flatnonzero(~np.isnan(result.series["closed"])).tolist() == [9, 10, 11, 12, 13]
    assert (result.series["closed"][9:14] == closed).all()


def test_the_limit_is_in_per_cent_of_the_face() -> None:
    said = ("B", 0.8, 0.9)
    for factor, closed in ((0.99, 1.0), (1.01, 0.0)):
        assert rate(shut(21, opening=SHUT / 100 * HEIGHT * factor), said).value == closed
        # a truth of twice the size has lips closed at twice as many pixels
        double = 2 * talk(OPEN)
        assert rate(shut(21, opening=2 * SHUT / 100 * HEIGHT * factor), said, truth=double).value == closed


def test_phones_that_are_not_there_or_out_of_sight() -> None:
    for said in ((), (("AA1", 0.1, 0.2),)):
        none = rate(OPEN, *said)
        assert none.value is None and none.reason == "no P, B or M among the clip's phones" and none.coverage == 1
    beyond = rate(shut(10), ("P", 5.0, 5.1))
    assert beyond.value is None and beyond.reason == "no frame with a face at any of 1 P, B and M"
    assert rate(shut(10), ("P", 5.0, 5.1), ("P", 0.4, 0.44)).value == 1
    assert rate(shut(0), ("P", 0.0, 0.04)).value == 1 and rate(shut(49), ("P", 1.97, 2.5)).value == 1
    points = talk(shut(20))
    points[10:14] = np.nan
    hidden = head_clip(points, phones=(("M", 0.44, 0.5), ("B", 0.8, 0.84)))
    assert evaluate("bilabial_closure/puppet68@1", hidden).value == 1


def test_the_bars_count_the_same() -> None:
    """bench/training/bars.py, from the series of lip_opening_r, over five clips of the corpus with half the closures
    undone."""
    from bench.datasets.puppets import speech
    from bench.datasets.puppets.corpus import perform_labels
    from bench.training.bars import SHUT as LIMIT
    from bench.training.bars import closures

    assert SHUT == LIMIT == 1.5
    said = [r.id for r in speech.recordings() if r.split == "test"]
    rows, told, truth_told, count = [], 0.0, 0.0, 0
    for k, name in enumerate(("test-001", "test-006", "test-012", "test-020", "test-024")):
        spoken = speech.speech(said[7 * k])
        truth = perform_labels(name, spoken)[0].astype(float)
        ours = truth.copy()
        ours[: len(ours) // 2, 66, 1] += 3.0
        clip = head_clip(ours, truth, phones=tuple((p.symbol, p.start, p.end) for p in spoken.phones))
        series = evaluate("lip_opening_r/puppet68@1", clip).series
        rows.append({
            "method": "m", "metric": "lip_opening_r/puppet68@1", "driver": spoken.driver,
            "series": {key: curve.tolist() for key, curve in series.items()},
        })  # fmt: skip
        here = closures(rows[-1:], "m")[1]
        result = evaluate("bilabial_closure/truth-height-puppet68@1", clip)
        own = evaluate("bilabial_closure/puppet68@1", head_clip(truth, phones=clip.phones))
        if not here:
            assert result.value is None and own.value is None
            continue
        told, truth_told, count = told + here * result.value, truth_told + here * own.value, count + here
    assert closures(rows, "m") == (round(told), count) and 0 < told < count
    assert closures(rows, "m", series="truth") == (round(truth_told), count) and truth_told == count
