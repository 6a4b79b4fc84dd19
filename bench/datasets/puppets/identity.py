"""Who a puppet is: face geometry, age, skin, hair, clothing, light and room, all drawn from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Neutral face drawn by hand in the 68-point order of Multi-PIE/300-W, right half only, in pixels of a face 128 px
# wide, origin between nose and mouth; the left half is its mirror image.
_JAW = [
    (0, 71.9),
    (17.1, 69.2),
    (32, 59.8),
    (44.6, 48),
    (54.1, 33.6),
    (59.7, 17.3),
    (62.8, 0.2),
    (65, -17.1),
    (66, -34.7),
]
_BROW = [(10.1, -50.6), (21.5, -54.8), (33.7, -56.3), (45.5, -53.6), (53.4, -45.5)]
_BRIDGE = [(0, -38.2), (0, -26.7), (0, -15.3), (0, -3.5)]
_NOSTRILS = [(0, 8.7), (6.6, 6.9), (12.7, 4.7)]
_EYE = [(17.6, -34.7), (24.8, -39.9), (33.1, -40), (40, -35.9), (33.5, -33.1), (25.4, -33.1)]
_OUTER_LIP_TOP = [(0, 23.4), (6.6, 21.6), (15.1, 24.1), (24.1, 28.7)]
_OUTER_LIP_LOW = [(15.4, 34.6), (7.0, 37.5), (0, 38.2)]
_MIRROR_EYE = (3, 2, 1, 0, 5, 4)  # where a mirrored eye's points go: outer corner first on the viewer's left


def _neutral() -> np.ndarray:
    """The hand-drawn neutral face with a closed mouth: float64 (68, 2)."""
    flip = np.array([-1.0, 1.0])
    jaw = np.array(_JAW, float)
    left = jaw[::-1] * flip
    brow = np.array(_BROW, float)
    nose = np.array(_NOSTRILS, float)
    eye = np.array(_EYE, float)
    top, low = np.array(_OUTER_LIP_TOP, float), np.array(_OUTER_LIP_LOW, float)
    outer = np.vstack([top[::-1] * flip, top[1:], low, low[:2][::-1] * flip])
    seam = np.array(
        [(-20, 28.7), (-6.8, 28.2), (0, 28.7), (6.8, 28.2), (20, 28.7), (6.8, 28.9), (0, 29.4), (-6.8, 28.9)]
    )
    return np.vstack(
        [left, jaw[1:], brow[::-1] * flip, brow, np.array(_BRIDGE, float), (nose[::-1] * flip)[:2], nose,
         (eye * flip)[list(_MIRROR_EYE)], eye, outer, seam]
    )  # fmt: skip


HAIR_STYLES = (
    "buzz", "crop", "side-part", "swept-back", "fringe", "curly", "afro", "bob", "long-straight", "long-wavy",
    "bun", "receding", "bald", "headscarf",
)  # fmt: skip
CLOTHES = ("crew", "v-neck", "shirt", "hoodie", "turtleneck", "blazer")
ROOMS = ("studio", "gradient", "window", "shelf", "bokeh", "plaster")
GLASSES = ("none", "round", "square", "half-rim")
BEARDS = ("none", "stubble", "moustache", "goatee", "full")
# sRGB skin anchors from light to dark, after photographs' mid-tones; a puppet's skin lies between two of them
_SKIN = np.array(
    [(244, 214, 194), (234, 190, 160), (214, 164, 128), (186, 132, 96), (146, 98, 70), (108, 70, 50), (74, 48, 36)]
)
_HAIR = np.array([(26, 21, 19), (46, 32, 24), (84, 55, 34), (128, 88, 52), (186, 148, 96), (116, 54, 28)])
_GREY = np.array([196, 194, 190])
_IRIS = np.array([(84, 52, 30), (58, 38, 26), (96, 116, 132), (92, 108, 74), (126, 94, 56), (70, 86, 96)])


@dataclass(frozen=True)
class Identity:
    """One puppet. landmarks: float64 (68, 2) neutral, mouth closed, pixels of the 256x256 frame. Colours are sRGB
    0..255. light: unit vector, x right, y down, z towards the camera."""

    seed: int
    landmarks: np.ndarray
    age: float
    masculine: float
    skin: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    hair_style: str
    beard: str
    glasses: str
    clothes: str
    cloth: np.ndarray
    room: str
    room_colour: np.ndarray
    light: np.ndarray
    warmth: float
    contrast: float
    makeup: float
    freckles: float
    crown: float
    gum: float
    tooth: np.ndarray


def _spread(rng: np.random.Generator, sd: float) -> float:
    """A normal draw that never leaves two standard deviations: no caricatures."""
    return float(np.clip(rng.normal(0, sd), -2 * sd, 2 * sd))


def _shape(rng: np.random.Generator, age: float, masculine: float) -> np.ndarray:
    """Neutral landmarks of one identity, float64 (68, 2) in frame pixels."""
    p = _neutral() * (0.88 + _spread(rng, 0.03))
    x, y = p[:, 0], p[:, 1]
    m = masculine - 0.5
    low = np.clip((y[:17] + 10) / 70, 0, 1)
    middle = np.exp(-(((y[:17] - 5) / 22) ** 2))
    long = 1 + _spread(rng, 0.035)
    x[:17] *= (1 + _spread(rng, 0.035)) * (1 + (_spread(rng, 0.055) + 0.07 * m + 0.02 * age) * low)
    x[:17] *= 1 + (_spread(rng, 0.03) + 0.02) * middle
    y[:17] = y[:17] * long + (_spread(rng, 2.6) + 3 * m) * low
    chin = np.exp(-((x[:17] / 22) ** 2)) * low
    y[:17] += chin * (_spread(rng, 1.6) + 1.2 * m)
    x[5:12] *= 1 + _spread(rng, 0.08) * np.array([0.3, 0.7, 1, 1, 1, 0.7, 0.3])
    apart = 1 + _spread(rng, 0.035)
    x[36:48] *= apart
    x[17:27] *= apart * (1 + _spread(rng, 0.02))
    size = 1.13 + _spread(rng, 0.06) - 0.06 * m - 0.04 * age
    open_ = 1.06 + _spread(rng, 0.09) - 0.12 * age - 0.08 * m
    tilt = _spread(rng, 0.055)
    for s in (slice(36, 42), slice(42, 48)):
        c = p[s].mean(0)
        p[s] = c + (p[s] - c) * [size, size * open_]
        side = np.sign(c[0])
        p[s, 1] -= tilt * (p[s, 0] - c[0]) * side
    p[17:27, 1] += _spread(rng, 1.8) + 2.2 * m + 1.2 * age
    p[17:27, 1] += (_spread(rng, 0.05) + 0.03 * age) * np.abs(p[17:27, 0])
    arch = _spread(rng, 1.2) - 0.8 * m
    p[[19, 24], 1] -= arch
    length, width = _spread(rng, 2.2) + 1.2 * age, 1 + _spread(rng, 0.11) + 0.12 * m + 0.05 * age
    p[28:36, 1] += length * np.clip(np.linspace(0.3, 1.1, 8), 0, 1)
    p[31:36, 0] *= width
    p[48:68, 0] *= 1 + _spread(rng, 0.065) + 0.04 * m
    p[48:68, 1] += 0.7 * length + _spread(rng, 1.2)
    full = 1.16 + _spread(rng, 0.15) - 0.16 * m - 0.24 * age
    seam = p[60:68, 1].mean()
    outer = np.arange(48, 60)
    p[outer, 1] = seam + (p[outer, 1] - seam) * full
    corner = _spread(rng, 0.7) - 0.5 * age
    for i in (48, 60, 54, 64):
        p[i, 1] -= corner
    for upper, lower in ((61, 67), (62, 66), (63, 65)):  # the mouth is closed to half a pixel
        y0 = (p[upper, 1] + p[lower, 1]) / 2
        p[upper, 1], p[lower, 1] = y0 - 0.25, y0 + 0.25
    # nobody is symmetric: a slow, small warp of one side
    lean = _spread(rng, 0.012)
    p[:, 1] += lean * p[:, 0]
    p[:, 0] *= 1 + lean * 0.6 * np.sign(p[:, 0])
    return p + [128 + _spread(rng, 2.5), 143 + _spread(rng, 2.5)]


def _between(anchors: np.ndarray, at: float) -> np.ndarray:
    """The colour at position `at` (0..1) along a list of anchors."""
    k = at * (len(anchors) - 1)
    i = min(int(k), len(anchors) - 2)
    return anchors[i] + (anchors[i + 1] - anchors[i]) * (k - i)


def _pick_hair(rng: np.random.Generator, age: float, masculine: float) -> str:
    short = ["buzz", "crop", "crop", "side-part", "swept-back", "curly"]
    long_ = [
        "bob",
        "bob",
        "long-straight",
        "long-straight",
        "long-wavy",
        "long-wavy",
        "bun",
        "curly",
        "fringe",
        "afro",
        "headscarf",
    ]
    if masculine > 0.5:
        pool = short + ["afro"] + (["receding", "receding", "bald"] if age > 0.35 else [])
    else:
        pool = long_ + ["side-part"]
    return str(rng.choice(pool))


def sample(seed: int) -> Identity:
    """The identity of `seed`: every property is drawn from numpy's PCG64 with that seed."""
    rng = np.random.default_rng([seed, 0x70757070])
    age = float(rng.beta(1.3, 1.6))
    masculine = float(np.clip(0.5 + rng.choice([-1, 1]) * rng.uniform(0.2, 0.5), 0, 1))
    tone = float(rng.random())
    skin = _between(_SKIN, tone) + rng.normal(0, 1, 3) * [4, 3, 4]
    dark_only = tone > 0.55
    hair = _HAIR[rng.integers(2)] if dark_only and rng.random() < 0.9 else _HAIR[rng.integers(len(_HAIR))]
    grey = float(np.clip((age - 0.55) * 2.6 + rng.normal(0, 0.15), 0, 0.95))
    hair = hair + (_GREY - hair) * grey + rng.normal(0, 3) + rng.normal(0, 1.2, 3)
    beard = "none"
    if masculine > 0.6 and rng.random() < 0.55:
        beard = str(rng.choice(BEARDS[1:], p=[0.45, 0.15, 0.15, 0.25]))
    room_hue = rng.uniform(50, 200, 3)
    cloth = rng.uniform(25, 225, 3)
    cloth = cloth.mean() + (cloth - cloth.mean()) * rng.uniform(0.3, 0.9)
    light = np.array([rng.choice([-1, 1]) * rng.uniform(0.15, 0.75), -rng.uniform(0.25, 0.75), rng.uniform(0.65, 1.0)])
    return Identity(
        seed=seed,
        landmarks=_shape(rng, age, masculine),
        age=age,
        masculine=masculine,
        skin=np.clip(skin, 40, 250),
        hair=np.clip(hair, 14, 235),
        iris=_IRIS[rng.integers(2)] if dark_only and rng.random() < 0.85 else _IRIS[rng.integers(len(_IRIS))],
        hair_style=_pick_hair(rng, age, masculine),
        beard=beard,
        glasses=str(rng.choice(GLASSES, p=[0.70, 0.10, 0.12, 0.08])),
        clothes=str(rng.choice(CLOTHES)),
        cloth=cloth,
        room=str(rng.choice(ROOMS)),
        room_colour=room_hue.mean() + 0.28 * (room_hue - room_hue.mean()),
        light=light / np.linalg.norm(light),
        warmth=float(rng.normal(0, 0.05)),
        contrast=float(rng.uniform(0.7, 1.12)),
        makeup=float(rng.uniform(0, 1)) if masculine < 0.5 else 0.0,
        freckles=float(rng.uniform(0, 1)) if tone < 0.35 and rng.random() < 0.4 else 0.0,
        crown=float(rng.uniform(-4, 5)),
        gum=float(rng.uniform(0, 1)),
        tooth=np.array([232, 224, 206]) - rng.uniform(0, 1) * np.array([14, 20, 34]) - 14 * age,
    )
