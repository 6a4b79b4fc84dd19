"""Painted frames on their way to the processor's memory, while the device paints the next ones.

On a CUDA device each batch of levels is copied once, into pinned memory, on a stream of its own; the processor waits
for the copy, never for the painters. Pinned memory comes from torch's cache: an array that somebody keeps is his, and
what is let go is used again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from avct.watch import UNWATCHED, Watch

DEPTH = 2
"""Batches that are painted ahead of the one that is handed out: one on its way, one that the device paints."""
Parcel = tuple[Tensor, Callable[[], None]]
"""Levels in pinned memory, and what waits until they are there."""


class Carrier(Protocol):
    """What brings tensors from a device to the processor's memory."""

    def send(self, pixels: Tensor, watch: Watch) -> Parcel:
        """The parcel of levels uint8 (n, S, S, 3), which arrive after all that the device was told so far."""
        ...


class PinnedCarrier:
    """Copies on a stream of their own."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)

    def send(self, pixels: Tensor, watch: Watch) -> Parcel:
        painter = torch.cuda.current_stream(pixels.device)
        self._stream.wait_stream(painter)
        with torch.cuda.stream(self._stream), watch.stage("copy"):
            levels = torch.empty(pixels.shape, dtype=pixels.dtype, pin_memory=True)
            levels.copy_(pixels, non_blocking=True)
            arrived = self._stream.record_event()
        # the painters' memory must not be used again before it is copied
        pixels.record_stream(self._stream)
        return levels, arrived.synchronize


def deliver(
    painted: Iterator[Tensor],
    pixels: Callable[[Tensor], Tensor],
    *,
    carrier: Carrier | None = None,
    watch: Watch = UNWATCHED,
) -> Iterator[np.ndarray]:
    """Painted batches as levels uint8 (n, S, S, 3), in order, each an array that nobody writes to again.

    pixels: from a painted batch to levels on the device. carrier: None brings each batch at once, before the next is
    painted; with one, DEPTH batches are painted ahead.
    """
    if carrier is None:
        for some in painted:
            with watch.stage("render"):
                levels = pixels(some)
            with watch.stage("copy"):
                given = levels.cpu().numpy()
            yield given
        return
    waiting: deque[Parcel] = deque()
    for some in painted:
        with watch.stage("render"):
            levels = pixels(some)
        waiting.append(carrier.send(levels, watch))
        if len(waiting) > DEPTH:
            yield _received(waiting.popleft())
    while waiting:
        yield _received(waiting.popleft())


def carrier_for(device: torch.device) -> Carrier | None:
    """What delivers from the device; None where frames are in the processor's memory already."""
    return PinnedCarrier(device) if device.type == "cuda" else None


def _received(parcel: Parcel) -> np.ndarray:
    levels, wait = parcel
    wait()
    return levels.numpy()
