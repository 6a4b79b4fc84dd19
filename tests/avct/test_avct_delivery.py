"""Frames brought to the processor's memory: order, overlap and whose memory it is, with a slow carrier."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from avct.delivery import DEPTH, carrier_for, deliver
from avct.watch import UNWATCHED, Watch


class Slow:
    """Parcels whose levels arrive when they are waited for, in memory of their own."""

    def __init__(self, log: list[str]) -> None:
        self.log, self.sent = log, 0

    def send(self, pixels: Tensor, watch: Watch) -> tuple[Tensor, Callable[[], None]]:
        number, levels, contents = self.sent, torch.zeros_like(pixels), pixels.clone()
        self.sent += 1
        self.log.append(f"sent {number}")

        def wait() -> None:
            self.log.append(f"here {number}")
            levels.copy_(contents)

        return levels, wait


def batches(count: int, log: list[str]) -> Iterator[Tensor]:
    memory = torch.zeros(2, 3)
    for number in range(count):
        log.append(f"painted {number}")
        memory.fill_(number)  # painters use their memory again
        yield memory


def levels(painted: Tensor) -> Tensor:
    return painted.to(torch.uint8)


def test_next_batches_are_painted_before_one_is_waited_for() -> None:
    log: list[str] = []
    got = list(deliver(batches(5, log), levels, carrier=Slow(log)))
    assert [int(some[0, 0]) for some in got] == [0, 1, 2, 3, 4] and all(some.dtype == np.uint8 for some in got)
    for number in range(5):
        assert log.index(f"here {number}") > log.index(f"sent {min(number + DEPTH, 4)}")
        if number + DEPTH + 1 < 5:  # and no further ahead
            assert log.index(f"here {number}") < log.index(f"painted {number + DEPTH + 1}")


def test_few_batches_and_none_arrive_too() -> None:
    for count in range(4):
        log: list[str] = []
        assert [int(some[0, 0]) for some in deliver(batches(count, log), levels, carrier=Slow(log))] == list(
            range(count)
        )


def test_without_a_carrier_each_batch_comes_before_the_next_is_painted() -> None:
    log: list[str] = []
    for number, some in enumerate(deliver(batches(3, log), levels, watch=UNWATCHED)):
        assert (some == number).all() and log[-1] == f"painted {number}"
    assert carrier_for(torch.device("cpu")) is None
