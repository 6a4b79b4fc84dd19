"""LPIPS with seeded trunks against the package's own values; its range, sizes, batches and files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from seeded_weights import seeded_state, state_sha256

import metrics.lpips_distance as lpips_distance
from metrics.clip import Clip
from metrics.errors import MetricError, MissingWeights
from metrics.lpips_distance import TRUNKS, Network, network
from metrics.registry import evaluate, get
from metrics.weights import entry, load_state

NETS = pytest.mark.parametrize("net", sorted(TRUNKS))
IDS = [*(f"lpips/{net}@1" for net in TRUNKS), "lpips/legacy-alex-range01@1"]


@pytest.fixture(scope="module")
def shapes() -> dict[str, dict[str, tuple[int, ...]]]:
    """Name -> shape of each trunk's weights, as the package names them."""
    return {
        net: {k: tuple(v.shape) for k, v in lpips_distance.empty(trunk).state_dict().items() if k.startswith("net.")}
        for net, trunk in TRUNKS.items()
    }


@pytest.fixture
def seeded(monkeypatch: pytest.MonkeyPatch, shapes: dict[str, Any]) -> Any:
    """Trunk files that hold seeded weights, named and shaped as torchvision's; the heads are the real ones."""
    by_weights = {trunk.weights: net for net, trunk in TRUNKS.items()}

    def read(name: str) -> dict[str, Any]:
        if name not in by_weights:
            return load_state(name)
        drawn = seeded_state(shapes[by_weights[name]], 101)
        return {f"features.{key.split('.', 2)[2]}": value for key, value in drawn.items()}

    monkeypatch.setattr(lpips_distance, "load_state", read)
    network.cache_clear()
    yield
    network.cache_clear()


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@NETS
def test_pairs_as_the_package(net: str, read_golden: Callable, seeded: None, shapes: dict[str, Any]) -> None:
    held, arrays = read_golden("lpips")
    wanted = held[net]
    keys = {key: tuple(shape) for key, shape in wanted["trunk_keys"].items()}
    assert keys == shapes[net] and wanted["trunk_seed"] == 101
    assert state_sha256(seeded_state(keys, 101)) == wanted["trunk_sha256"], "other weights, not another network"
    assert len(wanted["values"]) >= 3
    for name, told in wanted["values"].items():
        clip = Clip(frames=arrays[f"{name}__a"][None], truth=arrays[f"{name}__b"][None])
        assert evaluate(f"lpips/{net}@1", clip).value == pytest.approx(told["lpips"], rel=1e-4, abs=1e-6), name
        assert name != "same" or evaluate(f"lpips/{net}@1", clip).value == 0.0
        if net == "alex":
            mistaken = told["lpips_if_fed_0_1_range_by_mistake"]
            assert evaluate("lpips/legacy-alex-range01@1", clip).value == pytest.approx(mistaken, rel=1e-4, abs=1e-6)


@NETS
def test_the_batch_does_not_matter(net: str, seeded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    frames, truth = noise(1, 5, 40, 47, 3), noise(2, 5, 40, 47, 3)
    frames[3] = truth[3]
    whole = evaluate(f"lpips/{net}@1", Clip(frames=frames, truth=truth))
    single = [
        evaluate(f"lpips/{net}@1", Clip(frames=a[None], truth=b[None])).value
        for a, b in zip(frames, truth, strict=True)
    ]
    assert whole.per_frame == pytest.approx(single, rel=1e-5) and whole.per_frame.dtype == np.float64
    assert whole.per_frame[3] == 0.0 and (np.delete(whole.per_frame, 3) > 0).all() and whole.coverage == 1.0
    assert whole.value == pytest.approx(np.mean(single), rel=1e-5)
    monkeypatch.setattr(lpips_distance, "TRUNKS", {net: lpips_distance.Trunk(**(vars(TRUNKS[net]) | {"pixels": 1}))})
    one = evaluate(f"lpips/{net}@1", Clip(frames=frames, truth=truth))
    assert one.per_frame == pytest.approx(whole.per_frame, rel=1e-5)


def test_symmetry_and_a_larger_fault_is_farther(seeded: None) -> None:
    truth = noise(3, 2, 48, 48, 3)
    near, far = truth.copy(), truth.copy()
    near[:, :4], far[:, :30] = 128, 128
    a, b, back = (evaluate("lpips/alex@1", Clip(frames=x, truth=y)).value for x, y in
                  ((near, truth), (far, truth), (truth, near)))  # fmt: skip
    assert 0 < a < b and back == pytest.approx(a, rel=1e-5)


@NETS
def test_the_smallest_frames(net: str, seeded: None) -> None:
    least, title = TRUNKS[net].least, TRUNKS[net].title
    fits = Clip(frames=noise(4, 1, least, least + 9, 3), truth=noise(5, 1, least, least + 9, 3))
    assert evaluate(f"lpips/{net}@1", fits).value > 0
    small = Clip(frames=noise(4, 1, least + 9, least - 1, 3), truth=noise(5, 1, least + 9, least - 1, 3))
    result = evaluate(f"lpips/{net}@1", small)
    assert result.value is None and result.coverage == 0.0
    assert result.reason == f"frames of {least - 1}x{least + 9}: {title} leaves nothing of sides under {least} pixels"


def test_bytes_alone_are_taken(seeded: None) -> None:
    loaded = network("alex")
    floats = np.zeros((1, 40, 40, 3), np.float32)
    with pytest.raises(MetricError, match=r"expected uint8 \(n, H, W, 3\), got float32 \(1, 40, 40, 3\)"):
        loaded.compare(floats, floats)


@pytest.mark.parametrize("id", IDS)
def test_without_weights_it_says_so(id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AVCT_BENCH_CACHE", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    network.cache_clear()
    black = np.zeros((1, 64, 64, 3), np.uint8)
    with pytest.raises(MissingWeights, match=get(id).weights[0]) as caught:
        evaluate(id, Clip(frames=black, truth=black + np.uint8(1)))
    assert "\n" not in str(caught.value) and not any(tmp_path.iterdir())


def test_another_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / entry("alexnet").file).write_bytes(os.urandom(99))
    monkeypatch.setenv("AVCT_BENCH_WEIGHTS", str(tmp_path))
    network.cache_clear()
    with pytest.raises(MetricError, match="sha256") as caught:
        network("alex")
    assert not isinstance(caught.value, MissingWeights)


def test_weights_of_another_shape_are_refused(shapes: dict[str, Any]) -> None:
    state = seeded_state(shapes["squeeze"], 1) | load_state("lpips_squeeze")
    Network(TRUNKS["squeeze"], state)
    lacking = {key: value for key, value in state.items() if key != "lin3.model.1.weight"}
    for wrong in (lacking, state | {"net.slice1.0.bias": state["net.slice1.0.bias"][:5]}):
        with pytest.raises(MetricError, match="lpips/squeeze: expected weights"):
            Network(TRUNKS["squeeze"], wrong)


def test_no_warning_no_random_number_no_gradient_and_nothing_printed(
    seeded: None, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    before = torch.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for net in TRUNKS:
            result = evaluate(f"lpips/{net}@1", Clip(frames=noise(6, 1, 40, 40, 3), truth=noise(7, 1, 40, 40, 3)))
            assert result.value > 0
    assert torch.equal(torch.get_rng_state(), before) and torch.is_grad_enabled()
    assert capsys.readouterr().out == ""
