"""Weights made from a seed by a recipe that does not age: golden values of networks rest on them.

The recipe is the one that `shared/metrics/golden/README.md` states. Random weights exist in tests only.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

Shape = tuple[int, ...]


def seeded_state(names_and_shapes: Mapping[str, Shape] | Iterable[tuple[str, Shape]], seed: int) -> dict[str, Any]:
    """A state dict of torch tensors, in the order given: float32, and int64 for BatchNorm's num_batches_tracked.

    Each tensor is drawn by its name: conv and linear weights (two axes or more) z sqrt(2 / fan in), biases 0.05 z,
    BatchNorm weight 1 + 0.1 z, running_mean 0.05 z, running_var exp(0.1 z), z normal.
    """
    import torch

    items = names_and_shapes.items() if isinstance(names_and_shapes, Mapping) else names_and_shapes
    return {name: torch.from_numpy(_draw(name, tuple(shape), seed)) for name, shape in items}


def shapes_of(module: Any, prefix: str = "") -> dict[str, Shape]:
    """Name -> shape of a torch module's state dict, in its order; only names that start with `prefix`."""
    return {name: tuple(t.shape) for name, t in module.state_dict().items() if name.startswith(prefix)}


def state_sha256(state: Mapping[str, Any]) -> str:
    """sha256 (hex) over name and bytes of every tensor in order: compare it with the golden's before the values."""
    digest = hashlib.sha256()
    for name, tensor in state.items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.numpy()).tobytes())
    return digest.hexdigest()


def _draw(name: str, shape: Shape, seed: int) -> np.ndarray:
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    z = np.random.RandomState((zlib.crc32(name.encode()) ^ seed) & 0xFFFFFFFF).standard_normal(shape)
    if len(shape) >= 2:
        z = z * np.sqrt(2.0 / np.prod(shape[1:]))
    elif name.endswith("running_mean"):
        z = 0.05 * z
    elif name.endswith("running_var"):
        z = np.exp(0.1 * z)
    elif name.endswith("weight"):
        z = 1 + 0.1 * z
    else:
        z = 0.05 * z
    return np.asarray(z, np.float32)
