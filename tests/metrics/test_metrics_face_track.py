"""Tracks and crops on faces made by formula: what continues a track, what is filled in, and where the crop lies."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.face_track import GREY, crops, cut, overlap, tracks


def line(frame: int, x: float, y: float, half: float = 30.0, score: float = 1.0) -> list[float]:
    return [frame, x - half, y - half, x + half, y + half, score]


def table(*lines: list[float]) -> np.ndarray:
    return np.array(sorted(lines, key=lambda one: (one[0], -one[5])), np.float64).reshape(-1, 6)


def test_overlap_in_closed_form() -> None:
    box = np.array([0.0, 0, 10, 10])
    others = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 4], [3, 3, 3, 3]])
    assert overlap(box, others) == pytest.approx([1, 1 / 3, 0, 0.04, 0])
    assert overlap(np.zeros(4), np.zeros((1, 4))) == pytest.approx([0])


def test_one_face_is_one_track() -> None:
    (track,) = tracks(table(*(line(t, 100 + t, 80) for t in range(10, 70))))
    assert (track.first, len(track), track.found, track.side) == (10, 60, 60, 60)
    assert track.boxes[5] == pytest.approx([85, 50, 145, 110])


def test_gaps_are_filled_in_up_to_25_frames() -> None:
    seen = [t for t in range(60) if t not in range(20, 44)]
    (track,) = tracks(table(*(line(t, 100 + 0.5 * t, 80) for t in seen)))
    assert (len(track), track.found) == (60, 36)
    assert track.boxes[:, 0] == pytest.approx(70 + 0.5 * np.arange(60))
    parted = tracks(table(*(line(t, 100, 80) for t in range(60) if t not in range(20, 46))))
    assert [(t.first, len(t)) for t in parted] == [(0, 20), (46, 14)]
    assert len(tracks(table(*(line(t, 100, 80) for t in range(60) if t not in range(20, 45))))) == 2
    assert len(tracks(table(line(0, 50, 50), line(25, 50, 50)))) == 1


def test_a_face_that_jumps_is_another_track() -> None:
    # boxes of 60: moved by 20 they share exactly a half, which is not more than a half
    assert len(tracks(table(line(0, 100, 80), line(1, 119.9, 80)))) == 1
    assert len(tracks(table(line(0, 100, 80), line(1, 120, 80)))) == 2


def test_two_faces_cross_neither_track() -> None:
    left = [line(t, 60 + t, 80, score=0.5 + t % 2) for t in range(50)]
    right = [line(t, 260 - t, 80, 40) for t in range(5, 50)]
    found = tracks(table(*left, *right))
    assert [(t.first, len(t), round(t.side)) for t in found] == [(0, 50, 60), (5, 45, 80)]
    assert found[0].boxes[:, 0] == pytest.approx(30 + np.arange(50))


def test_of_two_that_overlap_the_nearer_continues() -> None:
    (first, second) = tracks(table(line(0, 100, 80), line(1, 110, 80, score=2.0), line(1, 102, 80, score=0.1)))
    assert first.boxes[1, 0] == 72 and len(second) == 1


def test_order_longest_then_largest_then_first() -> None:
    found = tracks(
        table(line(0, 50, 50), line(0, 200, 50, 40), line(9, 400, 50), *(line(t, 50, 300) for t in range(3)))
    )
    assert [(len(t), t.side, t.first) for t in found] == [(3, 60, 0), (1, 80, 0), (1, 60, 0), (1, 60, 9)]


def test_no_face_no_track() -> None:
    assert tracks(np.empty((0, 6))) == []


def test_every_face_is_in_one_track() -> None:
    rng = np.random.default_rng(3)
    faces = table(*(line(int(t), *rng.uniform(0, 200, 2), rng.uniform(10, 50)) for t in rng.integers(0, 40, 150)))
    assert sum(track.found for track in tracks(faces)) == 150


def test_the_crop_is_where_the_published_code_puts_it() -> None:
    """That code pads the whole frame first and cuts whole numbers off; ours reads only what is inside."""
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (90, 120, 3)).astype(np.uint8)
    for _ in range(200):
        half, x, y = rng.uniform(5, 60), rng.uniform(0, 120), rng.uniform(0, 90)
        pad = int(half * 1.8)
        padded = np.pad(frame, ((pad, pad), (pad, pad), (0, 0)), constant_values=GREY)
        rows = slice(int(y + pad - half), int(y + pad + half * 1.8))
        columns = slice(int(x + pad - half * 1.4), int(x + pad + half * 1.4))
        assert np.array_equal(cut(frame, x, y, half), padded[rows, columns])


@pytest.mark.parametrize("place", [(-500.0, -500.0, 40.0), (5000.0, 10.0, 3.0), (10.0, 10.0, 0.0)])
def test_a_box_outside_or_of_no_size_gives_a_picture(place: tuple[float, float, float]) -> None:
    found = cut(np.zeros((20, 20, 3), np.uint8), *place)
    assert min(found.shape) >= 1
    assert place[2] == 0 or (found == GREY).all()


def test_crops_follow_the_smoothed_track() -> None:
    frames = np.zeros((40, 120, 160, 3), np.uint8)
    frames[:, 60, 80] = 255
    shaken = [line(t, 80 + (9 if t == 20 else 0), 60, 20) for t in range(5, 40)]
    (track,) = tracks(table(*shaken))
    give = crops(frames, track, 56)
    found = give(0, 35)
    assert found.shape == (35, 56, 56, 3) and found.dtype == np.uint8
    # 2.8 half sides are 56 pixels: the middle of the box lies one half side below the upper edge, 1.4 from the left
    assert (found[:, 20, 28] == 255).all() and found.sum() == 35 * 3 * 255
    assert np.array_equal(give(7, 9), found[7:9])
