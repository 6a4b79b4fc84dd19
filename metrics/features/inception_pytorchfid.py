"""Inception 2015 as pytorch-fid feeds it: bilinear to 299x299 without a low-pass, pixels -1..1."""

from __future__ import annotations

from metrics.inception import PYTORCHFID, Inception, load_trunk


def load() -> Inception:
    """The extractor. Raises MissingWeights where the weights are not here."""
    return Inception("inception_pytorchfid", PYTORCHFID, load_trunk())
