"""Corpus metrics beside pytorch-fid, torch-fidelity and torchmetrics on fresh random inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from seeded_weights import seeded_state, shapes_of

from metrics import frechet, mmd, moments
from metrics.inception import CLEAN, PYTORCHFID, SIDE, TF, Inception, build_network, build_trunk
from metrics.resize import bicubic_clean, bilinear, bilinear_tf1

pytestmark = pytest.mark.parity
SIZES = ((64, 64), (256, 256), (299, 299), (333, 500), (720, 405))


@pytest.fixture(scope="module")
def state(rng: np.random.Generator) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        network = build_network()
    return seeded_state(shapes_of(network), int(rng.integers(2**31)))


@pytest.fixture(scope="module")
def trunk(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    return build_trunk(state)


def off(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max() / np.sqrt(np.square(theirs).mean()))


def features(rng: np.random.Generator, count: int, dimensions: int) -> np.ndarray:
    """float32, correlated, of unequal spread."""
    mixed = rng.standard_normal((dimensions, dimensions)) / dimensions**0.5 * np.geomspace(2, 0.1, dimensions)
    return (rng.standard_normal((count, dimensions)) @ mixed + rng.normal(0, 0.1, dimensions)).astype(np.float32)


def pictures(rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
    """uint8 (N, H, W, 3): noise over slow waves, so that both fine and coarse detail are there."""
    y, x = np.mgrid[:height, :width] / 40.0
    waves = 90 * np.sin(x + rng.uniform(0, 6)) * np.cos(y + rng.uniform(0, 6))
    noisy = 128 + waves[None, :, :, None] + rng.normal(0, 25, (count, height, width, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def planes(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous()


@pytest.mark.parametrize("counts", [(500, 400), (90, 70), (40, 300)])
def test_frechet_beside_three_peers(counts: tuple[int, int], rng: np.random.Generator) -> None:
    ours, theirs = (features(rng, n, 64) for n in counts)
    found = frechet.distance(moments.summarise([ours]), moments.summarise([theirs]))
    stats = [(v.astype(float).mean(0), np.cov(v.astype(float), rowvar=False)) for v in (ours, theirs)]
    near = pytest.approx(found, rel=1e-6, abs=1e-5)
    fidelity = pytest.importorskip("torch_fidelity.metric_fid", reason="torch-fidelity is not installed")
    value = fidelity.fid_statistics_to_metric(*({"mu": m, "sigma": s} for m, s in stats), verbose=False)
    assert value["frechet_inception_distance"] == near
    torchmetrics = pytest.importorskip("torchmetrics.image.fid", reason="torchmetrics is not installed")
    flat = [torch.from_numpy(part) for pair in stats for part in pair]
    assert float(torchmetrics._compute_fid(*flat)) == near


@pytest.mark.parametrize("counts", [(500, 400), (90, 70)])
def test_frechet_beside_pytorch_fid(counts: tuple[int, int], rng: np.random.Generator) -> None:
    import scipy

    if tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 18):
        pytest.skip("pytorch-fid 0.3.0 calls sqrtm(disp=False), which SciPy 1.18 no longer has")
    peer = pytest.importorskip("pytorch_fid.fid_score", reason="pytorch-fid is not installed")
    ours, theirs = (features(rng, n, 64) for n in counts)
    found = frechet.distance(moments.summarise([ours]), moments.summarise([theirs]))
    stats = [part for v in (ours, theirs) for part in (v.astype(float).mean(0), np.cov(v.astype(float), rowvar=False))]
    assert peer.calculate_frechet_distance(*stats) == pytest.approx(found, rel=1e-6)


def test_kid_beside_two_peers(rng: np.random.Generator) -> None:
    ours, theirs = features(rng, 150, 96), features(rng, 150, 96)
    found = mmd.distance(mmd.summarise([ours]), mmd.summarise([theirs]))
    fidelity = pytest.importorskip("torch_fidelity.metric_kid", reason="torch-fidelity is not installed")
    value = fidelity.kid_features_to_metric(
        torch.from_numpy(ours).double(), torch.from_numpy(theirs).double(), kid_subsets=1, kid_subset_size=150,
        verbose=False, rng_seed=0,
    )  # fmt: skip
    assert value["kernel_inception_distance_mean"] == pytest.approx(found, rel=1e-9)
    torchmetrics = pytest.importorskip("torchmetrics.image.kid", reason="torchmetrics is not installed")
    assert float(torchmetrics.poly_mmd(torch.from_numpy(ours).double(), torch.from_numpy(theirs).double())) == (
        pytest.approx(found, rel=1e-9)
    )


def test_features_beside_pytorch_fid(
    rng: np.random.Generator,
    state: dict[str, torch.Tensor],
    trunk: torch.nn.Module,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peer = pytest.importorskip("pytorch_fid.inception", reason="pytorch-fid is not installed")
    # its constructor downloads; it is handed the same seeded weights instead
    monkeypatch.setattr(peer, "load_state_dict_from_url", lambda *_a, **_k: state)
    network = peer.InceptionV3([3]).eval()
    frames = pictures(rng, 3, 200, 256)
    with torch.inference_mode():
        want = network(planes(frames).float() / 255)[0][:, :, 0, 0].numpy()
    assert off(Inception("any", PYTORCHFID, trunk).extract(frames), want) < 1e-3


def test_features_beside_torch_fidelity(
    rng: np.random.Generator, state: dict[str, torch.Tensor], trunk: torch.nn.Module, tmp_path: Path
) -> None:
    peer = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3", reason="torch-fidelity is not installed")
    torch.save(state, tmp_path / "inception.pth")
    network = peer.FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(tmp_path / "inception.pth")
    )
    frames = pictures(rng, 3, 200, 256)
    with torch.inference_mode():
        want = network(planes(frames))[0].numpy()
    found = Inception("any", TF, trunk).extract(frames)
    assert off(found, want) < 1e-3
    assert off(Inception("any", CLEAN, trunk).extract(frames), want) > 1e-3  # the test can tell conventions apart


@pytest.mark.parametrize("size", SIZES)
def test_resizes(size: tuple[int, int], rng: np.random.Generator) -> None:
    frames = pictures(rng, 2, *size)
    want = torch.nn.functional.interpolate(
        planes(frames).float() / 255, size=(SIDE, SIDE), mode="bilinear", align_corners=False, antialias=False
    )
    assert (bilinear(frames, SIDE) / 255 - want).abs().max() < 1e-6
    fidelity = pytest.importorskip(
        "torch_fidelity.interpolate_compat_tensorflow", reason="torch-fidelity is not installed"
    )
    tf = fidelity.interpolate_bilinear_2d_like_tensorflow1x(planes(frames).float(), (SIDE, SIDE), align_corners=False)
    assert (bilinear_tf1(frames, SIDE) - tf).abs().max() < 1e-3
    from PIL import Image

    for channel in range(3):
        whole = Image.fromarray(frames[0, :, :, channel].astype(np.float32)).resize(
            (SIDE, SIDE), Image.Resampling.BICUBIC
        )
        assert np.abs(bicubic_clean(frames, SIDE)[0, channel].numpy() - np.clip(np.asarray(whole), 0, 255)).max() < 1e-3
        rounded = Image.fromarray(frames[0, :, :, channel]).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        near = np.abs(bicubic_clean(frames, SIDE)[0, channel].numpy() - np.asarray(rounded, np.float32))
        assert near.mean() < 0.5  # Pillow's own uint8 form is the same but that it rounds and cuts, twice
