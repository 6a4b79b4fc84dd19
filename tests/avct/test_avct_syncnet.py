"""The sync expert's networks against SyncNet's published layers, its windows, and what its crop rule promises."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from avct import facepoints
from avct.errors import AvctError
from avct.syncnet import SMALL, SyncConfig, SyncNet, mouth_crops

TINY = SyncConfig(image=52, face=(4, 4, 4, 4, 4, 8), audio=(4, 4, 4, 4, 4, 8), hidden=8, embedding=6)


def published() -> ModuleType:
    """The module of package syncnet-python alone: the whole package takes seconds to import."""
    package = importlib.util.find_spec("syncnet_python")
    if package is None or not package.submodule_search_locations:
        pytest.skip("syncnet-python is not installed")
    path = Path(package.submodule_search_locations[0]) / "SyncNetModel.py"
    spec = importlib.util.spec_from_file_location("published_syncnet", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_full_size_is_the_published_network() -> None:
    """Same keys, same shapes, same answers as the network of package syncnet-python with the same weights."""
    torch.manual_seed(0)
    theirs, ours = published().S(num_layers_in_fc_layers=1024).eval(), SyncNet().eval()
    layout = {k: (tuple(v.shape), v.dtype) for k, v in theirs.state_dict().items()}
    assert {k: (tuple(v.shape), v.dtype) for k, v in ours.state_dict().items()} == layout
    ours.load_state_dict(theirs.state_dict())
    crops, rows = torch.rand(1, 5, 3, 224, 224), torch.randn(1, 5, 4, 13)
    with torch.inference_mode():
        seen, heard = ours(crops, rows)
        want_seen = theirs.forward_lip(crops.transpose(1, 2))
        want_heard = theirs.forward_aud(rows.flatten(1, 2).transpose(1, 2)[:, None])
    torch.testing.assert_close(seen[:, 0], F.normalize(want_seen), atol=1e-6, rtol=0)
    torch.testing.assert_close(heard[:, 0], F.normalize(want_heard), atol=1e-6, rtol=0)


def test_full_size_has_the_published_number_of_weights() -> None:
    assert sum(p.numel() for p in SyncNet().parameters()) == 13_631_616


@pytest.mark.parametrize("image", [51, 52, 64, 96, 224])
def test_the_last_convolution_covers_what_is_left(image: int) -> None:
    network = SyncNet(SyncConfig(**{**TINY.__dict__, "image": image})).eval()
    seen, heard = network(torch.rand(2, 7, 3, image, image), torch.randn(2, 7, 4, 41))
    assert seen.shape == heard.shape == (2, 3, 6)
    torch.testing.assert_close(seen.norm(dim=-1), torch.ones(2, 3))


def test_a_window_is_five_frames_and_their_sound() -> None:
    torch.manual_seed(1)
    network = SyncNet(TINY).eval()
    crops, rows = torch.rand(1, 12, 3, 52, 52), torch.randn(1, 12, 4, 13)
    seen, heard = network(crops, rows)
    for frame, touched in ((0, [0]), (6, [2, 3, 4, 5, 6]), (11, [7])):
        other_crops, other_rows = crops.clone(), rows.clone()
        other_crops[:, frame], other_rows[:, frame] = torch.rand(3, 52, 52), torch.randn(4, 13)
        for before, after in ((seen, network.see(other_crops)), (heard, network.hear(other_rows))):
            moved = (before - after).abs().amax(-1)[0] > 1e-6
            assert moved.nonzero().flatten().tolist() == touched
    alone = network.see(crops[:, 4:9])
    torch.testing.assert_close(alone[:, 0], seen[:, 4], atol=1e-5, rtol=0)


def test_only_cepstra_are_heard() -> None:
    network = SyncNet(TINY).eval()
    rows = torch.randn(1, 6, 4, 41)
    other = rows.clone()
    other[..., 13:] = 7.0
    assert torch.equal(network.hear(rows), network.hear(other))


def test_rectified_vectors_have_cosines_from_0_to_1() -> None:
    network = SyncNet(SyncConfig(**{**TINY.__dict__, "rectified": True})).eval()
    seen, heard = network(torch.rand(3, 9, 3, 52, 52), torch.randn(3, 9, 4, 13))
    cosine = seen.flatten(0, 1) @ heard.flatten(0, 1).T
    assert cosine.min() >= 0 and cosine.max() <= 1 + 1e-6


def test_levelled_crops_do_not_say_how_light_it_is() -> None:
    network = SyncNet(SyncConfig(**{**TINY.__dict__, "level": True})).eval()
    crops = torch.rand(1, 6, 3, 52, 52)
    torch.testing.assert_close(network.see(crops * 0.5 + 0.2), network.see(crops), atol=0.05, rtol=0)
    assert torch.isfinite(network.see(torch.zeros(1, 6, 3, 52, 52))).all()


def face(size: int, *, centre: tuple[float, float], scale: float, angle: float = 0.0, drop: float = 0.0) -> tuple:
    """A smooth picture (1, 1, 3, S, S) with spots at the mouth's corners and lip, and its keypoints (1, 1, 17, 2)."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    marks = np.zeros((68, 2))
    marks[[48, 54]], marks[[2, 14]] = [[-18, 0], [18, 0]], [[-50, -10], [50, -10]]
    marks[[57, 66, 8]] = [[0, 12 + drop], [0, 5 + drop], [0, 40 + drop]]
    marks = marks * scale @ turn.T + centre
    y, x = np.mgrid[:size, :size]
    picture = np.zeros((3, size, size))
    for channel, point in enumerate((48, 54, 57)):
        r = np.hypot(x - marks[point, 0], y - marks[point, 1]) / (6 * scale)
        picture[channel] = np.exp(-(r**2))
    kp = facepoints.from_landmarks(marks, size)
    return torch.from_numpy(picture).float()[None, None], torch.from_numpy(kp)[None, None]


def test_the_crop_follows_the_face() -> None:
    """Elsewhere, larger, turned, in a picture of another size: the crop stays what it was."""
    frames, kp = face(256, centre=(128, 150), scale=1.0)
    want = mouth_crops(frames, kp, SMALL)
    assert want.shape == (1, 1, 3, 64, 64)
    for size, how in (
        (256, {"centre": (100, 120), "scale": 1.0}),
        (256, {"centre": (128, 150), "scale": 1.25}),
        (256, {"centre": (128, 150), "scale": 1.0, "angle": 0.3}),
        (200, {"centre": (110, 95), "scale": 0.8, "angle": -0.2}),
    ):
        got = mouth_crops(*face(size, **how), SMALL)
        assert (got - want).abs().max() < 0.05, how
    # corners at their places: 36 of the crop's 75 pixels apart, 6 pixels above its middle
    spots = [divmod(int(want[0, 0, c].argmax()), 64) for c in range(2)]
    assert np.allclose(spots, [(26.4, 16.1), (26.4, 46.9)], atol=0.8)


def test_the_crop_does_not_follow_the_jaw() -> None:
    shut, opened = (face(256, centre=(128, 150), scale=1.0, drop=d) for d in (0.0, 8.0))
    want, got = mouth_crops(*shut, SMALL), mouth_crops(*opened, SMALL)
    torch.testing.assert_close(got[:, :, :2], want[:, :, :2])
    rows = [int(x[0, 0, 2].amax(1).argmax()) for x in (want, got)]
    assert rows[1] - rows[0] == pytest.approx(8 * 64 / 75, abs=1)


def test_one_frames_jitter_shakes_the_crop_by_a_fifth() -> None:
    frames, kp = (x.expand(-1, 9, *x.shape[2:]).clone() for x in face(256, centre=(128, 150), scale=1.0))
    still = mouth_crops(frames, kp, SMALL)
    kp[:, 4, :, 0] += 10 / 127.5
    moved = (mouth_crops(frames, kp, SMALL) - still).abs().amax((0, 2, 3, 4))
    assert (moved[2:7] > 1e-3).all() and (moved[[0, 1, 7, 8]] < 1e-5).all()
    columns = [int(x[0, 4, 0].amax(0).argmax()) for x in (still, mouth_crops(frames, kp, SMALL))]
    assert columns[0] - columns[1] == pytest.approx(2 * 64 / 75, abs=1)


def test_gradients_reach_the_frames_and_not_the_keypoints() -> None:
    frames, kp = face(128, centre=(64, 75), scale=0.5)
    frames.requires_grad_(True)
    kp.requires_grad_(True)
    mouth_crops(frames, kp, SMALL).square().sum().backward()
    assert frames.grad is not None and frames.grad.abs().sum() > 0 and kp.grad is None


def test_a_disturbed_crop_is_moved_zoomed_and_mirrored() -> None:
    frames, kp = face(256, centre=(128, 150), scale=1.0)
    plain = mouth_crops(frames, kp, SMALL)
    mirror = mouth_crops(frames, kp, SMALL, disturb=torch.tensor([0, 0, 0, 0, -1.0]).expand(1, 1, 5))
    torch.testing.assert_close(mirror, plain.flip(-1), atol=1e-4, rtol=0)
    moved = mouth_crops(frames, kp, SMALL, disturb=torch.tensor([4 / 64, 0, 0, 0, 1.0]).expand(1, 1, 5))
    torch.testing.assert_close(moved[..., :-4], plain[..., 4:], atol=0.02, rtol=0)
    near = mouth_crops(frames, kp, SMALL, disturb=torch.tensor([0, 0, -0.5, 0, 1.0]).expand(1, 1, 5))
    assert near.sum() > plain.sum() * 1.2


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"image": 50}, "image must be at least 51 pixels"),
        ({"face": (4, 4)}, "six widths above 0"),
        ({"hidden": 0}, "hidden, embedding and reach must be above 0"),
    ],
)
def test_impossible_sizes_are_refused(config: dict, line: str) -> None:
    with pytest.raises(AvctError, match=line):
        SyncConfig(**config)


def test_wrong_input_is_refused() -> None:
    network = SyncNet(TINY)
    with pytest.raises(AvctError, match=r"expected crops \(S, L of 5 or more"):
        network.see(torch.rand(1, 4, 3, 52, 52))
    with pytest.raises(AvctError, match=r"expected audio rows \(S, L of 5 or more, 4, 13 or 41\), got \(1, 9, 41\)"):
        network.hear(torch.rand(1, 9, 41))
    with pytest.raises(AvctError, match="expected frames"):
        mouth_crops(torch.rand(1, 5, 3, 64, 64), torch.rand(1, 5, 10, 2), SMALL)
