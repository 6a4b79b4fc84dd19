"""Inflated Inception (I3D) on Kinetics-400: 400 logits, a line for every 16 frames."""

from __future__ import annotations

from metrics.i3d import Windows, load_trunk


def load() -> Windows:
    """The extractor. Raises MissingWeights where the weights are not here."""
    return Windows(load_trunk())
