"""Inputs: sizes, lengths, pose rules, the wrong speech, and hashes that follow content."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.datasets.catalogue import open_dataset
from bench.errors import ConfigError, MediaError, MissingError
from bench.records import Phone, Portrait, Speech, Take
from bench.runner.prepare import begin_at_middle, digest, prepare, repeat_speech


@pytest.fixture
def toy(place):
    return open_dataset("toy")


def get(toy, reference="r0", driver="one", *, size=32, pose_rule="truth", others=("one", "two", "three")):
    return prepare(toy, reference, driver, size=size, pose_rule=pose_rule, others=others)


def test_the_take_decides_the_length_and_the_pose(toy):
    inputs = get(toy)
    assert inputs.frames == 8 and inputs.pose.shape == (8, 6) and inputs.take.frames.shape == (8, 32, 32, 3)
    still = get(toy, pose_rule="still")
    assert still.pose.shape == (8, 6) and still.pose.dtype == np.float32
    toy.untold = ("r0",)
    blind = get(toy)
    assert blind.take is None and blind.pose is None and blind.frames == 8
    assert get(toy, pose_rule="still").pose.shape == (8, 6)


def test_pictures_and_landmarks_are_brought_to_the_size_together(toy, monkeypatch):
    small = toy.portrait("r0")
    monkeypatch.setattr(toy, "portrait", lambda name: replace(small, photograph=True))
    inputs = get(toy, size=64)
    assert inputs.portrait.photograph
    assert inputs.portrait.image.shape == (64, 64, 3) and inputs.take.frames.shape == (8, 64, 64, 3)
    np.testing.assert_allclose(inputs.take.landmarks, 32.5)  # (16 + 0.5) * 2 - 0.5
    assert digest(inputs).truth != digest(get(toy)).truth


@pytest.mark.parametrize(
    ("driver", "others", "expected"),
    [
        ("one", ("one", "two", "three"), "two"),
        ("three", ("one", "two", "three"), "two"),  # one comes next and is too short
        ("two", ("one", "two", "three"), "three"),  # none is long enough: the next one, repeated
        ("one", ("one",), None),
        ("one", ("three", "two"), "three"),
    ],
)
def test_the_other_speech_is_long_enough_and_never_the_drivers_own(toy, driver, others, expected):
    other = get(toy, driver=driver, others=others).other
    assert (other.driver if other else None) == expected
    if other:
        assert len(other.samples) >= 640 * get(toy, driver=driver).frames


def test_the_other_speech_begins_at_its_middle():
    phones = (Phone("AA", 0, 0.1), Phone("B", 0.1, 0.3))
    turned = begin_at_middle(Speech("d", "s", np.arange(6 * 640, dtype=np.float32), phones))
    np.testing.assert_array_equal(turned.samples, np.roll(np.arange(6 * 640), 3 * 640))
    assert [(p.symbol, round(p.start, 6), round(p.end, 6)) for p in turned.phones] == [
        ("B", 0, 0.12),  # phones end with the sound, at 0.24 s
        ("AA", 0.12, 0.22),
        ("B", 0.22, 0.24),
    ]
    short = Speech("d", "s", np.arange(640, dtype=np.float32), (Phone("AA", 0, 0.04),))
    assert begin_at_middle(short).phones == short.phones


def test_a_repeated_speech_repeats_sound_and_phones():
    speech = Speech("d", "s", np.arange(1600, dtype=np.float32), (Phone("AA", 0, 0.06), Phone("B", 0.06, 0.2)))
    twice = repeat_speech(speech, 1700)
    np.testing.assert_array_equal(twice.samples, np.tile(speech.samples, 2))
    assert [(p.symbol, round(p.start, 6), round(p.end, 6)) for p in twice.phones] == [
        ("AA", 0, 0.06),
        ("B", 0.06, 0.1),
        ("AA", 0.1, 0.16),
        ("B", 0.16, 0.2),
    ]


def test_each_hash_follows_its_own_input(toy):
    inputs = get(toy)
    first = digest(inputs)
    assert digest(get(toy)) == first

    def changed(**changes) -> set[str]:
        other = digest(replace(inputs, **changes))
        return {name for name, value in other.as_dict().items() if value != first.as_dict()[name]}

    image = inputs.portrait.image.copy()
    image[3, 3, 0] ^= 1
    assert changed(portrait=replace(inputs.portrait, image=image)) == {"portrait"}
    assert changed(portrait=replace(inputs.portrait, pose=None)) == {"portrait_points"}
    assert changed(portrait=replace(inputs.portrait, photograph=True)) == {"portrait_points"}
    louder = replace(inputs.speech, samples=inputs.speech.samples * np.float32(0.5))
    assert changed(speech=louder) == {"speech"}
    assert changed(speech=replace(inputs.speech, phones=inputs.speech.phones[1:])) == {"phones"}
    assert changed(pose=inputs.pose + 1) == {"pose"}
    assert changed(take=replace(inputs.take, frames=255 - inputs.take.frames)) == {"truth"}
    assert changed(take=replace(inputs.take, landmarks=inputs.take.landmarks + 1)) == {"truth_points"}
    assert changed(take=replace(inputs.take, speech=louder)) == {"truth_speech"}
    assert changed(other=inputs.speech) == {"other"}
    assert changed(speech=replace(inputs.speech, driver="another name", transcript="other words")) == set()


def test_arrays_that_a_dataset_must_not_give(toy, monkeypatch):
    wide = np.zeros((4, 8, 3), np.uint8)
    for name, value, expected in [
        ("portrait", Portrait("r0", wide), "expected a square image"),
        ("portrait", Portrait("r0", np.zeros((8, 8, 3), np.float32)), "float32"),
        ("take", Take(np.stack([wide]), toy.speech("one")), "expected square frames"),
        ("take", Take(np.zeros((2, 8, 8, 3), np.uint8), toy.speech("one"), np.zeros((3, 68, 2))), "landmarks for each"),
        ("speech", Speech("one", "ann", np.zeros(0, np.float32)), "expected samples float32"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(toy, name, lambda *a, v=value: v)
            with pytest.raises(MediaError, match=expected):
                get(toy)


def test_dataset_files_that_do_not_fit(place):
    path = place.root / "protocols/datasets/toy.toml"
    good = path.read_text()
    for text, error, expected in [
        (good.replace('"toy"', '"tyo"'), ConfigError, "unknown loader 'tyo'. Did you mean toy"),
        (good + "\nsize = 3", ConfigError, "options do not fit loader 'toy'"),
        (
            good.replace("[options]", f'[hashes]\n"r0.png" = "{"0" * 64}"\n[options]'),
            ConfigError,
            "expected sha256 000",
        ),
        (good.replace("[options]", f'[hashes]\n"none.png" = "{"0" * 64}"\n[options]'), MissingError, "none.png"),
        (good.split("path")[0] + 'path = "$NO_SUCH_PLACE_HERE/x"', MissingError, "variable NO_SUCH_PLACE_HERE"),
        (good.replace("loader", "loder"), ConfigError, "Did you mean loader"),
    ]:
        path.write_text(text)
        with pytest.raises(error, match=expected.replace("(", "\\(")):
            open_dataset("toy")
    path.write_text(good.split("path")[0] + 'path = "./../../faces"')
    assert open_dataset("toy").references() == ["r0", "r1"]
