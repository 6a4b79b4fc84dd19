"""The kernel distance: against the plain matrix form, closed forms, unbiasedness, parts and tiles."""

from __future__ import annotations

import numpy as np
import pytest

from metrics import mmd
from metrics.errors import MetricError
from metrics.mmd import Part, distance, merge, summarise


def cloud(count: int, dimensions: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((count, dimensions)) + shift).astype(np.float32)


def plain(x: np.ndarray, y: np.ndarray) -> float:
    """The definition with whole matrices."""
    x, y = x.astype(float), y.astype(float)
    xx, yy, xy = ((a @ b.T / x.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    m, n = len(x), len(y)
    own = (xx.sum() - np.trace(xx)) / (m * (m - 1)) + (yy.sum() - np.trace(yy)) / (n * (n - 1))
    return own - 2 * xy.mean()


@pytest.mark.parametrize(("m", "n"), [(50, 50), (40, 71), (2, 3)])
def test_the_definition(m: int, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = cloud(m, 24, 1), cloud(n, 24, 2, shift=0.3)
    assert distance(summarise([x]), summarise([y])) == pytest.approx(plain(x, y), rel=1e-9)
    monkeypatch.setattr(mmd, "TILE", 16)  # many tiles, of which the last is smaller
    assert distance(summarise([x[:11], x[11:]]), summarise([y])) == pytest.approx(plain(x, y), rel=1e-9)


def test_closed_form() -> None:
    """Two vectors of ones against two of zeros: k is 8 among the ones, 1 elsewhere."""
    ones, zeros = np.ones((2, 5), np.float32), np.zeros((2, 5), np.float32)
    assert distance(summarise([ones]), summarise([zeros])) == 8 + 1 - 2


def test_unbiased_where_both_are_of_one_source() -> None:
    values = [distance(summarise([cloud(30, 8, 2 * s)]), summarise([cloud(40, 8, 2 * s + 1)])) for s in range(300)]
    error = np.std(values) / len(values) ** 0.5
    assert abs(np.mean(values)) < 3 * error
    assert 0.3 < np.mean(np.array(values) < 0) < 0.8


def test_parts_merge_to_the_whole_and_can_be_left_out() -> None:
    parts = [cloud(n, 16, n, shift=n / 50) for n in (10, 25, 7, 40)]
    theirs = [summarise([cloud(30, 16, 90)]), summarise([cloud(21, 16, 91)])]
    ours = [summarise([block]) for block in parts]
    other = np.concatenate([cloud(30, 16, 90), cloud(21, 16, 91)])
    for left in (None, 0, 2):
        kept = [k for k in range(4) if k != left]
        found = distance(merge([ours[k] for k in kept]), merge(theirs))
        assert found == pytest.approx(plain(np.concatenate([parts[k] for k in kept]), other), rel=1e-9)
        again = distance(merge([summarise([parts[k]]) for k in kept]), merge(theirs))
        assert again == found  # kept sums are the sums: the same bits as without


def test_blocks_are_not_read_again_for_a_part_left_out() -> None:
    reads = []

    class Counted(list):  # type: ignore[type-arg]
        def __iter__(self):  # type: ignore[no-untyped-def]
            reads.append(1)
            return super().__iter__()

    ours = [summarise(Counted([cloud(20, 8, s)])) for s in range(3)]
    theirs = [summarise(Counted([cloud(20, 8, s + 9)])) for s in range(3)]
    distance(merge(ours), merge(theirs))
    before = len(reads)
    distance(merge(ours[1:]), merge(theirs[1:]))
    assert len(reads) == before


def test_what_has_no_distance() -> None:
    one, two = summarise([np.zeros((1, 4), np.float32)]), summarise([np.zeros((2, 4), np.float32)])
    assert distance(one, two) == "a mean over pairs needs two vectors, got 1"
    huge = summarise([np.full((2, 4), 3e38, np.float32)])
    assert isinstance(distance(huge, two), float)  # 1e77 cubed is a float64 still
    for nothing in (lambda: Part([]), lambda: merge([])):
        with pytest.raises(MetricError, match="got none"):
            nothing()
