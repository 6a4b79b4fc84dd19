"""Data-parallel processes under `torchrun`: who this process is, and sums over all of them.

Gradients are summed by hand, in one flat tensor, rather than by wrapping the model: stages call parts of a model by
name, which a wrapper would hide. Without `torchrun` everything here is one process and does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn


@contextmanager
def workers(device: str) -> Iterator[None]:
    """The processes that `torchrun` started (their number in WORLD_SIZE), joined for the time of the block."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or distributed.is_initialized():
        yield
        return
    if device.startswith("cuda"):
        torch.cuda.set_device(local_rank())
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def local_rank() -> int:
    """Which of this machine's processes this one is: the number of its GPU."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def rank() -> int:
    """Which process this is; process 0 writes files and logs."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def count() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


@contextmanager
def first_alone() -> Iterator[None]:
    """Process 0 goes through the block before all others: what it writes, they find."""
    if count() > 1 and rank() != 0:
        distributed.barrier()
    yield
    if count() > 1 and rank() == 0:
        distributed.barrier()


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Every parameter's gradient becomes the sum over all processes."""
    if count() == 1:
        return
    # a process without a gradient for a parameter (a branch not taken) still takes part in its sum
    held = [p for p in parameters if p.requires_grad]
    for p in held:
        if p.grad is None:
            p.grad = torch.zeros_like(p)
    _reduce([p.grad for p in held if p.grad is not None], distributed.ReduceOp.SUM)


def average_statistics(model: nn.Module) -> None:
    """Running statistics of batch norms become their mean over all processes."""
    if count() == 1:
        return
    held = [b for b in model.buffers() if b.is_floating_point()]
    _reduce(held, distributed.ReduceOp.SUM)
    for b in held:
        b.div_(count())


def total(values: Tensor) -> Tensor:
    """The sum of a small tensor over all processes."""
    if count() > 1:
        distributed.all_reduce(values)
    return values


def _reduce(tensors: list[Tensor], how: distributed.ReduceOp) -> None:
    if not tensors:
        return
    flat = torch.cat([t.reshape(-1) for t in tensors])
    distributed.all_reduce(flat, how)
    place = 0
    for t in tensors:
        t.copy_(flat[place : place + t.numel()].view_as(t))
        place += t.numel()
