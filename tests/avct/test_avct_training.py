"""Training of the landmark configuration: every stage learns, pairs and windows are what they say."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_avct_landmark import tiny
from toy_shards import SIDE, nothing, write_shards

from avct import facepoints
from avct.composite import CompositeGenerator
from avct.errors import AvctError
from avct.keypoints import KeypointDetector
from avct.phonemes import SIL
from avct.shards import Shards
from avct.training.detector import DetectorRecipe, train_detector
from avct.training.loop import Loop
from avct.training.pairs import MIRROR_68, PairSampler
from avct.training.recipe import read
from avct.training.renderer import RendererRecipe, roughness, train_renderer
from avct.training.speech import SpeechRecipe, WindowSampler, gather, predict, train_speech
from avct.vector_tokens import VectorTokenTransformer


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return write_shards(tmp_path_factory.mktemp("shards"))


def test_shards_hold_what_was_put_in(shards: Shards, tmp_path: Path) -> None:
    assert len(shards) == 5
    clip = shards[1]
    assert clip.frames.shape == (20, SIDE, SIDE, 3) and clip.identity == "who1" and clip.spoken
    assert shards[4].frames is None
    with pytest.raises(AvctError, match=r"index\.json"):
        Shards(tmp_path)


def test_pairs_stay_true_to_their_landmarks(shards: Shards) -> None:
    """After mirroring, turning and resizing, the mouth is still where its landmarks say."""
    pair = PairSampler(shards).draw(np.random.default_rng(3), 12, noise=0.0)
    half = (SIDE - 1) / 2
    for image, lips in zip(pair.target, pair.lips, strict=True):
        x, y = np.rint(lips.mean(0)).astype(int)
        if not (2 < x < SIDE - 3 and 2 < y < SIDE - 3):
            continue
        red = image[0] - image[1] - 0.5 * image[2]
        centre = float(red[y - 1 : y + 2, x - 1 : x + 2].mean())
        assert centre > float(red.mean()), "the mouth is not at its landmarks"
    gap = (pair.kp_target[:, 5] - pair.kp_target[:, 4])[:, 1] * half
    wanted = pair.lips[:, 6, 1] - pair.lips[:, 2, 1]
    np.testing.assert_allclose(gap.numpy(), wanted, atol=1e-3)
    assert sorted(MIRROR_68) == list(range(68)) and (MIRROR_68[MIRROR_68] == np.arange(68)).all()


def _mean(loop: Loop, name: str, part: slice) -> float:
    return float(np.mean([row[name] for row in loop.history[part]]))


def test_detector_learns_where_landmarks_are(shards: Shards) -> None:
    torch.manual_seed(0)
    config = replace(tiny().detector, expansion=8, max_features=16)
    loop = train_detector(KeypointDetector(config), shards, DetectorRecipe(steps=150, batch=4), log=nothing)
    assert loop.history[-1]["points"] < 0.5 * loop.history[0]["points"]


def test_renderer_learns_to_warp_and_to_paint(shards: Shards) -> None:
    torch.manual_seed(0)
    model = CompositeGenerator(tiny().generator)
    loop = train_renderer(model, shards, RendererRecipe(steps=150, batch=4), log=nothing)
    first, last = loop.history[0], loop.history[-1]
    assert last["total"] < 0.75 * first["total"]
    assert last["mask"] < 0.6 * first["mask"]
    moved = [n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0]
    assert len(moved) == len(list(model.parameters()))  # every part of the network is trained


def test_polish_makes_pictures_as_rough_as_the_truth(shards: Shards) -> None:
    torch.manual_seed(0)
    model = CompositeGenerator(tiny().generator)
    train_renderer(model, shards, RendererRecipe(steps=50, batch=4), log=nothing)
    polish = read("puppet256").stages["polish"]
    loop = train_renderer(model, shards, replace(polish, steps=150, batch=4, rate=1e-3), log=nothing)
    assert loop.history[-1]["texture"] < 0.9 * loop.history[0]["texture"]


def test_roughness_is_the_root_of_the_gradient_energy_and_blur_lowers_it() -> None:
    x = torch.zeros(1, 3, 16, 16)
    x[..., ::2] = 0.5  # columns that alternate: every step to the right is 0.5, none downwards
    assert torch.allclose(roughness(x), torch.full((1, 1, 2, 2), 0.5), atol=1e-4)
    blurred = torch.nn.functional.avg_pool2d(x, 3, 1, 1)
    assert (roughness(blurred) < 0.7 * roughness(x)).all()


def test_pairs_that_are_not_bent_keep_their_pixels(shards: Shards) -> None:
    sampler = PairSampler(shards)
    rng = np.random.default_rng
    own = max(len(np.unique(shards[i].frames[t][..., 0])) for i, t in itertools.chain(*sampler.groups.values()))

    def levels(bent: float) -> list[int]:
        """How many values the red channel of each target has: resampling makes new ones between the old."""
        targets = sampler.draw(rng(0), 8, noise=0.0, bent=bent).target[:, 0]
        return [len(torch.unique((x * 2000).round())) for x in targets]

    assert max(levels(0.0)) <= own < min(levels(1.0))
    assert sorted(n <= own for n in levels(0.5))[::7] == [False, True]  # some are, some are not


def test_speech_learns_what_is_said(shards: Shards) -> None:
    torch.manual_seed(0)
    clips = gather(shards, None)
    assert len(clips) == 5
    model = VectorTokenTransformer(tiny().speech)
    recipe = SpeechRecipe(steps=300, sequences=4, sequence=8, rate=3e-3)
    loop = train_speech(model, clips, recipe, log=nothing)
    assert loop.history[-1]["lips"] < 0.8 * loop.history[0]["lips"]
    batch = WindowSampler(clips, model.config.half_window, recipe).draw(np.random.default_rng(1))
    with torch.no_grad():
        found = predict(model, batch)
    assert found.shape == batch["kp"].shape == (4, 8, 17, 2)


def test_speech_targets_can_come_from_a_detector(shards: Shards, tmp_path: Path) -> None:
    given = gather(Shards(shards.folder), lambda frames: np.zeros((len(frames), 17, 2), np.float32), ("who1",))
    assert len(given) == 1 and not given[0].kp.any()
    with pytest.raises(AvctError, match="no frames for the detector"):
        gather(shards, lambda frames: np.zeros((len(frames), 17, 2), np.float32))
    with pytest.raises(AvctError, match="no clip"):
        gather(shards, None, ("nobody",))


def test_sequences_outside_a_clip_are_silence(shards: Shards) -> None:
    clips = gather(shards, None)
    recipe = SpeechRecipe(sequences=32, sequence=24, deaf=0.0, silent=0.0)
    batch = WindowSampler(clips, 5, recipe).draw(np.random.default_rng(0))
    outside = (batch["audio"] == 0).all(-1).all(-1)
    assert outside.any() and (batch["ph"][outside] == SIL).all()
    assert batch["kp"].shape[2] == facepoints.KEYPOINTS
