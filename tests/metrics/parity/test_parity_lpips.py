"""LPIPS beside the package and torchmetrics, all with the same seeded trunk, on fresh noise and on photographs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from seeded_weights import seeded_state, shapes_of

from metrics.errors import MetricError
from metrics.lpips_distance import TRUNKS, Network

pytestmark = pytest.mark.parity
lpips = pytest.importorskip("lpips", reason="lpips is not installed")
SIZES = {"alex": [(31, 31), (64, 97), (129, 128)], "vgg": [(16, 33), (65, 64)], "squeeze": [(17, 17), (64, 97)]}


@pytest.fixture(scope="module", params=sorted(TRUNKS))
def peers(request: pytest.FixtureRequest, rng: np.random.Generator) -> tuple[Network, Any, Any]:
    """Ours, the package's and torchmetrics' (None where it is not installed), with one set of weights."""
    net = request.param
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = lpips.LPIPS(net=net, pnet_rand=True, pretrained=True, verbose=False)
        state = seeded_state(shapes_of(package, "net."), int(rng.integers(2**31)))
        package.load_state_dict(state, strict=False)
        try:
            from torchmetrics.functional.image.lpips import _LPIPS
        except ImportError:
            other = None
        else:
            other = _LPIPS(net=net, pnet_rand=True, pretrained=True)
            # the same layers in the same order, by other names for SqueezeNet
            other.net.load_state_dict(dict(zip(other.net.state_dict(), state.values(), strict=True)))
    return Network(TRUNKS[net], package.state_dict()), package.eval(), other


def make(size: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (3, H, W, 3) twice: noise beside noise, a photograph beside itself with noise, and shifted."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    top, left = rng.integers(0, 100, 2)
    photo = data.astronaut()[top : top + size[0], 100 + left : 100 + left + size[1]]
    noise = rng.integers(0, 256, (2, *photo.shape)).astype(np.uint8)
    grainy = np.clip(photo + rng.normal(0, 25, photo.shape), 0, 255).astype(np.uint8)
    return np.stack([noise[0], photo, photo]), np.stack([noise[1], grainy, np.roll(photo, 2, 1)])


def given(pictures: np.ndarray, *, unsigned: bool = False) -> Any:
    import torch

    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    return x if unsigned else 2 * x - 1


def test_as_the_package(peers: tuple[Network, Any, Any], rng: np.random.Generator) -> None:
    import torch

    ours, package, _ = peers
    for size in SIZES[ours.trunk.net]:
        a, b = make(size, rng)
        for unsigned in (False, True):
            with torch.inference_mode():
                want = package(given(a, unsigned=unsigned), given(b, unsigned=unsigned)).flatten().numpy()
            assert ours.compare(a, b, unsigned=unsigned) == pytest.approx(want, rel=1e-4, abs=1e-6), size


def test_as_torchmetrics(peers: tuple[Network, Any, Any], rng: np.random.Generator) -> None:
    import torch

    ours, _, other = peers
    if other is None:
        pytest.skip("torchmetrics is not installed")
    a, b = make(SIZES[ours.trunk.net][-1], rng)
    with torch.inference_mode():
        want = other(given(a), given(b)).flatten().numpy()
    assert ours.compare(a, b) == pytest.approx(want, rel=1e-4, abs=1e-6)


def test_the_least_sides_are_the_packages(peers: tuple[Network, Any, Any], rng: np.random.Generator) -> None:
    ours, package, _ = peers
    least = ours.trunk.least
    a, b = make((least, least + 20), rng)
    assert np.isfinite(ours.compare(a, b)).all()
    with pytest.raises(RuntimeError):
        package(given(a[:, :-1]), given(b[:, :-1]))
    with pytest.raises(MetricError):
        ours.compare(a[..., 0], b[..., 0])
