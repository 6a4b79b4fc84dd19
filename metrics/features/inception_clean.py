"""Inception 2015 as clean-fid feeds it: bicubic with a low-pass to 299x299 in float, (pixel - 128) / 128."""

from __future__ import annotations

from metrics.inception import CLEAN, Inception, load_trunk


def load() -> Inception:
    """The extractor. Raises MissingWeights where the weights are not here."""
    return Inception("inception_clean", CLEAN, load_trunk())
