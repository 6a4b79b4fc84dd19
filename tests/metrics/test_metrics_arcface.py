"""ArcFace's network with seeded weights: its layout, its alignment, and what its lines must not depend on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import portraits
import pytest
from seeded_weights import shapes_of

from metrics.alignment import similarity
from metrics.arcface import BLOCKS, SIDE, TEMPLATE, WIDTH, build_network, cut_face, five_points
from metrics.errors import MetricError, MissingWeights
from metrics.features import arcface
from metrics.features.arcface import ArcFace

GOLDEN = Path(__file__).parents[1] / "golden" / "metrics" / "dlib68.json"


def state_of_a_seed(shapes: dict[str, tuple[int, ...]]) -> dict[str, object]:
    """Weights for 43.6 million places from a million numbers, repeated: quick, and alike wherever it is drawn."""
    import torch

    drawn = np.random.RandomState(50).standard_normal(1_000_003).astype(np.float32)
    state: dict[str, object] = {}
    for place, (name, shape) in enumerate(shapes.items()):
        z = np.resize(np.roll(drawn, 1009 * place), shape)
        if name.endswith("num_batches_tracked"):
            z = np.zeros(shape, np.int64)
        elif len(shape) > 1:
            z = z * np.float32(np.sqrt(1 / np.prod(shape[1:])))
        elif name.endswith("running_var"):
            z = np.exp(0.1 * z)
        else:
            z = 0.1 * z + name.endswith("weight")
        state[name] = torch.from_numpy(np.asarray(z, np.int64 if z.dtype == np.int64 else np.float32))
    return state


@pytest.fixture(scope="module")
def network() -> object:
    import torch

    with torch.device("meta"):
        built = build_network()
    built.load_state_dict(state_of_a_seed(shapes_of(built)), assign=True)
    return built


@pytest.fixture(scope="module")
def collins() -> tuple[np.ndarray, np.ndarray]:
    """The portrait and its golden landmarks in it."""
    points = np.array(json.loads(GOLDEN.read_text())["points68_xy"], np.float64)
    return portraits.portrait(), points - (portraits.FACE[1].start, portraits.FACE[0].start)


def test_layout_of_the_published_state_dicts(network: object) -> None:
    shapes = shapes_of(network)
    assert sum(parameter.numel() for parameter in network.parameters()) == 43_590_848
    assert shapes["conv1.weight"] == (64, 3, 3, 3) and shapes["prelu.weight"] == (64,)
    assert shapes["fc.weight"] == (512, 512 * 7 * 7) and shapes["features.running_var"] == (512,)
    assert shapes["layer1.0.downsample.0.weight"] == (64, 64, 1, 1) and shapes["bn2.weight"] == (512,)
    assert shapes["layer3.13.conv2.weight"] == (256, 256, 3, 3) and "layer3.1.downsample.0.weight" not in shapes
    block = {"bn1", "conv1", "bn2", "prelu", "conv2", "bn3"}
    for stage, (channels, count) in enumerate(BLOCKS, start=1):
        names = [name.split(".") for name in shapes if name.startswith(f"layer{stage}.")]
        assert {name[1] for name in names} == {str(i) for i in range(count)}
        assert {name[2] for name in names if name[1] == "0"} == block | {"downsample"}
        assert {name[2] for name in names if name[1] == "1"} == block
        assert shapes[f"layer{stage}.0.bn1.weight"] == (BLOCKS[max(stage - 2, 0)][0],)
        assert shapes[f"layer{stage}.0.bn3.weight"] == (channels,)
    assert {name.split(".")[0] for name in shapes} == {
        "conv1", "bn1", "prelu", "layer1", "layer2", "layer3", "layer4", "bn2", "fc", "features",
    }  # fmt: skip


def test_five_points_come_to_lie_on_the_template(collins: tuple[np.ndarray, np.ndarray]) -> None:
    """A face of the template's own proportions, twice as large and turned: dots on its five points are found there."""
    points = collins[1].copy()
    turn = 2 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    five = TEMPLATE @ turn.T + (90, 10)
    points[36:42], points[42:48], points[[30, 48, 54]] = five[0], five[1], five[2:]
    assert five_points(points) == pytest.approx(five)
    for (x, y), (left, top) in zip(np.rint(five).astype(int), TEMPLATE, strict=True):
        dots = np.zeros((320, 320, 3), np.uint8)
        dots[y - 2 : y + 3, x - 2 : x + 3] = 255
        found = np.argwhere(cut_face(dots, points)[..., 0] > 60).mean(0)
        assert found == pytest.approx([top, left], abs=0.8)


def test_the_similarity_does_not_mirror(collins: tuple[np.ndarray, np.ndarray]) -> None:
    turn, scale, shift = similarity(five_points(collins[1]) * (-1, 1), TEMPLATE)
    assert np.linalg.det(turn) == pytest.approx(1) and scale > 0 and shift.shape == (2,)
    turn, scale, shift = similarity(np.zeros((5, 2)), TEMPLATE)
    assert scale == 1 and shift == pytest.approx(TEMPLATE.mean(0))


def test_a_cut_does_not_depend_on_place_and_little_on_size(collins: tuple[np.ndarray, np.ndarray]) -> None:
    face, points = collins
    own = cut_face(face, points)
    # one inner part: at the corners the picture's own border shows
    moved = cut_face(np.pad(face, ((7, 0), (11, 0), (0, 0))), points + (11, 7))
    assert np.abs(moved[10:-10, 10:-10].astype(int) - own[10:-10, 10:-10]).max() <= 2
    large = cut_face(portraits.resized(face, 2, 2), (points + 0.5) * 2 - 0.5)
    assert np.abs(large[10:-10, 10:-10].astype(int) - own[10:-10, 10:-10]).mean() < 4
    turned = cut_face(np.ascontiguousarray(np.rot90(face)), np.stack([points[:, 1], 219 - points[:, 0]], -1))
    assert np.abs(turned[10:-10, 10:-10].astype(int) - own[10:-10, 10:-10]).max() <= 3


def test_lines_are_those_of_each_frame_alone(network: object, collins: tuple[np.ndarray, np.ndarray]) -> None:
    face, points = collins
    frames = np.stack([face, portraits.darkened(face, 0.5), face, face])
    marks = np.repeat(points[None], 4, 0)
    marks[2] = np.nan
    seen: list[int] = []
    handle = network.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    lines = ArcFace(network).extract(frames, marks)
    handle.remove()
    assert seen == [2]  # the repeated face once, the absent one never
    assert lines.shape == (4, WIDTH) and lines.dtype == np.float32 and np.isnan(lines[2]).all()
    assert np.array_equal(lines[0], lines[3]) and not np.allclose(lines[0], lines[1], rtol=0.05)
    alone = ArcFace(network).extract(frames[1:2], marks[1:2])
    assert np.abs(alone[0] - lines[1]).max() < 1e-4 * np.abs(lines[1]).max()
    assert ArcFace(network).extract(frames[:0], marks[:0]).shape == (0, WIDTH)


def test_a_golden_line_of_seeded_weights(network: object) -> None:
    """A value that moves needs a new version of csim/arcface-r50 in its id."""
    import torch

    ramp = np.random.default_rng(112).integers(0, 256, (1, SIDE, SIDE, 3)).astype(np.uint8)
    line = ArcFace(network)._embed(ramp)[0]
    assert line[:4] == pytest.approx([1757.5919, -2909.5798, -2907.8623, -1148.0170], rel=1e-3)
    assert float(np.linalg.norm(line)) == pytest.approx(50372.57, rel=1e-4)
    with torch.inference_mode():
        x = (torch.from_numpy(ramp).permute(0, 3, 1, 2).float() - 127.5) / 127.5
        assert np.allclose(network(x)[0].numpy(), line)


def test_wrong_input_and_missing_weights(network: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MetricError, match="arcface: expected landmarks of each of 2 frames"):
        ArcFace(network).extract(np.zeros((2, 8, 8, 3), np.uint8), None)
    for variable in ("AVCT_BENCH_CACHE", "TORCH_HOME", "AVCT_BENCH_WEIGHTS"):
        monkeypatch.setenv(variable, str(tmp_path))
    with pytest.raises(MissingWeights, match="weights arcface_r50"):
        arcface.load.__wrapped__()


def test_a_file_of_another_layout_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from metrics import weights

    monkeypatch.setattr(weights, "load_state", lambda name: {"conv1.weight": torch.zeros(1)})
    monkeypatch.setattr(weights, "locate", lambda name: Path("given.pth"))
    with pytest.raises(MetricError, match=r"given\.pth: expected the state dict of an IResNet-50") as caught:
        arcface.load.__wrapped__()
    assert "\n" not in str(caught.value)
