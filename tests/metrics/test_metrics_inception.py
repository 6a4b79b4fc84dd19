"""The Inception network with weights from a seed: golden vectors, conventions, batches, and weights that lack."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from seeded_weights import seeded_state, shapes_of, state_sha256

from metrics import inception
from metrics.errors import MetricError, MissingWeights
from metrics.features import extractor, extractors
from metrics.inception import CLEAN, PYTORCHFID, TF, Inception, build_network, build_trunk

SEED = 202
NAMES = ("inception_clean", "inception_pytorchfid", "inception_tf")


@pytest.fixture(scope="module")
def state() -> dict:
    import torch

    with torch.device("meta"):
        return seeded_state(shapes_of(build_network()), SEED)


@pytest.fixture(scope="module")
def trunk(state: dict):  # type: ignore[no-untyped-def]
    return build_trunk(state)


def relative(found: np.ndarray, want: np.ndarray) -> float:
    return float(np.abs(found - want).max() / np.sqrt(np.square(want).mean()))


def test_golden_vectors(read_golden: Callable, trunk, state: dict) -> None:  # type: ignore[no-untyped-def]
    expected, arrays = read_golden("inception")
    assert expected["seed"] == SEED and state_sha256(state) == expected["state_sha256"]
    assert sum(tensor.numel() for tensor in state.values()) == expected["n_params"]
    seen: dict[str, np.ndarray] = {}
    layers = {"block0": "maxpool1", "block1": "maxpool2", "block2": "Mixed_6e"}
    hooks = [
        getattr(trunk, layer).register_forward_hook(
            lambda _m, _i, out, name=name: seen.__setitem__(name, out.mean((2, 3)).numpy())
        )
        for name, layer in layers.items()
    ]
    for key in (k for k in arrays if k.startswith("images_uint8_")):
        size = key.removeprefix("images_uint8_")
        found = Inception("inception_pytorchfid", PYTORCHFID, trunk).extract(arrays[key])
        assert found.dtype == np.float32 and relative(found, arrays[f"expected_pool3_{size}"]) < 1e-3
        for name in layers:
            assert relative(seen[name], arrays[f"expected_{name}_spatialmean_{size}"]) < 1e-3, name
    for hook in hooks:
        hook.remove()


def test_batches_change_nothing_and_frames_may_stay_on_disk(trunk, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    class OnDisk:
        def __init__(self, frames: np.ndarray) -> None:
            self._frames, self.shape, self.dtype = frames, frames.shape, frames.dtype
            self.longest = 0

        def __len__(self) -> int:
            return len(self._frames)

        def __getitem__(self, index: slice) -> np.ndarray:
            self.longest = max(self.longest, len(self._frames[index]))
            return self._frames[index].copy()

    frames = np.random.default_rng(1).integers(0, 256, (5, 20, 30, 3)).astype(np.uint8)
    reader = Inception("inception_tf", TF, trunk)
    together = reader.extract(frames)
    monkeypatch.setattr(inception, "_BATCH", 2)
    held = OnDisk(frames)
    by_two = reader.extract(held)
    assert held.longest == 2 and relative(by_two, together) < 1e-5
    assert (reader.extract(held) == by_two).all()
    assert reader.extract(frames[:0]).shape == (0, 2048)


def test_conventions_differ(trunk) -> None:  # type: ignore[no-untyped-def]
    frames = np.random.default_rng(2).integers(0, 256, (1, 600, 600, 3)).astype(np.uint8)
    found = [Inception("any", rule, trunk).extract(frames) for rule in (PYTORCHFID, CLEAN, TF)]
    assert all(relative(found[a], found[b]) > 1e-2 for a, b in ((0, 1), (0, 2), (1, 2)))


def test_one_network_serves_every_convention(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: dict) -> None:
    import torch

    path = tmp_path / "inception.pth"
    torch.save(state, path)
    monkeypatch.setattr("metrics.weights.locate_intact", lambda name: {"inception2015": path}[name])
    inception.load_trunk.cache_clear()
    frames = np.random.default_rng(4).integers(0, 256, (1, 16, 16, 3)).astype(np.uint8)
    found = []
    for name in NAMES:
        module = importlib.import_module(f"metrics.features.{name}")
        reader = module.load()
        assert reader.name == name and reader.landmarks is None and reader.weights == ("inception2015",)
        found.append(reader.extract(frames, None))
        path.unlink(missing_ok=True)  # read once
    assert all(np.isfinite(lines).all() for lines in found)
    inception.load_trunk.cache_clear()


@pytest.mark.parametrize("name", NAMES)
def test_on_the_shelf(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert name in extractors()
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    inception.load_trunk.cache_clear()
    with pytest.raises(MissingWeights, match="inception2015"):
        extractor(name)


def test_weights_of_another_network_are_refused(state: dict) -> None:
    with pytest.raises(MetricError, match="expected weights Mixed_7c"):
        build_trunk({name: tensor for name, tensor in state.items() if "Mixed_7c" not in name})
