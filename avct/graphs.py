"""Work on a CUDA device captured once and replayed: a frame's two hundred kernels in one launch.

A graph reads and writes memory of its own. What is constant from call to call (a portrait) is copied there only when
another object comes; results must be used or copied before the next replay, in the order of the stream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

_WARM_UP = 3
"""Runs before a capture: libraries choose kernels and allocate workspaces in them, which a capture must not."""


class Recorder(Protocol):
    """What captures work."""

    def record(self, work: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
        """What the work gave while it was captured, and what replays it into the same tensors."""
        ...


class CudaRecorder:
    """CUDA graphs that share their memory: those of one engine, which never run at the same time."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, work: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UP):
                work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # thread_local: another thread that copies or encodes meanwhile does no harm
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            given = work()
        return given, graph.replay


class Graph:
    """A function of tensors (and tuples of them) for arguments of one shape, captured at its first call.

    constants: places of arguments that are the same object from call to call, not changed in between.
    """

    def __init__(self, work: Callable[..., Any], recorder: Recorder, *, constants: tuple[int, ...] = ()) -> None:
        self._work, self._recorder, self._constants = work, recorder, constants
        self._inputs: tuple[Any, ...] | None = None
        self._seen: list[Any] = []

    @torch.inference_mode()
    def __call__(self, *given: Any) -> Any:
        """The work's result, in memory that the next call writes to. ValueError for arguments of another shape."""
        if self._inputs is None:
            # memory of their own even where the caller's would do: it may be given back
            inputs = _mapped(lambda tensor: tensor.clone(), given)
            self._result, self._replay = self._recorder.record(lambda: self._work(*inputs))
            self._inputs, self._seen = inputs, list(given)
        for place, (mine, yours) in enumerate(zip(self._inputs, given, strict=True)):
            if place in self._constants and yours is self._seen[place]:
                continue
            _fill(mine, yours)
            self._seen[place] = yours if place in self._constants else None
        self._replay()
        return self._result


def copied(result: Any) -> Any:
    """The result of a graph, in memory that no replay writes to."""
    return _mapped(lambda tensor: tensor.clone(), result)


def _fill(mine: Any, yours: Any) -> None:
    if isinstance(mine, Tensor):
        if not isinstance(yours, Tensor) or mine.shape != yours.shape or mine.dtype != yours.dtype:
            raise ValueError(f"a graph of {tuple(mine.shape)} was given {_shape(yours)}")
        mine.copy_(yours, non_blocking=True)
    elif isinstance(mine, tuple):
        for own, other in zip(mine, yours, strict=True):
            _fill(own, other)
    elif yours is not mine:
        raise ValueError(f"a graph of {mine!r} was given {_shape(yours)}")


def _shape(given: Any) -> object:
    return tuple(given.shape) if isinstance(given, Tensor) else given


def _mapped(change: Callable[[Tensor], Tensor], given: Any) -> Any:
    """Tensors in (named) tuples changed one by one."""
    if isinstance(given, Tensor):
        return change(given)
    if isinstance(given, tuple):
        parts = [_mapped(change, part) for part in given]
        return type(given)(*parts) if hasattr(given, "_fields") else tuple(parts)
    return given
