"""Paints hair strand by strand, in locks, as two layers: what falls behind the neck and what lies on the head.

Hair is never a smooth shell: a soft dark base carries thousands of fine strokes whose brightness follows the dome of
the head, and the hairline is broken by strokes that start on the skin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.datasets.puppets.canvas import Canvas, ellipse, linear, smooth_noise, spline
from bench.datasets.puppets.identity import Identity
from bench.datasets.puppets.relief import HeadFrame

LONG = ("bob", "long-straight", "long-wavy")


@dataclass(frozen=True)
class HairLayer:
    """colour: float32 (SIZE, SIZE, 3) linear; alpha: float32 (SIZE, SIZE)."""

    colour: np.ndarray
    alpha: np.ndarray


@dataclass(frozen=True)
class _Scalp:
    """Where hair starts: hairline centre, temples, ears, and the volume above the skull, in frame pixels."""

    cx: float
    half: float
    top: float
    line: float
    ear: float
    jaw: float
    u: float

    def dome(self, t: np.ndarray, lift: float, side: float) -> np.ndarray:
        """Outline of the hair's volume from the left ear (t=0) over the crown (t=.5) to the right ear (t=1)."""
        a = np.pi * (1 - np.asarray(t))
        rise = self.ear - self.top + lift
        return np.stack([self.cx + (self.half + side) * np.cos(a), self.ear - rise * np.sin(a) ** 0.78], -1)

    def hairline(self, t: np.ndarray, recede: float = 0.0) -> np.ndarray:
        """Hairline on the forehead from the left temple (t=0) to the right temple (t=1)."""
        s = 2 * np.asarray(t) - 1
        corner = np.exp(-(((np.abs(s) - 0.58) / 0.20) ** 2)) * (4 + 16 * recede) * self.u
        y = self.line + (self.ear - 6 * self.u - self.line) * np.abs(s) ** 3.2 - corner - 5 * recede * self.u
        return np.stack([self.cx + s * self.half * 0.965, y], -1)


def _scalp(who: Identity, f: HeadFrame) -> _Scalp:
    u = f.unit
    recede = 4 * who.age * who.masculine
    return _Scalp(
        f.cx, f.half, f.crown, f.nasion - (47 + who.crown + recede) * u, who.landmarks[0, 1] + 4 * u, f.chin, u
    )


def _locks(
    rng: np.random.Generator, guides: list[np.ndarray], per: int, spread: float
) -> tuple[list[np.ndarray], np.ndarray]:
    """Strands around guide curves and their lock's brightness; strands of a lock run together and part at the tips."""
    curves, tone = [], []
    for g in guides:
        shade = np.exp(rng.normal(0, 0.30))
        fan = np.linspace(0.55, 1.25, len(g))[:, None]
        for _ in range(per):
            off = rng.normal(0, spread, 2)
            curves.append(spline(g + off * fan + rng.normal(0, 0.18 * spread, g.shape), 5))
            tone.append(shade * np.exp(rng.normal(0, 0.26)))
    order = rng.permutation(len(curves))
    return [curves[i] for i in order], np.array(tone)[order]


def _lit(curves: list[np.ndarray], tone: np.ndarray, who: Identity, s: _Scalp, gloss: float) -> np.ndarray:
    """Linear colours of strands: hair colour times dome shading, with a soft band of gloss."""
    middle = np.array([c[len(c) // 2] for c in curves])
    nx = np.clip((middle[:, 0] - s.cx) / (s.half + 10), -1, 1)
    ny = np.clip((middle[:, 1] - (s.ear - 8)) / (s.ear - s.top + 14), -1, 1)
    nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0.02, 1))
    lx, ly, lz = who.light
    key = np.clip(nx * lx + ny * ly + nz * lz, 0, 1)
    band = np.exp(-(((ny + 0.62 - 0.25 * nx * lx) / 0.16) ** 2))
    light = 0.34 + 0.72 * who.contrast * key + 0.8 * gloss * band * np.clip(0.3 + nx * lx, 0, 1)
    colour = linear(who.hair)
    return np.clip((light * tone)[:, None] * colour + (0.03 * gloss * band * tone)[:, None], 0, 1)


def _cap(s: _Scalp, lift: float, side: float, recede: float) -> np.ndarray:
    """Closed polygon of hair that lies on the head: dome outside, hairline inside, sideburns at the ears."""
    t = np.linspace(0, 1, 40)
    return np.vstack([s.dome(t, lift, side), s.hairline(t[::-1], recede)])


def _guides_part(
    rng: np.random.Generator, s: _Scalp, lift: float, side: float, n: int, drop: float, wave: float
) -> list[np.ndarray]:
    """Guides that arch from a parting over the dome to both sides and fall `drop` pixels below the ears."""
    part = s.cx + rng.choice([-1, 1]) * rng.uniform(0.05, 0.45) * s.half
    arch = np.sin(np.linspace(0, np.pi / 2, 6))[:, None], np.cos(np.linspace(0, np.pi / 2, 6))[:, None]
    out = []
    for k in range(n):
        d = -1 if k % 2 else 1
        o = rng.random() ** 0.8  # 0 at the forehead, 1 at the back of the crown
        root = np.array([part + d * rng.uniform(0, 2.5), s.line - 1 + (s.top - lift + 2 - s.line) * o])
        reach = s.cx + d * (s.half * 0.97 + side * o + 1.5 * rng.random())
        level = s.ear - rng.uniform(2, 10) * s.u
        # the dome bulges more at the back than along the hairline
        over = np.hstack(
            [
                root[0] + (reach - root[0]) * arch[0] ** (1.05 - 0.25 * o),
                level - (level - root[1]) * arch[1] ** (0.85 - 0.2 * o),
            ]
        )
        steps = np.linspace(0, 1, 5)[1:, None]
        # hair at the front of the ear ends sooner than that behind it
        length = max(2.0, drop * rng.uniform(0.78, 1.06) * (0.55 + 0.45 * o if drop < 40 else 1))
        fall = over[-1] + steps * [[d * side * 0.2, length]]
        fall[:, 0] += d * wave * np.sin(steps[:, 0] * rng.uniform(7, 9) + rng.uniform(0, 1.0)) * steps[:, 0]
        out.append(np.vstack([over, fall]))
    return out


def _guides_back(
    rng: np.random.Generator, s: _Scalp, lift: float, side: float, n: int, recede: float
) -> list[np.ndarray]:
    """Guides combed from the hairline over the crown."""
    out = []
    for t in rng.uniform(0.0, 1.0, n):
        a, b = s.hairline(t, recede), s.dome(np.clip(0.5 + (t - 0.5) * 0.94, 0, 1), lift, side)
        bend = (a + b) / 2 + [(t - 0.5) * 16, -2 - 5 * lift / 10]
        o = rng.random() * 0.75
        out.append(np.array([a + (b - a) * o, a + (bend - a) * min(1, o + 0.35), b + rng.normal(0, 1.2, 2)]))
    return out


def _guides_short(
    rng: np.random.Generator, s: _Scalp, lift: float, side: float, n: int, recede: float, length: float
) -> list[np.ndarray]:
    """Short guides all over the cap that grow outwards and a little to one side."""
    lean = rng.uniform(-0.6, 0.6)
    out = []
    for t, o in zip(rng.uniform(0, 1, n), rng.random(n) ** 0.7, strict=True):
        a, b = s.hairline(t, recede), s.dome(t, lift - 2, side - 1)
        root = a + (b - a) * o
        flow = np.array([(t - 0.5) * 1.6 + lean * 0.5, -0.75 + 0.9 * abs(t - 0.5) * 2 - 0.25 * o])
        flow /= np.linalg.norm(flow)
        tip = root + flow * length * rng.uniform(0.6, 1.25)
        out.append(np.array([root, (root + tip) / 2 + [0, -1.0], tip]))
    return out


def _guides_fringe(rng: np.random.Generator, s: _Scalp, n: int, brow: float) -> list[np.ndarray]:
    """Guides that fall from the crown on to the forehead."""
    lean = rng.uniform(-7, 7)
    out = []
    for t in rng.uniform(-1, 1, n):
        ragged = rng.normal(0, 2.6) - 4 * rng.random() ** 3
        end = np.array([s.cx + t * s.half * 0.92 + lean, brow - (6 - 9 * abs(t) ** 2.5) * s.u + ragged])
        root = np.array([s.cx + t * s.half * 0.50, s.top + 4 + 10 * abs(t)])
        out.append(np.array([root, [s.cx + t * s.half * 0.80, (root[1] * 0.6 + end[1] * 0.4)], end]))
    return out


def _curls(
    rng: np.random.Generator, s: _Scalp, lift: float, side: float, n: int, radius: float, recede: float
) -> tuple[list[np.ndarray], np.ndarray]:
    """Bundles of concentric arcs all over a lumpy volume, and their brightness: lit on top, dark between bundles."""
    bumps = rng.normal(0, 0.5, (3, 9))
    out, tone = [], []
    for t, o in zip(rng.uniform(-0.02, 1.02, n), np.sort(rng.uniform(-0.03, 1.0, n)), strict=True):
        lump = float(np.interp(t, np.linspace(0, 1, 9), bumps[0])) * 3.0
        edge = s.dome(np.clip(t, 0, 1), lift + lump, side + lump)
        at = s.hairline(np.clip(t, 0, 1), recede) * (1 - o) + edge * o
        r, a0, turn = radius * rng.uniform(0.6, 1.3), rng.uniform(0, 2 * np.pi), rng.uniform(2.2, 4.4)
        shade = np.exp(rng.normal(0, 0.25))
        for k in range(5):
            a = a0 + np.linspace(0, turn, 7) + rng.normal(0, 0.15)
            ring = np.stack([np.cos(a), np.sin(a) * 0.9], 1) * r * (0.45 + 0.16 * k)
            out.append(spline(at + ring, 3))
            tone.append(shade * (0.55 + 0.20 * k))
    return out, np.array(tone)


def _layer(c: Canvas, who: Identity, s: _Scalp, base: np.ndarray, curves: list[np.ndarray], tone: np.ndarray,
           rng: np.random.Generator, gloss: float, thick: float = 1.0, width: int = 1) -> HairLayer:  # fmt: skip
    """A layer from a soft base mask and the strands over it."""
    ground = linear(who.hair) * np.float32(0.30) * (1 + 0.25 * smooth_noise(rng, 5))[..., None]
    colour = c.hairs(np.clip(ground, 0, 1).astype(np.float32), curves, _lit(curves, tone, who, s, gloss), width)
    strands = c.soften(c.coverage(curves, width), 0.25) * thick
    return HairLayer(colour, np.clip(np.maximum(base, strands), 0, 1))


def _side_part(c: Canvas, who: Identity, s: _Scalp, rng: np.random.Generator, recede: float) -> HairLayer:
    """Short sides, and a fuller top that is combed over from a parting and rises at its root."""
    u, d = s.u, rng.choice([-1, 1])
    part = s.cx - d * rng.uniform(0.35, 0.55) * s.half
    sides = _guides_short(rng, s, 4 * u, 2 * u, 700, recede, 5.5 * u)
    top = []
    for o in rng.random(260):
        root = np.array([part + rng.normal(0, 1.5), s.line + 1 + (s.top - 2 - s.line) * o + rng.normal(0, 1.0)])
        reach = rng.uniform(0.35, 1.0)
        end = np.array(
            [s.cx + d * s.half * (0.55 + 0.42 * reach), s.line + 7 * u - 16 * u * o * (1 - reach) + rng.normal(0, 3)]
        )
        end[1] += (s.top - s.line) * o * 0.55
        lift = np.array([0.35 * root[0] + 0.65 * s.cx, min(root[1], end[1]) - (9 - 4 * o) * u])
        top.append(np.array([root, lift, [0.35 * lift[0] + 0.65 * end[0], lift[1] + 2 * u], end]))
        if rng.random() < 0.5:
            tip = root + [-d * rng.uniform(6, 16) * u, rng.uniform(4, 15) * u]
            top.append(np.array([root, (root + tip) / 2 - [0, 2 * u], tip]))
    base = c.soften(c.polygon(_cap(s, 5 * u, 1.5 * u, recede), 0), 1.7)
    curves, tone = _locks(rng, sides, 6, 1.1 * u)
    more, more_tone = _locks(rng, top, 13, 1.4 * u)
    return _layer(c, who, s, base, curves + more, np.concatenate([tone * 0.8, more_tone]), rng, 0.7)


def paint_scarf(c: Canvas, who: Identity, f: HeadFrame, rng: np.random.Generator) -> HairLayer:
    """A cloth around head and neck with soft folds."""
    s = _scalp(who, f)
    p, u = who.landmarks, f.unit
    t = np.linspace(0, 1, 40)
    outer = s.dome(t, 12 * u, 11 * u)
    drape = np.array([[s.cx + s.half + 13 * u, s.ear + 40 * u], [s.cx + s.half + 4 * u, f.chin + 26 * u],
                      [s.cx, f.chin + 44 * u],
                      [s.cx - s.half - 4 * u, f.chin + 26 * u], [s.cx - s.half - 13 * u, s.ear + 40 * u]])  # fmt: skip
    window = np.vstack([s.hairline(t) + [0, 9 * u], [[s.cx + s.half * 0.95, s.ear + 10 * u]], p[14:2:-1] + [0, 2.0],
                        [[s.cx - s.half * 0.95, s.ear + 10 * u]]])  # fmt: skip
    shape = c.polygon(spline(np.vstack([outer, drape]), 4, closed=True), 0.7)
    hole = c.polygon(window, 0.7)
    alpha = np.clip(shape - hole, 0, 1)
    folds = np.zeros_like(alpha)
    for k in range(14):
        side = -1 if k % 2 else 1
        a = np.array([s.cx + side * rng.uniform(0, 8), s.top - 6 * u])
        b = np.array([s.cx + side * (s.half + rng.uniform(0, 10) * u), s.ear - rng.uniform(0, 30) * u])
        e = np.array([s.cx + side * rng.uniform(0.1, 0.9) * s.half, f.chin + rng.uniform(14, 40) * u])
        folds += rng.uniform(-1, 1) * c.line(spline(np.array([a, b, e]), 12), rng.uniform(1.5, 4), 2.0)
    nx = np.clip((c.x - s.cx) / (s.half + 16), -1, 1)
    shade = 0.45 + 0.5 * np.clip(0.6 + 0.6 * nx * who.light[0] * 1.4 - 0.002 * (c.y - s.ear), 0.1, 1.2)
    edge = c.soften(hole, 3.0)
    light = np.clip((shade + 0.13 * folds + 0.02 * smooth_noise(rng, 1.0)) * (1 - 0.55 * edge), 0.05, 1.3)
    return HairLayer((linear(who.cloth * 0.7 + 60) * light[..., None]).astype(np.float32), alpha)


def paint_front(c: Canvas, who: Identity, f: HeadFrame, rng: np.random.Generator) -> HairLayer | None:
    """Hair that lies on the head and beside the face, or None for a bald head."""
    s, u, style = _scalp(who, f), f.unit, who.hair_style
    brow = who.landmarks[17:27, 1].min()
    recede = 1.0 if style == "receding" else 0.25 * who.masculine * who.age
    if style == "headscarf":
        return paint_scarf(c, who, f, rng)
    if style == "bald":
        base = np.zeros((c.y.shape[0], c.x.shape[1]), np.float32)
        curves: list[np.ndarray] = []
        for side in (-1, 1):
            for _ in range(420):
                root = np.array([s.cx + side * (s.half + rng.uniform(-2.5, 3)), s.ear - rng.uniform(2, 34) * u])
                curves.append(np.array([root, root + [side * 1.0, rng.uniform(2, 4.5)]]))
        layer = _layer(c, who, s, base, curves, np.exp(rng.normal(0, 0.3, len(curves))), rng, 0.1, 0.6)
        return HairLayer(layer.colour, layer.alpha * 0.8)
    lift, side = 9 * u, 4 * u
    if style == "buzz":
        base = c.soften(c.polygon(_cap(s, 3 * u, 1.5 * u, recede), 0), 1.8)
        curves = _guides_short(rng, s, 3 * u, 1.5 * u, 5200, recede, 2.0 * u)
        layer = _layer(c, who, s, base * 0.72, curves, np.exp(rng.normal(0, 0.3, len(curves))), rng, 0.2, 0.75)
        return HairLayer(layer.colour, layer.alpha * 0.92)
    if style in ("curly", "afro"):
        lift, side, radius = (20 * u, 15 * u, 3.6 * u) if style == "afro" else (13 * u, 6 * u, 5.2 * u)
        base = c.soften(c.polygon(_cap(s, lift - 6, side - 5, recede), 0), 3.0)
        curves, tone = _curls(rng, s, lift, side, 1900 if style == "afro" else 850, radius, recede)
        if style == "curly" and who.masculine < 0.5:
            for d in (-1, 1):
                for _ in range(130):
                    at = np.array([s.cx + d * (s.half + rng.uniform(-4, 10) * u), s.ear + rng.uniform(-12, 60) * u])
                    turn = rng.uniform(0, 6.3) + np.linspace(0, 4, 7)
                    shade = np.exp(rng.normal(-0.15, 0.25))
                    for k in range(5):
                        arc = np.stack([np.cos(turn), np.sin(turn)], -1) * (0.4 + 0.16 * k) * 5.0 * u
                        curves.append(spline(at + arc, 3))
                        tone = np.append(tone, shade * (0.55 + 0.2 * k))
        return _layer(c, who, s, base, curves, tone, rng, 0.45)
    if style in ("crop", "receding"):
        length = (8 if style == "crop" else 6) * u
        guides = _guides_short(rng, s, (7 if style == "crop" else 4) * u, 2.5 * u, 900, recede, length)
        base = c.soften(c.polygon(_cap(s, 4 * u, 1.5 * u, recede), 0), 1.6)
        curves, tone = _locks(rng, guides, 6, 1.1 * u)
        return _layer(c, who, s, base * 0.95, curves, tone, rng, 0.4)
    if style in ("swept-back", "bun"):
        guides = _guides_back(rng, s, lift, side, 260, recede)
        base = c.soften(c.polygon(_cap(s, lift - 2, side - 1.5, recede), 0), 1.3)
        if style == "bun":
            at = np.array([s.cx + rng.uniform(-4, 4), s.top - lift - 9 * u])
            base = np.maximum(base, c.soften(c.polygon(ellipse(at, 19 * u, 14 * u), 0), 1.0))
            for _ in range(70):
                r, a0 = rng.uniform(0.3, 1.0), rng.uniform(0, 6.3)
                a = a0 + np.linspace(0, 2.4, 6)
                guides.append(at + np.stack([np.cos(a) * 19 * u, np.sin(a) * 14 * u], 1) * r)
        curves, tone = _locks(rng, guides, 18, 1.3 * u)
        return _layer(c, who, s, base, curves, tone, rng, 0.8)
    if style == "side-part" and who.masculine > 0.5:
        return _side_part(c, who, s, rng, recede)
    drop = {"side-part": 5, "fringe": 24, "bob": f.chin - s.ear - 4 * u, "long-straight": 118, "long-wavy": 112}[
        style
    ] * (1.0 if style == "bob" else u)
    if style == "side-part":
        drop = 26 * u
    wide = {"long-wavy": 9 * u, "bob": 7 * u, "long-straight": 5 * u}.get(style, side)
    wave = {"long-wavy": 5.0 * u, "fringe": 1.0}.get(style, 0.8)
    guides = _guides_part(rng, s, lift, wide, 330, drop, wave)
    base = c.soften(c.polygon(_cap(s, lift - 2, wide - 1.5, 0.0), 0), 1.3)
    if style == "fringe":
        front = [[s.cx + t * s.half * 0.86, brow - (11 - 9 * abs(t) ** 2.5) * u] for t in np.linspace(1, -1, 15)]
        base = np.maximum(
            base, c.soften(c.polygon(np.vstack([s.dome(np.linspace(0, 1, 30), lift - 2, 1), front]), 0), 1.5)
        )
    curves, tone = _locks(rng, guides, 17, 1.5 * u)
    if style == "fringe":
        more, more_tone = _locks(rng, _guides_fringe(rng, s, 150, brow), 15, 1.3 * u)
        curves, tone = curves + more, np.concatenate([tone, more_tone])
    for k in rng.integers(0, len(guides), 90):  # single hairs that leave the shape
        stray = guides[k] + rng.normal(0, 2.6 * u, 2) + np.linspace(0, 1, len(guides[k]))[:, None] * rng.normal(0, 4, 2)
        curves.append(spline(stray, 5))
        tone = np.append(tone, 0.9)
    return _layer(c, who, s, base, curves, tone, rng, 0.6)


def paint_back(c: Canvas, who: Identity, f: HeadFrame, rng: np.random.Generator) -> HairLayer | None:
    """Hair that falls behind the neck, for long styles; None otherwise."""
    if who.hair_style not in LONG:
        return None
    s, u = _scalp(who, f), f.unit
    low = f.chin - 2 * u if who.hair_style == "bob" else f.chin + 70 * u
    out = (7 if who.hair_style == "bob" else 9) * u
    edge = [[s.cx - s.half - out, s.ear - 30 * u], [s.cx - s.half - out - 3 * u, s.ear + 40 * u],
            [s.cx - s.half + 2 * u, low], [s.cx + s.half - 2 * u, low],
            [s.cx + s.half + out + 3 * u, s.ear + 40 * u], [s.cx + s.half + out, s.ear - 30 * u],
            [s.cx, s.top]]  # fmt: skip
    base = c.soften(c.polygon(spline(np.array(edge), 10, closed=True), 0), 1.4)
    wave = 4.0 * u if who.hair_style == "long-wavy" else 0.8
    guides = []
    for x in rng.uniform(-1, 1, 150):
        y = np.linspace(s.ear - 30 * u, low + rng.uniform(-8, 6), 7)
        xs = s.cx + x * (s.half + out) + wave * np.sin(np.linspace(0, 7, 7) + rng.uniform(0, 1.5))
        guides.append(np.stack([xs, y], 1))
    curves, tone = _locks(rng, guides, 14, 1.8 * u)
    layer = _layer(c, who, s, base, curves, tone * 0.75, rng, 0.25)
    inside = c.soften(c.polygon(ellipse((s.cx, f.chin), s.half * 0.8, 46 * u), 0), 9 * u)
    return HairLayer(layer.colour * (1 - 0.55 * inside)[..., None], layer.alpha)


def lay_on_head(c: Canvas, image: np.ndarray, alpha: np.ndarray, layer: HairLayer) -> tuple[np.ndarray, np.ndarray]:
    """Head with the shadow that hair throws on it and the hair itself: straight colour and alpha.

    Beyond the head's own edge the colour is the hair's alone, or strands would be rimmed with skin.
    """
    fall = np.roll(c.soften(layer.alpha, 3.5), 6, axis=0)
    image = image * (1 - 0.40 * np.clip(fall - layer.alpha, 0, 1))[..., None]
    under = (alpha * (1 - layer.alpha))[..., None]
    over = layer.alpha[..., None]
    together = under + over
    colour = (image * under + layer.colour * over) / np.maximum(together, 1e-4)
    return np.where(together > 1e-4, colour, image).astype(np.float32), together[..., 0]
