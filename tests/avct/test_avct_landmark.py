"""The `landmark` configuration: keypoints, composite generator, vector tokens, checkpoints, inference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from avct import checkpoint, facepoints
from avct.composite import CompositeConfig, CompositeGenerator, mouth_window
from avct.config import DetectorConfig, MotionConfig, TransformerConfig
from avct.errors import AvctError, MissingWeights
from avct.geometry import Keypoints
from avct.inference import FRONTAL, Score, find_keypoints, perform, speech_keypoints
from avct.model import LandmarkConfig, LandmarkModel, build
from avct.phonemes import SIL
from avct.vector_tokens import VectorTokensConfig, pose_numbers, standardise
from avct.weights_path import SHIPPED

SIDE = 64


def tiny() -> LandmarkConfig:
    return LandmarkConfig(
        image_size=SIDE,
        detector=DetectorConfig(
            keypoints=17, expansion=4, max_features=8, blocks=2, shrink=2, pad=3, jacobian=False, temperature=0.1
        ),
        generator=CompositeConfig(
            expansion=4,
            bottleneck_blocks=1,
            window=32,
            motion=MotionConfig(expansion=4, max_features=8, blocks=2, shrink=4, variance=0.01, jacobian=False),
        ),
        speech=VectorTokensConfig(
            embedding=8,
            transformer=TransformerConfig(width=16, heads=2, encoder_layers=1, decoder_layers=1, feedforward=16),
        ),
    )


@pytest.fixture(scope="module")
def model() -> LandmarkModel:
    torch.manual_seed(0)
    return LandmarkModel(tiny()).eval()


def score(frames: int = 7, **changes) -> Score:
    rng = np.random.default_rng(0)
    poses = np.repeat(FRONTAL[None], frames, 0) + rng.normal(0, 0.02, (frames, 6)).astype(np.float32)
    given = {
        "image": rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8),
        "phonemes": rng.integers(0, 41, frames),
        "audio": rng.normal(0, 2, (frames, 4, 41)),
        "poses": poses.astype(np.float32),
        "portrait_pose": FRONTAL,
    }
    return Score(**{**given, **changes})


def face() -> np.ndarray:
    """68 landmarks of a plain face in a 256x256 picture."""
    rng = np.random.default_rng(1)
    p = rng.uniform(80, 180, (68, 2))
    p[:17, 0] = np.linspace(70, 190, 17)
    return p


def test_keypoints_follow_landmarks_to_the_pixel() -> None:
    p = face()
    k = facepoints.from_landmarks(p, 256)
    assert k.shape == (17, 2)
    np.testing.assert_allclose((k[4] + 1) * 255 / 2, p[62], atol=1e-4)
    np.testing.assert_allclose((k[13] + 1) * 255 / 2, p[36:42].mean(0), atol=1e-4)


def test_mirror_of_keypoints_agrees_with_mirror_of_landmarks() -> None:
    from avct.training.pairs import MIRROR_68

    p = face()
    flipped = p.copy()
    flipped[:, 0] = 255 - p[:, 0]
    mirrored = facepoints.from_landmarks(flipped[MIRROR_68], 256)
    own = facepoints.from_landmarks(p, 256)[list(facepoints.MIRROR)] * [-1, 1]
    # brows are single landmarks, everything else must agree exactly
    np.testing.assert_allclose(mirrored, own, atol=1e-5)


def test_polygon_cover_is_the_polygon() -> None:
    square = np.array([[[10, 10], [30, 10], [30, 20], [10, 20]]], float)
    mask = facepoints.polygon_cover(square, 40, grow=0.0, soft=1.0)[0]
    assert mask[15, 20] == 1 and mask[5, 20] == 0 and mask[15, 35] == 0
    assert abs(mask.sum() - 200) < 8
    assert facepoints.polygon_cover(square, 40, grow=2.0, soft=1.0)[0][8, 20] > 0.4


def test_dropped_jaw_opens_the_lips_along_the_face() -> None:
    value = np.repeat(facepoints.from_landmarks(face(), 256)[None], 2, 0)
    moved = facepoints.drop_jaw(value, np.array([0.0, 0.1]))
    np.testing.assert_array_equal(moved[0], value[0])
    before = np.linalg.norm(value[1, 5] - value[1, 4])
    step = moved[1] - value[1]
    assert np.linalg.norm(step[5]) > 10 * np.linalg.norm(step[4]) > 0
    assert np.all(step[[11, 12, 13, 14]] == 0)
    assert before >= 0


def test_unmoved_keypoints_give_back_the_portrait() -> None:
    """Zero motion is the identity to the bit before painting: the sharpness of the composite rests on it."""
    torch.manual_seed(0)
    net = CompositeGenerator(tiny().generator).eval()
    image = torch.rand(1, 3, SIDE, SIDE)
    kp = Keypoints(torch.rand(1, 17, 2) - 0.5)
    out = net(image, kp, kp)
    torch.testing.assert_close(out.warped, image, atol=1e-5, rtol=0)
    assert float((out.prediction - image).detach().abs().mean()) < 0.1


def test_painting_stays_inside_the_mouth_window() -> None:
    torch.manual_seed(0)
    net = CompositeGenerator(tiny().generator).eval()
    image = torch.rand(1, 3, SIDE, SIDE)
    kp = Keypoints(torch.zeros(1, 17, 2))
    out = net(image, kp, kp)
    base = out.warped + (out.fill - out.warped) * out.fill_mask
    changed = (out.prediction - base).abs().sum(1)[0] > 1e-6
    x, y = out.corners[0].tolist()
    inside = torch.zeros_like(changed)
    inside[y : y + 32, x : x + 32] = True
    assert changed.any() and not (changed & ~inside).any()
    border = torch.zeros_like(changed)
    border[y, x : x + 32] = True
    assert not (changed & border).any()  # the mask ends before the window does


def test_mouth_window_keeps_within_the_frame() -> None:
    far = torch.full((2, 17, 2), 1.5)
    far[1] = -2
    corners = mouth_window(far, SIDE, 32)
    assert corners.tolist() == [[32, 32], [0, 0]]


def test_pose_numbers_ignore_the_size_of_the_person() -> None:
    near = np.array([[0.1, 0.2, 0.0, 10, 20, 300]], np.float32)
    twice = near * [1, 1, 1, 2, 2, 2]
    a, b = pose_numbers(near), pose_numbers(twice)
    np.testing.assert_allclose(a[:, :5], b[:, :5], rtol=1e-6)
    assert b[0, 5] > a[0, 5]
    with pytest.raises(AvctError, match="Tz > 0"):
        pose_numbers(near * [1, 1, 1, 1, 1, -1])


def test_standardised_sound_forgets_timbre_but_not_silence() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(0, 3, (20, 4, 41))
    rows[..., 0] = -3 + rng.normal(0, 1, (20, 4))
    rows[..., 39], rows[..., 40] = 120 * np.exp(rng.normal(0, 0.1, (20, 4))), 1
    other = rows.copy()
    other[..., 1:39] += rng.normal(0, 2, 38)  # another microphone
    other[..., 39] *= 1.7  # another voice
    np.testing.assert_allclose(standardise(rows), standardise(other), atol=0.35)
    quiet = rows.copy()
    quiet[..., 0] = -36
    assert standardise(quiet)[..., 0].mean() < standardise(rows)[..., 0].mean() - 1
    with pytest.raises(AvctError, match="audio rows"):
        standardise(rows[:, :2])


def test_frames_do_not_depend_on_the_batch(model: LandmarkModel) -> None:
    told = score(7)
    whole = np.concatenate(list(perform(model, told, batch=7)))
    parts = list(perform(model, told, batch=3))
    assert [len(p) for p in parts] == [3, 3, 1]
    assert whole.shape == (7, SIDE, SIDE, 3) and whole.dtype == np.uint8
    assert np.abs(whole.astype(int) - np.concatenate(parts)).max() <= 1


def test_windows_are_those_of_a_plain_loop(model: LandmarkModel) -> None:
    """Tokens computed once a frame give the keypoints of eleven-frame windows built one by one."""
    told = score(6)
    _, moved = speech_keypoints(model, told)
    net, half = model.speech, model.speech.config.half_window
    with torch.inference_mode():
        source = model.kp_detector(torch.from_numpy(told.image).permute(2, 0, 1)[None].float() / 255).keypoints.value
        rest = torch.from_numpy(pose_numbers(told.portrait_pose[None]))
        start = torch.from_numpy(facepoints.close_mouth(source.numpy()))  # an untrained mouth gapes
        face_ = net.face_numbers(start, rest)
        audio, pose = standardise(told.audio), pose_numbers(told.poses)
        found = []
        for t in range(6):
            said, heard = [], []
            for k in range(t - half, t + half + 1):
                inside = 0 <= k < 6
                ph = torch.tensor([int(told.phonemes[k]) if inside else SIL])
                said.append(net.encoder_tokens(ph, torch.from_numpy(pose[np.clip(k, 0, 5)][None])))
                sound = audio[k][None] if inside else np.zeros((1, 4, 41), np.float32)
                heard.append(net.decoder_tokens(torch.from_numpy(sound), face_))
            found.append(net.decode(torch.cat(said)[None], torch.cat(heard)[None]).value)
        still = net.encoder_tokens(torch.full((11,), SIL), rest.expand(11, -1))
        hush = net.decoder_tokens(torch.zeros(11, 4, 41), face_)
        base = net.decode(still[None], hush[None]).value
    width = lambda v: (v[:, 10] - v[:, 9]).norm(dim=-1)  # noqa: E731
    wanted = start + (torch.cat(found) - base) * (width(source) / width(base))[:, None, None]
    torch.testing.assert_close(moved.value, wanted, atol=2e-5, rtol=1e-4)


def test_given_landmarks_replace_the_detector(model: LandmarkModel) -> None:
    marks = np.clip(face() / 4, 1, SIDE - 2)
    source, _ = speech_keypoints(model, score(3, landmarks=marks))
    np.testing.assert_allclose(source.value[0].numpy(), facepoints.from_landmarks(marks, SIDE), atol=1e-6)
    assert find_keypoints(model, score(3).image[None]).shape == (1, 17, 2)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"image": np.zeros((SIDE, SIDE), np.uint8)}, "square uint8 image"),
        ({"image": np.zeros((SIDE, SIDE, 3), np.float32)}, "square uint8 image"),
        ({"phonemes": np.empty(0, int)}, "at least one frame"),
        ({"audio": np.zeros((5, 4, 41))}, "audio rows"),
        ({"poses": np.zeros((3, 6), np.float32)}, "head poses"),
    ],
)
def test_wrong_scores_are_refused(changes: dict, says: str) -> None:
    with pytest.raises(AvctError, match=says):
        score(7, **changes)


def test_wrong_size_precision_and_batch_are_refused(model: LandmarkModel) -> None:
    with pytest.raises(AvctError, match="64x64"):
        next(perform(model, score(3, image=np.zeros((32, 32, 3), np.uint8))))
    with pytest.raises(AvctError, match="float32"):
        next(perform(model, score(3), precision="float16"))
    with pytest.raises(AvctError, match="batch"):
        next(perform(model, score(3), batch=0))


def test_checkpoint_round_trip_and_damage(model: LandmarkModel, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    checkpoint.save(path, model, {"seed": 1})
    again = checkpoint.load(path)
    assert again.config == model.config
    for key, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[key], value, rtol=0, atol=0)
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["configuration"] == "landmark" and card["seed"] == 1
    path.write_bytes(path.read_bytes()[:-4] + b"\0\1\2\3")
    with pytest.raises(AvctError, match="sha256"):
        checkpoint.load(path)
    card["configuration"] = "other"
    path.with_suffix(".json").write_text("{")
    with pytest.raises(AvctError, match="JSON"):
        checkpoint.load(path)
    with pytest.raises(MissingWeights, match="not there"):
        checkpoint.load(tmp_path / "gone.safetensors")


def test_named_configurations_refuse_what_does_not_fit() -> None:
    with pytest.raises(AvctError, match="did you mean 'generator'"):
        build("landmark", {"genrator": {}})
    with pytest.raises(AvctError, match="'faithful' or 'landmark'"):
        build("paper")
    with pytest.raises(AvctError, match="keypoints must agree"):
        LandmarkConfig(speech=VectorTokensConfig(keypoints=5))
    with pytest.raises(AvctError, match="multiple of 8"):
        CompositeConfig(window=30)


def test_a_checkpoint_may_leave_out_what_is_the_shipped_one_s(tmp_path: Path) -> None:
    shipped = checkpoint.load()
    path = tmp_path / "part.safetensors"
    with torch.no_grad():
        shipped.generator.fine.bias += 0.5
    checkpoint.save(path, shipped, {}, only=["generator"])
    assert path.stat().st_size < SHIPPED.stat().st_size / 2
    again = checkpoint.load(path)
    assert all(
        torch.equal(a, b) for a, b in zip(shipped.state_dict().values(), again.state_dict().values(), strict=True)
    )
    with torch.no_grad():
        shipped.speech.kp.bias += 0.5
    with pytest.raises(AvctError, match=r"speech\.kp\.bias: expected the weights of puppet256"):
        checkpoint.save(path, shipped, {}, only=["generator"])
    card = path.with_suffix(".json")
    held = json.loads(card.read_text())
    held["rest"]["sha256"] = "0" * 64
    card.write_text(json.dumps(held))
    with pytest.raises(AvctError, match="expected its other parts in puppet256"):
        checkpoint.load(path)


def test_the_lite_checkpoint_hears_as_the_shipped_one_does() -> None:
    lite, shipped = checkpoint.load(SHIPPED.with_name("lite256.safetensors")), checkpoint.load()
    for part in ("kp_detector", "speech", "audio2pose"):
        ours, theirs = getattr(lite, part).state_dict(), getattr(shipped, part).state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    sizes = [sum(p.numel() for p in model.generator.parameters()) for model in (lite, shipped)]
    assert sizes[0] < 0.85 * sizes[1]
