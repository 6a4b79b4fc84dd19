"""Inception 2015 as the original TensorFlow graph feeds it: TF1's bilinear to 299x299, (pixel - 128) / 128."""

from __future__ import annotations

from metrics.inception import TF, Inception, load_trunk


def load() -> Inception:
    """The extractor. Raises MissingWeights where the weights are not here."""
    return Inception("inception_tf", TF, load_trunk())
