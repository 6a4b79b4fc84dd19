"""Sync by the corpus's judge: its reading in closed forms, its network against avct's, and shipped on true clips."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.datasets.puppets.corpus import Puppets
from metrics import sync_judge
from metrics.clip import Clip, Result
from metrics.errors import MetricError, MissingWeights
from metrics.registry import evaluate
from metrics.sync import REACH, read
from metrics.weights import locate

FAMILIES = ("offset", "confidence", "distance")


def results(clip: Clip) -> dict[str, Result]:
    return {name: evaluate(f"sync_{name}/puppet-sync-puppet68@1", clip) for name in FAMILIES}


def values(clip: Clip) -> dict[str, float | None]:
    return {name: result.value for name, result in results(clip).items()}


def vectors(windows: int, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).normal(0, 1, (windows, 32))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def everywhere(windows: int) -> np.ndarray:
    return np.ones(windows + 4, bool)


@pytest.mark.parametrize("late", [-15, -6, 0, 1, 9])
def test_the_offset_is_counted_from_lips_to_sound(late: int) -> None:
    heard = vectors(70)
    found = read(np.roll(heard, -late, 0), heard, everywhere(70))
    assert found.offset == late and found.distance < 0.6 and found.confidence > 0.7
    assert found.distances.shape == (31,) and found.own.shape == (74,)


def test_distances_are_means_over_the_windows_that_have_such_a_sound() -> None:
    seen, heard = vectors(40), vectors(40, seed=1)
    found = read(seen, heard, everywhere(40))
    for k in (-15, -3, 0, 8):
        pairs = [(n, n + k) for n in range(40) if 0 <= n + k < 40]
        want = np.mean([np.linalg.norm(seen[a] - heard[b]) for a, b in pairs])
        assert found.distances[k + REACH] == pytest.approx(want, abs=1e-9)
    assert found.confidence == pytest.approx(np.median(found.distances) - found.distances.min())


def test_each_frame_gets_the_distance_of_the_window_around_it() -> None:
    heard = vectors(30)
    seen = np.roll(heard, -2, 0)
    seen[:28][10] = -heard[12]  # one window speaks the opposite
    found = read(seen, heard, everywhere(30))
    assert found.offset == 2 and np.isnan(found.own[[0, 1, -1, -2, -3, -4]]).all()
    assert found.own[12] == pytest.approx(2) and found.own[2:30].max() == found.own[12]
    assert np.delete(found.own[2:30], 10) == pytest.approx(np.zeros(27), abs=1e-6)


def test_windows_with_a_frame_without_a_face_do_not_enter() -> None:
    heard = vectors(50)
    seen, valid = heard.copy(), everywhere(50)
    valid[20] = False
    seen[16:21] = -heard[16:21]
    assert read(seen, heard, valid).distance == pytest.approx(0, abs=1e-6)
    assert read(seen, heard, everywhere(50)).distance > 0.1
    nowhere = read(seen, heard, np.zeros(54, bool))
    assert np.isnan(nowhere.distances).all() and np.isnan(nowhere.own).all()


def test_the_judges_network_is_syncnets_as_avct_builds_it() -> None:
    """Two definitions, since metrics import nothing of avct's: one set of weights, the same vectors."""
    from avct.syncnet import SMALL, SyncNet

    torch.manual_seed(4)
    theirs, ours = SyncNet(SMALL), sync_judge.build_network().eval()
    for p in theirs.parameters():
        torch.nn.init.normal_(p, std=0.2)
    theirs.eval()
    ours.load_state_dict(theirs.state_dict())
    crops, rows = torch.rand(1, 11, 3, 64, 64), 10 * torch.randn(1, 11, 4, 13)
    with torch.inference_mode():
        torch.testing.assert_close(ours.see(crops[0]), theirs.see(crops)[0], atol=1e-6, rtol=0)
        torch.testing.assert_close(ours.hear(rows[0].flatten(0, 1)), theirs.hear(rows)[0], atol=1e-6, rtol=0)


def test_the_judge_looks_where_avcts_expert_looks() -> None:
    from avct import facepoints
    from avct.syncnet import SMALL, mouth_crops

    rng = np.random.default_rng(2)
    frames = rng.integers(0, 256, (9, 96, 96, 3)).astype(np.uint8)
    marks = np.tile(rng.uniform(40, 56, (68, 2)), (9, 1, 1)) + rng.normal(0, 0.5, (9, 68, 2))
    marks[:, 2], marks[:, 14] = marks[:, 2] - [30, 4], marks[:, 14] + [30, 4]
    pictures = torch.from_numpy(frames).permute(0, 3, 1, 2)[None].float() / 255
    want = mouth_crops(pictures, torch.from_numpy(facepoints.from_landmarks(marks, 96))[None], SMALL)[0]
    torch.testing.assert_close(sync_judge.mouth_crops(frames, marks), want, atol=2e-3, rtol=0)


def test_the_judge_hears_what_avct_hears() -> None:
    from avct.audio import features, frame_rows, lengthen

    sound = np.random.default_rng(3).normal(0.01, 0.05, 12_345).astype(np.float32)
    want = frame_rows(features(lengthen(sound, 19)), 19)[..., :13].reshape(-1, 13)
    assert sync_judge.cepstra(sound, 19)[:72] == pytest.approx(want[:72], abs=0.02)
    assert sync_judge.cepstra(sound[:0], 3).shape == (12, 13)
    assert np.isfinite(sync_judge.cepstra(np.zeros(6400, np.float32), 30)).all()


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    """True clips of people whom the judge never met, in both held-out voices, with exact landmarks as the backend's."""
    data = Puppets("test")
    takes = [data.take(*pair) for pair in (("test-004", "heldout-a-te05"), ("test-011", "heldout-b-te03"))]
    return [
        Clip(t.frames, samples=t.speech.samples, landmarks={"puppet68": t.landmarks.astype(np.float64)}) for t in takes
    ]


def test_true_clips_are_in_sync(clips: list[Clip]) -> None:
    for clip in clips:
        found = results(clip)
        assert abs(found["offset"].value) <= 1 and found["confidence"].value > 0.3
        assert found["distance"].per_frame.shape == (len(clip.frames),)
        assert np.nanmean(found["distance"].per_frame) == pytest.approx(found["distance"].value, abs=1e-6)


@pytest.mark.parametrize("late", [-6, 5, 10])
def test_sound_that_is_late_or_early_is_found_out(clips: list[Clip], late: int) -> None:
    for clip in clips:
        moved = np.roll(clip.samples, late * 640)
        assert abs(values(dataclasses.replace(clip, samples=moved))["offset"] - late) <= 1


def test_other_speech_silence_and_a_still_face_are_not_believed(clips: list[Clip]) -> None:
    first, second = clips
    sure = values(first)["confidence"]
    wrong = np.resize(second.samples, first.samples.shape)
    still = np.repeat(first.frames[:1], len(first.frames), 0)
    marks = {"puppet68": np.repeat(first.landmarks["puppet68"][:1], len(first.frames), 0)}
    for other in (
        dataclasses.replace(first, samples=wrong),
        dataclasses.replace(first, samples=np.zeros_like(first.samples)),
        dataclasses.replace(first, frames=still, landmarks=marks),
    ):
        assert values(other)["confidence"] < 0.6 * sure


def test_blur_does_not_break_the_reading(clips: list[Clip]) -> None:
    """Generated mouths are softer than true ones: a judge that read softness as silence would misjudge them."""
    clip = clips[0]
    small = clip.frames.reshape(len(clip.frames), 128, 2, 128, 2, 3).mean((2, 4))
    soft = np.repeat(np.repeat(small, 2, 1), 2, 2).astype(np.uint8)
    found = values(dataclasses.replace(clip, frames=soft))
    assert abs(found["offset"]) <= 1 and found["confidence"] > 0.7 * values(clip)["confidence"]


def test_where_there_is_no_value_the_reason_is_said(clips: list[Clip]) -> None:
    clip = clips[0]
    for frames, known in ((24, False), (25, True)):
        cut = {"puppet68": clip.landmarks["puppet68"][:frames]}
        for result in results(dataclasses.replace(clip, frames=clip.frames[:frames], landmarks=cut)).values():
            assert (result.value is not None) == known
            assert known or result.reason == "24 frames, expected at least 25"
    points = clip.landmarks["puppet68"].copy()
    points[::4] = np.nan
    gone = results(dataclasses.replace(clip, landmarks={"puppet68": points}))["offset"]
    assert gone.value is None and gone.reason.startswith("a face was found in ")
    points = clip.landmarks["puppet68"].copy()
    points[10:13] = np.nan
    some = results(dataclasses.replace(clip, landmarks={"puppet68": points}))["confidence"]
    assert some.value is not None and some.coverage < 1
    flat = {"puppet68": np.zeros_like(points)}
    none = results(dataclasses.replace(clip, landmarks=flat))["distance"]
    assert none.value is None and none.reason == "a face of no width has no mouth to look at"


def test_sound_may_be_shorter_or_longer_than_the_frames(clips: list[Clip]) -> None:
    clip = clips[0]
    want = values(clip)
    longer = np.concatenate([clip.samples, np.zeros(8000, np.float32)])
    assert values(dataclasses.replace(clip, samples=longer))["confidence"] == pytest.approx(
        want["confidence"], abs=0.02
    )
    shorter = results(dataclasses.replace(clip, samples=clip.samples[:-6400]))
    assert all(result.value is not None for result in shorter.values())


def test_the_card_states_what_was_measured_on_strangers() -> None:
    card = json.loads(Path(locate("puppet_sync")).with_suffix(".json").read_text())
    told = card["held_out_identities_sentences_and_voices"]
    assert told["clips"] >= 56 and told["within_1"] >= 0.98 and told["shifted_within_1"] >= 0.98
    assert told["confidence_synced"] > 2 * told["confidence_wrong"] > told["confidence_silence"]


def test_another_file_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVCT_BENCH_WEIGHTS", str(tmp_path))
    (tmp_path / "puppet_sync.safetensors").write_bytes(b"another judge")
    with pytest.raises(MetricError, match=r"expected the sha256 that weights\.toml states for puppet_sync"):
        sync_judge.load.__wrapped__()


def test_without_its_file_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path))
    with pytest.raises(MissingWeights, match="ship with the package: install avct-bench again"):
        sync_judge.load.__wrapped__()
