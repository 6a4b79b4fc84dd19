"""Pairing rules: who is driven by what, alike for every order in which names are listed elsewhere."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.pairing import pair_up

VOICES = {"ann": ["a0", "a1", "a2"], "bob": ["b0", "b1"]}
FILMS = ["a0", "a1", "a2", "b0", "b1", "c0"]
SEEN = {name: {"a": "ann", "b": "bob", "c": "cem"}[name[0]] for name in FILMS}


def test_own_sound() -> None:
    assert pair_up("same", VOICES, FILMS) == [("ann", f"a{i}", f"a{i}") for i in range(3)] + [
        ("bob", "b0", "b0"),
        ("bob", "b1", "b1"),
    ]


def test_another_clip_of_the_same_speaker() -> None:
    made = pair_up("other-clip", {**VOICES, "cem": ["c0"]}, FILMS, identities=SEEN)
    assert made == [
        ("ann", "a1", "a0"),
        ("ann", "a2", "a1"),
        ("ann", "a0", "a2"),  # the last one takes the first
        ("bob", "b1", "b0"),
        ("bob", "b0", "b1"),
    ]  # cem has one clip only


def test_another_speakers_speech() -> None:
    made = pair_up("other-speaker", VOICES, FILMS, identities=SEEN)
    assert [driver for _, _, driver in made] == ["a0", "a1", "a2", "b0", "b1"]
    assert all(SEEN[reference] != speaker for speaker, reference, _ in made)
    assert len({reference for _, reference, _ in made}) > 1, "not all on one face"
    assert pair_up("other-speaker", {"ann": ["a0"]}, ["a1"], identities=SEEN) == []


@given(
    voices=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    references=st.integers(1, 9),
    each=st.integers(1, 6),
)
def test_each_reference_gets_so_many_and_drivers_are_used_alike(voices: list[int], references: int, each: int) -> None:
    drivers = {f"v{v}": [f"v{v}-{i}" for i in range(count)] for v, count in enumerate(voices)}
    faces = [f"f{i}" for i in range(references)]
    if each > sum(voices):
        with pytest.raises(ValueError, match="each reference was to have"):
            pair_up("dealt", drivers, faces, each=each)
        return
    made = pair_up("dealt", drivers, faces, each=each)
    assert len(set(made)) == len(made) == references * each
    assert set(Counter(face for _, face, _ in made).values()) == {each}
    used = Counter(driver for _, _, driver in made)
    assert max(used.values()) - min([used[d] for some in drivers.values() for d in some]) <= 1
    assert all(driver.startswith(f"{voice}-") for voice, _, driver in made)


def test_a_face_hears_the_voices_in_turn() -> None:
    made = pair_up("dealt", {"a": ["a0", "a1", "a2", "a3"], "b": ["b0", "b1", "b2", "b3"]}, ["f", "g"], each=4)
    assert Counter((face, voice) for voice, face, _ in made) == {(f, v): 2 for f in "fg" for v in "ab"}
