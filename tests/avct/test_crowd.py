"""Talkers painted together: each shows what it shows alone, whoever else is there; who has left is forgotten."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest
from tiny_models import BUILDERS, landmark
from tiny_networks import seeded

from avct import audio
from avct.config import Audio2PoseConfig
from avct.crowd import Crowd
from avct.engine import Engine, prepare
from avct.errors import AvctError, MissingWeights
from avct.inference import FRONTAL
from avct.listening import FRAME
from avct.talker import Talker
from avct.watch import DEVICE_STAGES, STAGES

PHONES = [("SIL", 0.0, 0.103), ("AH", 0.103, 0.3), ("M", 0.3, 0.418), ("IY", 0.5, 0.6)]
LENGTHS = (11, 4, 15)
"""Frames that the three talkers of these tests speak for; one of them for less than a window."""
TINY = Audio2PoseConfig(widths=(4,), blocks=(1,), embedding=4, hidden=4, layers=1, pose_size=32)


@pytest.fixture(autouse=True)
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the trackers of pitch, which take longer than all else."""
    for name in ("_harvest", "_dio"):
        monkeypatch.setattr(audio, name, lambda signal: np.full(len(signal) // 160 + 1, 120.0))


@cache
def engine(kind: str) -> Engine:
    if kind == "faithful":
        return prepare(BUILDERS[kind]())
    model = landmark(audio2pose=TINY)
    seeded(model.audio2pose, 3)
    model.audio2pose.output.weight.data.mul_(0.01)  # poses that a head can have
    model.audio2pose.output.bias.data.zero_()
    return prepare(model)


@pytest.fixture(params=["faithful", "landmark"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def portrait(kind: str, seed: int) -> np.ndarray:
    side = engine(kind).config.image_size
    return np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)


def speech(seed: int) -> np.ndarray:
    """A buzz and noise, different for each talker, a little longer than the talker's frames."""
    rng, count = np.random.default_rng(seed), LENGTHS[seed] * FRAME + 77
    buzz = np.sin(np.arange(count) * (0.05 + 0.02 * seed)) * (np.sin(np.arange(count) / 900) > -0.3)
    return (0.3 * buzz + 0.01 * rng.normal(size=count)).astype(np.float32)


def poses(seed: int) -> np.ndarray:
    return (FRONTAL + np.random.default_rng(seed).normal(0, 0.1, (9, 6))).astype(np.float32)


def settings(kind: str, seed: int) -> dict:
    """Heads of three kinds."""
    return [{"head": "given"}, {}, {"head": "audio" if kind == "landmark" else lambda rows: poses(7)[:1]}][seed]


@cache
def alone(kind: str, seed: int) -> np.ndarray:
    """What a talker shows alone."""
    talker = Talker(engine(kind), portrait(kind, seed), **settings(kind, seed))
    frames = [*talker.push(speech(seed), phones=PHONES, poses=poses(seed)), *talker.finish()]
    return np.stack(frames)


class Live:
    """A crowd in which sound comes in frame by frame, and what each of its talkers has shown."""

    def __init__(self, kind: str, **changes) -> None:
        self.kind, self.crowd = kind, Crowd(engine(kind), **changes)
        self.left: dict[int, list[np.ndarray]] = {}
        self.shown: dict[int, list[np.ndarray]] = {}

    def join(self, seed: int) -> int:
        talker = self.crowd.join(portrait(self.kind, seed), **settings(self.kind, seed))
        self.left[talker] = np.split(speech(seed), range(500, LENGTHS[seed] * FRAME, FRAME))
        self.crowd.hear(talker, np.zeros(0, np.float32), phones=PHONES, poses=poses(seed))
        self.shown[talker] = []
        return talker

    def tick(self, **changes) -> int:
        """Frames that were shown when everybody had said a little more."""
        for talker, pieces in self.left.items():
            if pieces:
                self.crowd.hear(talker, pieces.pop(0), last=not pieces)
        return self.step(**changes)

    def step(self, **changes) -> int:
        frames = self.crowd.step(**changes)
        for talker, number, frame in frames:
            assert number == len(self.shown[talker]), "frames come in order"
            self.shown[talker].append(frame)
        return len(frames)

    def run(self, **changes) -> None:
        while self.tick(**changes) or any(self.left.values()):
            pass


def off(frames: list[np.ndarray], wanted: np.ndarray) -> tuple[int, float]:
    """Levels that frames are off at most, and the share of values that are off."""
    assert np.stack(frames).shape == wanted.shape and wanted.std() > 10
    levels = np.abs(np.stack(frames).astype(int) - wanted)
    return int(levels.max()), float((levels > 0).mean())


def test_talkers_are_those_that_they_are_alone_whenever_they_come_and_go(kind: str) -> None:
    live = Live(kind)
    first = live.join(0)
    for _ in range(7):
        live.tick()
    second, third = live.join(1), live.join(2)
    stranger = live.join(1)
    for _ in range(6):
        live.tick()
    live.crowd.leave(stranger)
    del live.left[stranger]
    live.run()
    for seed, talker in enumerate((first, second, third)):
        assert len(live.shown[talker]) == LENGTHS[seed] and live.crowd.done(talker)
        levels, share = off(live.shown[talker], alone(kind, seed))
        assert levels <= 1 and share < 1e-3, "a batch of another size rounds otherwise"
    # portraits and speech are their own
    short = min(LENGTHS)
    assert not np.array_equal(alone(kind, 0)[:short], alone(kind, 2)[:short])
    assert np.abs(np.diff(alone(kind, 2).astype(int), axis=0)).max() > 3


def test_a_crowd_of_one_is_a_talker_to_the_bit(kind: str) -> None:
    live = Live(kind)
    talker = live.join(2)
    live.run()
    np.testing.assert_array_equal(np.stack(live.shown[talker]), alone(kind, 2))


@pytest.mark.parametrize("changes", [{"padded": True}, {"batch": 2}, {"workers": 3}])
def test_sizes_and_threads_change_nothing_that_is_shown(kind: str, changes: dict) -> None:
    live = Live(kind, **changes)
    talkers = [live.join(seed) for seed in range(3)]
    live.run()
    for seed, talker in enumerate(talkers):
        levels, share = off(live.shown[talker], alone(kind, seed))
        assert levels <= 1 and share < 1e-3


def test_threads_hear_what_one_hears_to_the_bit() -> None:
    plain, threaded = Live("landmark"), Live("landmark", workers=3)
    for live in (plain, threaded):
        for seed in range(3):
            live.join(seed)
        live.run()
    for talker, frames in plain.shown.items():
        np.testing.assert_array_equal(np.stack(frames), np.stack(threaded.shown[talker]))


def test_batches_are_of_few_sizes_where_that_is_wanted(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: dict[str, set[int]] = {"paint": set(), "decode": set(), "say": set()}
    made = engine(kind)

    def spied(name: str):
        real = getattr(made, name)

        def call(*given):
            last = given[-1]
            sizes[name].add(len(last if isinstance(last, np.ndarray) or not hasattr(last, "value") else last.value))
            return real(*given)

        return call

    for name in sizes:
        monkeypatch.setattr(made, name, spied(name))
    live = Live(kind, padded=True)
    for _ in range(3):
        live.join(0)
        live.tick()
    live.run()
    assert all(some <= {1, 2, 4} for some in sizes.values()) and sizes["paint"] == {1, 2, 4}
    assert {len(frames) for frames in live.shown.values()} == {LENGTHS[0]}


def test_a_step_paints_no_more_than_it_may_and_forgets_nobody(kind: str) -> None:
    live = Live(kind)
    talkers = [live.join(seed) for seed in range(3)]
    for talker in talkers:
        live.crowd.hear(talker, np.concatenate(live.left.pop(talker)), last=True)
    counts = []
    while some := live.step(most=2):
        counts.append(some)
        busy = [len(live.shown[talker]) for talker in talkers if not live.crowd.done(talker)]
        assert not busy or max(busy) - min(busy) <= 1, "everybody has a turn"
    assert max(counts) == 2 and sum(counts) == sum(LENGTHS)
    for seed, talker in enumerate(talkers):
        assert off(live.shown[talker], alone(kind, seed))[0] <= 1


def test_who_has_left_is_forgotten(kind: str) -> None:
    live = Live(kind)
    stay, go, late = (live.join(seed) for seed in (0, 2, 1))
    for _ in range(9):
        live.tick()
    gone = weakref.ref(live.crowd._members[go].cues)
    held = live.crowd._gallery._stacked.encoded
    weight = weakref.ref(held[0])
    del held
    live.crowd.leave(go)
    gc.collect()
    assert gone() is None and weight() is None
    assert live.crowd._gallery._stacked.source.value.shape[0] == 2
    with pytest.raises(AvctError, match=f"no talker {go}; present: {stay}, {late}"):
        live.crowd.hear(go, np.zeros(5))
    for talker in (stay, late):
        live.crowd.leave(talker)
    assert live.crowd._gallery._stacked is None and live.crowd.step() == []


def test_portraits_are_stacked_when_the_crowd_changes_and_not_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    from avct import gallery

    stacked = []
    real = gallery.stack
    monkeypatch.setattr(gallery, "stack", lambda sitters: stacked.append(len(sitters)) or real(sitters))
    live = Live("landmark")
    live.join(0), live.join(2)
    for _ in range(6):
        live.tick()
    live.join(1)
    live.run()
    assert stacked == [2, 2]


class Notes:
    """A watch that takes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.inside = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        assert name in STAGES and not self.inside, "stages do not nest"
        self.told.append(name)
        self.inside += 1
        yield
        self.inside -= 1


@pytest.mark.parametrize("workers", [0, 2])
def test_a_watch_is_told_of_all_stages_and_frames_are_copied_once_a_step(workers: int) -> None:
    notes, live = Notes(), Live("landmark", workers=workers)
    talkers = [live.join(seed) for seed in range(3)]
    steps = 0
    while any(live.left.values()) or not all(map(live.crowd.done, talkers)):
        steps += live.tick(watch=notes) > 0
    assert set(notes.told) >= {"features", "pose", "motion", "render", "copy"}
    assert notes.told.count("copy") == steps < sum(LENGTHS)
    notes.told.clear()
    live.crowd.join(portrait("landmark", 0), watch=notes)
    live.crowd.hear(talkers[-1] + 1, speech(0), phones=PHONES, watch=notes)
    assert notes.told == ["portrait", "phonemes"]
    talker = Talker(engine("landmark"), portrait("landmark", 0), watch=notes)
    assert list(talker.push(speech(0), phones=PHONES))
    assert set(notes.told) == {"portrait", "phonemes", "features", "motion", "render", "copy"} >= set(DEVICE_STAGES)


def test_sound_is_heard_as_far_as_frames_need_it() -> None:
    crowd = Crowd(engine("landmark"))
    assert crowd.look_ahead.frames == 9
    talker = crowd.join(portrait("landmark", 0))
    crowd.hear(talker, np.tile(speech(2), 20), phones=[("AH", 0.0, 30.0)])
    assert [(who, number) for who, number, _ in crowd.step()] == [(talker, 0)]
    assert len(crowd._members[talker].cues._pending) > 100, "a minute of sound holds nobody up"


def test_what_cannot_be_used_is_one_line_and_changes_nothing() -> None:
    live = Live("landmark")
    talker = live.join(0)
    for given, says in (
        ({"samples": np.array([0.0, np.nan])}, "number 1 is not"),
        ({"samples": np.zeros(5), "poses": np.zeros((2, 5))}, r"finite \(n, 6\)"),
        ({"samples": np.zeros(5), "phones": [("QQ", 0.7, 0.8)]}, "unknown phoneme 'QQ'"),
    ):
        with pytest.raises(AvctError, match=says):
            live.crowd.hear(talker, **given)
    live.run()
    np.testing.assert_array_equal(np.stack(live.shown[talker]), alone("landmark", 0))
    with pytest.raises(AvctError, match="no more sound"):
        live.crowd.hear(talker, np.zeros(5))
    with pytest.raises(AvctError, match="batch of 1 or more"):
        Crowd(engine("landmark"), batch=0)
    with pytest.raises(AvctError, match="64x64"):
        live.crowd.join(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(MissingWeights, match="no head-pose network"):
        Crowd(engine("faithful")).join(portrait("faithful", 0), head="audio")
