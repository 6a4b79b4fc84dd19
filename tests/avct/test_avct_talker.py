"""Streaming: the same frames whatever the pieces, those of `perform` where all is known, no later than is stated."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_models import BUILDERS, landmark, score
from tiny_networks import seeded

import avct
from avct import audio
from avct.audio import features, frame_rows, lengthen
from avct.audio2pose import head_poses
from avct.config import Audio2PoseConfig
from avct.engine import prepare
from avct.errors import AvctError, MissingWeights
from avct.inference import FRONTAL, Score, perform
from avct.listening import FRAME, Listener, study
from avct.model import Model
from avct.phonemes import from_seconds, ids_at_25fps
from avct.talker import Talker
from avct.vector_tokens import standardise

FRAMES = 33
PHONES = [("SIL", 0.0, 0.103), ("AH", 0.103, 0.4), ("M", 0.4, 0.518), ("IY", 0.6, 0.77), ("S", 0.77, 1.16)]


def speech(frames: int = FRAMES, seed: int = 0) -> np.ndarray:
    """Buzz of a falling pitch between silences, with noise: float32 samples a little longer than the frames."""
    rng = np.random.default_rng(seed)
    count = frames * FRAME + 123
    t = np.arange(count) / 16_000
    phase = 2 * np.pi * np.cumsum(150 - 20 * t) / 16_000
    buzz = sum(np.sin(k * phase) / k for k in range(1, 12)) * (np.sin(2 * np.pi * 1.7 * t) > -0.3)
    return (0.2 * buzz + 0.004 * rng.normal(size=count)).astype(np.float32)


def told(model: Model, samples: np.ndarray, **changes) -> Score:
    """The whole clip as the offline way is told it."""
    frames = len(samples) // FRAME
    ids = ids_at_25fps(from_seconds(PHONES))[:frames]
    given = {
        "phonemes": np.array(ids + [31] * (frames - len(ids))),
        "audio": frame_rows(features(lengthen(samples[: frames * FRAME], frames)), frames),
        "poses": np.repeat(FRONTAL[None], frames, 0),
    }
    return score(model, frames, **{**given, **changes})


def pieces(samples: np.ndarray, seed: int) -> list[np.ndarray]:
    """The samples in pieces of any length, none and one among them."""
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, len(samples), 12))
    return np.split(samples, [0, *cuts, cuts[-1] + 1])


@pytest.fixture(scope="module", params=["faithful", "landmark"])
def model(request: pytest.FixtureRequest) -> Model:
    return BUILDERS[request.param]()


@pytest.fixture
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Harvest, which takes longer than all else."""
    for name in ("_harvest", "_dio"):
        monkeypatch.setattr(audio, name, lambda signal: np.full(len(signal) // 160 + 1, 120.0))


def test_a_talker_that_knows_all_equals_perform(model: Model, untracked: None) -> None:
    samples = speech()
    whole = told(model, samples)
    wanted = np.concatenate(list(perform(model, whole)))
    engine, known = prepare(model), study(samples, same=True)
    for parts in ([samples], pieces(samples, 1)):
        talker = Talker(engine, whole.image, known=known)
        frames = [f for k, part in enumerate(parts) for f in talker.push(part, phones=PHONES if k == 0 else ())]
        frames += talker.finish()
        off = np.abs(np.stack(frames).astype(int) - wanted)
        # a level may fall to the other side: predictions agree to 1e-5
        assert off.max() <= 1 and (off > 0).mean() < 1e-3 and wanted.std() > 10


def test_frames_do_not_depend_on_the_pieces(model: Model, untracked: None) -> None:
    samples = speech()
    image = told(model, samples).image
    engine = prepare(model)

    def run(parts: list[np.ndarray]) -> np.ndarray:
        talker, phones, out, heard = Talker(engine, image), list(PHONES), [], 0
        for part in parts:
            heard += len(part)
            now = [p for p in phones if p[1] <= heard / 16_000 + 0.3]
            phones = phones[len(now) :]
            out += talker.push(part, phones=now)
        return np.stack(out + list(talker.finish()))

    whole = run([samples])
    assert len(whole) == FRAMES
    for seed in (1, 2):
        np.testing.assert_array_equal(run(pieces(samples, seed)), whole)


@pytest.mark.parametrize(("pitch", "frames"), [("harvest", 12), ("dio", 9)])
def test_no_frame_comes_later_than_stated(untracked: None, pitch: str, frames: int) -> None:
    model = landmark()
    talker = Talker(model, score(model).image, pitch=pitch)
    ahead = talker.look_ahead
    assert ahead.frames == frames and ahead.milliseconds == 40 * frames
    samples, shown, latest = speech(60), 0, 0
    for start in range(0, 60 * FRAME, FRAME):
        shown += sum(1 for _ in talker.push(samples[start : start + FRAME], phones=PHONES if start == 0 else ()))
        # phones are known for 28 frames (the official count of 1.16 s), of which half a window waits for more
        have = start // FRAME + 1
        assert shown >= min(have - ahead.frames, 28 - 5)
        latest = max(latest, min(have, 28) - shown)
    assert latest <= ahead.frames
    assert shown == 23 and len(list(talker.finish())) == 60 - 23


def test_frames_left_in_one_iterator_come_with_the_next(untracked: None) -> None:
    model = landmark()
    image, samples = score(model).image, speech()
    engine = prepare(model)
    talker = Talker(engine, image)
    first = next(talker.push(samples, phones=PHONES))
    rest = [first, *talker.push(samples[:0]), *talker.finish()]
    other = Talker(engine, image)
    np.testing.assert_array_equal(np.stack(rest), np.stack([*other.push(samples, phones=PHONES), *other.finish()]))


def test_heads_hold_still_follow_what_is_given_or_are_driven(untracked: None) -> None:
    model = landmark()
    samples, rng = speech(), np.random.default_rng(2)
    image, engine = score(model).image, prepare(model)
    poses = (FRONTAL + rng.normal(0, 0.1, (FRAMES, 6))).astype(np.float32)
    short = np.concatenate([poses[:20], np.repeat(poses[19:20], FRAMES - 20, 0)])

    def run(given: np.ndarray | None = None, **changes) -> np.ndarray:
        talker = Talker(engine, image, **changes)
        frames = list(talker.push(samples, phones=PHONES, poses=None if given is None else given[:7]))
        if given is not None:
            assert len(frames) == 2, "frames wait for their poses"
            frames += talker.push(samples[:0], poses=given[7:])
        return np.stack(frames + list(talker.finish()))

    def driver(of: np.ndarray):
        left = iter(of)
        return lambda rows: next(left)[None]

    still = run()
    np.testing.assert_array_equal(still, run(head=driver(np.repeat(FRONTAL[None], FRAMES, 0))))
    np.testing.assert_array_equal(run(poses, head="given"), run(head=driver(poses)))
    np.testing.assert_array_equal(run(poses[:20], head="given"), run(head=driver(short)))
    assert not np.array_equal(run(poses, head="given"), still)


def test_the_head_pose_network_drives_the_head_as_offline(untracked: None) -> None:
    tiny = Audio2PoseConfig(widths=(4,), blocks=(1,), embedding=4, hidden=4, layers=1, pose_size=32)
    model = landmark(audio2pose=tiny)
    seeded(model.audio2pose, 3)
    samples = speech()
    whole = told(model, samples)
    poses = head_poses(model.audio2pose, FRONTAL, whole.audio)
    wanted = np.concatenate(list(perform(model, told(model, samples, poses=poses))))
    talker = Talker(model, whole.image, head="audio", known=study(samples, same=True))
    got = np.stack([*talker.push(samples, phones=PHONES), *talker.finish()])
    assert poses.std(0).max() > 1e-3 and np.abs(got.astype(int) - wanted).max() <= 1
    with pytest.raises(MissingWeights, match="no head-pose network"):
        Talker(landmark(), whole.image, head="audio")


class Parrot:
    """An ear that is told beforehand what it will hear."""

    ahead = 0.5

    def __init__(self) -> None:
        self.heard = 0

    def hear(self, samples: np.ndarray) -> list[tuple[str, float, float]]:
        before, self.heard = self.heard, self.heard + len(samples)
        return [p for p in PHONES if before < (p[2] + 0.4) * 16_000 <= self.heard]

    def finish(self) -> list[tuple[str, float, float]]:
        return [p for p in PHONES if (p[2] + 0.4) * 16_000 > self.heard]


def test_phones_that_an_ear_finds_are_those_that_are_given(untracked: None) -> None:
    model = landmark()
    samples, image, engine = speech(), score(model).image, prepare(model)
    given, by_ear = Talker(engine, image), Talker(engine, image, ear=Parrot())
    assert by_ear.look_ahead.frames == 5 + 13
    wanted = [*given.push(samples, phones=PHONES), *given.finish()]
    got = [f for part in pieces(samples, 4) for f in by_ear.push(part)]
    np.testing.assert_array_equal(np.stack([*got, *by_ear.finish()]), np.stack(wanted))
    with pytest.raises(AvctError, match="got both"):
        Talker(engine, image, ear=Parrot()).push(samples, phones=PHONES)


def test_what_cannot_be_used_is_one_line(untracked: None) -> None:
    model = landmark()
    image = score(model).image
    talker = Talker(model, image)
    for samples, says in (
        ([0.0], "got list"),
        (np.zeros((2, 3)), r"got float64 \(2, 3\)"),
        (np.zeros(9, int), "got int64"),
        (np.array([0.0, np.nan]), "number 1 is not"),
    ):
        with pytest.raises(AvctError, match=says):
            talker.push(samples)
    with pytest.raises(AvctError, match="unknown phoneme 'QQ'"):
        talker.push(speech(1), phones=[("QQ", 0.0, 0.1)])
    with pytest.raises(AvctError, match=r"finite \(n, 6\)"):
        talker.push(speech(1), poses=np.zeros((2, 5)))
    assert not list(talker.finish())
    with pytest.raises(AvctError, match="after finish"):
        talker.push(speech(1))
    for changes, says in (
        ({"head": "nod"}, "'still', 'given', 'audio'"),
        ({"level": 0.0}, "level: expected"),
        ({"pitch": "pyin"}, "pitch: expected one of harvest, dio"),
        ({"precision": "int8"}, "precision"),
    ):
        with pytest.raises(AvctError, match=says):
            Talker(model, image, **changes)
    with pytest.raises(AvctError, match="64x64"):
        Talker(model, image[:32, :32])
    with pytest.raises(AvctError, match="to be studied"):
        study(np.zeros(100))


def rows_of(listener: Listener, parts: list[np.ndarray]) -> tuple[np.ndarray, list]:
    heard = []
    for part in parts:
        listener.hear(part)
        heard += listener.frames()
    heard += listener.finish()
    return np.stack([frame.rows for frame in heard]), [frame.voice for frame in heard]


def test_sound_is_heard_as_offline_where_the_recording_is_known() -> None:
    samples = speech(21)
    wanted = frame_rows(features(lengthen(samples[: 21 * FRAME], 21)), 21)
    for parts in ([samples], pieces(samples, 5)):
        rows, voices = rows_of(Listener(known=study(samples, same=True)), parts)
        np.testing.assert_array_equal(rows, wanted)
        np.testing.assert_array_equal(
            standardise(wanted), np.concatenate([standardise(r[None], v) for r, v in zip(rows, voices, strict=True)])
        )


def test_pitch_that_is_tracked_on_the_way_is_nearly_that_of_the_whole() -> None:
    samples = speech(30)
    wanted = frame_rows(features(lengthen(samples[: 30 * FRAME], 30)), 30)
    rows, _ = rows_of(Listener(known=study(samples)), [samples])
    np.testing.assert_allclose(rows[..., :39], wanted[..., :39], atol=1e-5)
    assert (rows[..., 40] == wanted[..., 40]).mean() > 0.95
    both = (rows[..., 40] > 0) & (wanted[..., 40] > 0)
    assert np.median(np.abs(rows[both][:, 39] / wanted[both][:, 39] - 1)) < 0.005


def test_blocks_do_not_depend_on_the_pieces() -> None:
    samples = speech(21)
    (whole, voices), (parts, others) = (rows_of(Listener(), p) for p in ([samples], pieces(samples, 6)))
    np.testing.assert_array_equal(whole, parts)
    assert all(np.array_equal(a, b) for v, w in zip(voices, others, strict=True) for a, b in zip(v, w, strict=True))


def test_the_voice_of_what_was_heard_comes_to_that_of_the_whole(untracked: None) -> None:
    samples = 2 * speech(300)
    wanted = study(samples).voice
    _, voices = rows_of(Listener(), [samples])
    np.testing.assert_allclose(voices[-1].bands, wanted.bands, atol=0.6)
    np.testing.assert_allclose(voices[-1].cepstra, wanted.cepstra, atol=3.0)
    assert abs(12 * np.log2(voices[-1].pitch / 120)) < 0.2
    # a second of what is typical stands beside the first syllable
    assert np.abs(voices[0].bands - wanted.bands).max() > np.abs(voices[-1].bands - wanted.bands).max()


def test_quiet_noise_is_not_taken_for_speech(untracked: None) -> None:
    noise = np.random.default_rng(0).normal(0, 1e-3, 16_000).astype(np.float32)
    rows, voices = rows_of(Listener(), [noise])
    loud, loud_voices = rows_of(Listener(), [speech(25)])
    tuned, loud_tuned = (standardise(r, v[-1])[..., 0].max() for r, v in ((rows, voices), (loud, loud_voices)))
    assert tuned < loud_tuned - 1


def test_memory_does_not_grow_with_the_sound(untracked: None) -> None:
    listener, second = Listener(), speech(25)
    held = []
    for _ in range(30):
        listener.hear(second)
        assert list(listener.frames())
        held.append(sum(v.nbytes for v in vars(listener).values() if isinstance(v, np.ndarray)))
    assert max(held) < 3 * 16_000 * 8
    engine = prepare(landmark())
    talker = Talker(engine, score(engine.model).image)
    for k in range(4):
        list(talker.push(second, phones=[("AH", k, k + 1.0)]))
    cues = talker._crowd._member(0).cues
    assert all(len(q) < 15 for q in vars(cues).values() if hasattr(q, "popleft"))
    assert len(cues._phones._triples) <= 3


def test_the_package_hands_out_its_talker() -> None:
    # that importing it loads nothing heavy is a law of tests/architecture
    assert avct.Talker is Talker
    with pytest.raises(AttributeError, match="no attribute 'Walker'"):
        getattr(avct, "Walker")  # noqa: B009
