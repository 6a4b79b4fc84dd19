"""The audio-visual correlation transformer: tokens, windows, positions."""

from __future__ import annotations

from dataclasses import replace
from math import cos, sin

import pytest
import torch
from tiny_networks import AUDIO2KP, KEYPOINTS, noise, seeded, unmoved_parameters

from avct.audio2kp import Audio2kpTransformer
from avct.errors import AvctError
from avct.transformer import PositionTable

W = AUDIO2KP.window


def inputs(batch: int) -> tuple[torch.Tensor, ...]:
    ph = torch.randint(0, 41, (batch, W), generator=torch.Generator().manual_seed(3))
    pose = (noise(batch, W, 64, 64, seed=4) > 0.9).to(torch.uint8) * 255
    return ph, pose, noise(batch, W, 4, 41, seed=5), noise(batch, AUDIO2KP.map_channels, 32, 32, seed=6)


def test_forward_composes_tokens_and_decoding() -> None:
    network, (ph, pose, audio, face) = seeded(Audio2kpTransformer(AUDIO2KP)), inputs(2)
    whole = network(ph, pose, audio, face)
    assert whole.value.shape == (2, KEYPOINTS, 2) and whole.jacobian.shape == (2, KEYPOINTS, 2, 2)
    for k in range(2):
        # One frame at a time: a token must not depend on its neighbours.
        said = torch.cat([network.encoder_tokens(ph[k, i : i + 1], pose[k, i : i + 1]) for i in range(W)])
        heard = torch.cat([network.decoder_tokens(audio[k, i : i + 1], face[k : k + 1]) for i in range(W)])
        alone = network.decode(said[None], heard[None])
        assert torch.allclose(alone.value[0], whole.value[k], atol=1e-5)
        assert torch.allclose(alone.jacobian[0], whole.jacobian[k], atol=1e-5)


def test_every_input_of_every_frame_matters() -> None:
    network, held = seeded(Audio2kpTransformer(AUDIO2KP)), inputs(1)
    before = network(*held).value
    for place in range(W):
        for k in range(3):
            changed = [x.clone() for x in held]
            changed[k][0, place] = (changed[k][0, place] + 7) % 41 if k == 0 else 255 - changed[k][0, place]
            assert (network(*changed).value - before).abs().max() > 1e-6, (place, k)
    assert (network(*held[:3], held[3].flip(-1)).value - before).abs().max() > 1e-6


def test_order_in_time_matters() -> None:
    network, (ph, pose, audio, face) = seeded(Audio2kpTransformer(AUDIO2KP)), inputs(1)
    before = network(ph, pose, audio, face).value
    # The centre stays in the middle: only its neighbours change places.
    assert (network(ph.flip(1), pose.flip(1), audio.flip(1), face).value - before).abs().max() > 1e-6


def test_an_encoder_token_by_hand() -> None:
    network, (ph, pose, _, _) = seeded(Audio2kpTransformer(AUDIO2KP)), inputs(1)
    phoneme = network.embedding.weight[ph[0]].reshape(W, 1, 4, 4).repeat_interleave(8, -1).repeat_interleave(8, -2)
    # The pose stands before the phoneme, in units of 0 to 255.
    picture = torch.cat([network.down_pose(pose[0, :, None].float()), phoneme], 1)
    assert picture[:, 0].max() > 10
    assert torch.allclose(network.feature_extract(picture).flatten(1), network.encoder_tokens(ph[0], pose[0]))


def test_decoding_by_hand() -> None:
    network = seeded(Audio2kpTransformer(AUDIO2KP))
    said, heard = noise(2, W, 16, seed=7), noise(2, W, 16, seed=8)
    places = network.pos_enc.pos_table[0, :W, None]
    # Positions enter both sides once; the decoder starts from what is heard.
    memory = network.transformer.encoder(said.transpose(0, 1) + places)
    stack = network.transformer.decoder(heard.transpose(0, 1) + places, memory)
    assert stack.shape == (2, W, 2, 16)
    found = network.decode(said, heard)
    assert torch.allclose(found.value.flatten(1), network.kp(stack[-1, W // 2]), atol=1e-6)
    assert torch.allclose(found.jacobian.flatten(1), network.jacobian(stack[-1, W // 2]), atol=1e-6)


def test_pose_rasters_are_not_scaled() -> None:
    network, (ph, pose, _, _) = seeded(Audio2kpTransformer(AUDIO2KP)), inputs(1)
    tokens = network.encoder_tokens(ph[0], pose[0])
    assert torch.equal(tokens, network.encoder_tokens(ph[0], pose[0].float()))
    assert not torch.allclose(tokens, network.encoder_tokens(ph[0], pose[0].float() / 255))


def test_no_jacobian_head() -> None:
    network = seeded(Audio2kpTransformer(replace(AUDIO2KP, jacobian=False)))
    assert network(*inputs(1)).jacobian is None


def test_gradient_reaches_every_parameter() -> None:
    network = seeded(Audio2kpTransformer(AUDIO2KP))
    found = network(*inputs(4))
    assert unmoved_parameters(network, (found.value**2).sum() + (found.jacobian**3).sum()) == []


@pytest.mark.parametrize("width", [16, 512])
def test_position_table(width: int) -> None:
    table = PositionTable(20, width)
    assert table.pos_table.shape == (1, 20, width) and table(11).shape == (11, 1, width)
    for place in (0, 1, 7, 19):
        for column in (0, 1, 2, 5, width - 2, width - 1):
            angle = place / 10000 ** (2 * (column // 2) / width)
            wanted = cos(angle) if column % 2 else sin(angle)
            assert table.pos_table[0, place, column] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("place", "name"), list(enumerate(("ph", "pose", "audio", "feature_map"))))
def test_wrong_shapes_are_named(place: int, name: str) -> None:
    held = list(inputs(2))
    held[place] = held[place][:, :-1]
    with pytest.raises(AvctError, match=rf"^{name} must be of shape"):
        Audio2kpTransformer(AUDIO2KP)(*held)
