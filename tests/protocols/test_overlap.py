"""What a method was trained on among what it is tested on: declared apart, or counted."""

from __future__ import annotations

import pytest

from protocols import catalogue
from protocols.dataset import DatasetSpec
from protocols.overlap import overlap

HDTF = DatasetSpec(name="hdtf-mine", loader="films", family="hdtf")
PUPPETS = catalogue.load_dataset("puppets")


@pytest.mark.parametrize(
    ("trained_on", "split", "identities", "expected"),
    [
        (["hdtf"], "test", [], ["hdtf"]),
        (["hdtf"], "test", ["JonKyl"], ["hdtf"]),
        (["hdtf:train"], "test", ["JonKyl"], []),
        (["hdtf:train", "hdtf:test"], "test", [], ["hdtf:test"]),
        (["hdtf:train"], None, [], ["hdtf:train"]),
        (["hdtf:train"], None, ["JonKyl"], ["hdtf:train"]),  # nobody says who belongs to train
        (["HDTF", "hdtf-mine"], "test", [], ["HDTF", "hdtf-mine"]),
        (["hdtf/JonKyl", "hdtf/AdamSmith"], "test", ["JonKyl"], ["hdtf/JonKyl"]),
        (["hdtf/JonKyl"], "test", [], ["hdtf/JonKyl"]),
        (["voxceleb2", "mead:train", "hdt"], "test", ["JonKyl"], []),
        ([], "test", [], []),
    ],
)
def test_films(trained_on: list, split: str | None, identities: list, expected: list):
    assert overlap(trained_on, HDTF, split=split, identities=identities) == expected


@pytest.mark.parametrize(
    ("trained_on", "identities", "expected"),
    [
        (["puppets:train"], ["test-000", "heldout-a"], []),
        (["puppets:train"], ["test-000", "train-a"], ["puppets:train"]),
        (["puppets:train"], ["trainer"], ["puppets:train"]),
        (["puppets:validation"], ["val-003"], ["puppets:validation"]),
        (["puppets"], ["test-000"], ["puppets"]),
        (["puppets:train"], [], ["puppets:train"]),
    ],
)
def test_who_is_tested_may_say_it_where_the_part_is_not_named(trained_on: list, identities: list, expected: list):
    assert overlap(trained_on, PUPPETS, identities=identities) == expected


def test_every_puppet_belongs_to_one_part():
    from bench.datasets.puppets import speech
    from bench.datasets.puppets.corpus import members

    everybody = [*members(), *(voice for split in speech.SPLITS for voice in speech.voices(split))]
    for name in everybody:
        parts = [part for part in PUPPETS.splits if overlap([f"puppets:{part}"], PUPPETS, identities=[name])]
        assert len(parts) == 1, (name, parts)
    assert {m.split for m in members().values()} == set(PUPPETS.splits)
    for member in members().values():
        assert overlap([f"puppets:{member.split}"], PUPPETS, identities=[member.name])


def test_names_that_differ_in_writing_are_one():
    crema = DatasetSpec(name="x", loader="films", family="crema-d")
    assert overlap(["CREMA-D", "crema_d"], crema, split="all") == ["CREMA-D", "crema_d"]


def test_people_named_by_the_dataset_file():
    named = DatasetSpec(name="x", loader="films", identities=["obama"])
    assert overlap(["obama", "x"], named, split="test") == ["obama", "x"]
