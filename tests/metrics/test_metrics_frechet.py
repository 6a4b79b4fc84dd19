"""The Fréchet distance and its mergeable statistics: golden vectors, closed forms, singular covariances, partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.errors import MetricError
from metrics.frechet import distance
from metrics.moments import FOLD, Moments, from_covariance, merge, summarise


def cloud(count: int, dimensions: int, seed: int) -> np.ndarray:
    """float32 (count, dimensions) with unequal spread and correlation."""
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((dimensions, dimensions)) / dimensions**0.5 * np.geomspace(3, 0.1, dimensions)
    return (rng.standard_normal((count, dimensions)) @ mixed + rng.normal(0, 0.2, dimensions)).astype(np.float32)


def textbook(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The distance by numpy's covariances and a general eigenvalue solver: for covariances that are not singular."""
    s1, s2 = np.cov(ours.astype(float), rowvar=False), np.cov(theirs.astype(float), rowvar=False)
    gap = ours.mean(0, dtype=float) - theirs.mean(0, dtype=float)
    roots = np.sqrt(np.linalg.eigvals(s1 @ s2).astype(complex)).real.sum()
    return float(gap @ gap + np.trace(s1) + np.trace(s2) - 2 * roots)


def cut(vectors: np.ndarray, places: Sequence[int]) -> list[np.ndarray]:
    return np.split(vectors, sorted(places))


def test_golden_vectors(read_golden: Callable) -> None:
    expected, arrays = read_golden("frechet")
    assert len(expected) >= 11
    for case, want in expected.items():
        if f"{case}__X" in arrays:
            found = distance(summarise([arrays[f"{case}__X"]]), summarise([arrays[f"{case}__Y"]]))
            assert found == pytest.approx(want["nuclear_norm_exact"], rel=1e-7, abs=1e-7), case
            continue
        ours, theirs = (from_covariance(900, arrays[f"{case}__mu{k}"], arrays[f"{case}__s{k}"]) for k in (1, 2))
        if "truth_mpmath40" in want:
            near = {"rel": 1e-7, "abs": 1e-6 if case in ("near_singular", "identical") else 1e-7}
            assert distance(ours, theirs) == pytest.approx(want["truth_mpmath40"], **near), case
        else:
            assert distance(ours, theirs) == pytest.approx(want["pytorch_fid_0.3.0_scipy1.17.1"], rel=1e-6), case


def test_closed_forms() -> None:
    rng = np.random.default_rng(3)
    a, b, shift = rng.uniform(0.1, 2, 12), rng.uniform(0.1, 2, 12), rng.normal(size=12)
    turn = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    ours, theirs = from_covariance(50, np.zeros(12), turn * a @ turn.T), from_covariance(50, shift, turn * b @ turn.T)
    want = shift @ shift + np.square(np.sqrt(a) - np.sqrt(b)).sum()
    assert distance(ours, theirs) == pytest.approx(want, rel=1e-12)
    assert distance(theirs, ours) == pytest.approx(want, rel=1e-12)
    # one dimension: (m1 - m2)^2 + (s1 - s2)^2
    x, y = np.array([[0.0], [2.0]], np.float32), np.array([[1.0], [4.0], [7.0]], np.float32)
    assert distance(summarise([x]), summarise([y])) == pytest.approx(9 + (np.sqrt(2) - 3) ** 2, rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(300, 260), (40, 300), (300, 40), (40, 30)])
def test_every_form_of_the_trace_is_the_same_number(n: int, m: int) -> None:
    """As many vectors as dimensions or fewer, on either side or both, against a form that knows no such cases."""
    ours, theirs = cloud(n, 60, seed=1), cloud(m, 60, seed=2) + np.float32(0.1)
    found = distance(summarise([ours]), summarise([theirs]))
    assert found == pytest.approx(textbook(ours, theirs), rel=1e-6)
    assert distance(summarise([theirs]), summarise([ours])) == pytest.approx(found, rel=1e-12)
    held = [summarise([vectors]).vectors is not None for vectors in (ours, theirs)]
    assert held == [n < 60, m < 60]


def test_many_vectors_of_more_dimensions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Squares of singular values in place of these, from some hundreds on: the same within 1e-8 of the traces."""
    few, many = summarise([cloud(70, 96, seed=1)]), summarise([cloud(90, 96, seed=2)])
    exact = distance(few, many)
    monkeypatch.setattr("metrics.frechet.EXACT", 10)
    assert distance(few, many) == pytest.approx(exact, abs=1e-7 * (few.trace() + many.trace()))
    assert distance(many, few) == pytest.approx(exact, abs=1e-7 * (few.trace() + many.trace()))
    assert distance(many, many) == pytest.approx(0, abs=1e-7 * many.trace())


@pytest.mark.parametrize("count", [2, 40, 64, 500])
def test_a_set_and_itself(count: int) -> None:
    vectors = cloud(count, 64, seed=4)
    size = np.square(vectors - vectors.mean(0)).sum() / (count - 1)
    assert 0 <= distance(summarise([vectors]), summarise([vectors.copy()])) <= 1e-9 * size


@pytest.mark.parametrize("count", [30, 400])
def test_singular_covariances(count: int) -> None:
    """Stills: five pictures, each shown again and again; then every vector the same."""
    rng = np.random.default_rng(5)
    ours, theirs = (np.repeat(cloud(5, 64, seed=s), count // 5, axis=0) for s in (6, 7))
    found = distance(summarise([ours]), summarise([theirs]))
    # what is left of the null space's rounding is small beside the traces
    centred = [(v - v.mean(0, dtype=float)).astype(float) for v in (ours, theirs)]
    exact = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum() / (len(ours) - 1)
    traces = sum(np.square(c).sum() for c in centred) / (len(ours) - 1)
    gap = ours.mean(0, dtype=float) - theirs.mean(0, dtype=float)
    assert found == pytest.approx(gap @ gap + traces - 2 * exact, rel=1e-6)
    same = np.ones((count, 64), np.float32)
    assert distance(summarise([same]), summarise([same + 1])) == pytest.approx(64, rel=1e-12)
    spread = rng.standard_normal((count, 64)).astype(np.float32)
    want = np.square(spread.mean(0, dtype=float) - 1).sum() + np.var(spread.astype(float), axis=0, ddof=1).sum()
    assert distance(summarise([spread]), summarise([same])) == pytest.approx(want, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 90), st.lists(st.integers(0, 90), max_size=6), st.lists(st.integers(0, 90), max_size=3),
    st.sampled_from([1, 8, 40, 200]),
)  # fmt: skip
def test_any_partition_gives_the_same_statistics(
    count: int, clips: list[int], groups: list[int], dimensions: int
) -> None:
    vectors = cloud(count, dimensions, seed=count)
    blocks = cut(vectors, clips)
    whole = summarise([vectors])
    # how a group is cut into clips changes no bit
    again = summarise(blocks)
    assert same_bits(again, whole)
    pooled = merge([summarise([part]) for part in cut(vectors, groups) if len(part)])
    assert pooled.count == whole.count == count
    assert pooled.mean == pytest.approx(whole.mean, rel=1e-12, abs=1e-12)
    scale = float(np.abs(whole.covariance()).max()) if count > 1 else 1.0
    assert pooled.covariance() == pytest.approx(whole.covariance(), abs=1e-13 * max(scale, 1))
    assert (pooled.vectors is None) == (whole.vectors is None) == (count >= dimensions)
    other = summarise([cloud(50, dimensions, seed=99)])
    near = pytest.approx(distance(whole, other), rel=1e-7, abs=1e-7)
    assert distance(pooled, other) == near


def test_the_same_groups_give_the_same_bits() -> None:
    groups = [[cloud(700, 64, seed=s), cloud(3, 64, seed=s + 50), cloud(900, 64, seed=s + 70)] for s in range(4)]
    groups.append([cloud(20, 64, seed=8)])

    def run() -> tuple[Moments, float | str]:
        pooled = merge([summarise(blocks) for blocks in groups])
        return pooled, distance(pooled, summarise([cloud(500, 64, seed=77)]))

    first, second = run(), run()
    assert same_bits(first[0], second[0]) and first[1] == second[1]
    # merging leaves the parts alone: one part may be left out again and again
    parts = [summarise(blocks) for blocks in groups]
    before = [part.scatter.copy() for part in parts if part.scatter is not None]
    once = merge(parts[1:])
    assert same_bits(once, merge(parts[1:]))
    assert all((a == b.scatter).all() for a, b in zip(before, parts, strict=False))
    assert same_bits(merge([parts[0]]), parts[0])


def test_blocks_are_read_lazily_and_in_thousands() -> None:
    class Lazy(Sequence[np.ndarray]):
        held = 0

        def __len__(self) -> int:
            return 50

        def __getitem__(self, index):  # type: ignore[no-untyped-def]
            return cloud(100, 16, seed=index)

        def __iter__(self) -> Iterator[np.ndarray]:
            return (self[i] for i in range(len(self)))

    whole = np.concatenate(list(Lazy()))
    assert len(whole) > 4 * FOLD
    assert same_bits(summarise(Lazy()), summarise([whole]))
    assert summarise(Lazy()).covariance() == pytest.approx(np.cov(whole.astype(float), rowvar=False), rel=1e-9)


def test_what_has_no_distance() -> None:
    one, two = summarise([np.zeros((1, 4), np.float32)]), summarise([np.zeros((2, 4), np.float32)])
    assert distance(one, two) == "a covariance needs two vectors, got 1"
    with pytest.raises(MetricError, match="one length, got 4 and 5"):
        distance(two, summarise([np.zeros((2, 5), np.float32)]))
    with pytest.raises(MetricError, match="one length"):
        merge([two, summarise([np.zeros((2, 5), np.float32)])])
    for nothing in ([], [np.zeros((0, 4), np.float32)]):
        with pytest.raises(MetricError, match="got none"):
            summarise(nothing)
    with pytest.raises(MetricError, match="got none"):
        merge([])


def same_bits(a: Moments, b: Moments) -> bool:
    def raw(held: np.ndarray | None) -> bytes | None:
        return None if held is None else held.tobytes()

    return (a.count, raw(a.mean), raw(a.vectors), raw(a.scatter)) == (
        b.count, raw(b.mean), raw(b.vectors), raw(b.scatter)
    )  # fmt: skip
