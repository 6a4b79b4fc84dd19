"""PSNR, SSIM and MS-SSIM beside scikit-image and torchmetrics, on fresh noise and on photographs, odd sizes too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metrics.clip import Clip
from metrics.greyscale import grey_opencv, grey_pillow
from metrics.registry import evaluate

pytestmark = pytest.mark.parity
PAIRS = [
    ("noise", (11, 11)),
    ("noise", (65, 97)),
    ("astronaut", (64, 64)),
    ("astronaut", (200, 177)),
    ("coffee", (97, 33)),
    ("cat", (256, 256)),
]
WANG = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
Pair = tuple[np.ndarray, np.ndarray]


@pytest.fixture(params=PAIRS, ids=lambda p: f"{p[0]}-{p[1][0]}x{p[1][1]}")
def pair(request: pytest.FixtureRequest, rng: np.random.Generator) -> Pair:
    """A picture uint8 (H, W, 3) and one that differs by noise, blur, a shift or a change of level."""
    return make(*request.param, rng)


def make(kind: str, size: tuple[int, int], rng: np.random.Generator) -> Pair:
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    height, width = size
    if kind == "noise":
        a, b = rng.integers(0, 256, (2, height, width, 3)).astype(np.uint8)
        return a, b
    whole = getattr(data, kind)()
    top, left = (int(rng.integers(0, room - side)) for room, side in zip(whole.shape, size, strict=False))
    a = whole[top : top + height, left : left + width]
    shifted = np.roll(a, int(rng.integers(0, 3)), int(rng.integers(0, 2))).astype(float)
    b = shifted * rng.uniform(0.8, 1.1) + rng.normal(0, rng.uniform(1, 40), a.shape)
    return a, np.clip(np.rint(b), 0, 255).astype(np.uint8)


def ours(id: str, a: np.ndarray, b: np.ndarray) -> float | None:
    return evaluate(id, Clip(frames=a[None], truth=b[None])).value


def test_psnr_as_scikit_image(pair: Pair) -> None:
    skimage = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    a, b = pair
    want = skimage.peak_signal_noise_ratio(b, a, data_range=255)
    assert ours("psnr/mean-of-frames@1", a, b) == pytest.approx(want, abs=1e-9)
    grey = skimage.peak_signal_noise_ratio(grey_pillow(b), grey_pillow(a), data_range=255)
    assert ours("psnr/grey@1", a, b) == pytest.approx(grey, abs=1e-9)
    spread = skimage.peak_signal_noise_ratio(b, a, data_range=int(b.max()) - int(b.min()))
    assert ours("psnr/legacy-reference-range@1", a, b) == pytest.approx(spread, abs=1e-9)


def test_ssim_as_scikit_image(pair: Pair) -> None:
    skimage = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    a, b = pair
    small = [cv2.resize(grey_opencv(p), (224, 224)) for p in pair]
    wanted: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "gauss11-rgb": (a, b, WANG | {"channel_axis": -1}),
        "gauss11-rgb-shrunk256": (a, b, WANG | {"channel_axis": -1}),  # none of these is large enough to shrink
        "gauss11-grey": (grey_pillow(a), grey_pillow(b), WANG),
        "uniform7-rgb": (a, b, {"channel_axis": -1}),
        "uniform7-grey": (grey_pillow(a), grey_pillow(b), {}),
        "legacy-colour-volume": (a, b, {"win_size": 3}),
        "legacy-grey224": (*small, {}),
        "legacy-float-range2": (a / 255, b / 255, {"channel_axis": -1, "data_range": 2}),
        "legacy-float-range255": (a / 255, b / 255, {"channel_axis": -1, "data_range": 255}),
        "legacy-signed-range1": (a / 127.5 - 1, b / 127.5 - 1, {"channel_axis": -1, "data_range": 1}),
    }
    for name, (x, y, settings) in wanted.items():
        want = skimage.structural_similarity(x, y, **settings)
        assert ours(f"ssim/{name}@1", a, b) == pytest.approx(want, abs=1e-7), name


def test_large_pictures_shrink(rng: np.random.Generator) -> None:
    skimage = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    a, b = make("astronaut", (386, 403), rng)
    blocks = [p[:386, :402].reshape(193, 2, 201, 2, 3).mean((1, 3)) for p in (a, b)]
    want = skimage.structural_similarity(*blocks, channel_axis=-1, **WANG)
    assert ours("ssim/gauss11-rgb-shrunk256@1", a, b) == pytest.approx(want, abs=1e-7)


def test_as_torchmetrics(pair: Pair) -> None:
    torch = pytest.importorskip("torch")
    image = pytest.importorskip("torchmetrics.functional.image", reason="torchmetrics is not installed")
    a, b = pair
    x, y = (torch.from_numpy(p.copy()).permute(2, 0, 1)[None].double() for p in pair)
    assert ours("psnr/pooled@1", a, b) == pytest.approx(
        image.peak_signal_noise_ratio(x, y, data_range=255.0).item(), abs=1e-5
    )
    edges = image.structural_similarity_index_measure(x, y, data_range=255.0).item()
    assert ours("ssim/legacy-mirrored-edges@1", a, b) == pytest.approx(edges, abs=1e-7)
    several = ours("ms_ssim/legacy-torchmetrics@1", a, b)
    if min(a.shape[:2]) < 176:
        assert several is None
        return
    want = image.multiscale_structural_similarity_index_measure(x, y, data_range=255.0).item()
    assert several == pytest.approx(want, abs=1e-6)


def test_black_edges_as_a_padded_convolution(pair: Pair) -> None:
    torch = pytest.importorskip("torch")
    a, b = pair
    x, y = (torch.from_numpy(p / 255).permute(2, 0, 1)[:, None] for p in pair)
    row = torch.exp(-torch.arange(-5, 6, dtype=torch.float64).square() / 4.5)
    window = torch.outer(row, row)[None, None] / row.sum() ** 2
    mx, my, xx, yy, xy = (torch.nn.functional.conv2d(p, window, padding=5) for p in (x, y, x * x, y * y, x * y))
    c1, c2 = 1e-4, 9e-4
    top = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
    want = (top / ((mx**2 + my**2 + c1) * (xx - mx**2 + yy - my**2 + c2))).mean().item()
    assert ours("ssim/legacy-black-edges@1", a, b) == pytest.approx(want, abs=1e-7)


@pytest.mark.parametrize("size", [(256, 256), (161, 200), (193, 177)])
def test_ms_ssim_from_scikit_images_maps(size: tuple[int, int], rng: np.random.Generator) -> None:
    """Contrast and structure are scikit-image's map over the luminance of its Gaussian means."""
    skimage = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    from scipy.ndimage import gaussian_filter

    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    a, b = make("astronaut", size, rng)
    for grey in (False, True):
        pictures = [grey_pillow(p)[..., None] if grey else p for p in (a, b)]
        found = []
        for c in range(pictures[0].shape[2]):
            x, y = (p[..., c].astype(float) for p in pictures)
            value = 1.0
            for scale, weight in enumerate(weights):
                _, full = skimage.structural_similarity(x, y, full=True, **WANG)
                mx, my = (gaussian_filter(p, 1.5, truncate=3.5) for p in (x, y))
                c1 = (0.01 * 255) ** 2
                second = full / ((2 * mx * my + c1) / (mx**2 + my**2 + c1))
                kept = (full if scale == 4 else second)[5:-5, 5:-5]
                value *= max(kept.mean(), 0) ** weight
                even = [np.pad(p, [(0, side % 2) for side in p.shape], mode="edge") for p in (x, y)]
                x, y = (p.reshape(p.shape[0] // 2, 2, p.shape[1] // 2, 2).mean((1, 3)) for p in even)
            found.append(value)
        want = np.mean(found)
        assert ours(f"ms_ssim/gauss11-{'grey' if grey else 'rgb'}@1", a, b) == pytest.approx(want, abs=1e-7)
