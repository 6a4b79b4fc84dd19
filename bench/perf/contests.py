"""What metrics are timed against: the same work by the package whose number they equal, on made-up input."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bench.perf.drawn import fill

SIDE = 256


class Lacking(Exception):
    """A peer that cannot run here, and why."""


@dataclass(frozen=True)
class Sides:
    """Both ways to do the same work, ready to be timed."""

    ours: Callable[[], object]
    peer: Callable[[], object] | None


@dataclass(frozen=True)
class Contest:
    """name: of our side. peer: the other. items: how many `item`s our side does in one turn, peer_items the peer."""

    name: str
    peer: str
    item: str
    items: int
    prepare: Callable[[], Sides]
    peer_items: int = 0


def _pictures(count: int, side: int = SIDE, seed: int = 0) -> np.ndarray:
    """uint8 (count, side, side, 3): smooth pictures with a little noise, each another."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    base = 127 + 80 * np.sin(5 * x + np.arange(count)[:, None, None]) * np.cos(7 * y)
    noise = rng.normal(0, 6, (count, side, side, 3))
    return np.clip(base[..., None] * (0.8, 1.0, 1.1) + noise, 0, 255).astype(np.uint8)


def _pair(count: int) -> Any:
    from metrics.clip import Clip

    return Clip(frames=_pictures(count, seed=1), truth=_pictures(count, seed=2))


def _measured(clip: Any, id: str) -> Callable[[], object]:
    """The metric on a clip that remembers nothing of the turn before."""
    import dataclasses

    from metrics.registry import get

    measure = get(id).measure
    return lambda: measure(dataclasses.replace(clip))


def _psnr() -> Sides:
    from skimage.metrics import peak_signal_noise_ratio

    clip = _pair(64)
    peer = partial(_each, peak_signal_noise_ratio, clip, data_range=255)
    return Sides(_measured(clip, "psnr/mean-of-frames@1"), peer)


def _ssim() -> Sides:
    from skimage.metrics import structural_similarity

    clip = _pair(24)
    rule = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    return Sides(
        _measured(clip, "ssim/gauss11-rgb@1"), partial(_each, structural_similarity, clip, channel_axis=-1, **rule)
    )


def _each(compare: Callable[..., object], clip: Any, **rule: object) -> list[object]:
    return [compare(b, a, **rule) for a, b in zip(clip.frames, clip.truth, strict=True)]


def _ms_ssim() -> Sides:
    clip = _pair(24)

    def peer() -> object:
        try:
            from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as compare
        except ImportError:
            raise Lacking("torchmetrics is not installed") from None
        import torch

        with torch.inference_mode():
            pair = [torch.from_numpy(v).permute(0, 3, 1, 2).float() for v in (clip.frames, clip.truth)]
            return compare(*pair, data_range=255.0)

    return Sides(_measured(clip, "ms_ssim/gauss11-rgb@1"), peer)


def _lpips(net: str, count: int, batch: int) -> Sides:
    """Ours takes a clip as metrics do; the peer is fed pictures of [-1, 1] in batches of `batch`."""
    import torch

    from metrics.lpips_distance import TRUNKS, Network

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lpips

        package = fill(lpips.LPIPS(net=net, version="0.1", pretrained=False, pnet_rand=True, verbose=False))
    package.scaling_layer = type(package.scaling_layer)()
    trunk = TRUNKS[net]
    ours = Network(trunk, {name: value.clone() for name, value in package.state_dict().items()})
    clip = _pair(count)
    own = max(1, trunk.pixels // SIDE**2)
    tensors = [torch.from_numpy(v).permute(0, 3, 1, 2).float() / 127.5 - 1 for v in (clip.frames, clip.truth)]

    def peer() -> object:
        with torch.inference_mode():
            return [package(*(t[k : k + batch] for t in tensors)) for k in range(0, count, batch)]

    def mine() -> object:
        return [ours.compare(clip.frames[k : k + own], clip.truth[k : k + own]) for k in range(0, count, own)]

    return Sides(mine, peer)


def _inception() -> Sides:
    import torch

    from metrics import inception

    filled = fill(inception.build_network())
    ours = inception.Inception("inception_pytorchfid", inception.PYTORCHFID, inception.build_trunk(filled.state_dict()))
    frames = _pictures(16)

    def build() -> Any:
        import pytorch_fid.inception as package

        # the same numbers in both: how many of them are tiny decides how fast a processor is
        plain, package.fid_inception_v3 = package.fid_inception_v3, lambda: copy.deepcopy(filled)
        try:
            network = package.InceptionV3([3])
        finally:
            package.fid_inception_v3 = plain
        return network.eval()

    network = build()

    def peer() -> object:
        with torch.inference_mode():
            pictures = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
            return [network(pictures[k : k + 8])[0] for k in range(0, len(frames), 8)]

    return Sides(lambda: ours.extract(frames), peer)


def _frechet(count: int) -> Sides:
    from metrics import frechet, moments

    rng = np.random.default_rng(0)
    first, second = (rng.normal(m, 1, (count, 2048)).astype(np.float32) for m in (0.0, 0.1))

    def ours() -> object:
        return frechet.distance(moments.summarise([first]), moments.summarise([second]))

    def peer() -> object:
        import scipy

        if tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 18):
            raise Lacking(f"pytorch-fid's distance does not run under SciPy {scipy.__version__}")
        from pytorch_fid.fid_score import calculate_frechet_distance

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sides = [(v.mean(0), np.cov(v, rowvar=False)) for v in (first, second)]
            return calculate_frechet_distance(*sides[0], *sides[1])

    return Sides(ours, peer)


def _faces(count: int) -> np.ndarray:
    """Frames of embedded puppets that talk, no two neighbours alike: what is repeated is looked at only once."""
    from bench.datasets.catalogue import open_dataset

    dataset = open_dataset("puppets")
    references = [name for name in dataset.references() if name.startswith("test")]
    driver = dataset.drivers(dataset.speakers()[-1])[0]
    takes = [dataset.take(name, driver).frames for name in references[: 1 + count // 40]]
    frames = np.concatenate(takes)[:count]
    parity = (np.arange(len(frames), dtype=np.uint8) % 2)[:, None, None, None]
    return np.clip(frames, 0, 254) + parity


def _landmarks() -> Sides:
    frames = _faces(50)

    from metrics.landmarks import backend
    from metrics.weights import locate_intact

    ours = backend("dlib68")  # needs dlib itself: where it is not installed, its message says so
    import dlib

    # made before the clock starts, as ours is: the predictor's file alone takes a quarter of a second
    detect, predict = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(locate_intact("dlib68")))

    def peer() -> object:
        return [predict(frame, max(detect(frame, 0), key=lambda box: box.area())) for frame in frames]

    return Sides(lambda: ours.detect(frames), peer)


def _syncnet() -> Sides:
    import torch

    from metrics import syncnet
    from metrics.mfcc import mfcc
    from metrics.sync_reading import read_padded

    network = fill(syncnet.build_network())
    fast = syncnet.SyncNet(network)
    frames = _pictures(125, syncnet.SIDE)
    sound = (np.random.default_rng(0).normal(0, 3000, 125 * 640)).astype(np.int16)
    windows = syncnet.window_count(len(frames), len(sound))

    def ours() -> object:
        lips = fast.see(lambda first, last: frames[first:last], windows)
        return read_padded(lips, fast.hear(mfcc(sound), windows))

    def peer() -> object:
        # the package's own way: five frames a window, twenty windows a batch, three dimensions
        video = torch.from_numpy(np.ascontiguousarray(frames[..., ::-1])).float().permute(3, 0, 1, 2)[None]
        heard = torch.from_numpy(mfcc(sound).T.copy()).float()[None, None]
        lips, sounds = [], []
        with torch.inference_mode():
            for k in range(0, windows, 20):
                these = range(k, min(windows, k + 20))
                lips.append(network.forward_lip(torch.cat([video[:, :, t : t + 5] for t in these])))
                sounds.append(network.forward_aud(torch.cat([heard[..., 4 * t : 4 * t + 20] for t in these])))
        return syncnet.part("SyncNetInstance").calc_pdist(torch.cat(lips), torch.cat(sounds), vshift=15)

    return Sides(ours, peer)


def _cpbd() -> Sides:
    return Sides(_measured(_pair(16), "cpbd/sobel-grey@1"), None)


CONTESTS = (
    Contest("psnr", "scikit-image", "frames", 64, _psnr),
    Contest("ssim", "scikit-image", "frames", 24, _ssim),
    Contest("ms-ssim", "torchmetrics, one batch", "frames", 24, _ms_ssim),
    Contest("cpbd", "", "frames", 16, _cpbd),
    Contest("lpips-alex beside 1", "lpips, batch 1", "pairs", 32, partial(_lpips, "alex", 32, 1)),
    Contest("lpips-alex beside 32", "lpips, batch 32", "pairs", 32, partial(_lpips, "alex", 32, 32)),
    Contest("lpips-squeeze beside 1", "lpips, batch 1", "pairs", 16, partial(_lpips, "squeeze", 16, 1)),
    Contest("lpips-vgg beside 1", "lpips, batch 1", "pairs", 4, partial(_lpips, "vgg", 4, 1)),
    Contest("lpips-vgg beside 4", "lpips, batch 4", "pairs", 4, partial(_lpips, "vgg", 4, 4)),
    Contest("inception", "pytorch-fid, batch 8", "frames", 16, _inception),
    Contest("frechet 2048, n 3000", "pytorch-fid (SciPy's sqrtm)", "distances", 1, partial(_frechet, 3000)),
    Contest("frechet 2048, n 400", "pytorch-fid (SciPy's sqrtm)", "distances", 1, partial(_frechet, 400)),
    Contest("landmarks", "dlib frame by frame", "frames", 50, _landmarks),
    Contest("syncnet, 5 s", "syncnet-python", "clips", 1, _syncnet),
)
