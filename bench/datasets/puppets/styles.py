"""Speaking styles: how one speaker's lips carry the same phones differently from another's.

The paper's claim is that one speaker's *consistent* style is learnt better than many mixed ones. To test it the
corpus needs speakers that differ in articulation and not only in looks; a style holds those differences.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """Gains on the articulators (1 = the reference speaker) and the habits that no phone asks for.

    jaw, rounding, spreading, upper_lip: gains. lead: seconds by which the lips run ahead of the sound.
    reach: scale of the coarticulation time constants (above 1 = more slurred). asymmetry: -1..1, the share by which
    the right side of the mouth (the viewer's) opens and spreads more than the left. smile: resting lift of the
    corners in pixels. loudness: how much of the level of the voice goes into the jaw.
    """

    name: str
    jaw: float = 1.0
    rounding: float = 1.0
    spreading: float = 1.0
    upper_lip: float = 1.0
    lead: float = 0.0
    reach: float = 1.0
    asymmetry: float = 0.0
    smile: float = 0.0
    loudness: float = 0.25


TRAINER = Style("trainer")
"""The one training speaker's style: clear, centred, neither early nor late."""

STYLES = (
    Style("clear", jaw=1.10, spreading=1.05, reach=0.92, loudness=0.20),
    Style("soft", jaw=0.80, rounding=0.85, spreading=0.85, upper_lip=0.8, reach=1.12, loudness=0.30),
    Style("lively", jaw=1.22, rounding=1.15, spreading=1.15, upper_lip=1.3, reach=0.95, smile=1.0, loudness=0.35),
    Style("rounded", jaw=0.95, rounding=1.35, spreading=0.70, lead=0.010, reach=1.05),
    Style("wide", jaw=0.92, rounding=0.75, spreading=1.35, upper_lip=1.15, smile=1.4, reach=0.98),
    Style("crooked", jaw=1.0, asymmetry=0.40, spreading=0.95, lead=-0.008),
    Style("early", jaw=1.05, lead=0.022, reach=1.08, asymmetry=-0.15),
)
"""Seven styles that other identities speak in; `STYLES[i % 7]` balances them over a list of identities."""
