"""Names of videos and the clips that they belong to."""

from __future__ import annotations

import pytest

from bench.runner.matching import match

CLIPS = [
    ("ann", "r0", "one", 0),
    ("ann", "r1", "two", 0),
    ("ann", "r1", "one", 0),
    ("bob", "id7/film/3", "id7/film/3", 0),
]


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("r0/one", 0),
        ("r0--one", 0),
        ("r1/two", 1),
        ("two", 1),  # only one clip has this driver
        ("r0", 0),  # only one clip has this reference
        ("r1/one", 2),
        ("id7/film/3", 3),
        ("id7_film_3", 3),
        ("id7_film_3--id7_film_3", 3),
    ],
)
def test_a_name_that_says_one_clip(name: str, clip: int) -> None:
    assert match(CLIPS, [name]).found == {CLIPS[clip]: name} and match(CLIPS, [name]).unmatched == ()


@pytest.mark.parametrize("name", ["one", "r1", "R0", "r0-one", "x/r0/one", "three"])
def test_a_name_that_says_none_or_several(name: str) -> None:
    """A guess would score one clip's video as another's."""
    assert match(CLIPS, [name]).found == {} and match(CLIPS, [name]).unmatched == (name,)


def test_of_two_names_of_one_clip_the_longer_form_counts() -> None:
    made = match(CLIPS, ["two", "r1/two", "zebra"])
    assert made.found == {CLIPS[1]: "r1/two"} and made.unmatched == ("two", "zebra")


def test_seeds_are_told_apart() -> None:
    clips = [("ann", "r0", "one", seed) for seed in (3, 4)]
    made = match(clips, ["r0/one--4", "one", "r0--one--3"])
    assert made.found == {clips[0]: "r0--one--3", clips[1]: "r0/one--4"} and made.unmatched == ("one",)
