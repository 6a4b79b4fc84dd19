"""The inflated Inception network with weights from a seed: names, shapes, widths, windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from seeded_weights import seeded_state, shapes_of

from metrics import i3d
from metrics.errors import MetricError, MissingWeights
from metrics.features import extractor, extractors
from metrics.i3d import Windows, build_network, build_trunk


@pytest.fixture(scope="module")
def windows() -> Windows:
    return Windows(build_trunk(seeded_state(shapes_of(build_network()), 7)))


def test_names_and_shapes_of_the_published_file() -> None:
    network = build_network()
    shapes = shapes_of(network)
    assert sum(p.numel() for p in network.parameters()) == 12_697_264  # 12.7 million with 400 classes
    units = {name.removesuffix(".conv3d.weight") for name in shapes if name.endswith(".conv3d.weight")}
    mixed = [f"Mixed_{name}" for name in ("3b", "3c", "4b", "4c", "4d", "4e", "4f", "5b", "5c")]
    branches = ("b0", "b1a", "b1b", "b2a", "b2b", "b3b")
    stem = {"Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3"}
    assert units == stem | {f"{block}.{branch}" for block in mixed for branch in branches} | {"logits"}
    rest = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    want = {f"{unit}.conv3d.weight" for unit in units} | {"logits.conv3d.bias"}
    assert set(shapes) == want | {f"{unit}.bn.{part}" for unit in units - {"logits"} for part in rest}
    assert shapes["Conv3d_1a_7x7.conv3d.weight"] == (64, 3, 7, 7, 7)
    assert shapes["Mixed_4f.b1b.conv3d.weight"] == (320, 160, 3, 3, 3)
    assert shapes["Mixed_5c.b3b.conv3d.weight"] == (128, 832, 1, 1, 1)
    assert shapes["logits.conv3d.weight"] == (400, 1024, 1, 1, 1)


def test_sizes_within_and_padding() -> None:
    """What the paper's figure 3 gives for 16 frames of 224: 8 x 56 after the first pool, 2 x 7 at the end."""
    import torch

    network, seen = build_network().eval(), {}
    for name in ("Conv3d_1a_7x7", "MaxPool3d_2a_3x3", "Mixed_3c", "Mixed_4f", "Mixed_5c", "avg_pool"):
        network.get_submodule(name).register_forward_hook(
            lambda _m, _i, out, name=name: seen.__setitem__(name, tuple(out.shape[1:]))
        )
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 16, 224, 224)).shape == (1, 400)
    assert seen == {
        "Conv3d_1a_7x7": (64, 8, 112, 112),
        "MaxPool3d_2a_3x3": (64, 8, 56, 56),
        "Mixed_3c": (480, 8, 28, 28),
        "Mixed_4f": (832, 4, 14, 14),
        "Mixed_5c": (1024, 2, 7, 7),
        "avg_pool": (1024, 1, 1, 1),
    }


def test_padding_is_at_the_end_where_it_is_odd() -> None:
    """A kernel of 7 at stride 2 over 16 lacks 5: two zeros before, three after (torch's own padding puts 3 before)."""
    import torch

    unit = build_network().get_submodule("Conv3d_1a_7x7")
    x = torch.zeros(1, 3, 16, 16, 16)
    x[:, :, 0] = 1
    with torch.inference_mode():
        unit.conv3d.weight.zero_()
        unit.conv3d.weight[:, :, 2] = 1  # the tap that meets the first frame at the first place
        unit.eval()
        out = unit(x)[0, 0]
    assert float(out[0].max()) > 0 and float(out[1:].max()) == 0


def test_windows(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i3d, "SIDE", 193)  # the least side that leaves 7 x 7 places at the end
    frames = np.random.default_rng(3).integers(0, 256, (35, 20, 24, 3)).astype(np.uint8)
    lines = windows.extract(frames)
    assert lines.shape == (2, 400) and lines.dtype == np.float32 and np.isfinite(lines).all()
    monkeypatch.setattr(i3d, "_BATCH", 1)
    alone = windows.extract(frames[16:32])  # the second window, seen by itself
    assert np.abs(alone[0] - lines[1]).max() < 1e-4 * np.abs(lines).max()
    assert (windows.extract(frames[16:32]) == alone).all()
    backwards = windows.extract(frames[16:32][::-1].copy())
    assert np.abs(backwards - alone).max() > 1e-3 * np.abs(alone).max()  # it sees order
    for few in (0, 1, 15):
        assert windows.extract(frames[:few]).shape == (0, 400)


def test_a_file_of_old_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The published file has no batch counts, which torch did not know yet; a file that holds code is not run."""
    import torch

    state = {k: v for k, v in seeded_state(shapes_of(build_network()), 7).items() if "num_batches" not in k}
    path = tmp_path / "rgb_imagenet.pt"
    torch.save(state, path, _use_new_zipfile_serialization=False)
    monkeypatch.setattr("metrics.weights.locate_intact", lambda name: {"i3d": path}[name])
    i3d.load_trunk.cache_clear()
    loaded = i3d.load_trunk().state_dict()
    assert all((loaded[name] == tensor).all() for name, tensor in state.items())
    torch.save({"state": Path("code")}, path)
    i3d.load_trunk.cache_clear()
    with pytest.raises(MetricError, match="nothing of it was run"):
        i3d.load_trunk()


def test_on_the_shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "i3d" in extractors()
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    i3d.load_trunk.cache_clear()
    with pytest.raises(MissingWeights, match="i3d"):
        extractor("i3d")
