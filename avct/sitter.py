"""A portrait as an engine knows it, and several of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from avct.composite import CompositeSource
from avct.errors import AvctError
from avct.generator import EncodedSource
from avct.geometry import Keypoints
from avct.hearing import Face


class Sitter(NamedTuple):
    """A portrait as an engine knows it.

    source: its keypoints (1). encoded: what the painters need of it. face: what the decoder tokens need, if it is to
    speak. rest, scale and start (`landmark` only): the network's own face at rest in the portrait's pose, the ratio of
    face widths, and the keypoints that motion is added to: the portrait's, its mouth closed if it was caught open.

    Of B portraits (`stack`) everything has B in place of 1: frame, row or keypoints i then belong to portrait i.
    """

    source: Keypoints
    encoded: EncodedSource | CompositeSource
    face: Face | Tensor | None = None
    rest: Tensor | None = None
    scale: Tensor | None = None
    start: Keypoints | None = None


def stack(sitters: Sequence[Sitter]) -> Sitter:
    """The portraits of one engine side by side, for batches of which every frame has its own: `Engine.paint`, `hear`
    and `follow` take it with batches of as many. Raises AvctError for none, or where only some are to speak."""
    if not sitters:
        raise AvctError("stack: expected at least one portrait, got none")
    if len(sitters) == 1:
        return sitters[0]
    return Sitter(*(_joined(parts) for parts in zip(*sitters, strict=True)))


def _joined(parts: Sequence[object]) -> object:
    """Tensors, or tuples of tensors, one behind the other."""
    first = parts[0]
    if any((part is None) != (first is None) for part in parts):
        raise AvctError("stack: expected portraits that were all met or all merely shown, got some of each")
    if first is None:
        return None
    if isinstance(first, Tensor):
        return torch.cat(parts)
    return type(first)(*(_joined(some) for some in zip(*parts, strict=True)))
