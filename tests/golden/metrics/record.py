"""Records goldens of metrics: `python tests/golden/metrics/record.py`. It adds what is lacking and changes nothing.

clip.npz is a small made-up clip (a crop of NASA's public-domain portrait of Eileen Collins, from scikit-image, with a
painted mouth), values.json what every variant gave for it, by full id. A value that moved needs a new version in its
id, never a new golden: so a value that is there is never written again. pairs.* are small pictures of public-domain
sources with what scikit-image gives for them; dlib68.json is what dlib 20.0.1 finds in the whole portrait.

image_pairs.* (what scikit-image 0.26.0 gives; the small ones of a longer list) and lmd.* (made-up landmarks and eight
conventions of their distance, by numpy) were made once by other code than this repository's, and are not made here.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
FRAMES, SIDE, CORNER = 28, 40, (42, 92)
"""Length and side of the clip; its upper left corner (row, column) in the portrait halved to 256x256."""


def open_clip():  # type: ignore[no-untyped-def]
    """The golden clip as a metrics.clip.Clip."""
    from metrics.clip import Clip

    with np.load(HERE / "clip.npz") as held:
        points = {k: held[k] / 100 for k in held.files if held[k].dtype == np.int32}
        points["dlib68"][held["absent"]] = np.nan
        return Clip(
            frames=held["frames"],
            truth=held["truth"],
            samples=make_sound(),
            landmarks={
                "puppet68": points["puppet68"],
                "dlib68": points["dlib68"],
                "file": np.rint(points["puppet68"] * 4) / 4,
            },
            truth_landmarks={
                "exact": points["exact"],
                "puppet68": points["truth_puppet68"],
                "dlib68": points["truth_dlib68"],
                "file": points["exact"],
            },
            features={"dlib128": make_identity(0.05)},
            truth_features={"dlib128": make_identity(0.0)},
        )


def make_sound() -> np.ndarray:
    """The clip's sound, float32 at 16 kHz: noise as loud as its mouth opens."""
    time = np.arange(FRAMES * 640) / 640
    envelope = np.abs(np.sin(time * 0.9) * np.sin(time * 0.31))
    return (0.2 * envelope * np.random.default_rng(16).uniform(-1, 1, len(time))).astype(np.float32)


def make_identity(change: float) -> np.ndarray:
    """Numbers of a face in every fifth frame, float32 (6, 128), as long as dlib's; no face in the third if changed."""
    rng = np.random.default_rng(128)
    face, moves, other = (rng.normal(0, 0.125, shape) for shape in (128, (6, 128), 128))
    lines = (face + 0.1 * moves + change * other * np.arange(1, 7)[:, None]).astype(np.float32)
    if change:
        lines[2] = np.nan
    return lines


def make_clip() -> dict[str, np.ndarray]:
    """The arrays of clip.npz; landmarks int32 in hundredths of a pixel."""
    from scipy.ndimage import uniform_filter
    from skimage.data import astronaut

    rng = np.random.default_rng(68)
    half = astronaut().reshape(256, 2, 256, 2, 3).mean((1, 3))
    top, left = CORNER
    crop = half[top : top + SIDE, left : left + SIDE]
    template = np.array(json.loads((HERE / "dlib68.json").read_text())["points68_xy"]) / 2 - (left, top)
    time = np.arange(FRAMES)
    opening = 1.5 + 1.5 * np.sin(time * 0.9) * np.sin(time * 0.31)
    truth, exact = _act(crop, template, opening)
    frames, ours = _act(uniform_filter(crop, (3, 3, 1)), template, 0.4 + 0.6 * opening + rng.normal(0, 0.15, FRAMES))
    frames = frames + rng.normal(0, 3, frames.shape)
    frames[10], frames[20, 30:] = truth[10], truth[20, 30:]
    points = {
        "exact": exact,
        "puppet68": ours + rng.normal(0, 0.2, ours.shape),
        "truth_puppet68": exact + rng.normal(0, 0.1, exact.shape),
        "dlib68": np.rint(ours),
        "truth_dlib68": np.rint(exact),
    }
    pictures = {k: np.clip(np.rint(v), 0, 255).astype(np.uint8) for k, v in (("frames", frames), ("truth", truth))}
    marks = {k: np.rint(v * 100).astype(np.int32) for k, v in points.items()}
    return {**pictures, **marks, "absent": np.array([3, 4, 17])}


def _act(crop: np.ndarray, template: np.ndarray, opening: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frames (T, S, S, 3) and landmarks (T, 68, 2): the mouth opens by `opening` pixels, dark inside."""
    frames, points = np.repeat(crop[None], FRAMES, 0), np.repeat(template[None], FRAMES, 0)
    y, x = np.mgrid[:SIDE, :SIDE]
    cx, cy = template[60:68].mean(0)
    for t, height in enumerate(opening):
        inside = ((x - cx) / 5) ** 2 + ((y - cy) / max(height / 2, 0.01)) ** 2 < 1
        frames[t][inside] = (60, 20, 20)
        points[t, [61, 62, 63, 50, 51, 52], 1] -= height / 2
        points[t, [65, 66, 67, 56, 57, 58, 7, 8, 9], 1] += height / 2
    return frames, points


def make_pairs() -> tuple[dict[str, np.ndarray], dict[str, dict[str, float]]]:
    """Small pairs of pictures uint8, RGB and grey, and what scikit-image gives for them."""
    from skimage import data
    from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

    rng = np.random.default_rng(11)
    face, cup = data.astronaut()[80:144, 190:238], data.coffee()[150:197, 250:313]
    ramp = np.repeat(np.arange(0, 250, 5, dtype=np.uint8)[None], 30, 0)
    pairs = {
        "noise": (face, np.clip(face + rng.normal(0, 9, face.shape), 0, 255).astype(np.uint8)),
        "shift": (cup[:, :-1], cup[:, 1:]),
        "grey": (ramp, np.clip(ramp.astype(int) + rng.integers(-30, 30, ramp.shape), 0, 255).astype(np.uint8)),
        "contrast": (cup, 255 - cup),
        "least": (face[:11, :11], face[1:12, 2:13]),
    }
    expected = {}
    for name, (a, b) in pairs.items():
        axis = -1 if a.ndim == 3 else None
        wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        expected[name] = {
            "mse": float(mean_squared_error(a, b)),
            "psnr": float(peak_signal_noise_ratio(a, b, data_range=255)),
            "gauss11": float(structural_similarity(a, b, channel_axis=axis, data_range=255, **wang)),
            "uniform7": float(structural_similarity(a, b, channel_axis=axis, data_range=255)),
            "uniform7-float-range2": float(structural_similarity(a / 255, b / 255, channel_axis=axis, data_range=2)),
            "uniform7-float-range255": float(
                structural_similarity(a / 255, b / 255, channel_axis=axis, data_range=255)
            ),
            "uniform7-signed-range1": float(
                structural_similarity(a / 127.5 - 1, b / 127.5 - 1, channel_axis=axis, data_range=1)
            ),
        }
    arrays = {
        f"{name}__{side}": picture for name, pair in pairs.items() for side, picture in zip("ab", pair, strict=True)
    }
    return arrays, expected


def is_recorded(variant) -> bool:  # type: ignore[no-untyped-def]
    """Whether the variant has an entry in values.json: its weights come with a package, so they are here always, and
    one clip has a value.

    Networks whose weights are not, and numbers of whole corpora, have goldens in tests of their own.
    """
    from metrics.weights import entry

    return variant.corpus is None and all(entry(name).bundled_in for name in variant.weights)


def main() -> None:
    """Write what is lacking."""
    from metrics.registry import variants

    if not (HERE / "clip.npz").exists():
        np.savez_compressed(HERE / "clip.npz", **make_clip())
    if not (HERE / "pairs.npz").exists():
        arrays, expected = make_pairs()
        np.savez_compressed(HERE / "pairs.npz", **arrays)
        (HERE / "pairs.json").write_text(json.dumps(expected, indent=1) + "\n")
    path = HERE / "values.json"
    held = json.loads(path.read_text()) if path.exists() else {}
    # this clip's faces hardly move, and its pictures are small: such metrics have goldens of their own
    others = (json.loads((HERE / name).read_text()) for name in ("motion.json", "wide.json"))
    moving = {id.partition("/")[0] for held_there in others for id in held_there}
    for id, variant in variants().items():
        if id not in held and is_recorded(variant) and variant.family not in moving:
            result = variant.measure(open_clip())
            held[id] = {"value": result.value, "coverage": result.coverage}
            print(f"recorded {id}: {held[id]}")
    path.write_text(json.dumps(dict(sorted(held.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
