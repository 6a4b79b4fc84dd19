"""What parity tests share: inputs that nobody has seen before."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    """A generator with a seed of its own, shown when a test fails."""
    seed = np.random.SeedSequence().entropy
    print(f"seed {seed}")
    return np.random.default_rng(seed)
