"""Captured work: what is copied into its memory and when, with a recorder that only remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tiny_models import BUILDERS, score

from avct import engine as engines
from avct.engine import prepare
from avct.geometry import Keypoints
from avct.graphs import Graph, copied
from avct.inference import Windows, perform, predictions
from avct.tuning import Tuning


class Remembering:
    """Runs work again into the tensors of its first run, as a replay does."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def record(self, work: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
        self.recorded += 1
        result = work()

        def replay() -> None:
            self.replayed += 1
            _overwrite(result, work())

        return result, replay


def _overwrite(old: Any, new: Any) -> None:
    if isinstance(old, torch.Tensor):
        old.copy_(new)
    elif isinstance(old, tuple):
        for a, b in zip(old, new, strict=True):
            _overwrite(a, b)


def test_a_graph_is_captured_once_and_reads_what_it_is_given() -> None:
    recorder = Remembering()
    graph = Graph(lambda k, x: Keypoints(k.value + x, None), recorder)
    given = Keypoints(torch.ones(2, 3, 2))
    first = graph(given, torch.ones(()))
    kept = copied(first)
    second = graph(Keypoints(torch.zeros(2, 3, 2)), torch.full((), 5.0))
    assert recorder.recorded == 1 and recorder.replayed == 2
    assert second.value is first.value and (second.value == 5).all() and (kept.value == 2).all()
    assert (given.value == 1).all(), "arguments are nobody's memory but the caller's"
    for wrong in (torch.ones(3), torch.ones((), dtype=torch.float64), None):
        with pytest.raises(ValueError, match="a graph of"):
            graph(given, wrong)


def test_constants_are_copied_when_another_object_comes() -> None:
    graph = Graph(lambda portrait, x: portrait[0] * x, Remembering(), constants=(0,))
    portrait, other, one = (torch.full((2,), 3.0), None), (torch.full((2,), 7.0), None), torch.ones(2)
    assert (graph(portrait, one) == 3).all()
    portrait[0].fill_(4)  # promised not to happen: shows that nothing is copied
    assert (graph(portrait, one) == 3).all()
    assert (graph(other, one) == 7).all()
    assert (graph(portrait, one * 2) == 8).all()


@pytest.mark.parametrize("kind", ["faithful", "landmark"])
def test_captured_frames_are_those_of_the_same_work_uncaptured(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, recorder = BUILDERS[kind](), Remembering()
    monkeypatch.setattr(engines, "CudaRecorder", lambda: recorder)
    monkeypatch.setattr(Tuning, "settled", lambda self, device: _as_on_cuda(self))
    engine, told = prepare(model, tuning=Tuning(graphs=True)), score(model, 7)
    batches = list(predictions(engine, told, batch=3))
    monkeypatch.undo()
    plainly = prepare(model)
    assert [len(b) for b in batches] == [3, 3, 1]
    wanted = torch.cat(list(predictions(plainly, told, batch=3)))
    torch.testing.assert_close(torch.cat(batches), wanted, atol=1e-5, rtol=0)
    before = recorder.recorded
    list(perform(engine, told, batch=3))
    assert recorder.recorded == engine.recompiles() == before
    with torch.inference_mode():  # live: a frame at a time, motion captured too, for whoever sits
        for seed in range(2):
            someone = score(model, 4, seed)
            ways = [Windows(e, e.meet(someone.image, pose=someone.portrait_pose)) for e in (engine, plainly)]
            for at in range(4):
                part = slice(at, at + 1)
                rows = engine.tune(someone.audio)[part]
                got, wanted = (w.add(someone.phonemes[part], rows, someone.poses[part]) for w in ways)
                if wanted is not None:
                    torch.testing.assert_close(got.value, wanted.value, atol=1e-5, rtol=0)
    assert recorder.recorded == engine.recompiles() == 4, "frames; say, hear and decode of one frame"


def test_a_batch_takes_the_nearest_size_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    model, recorder = BUILDERS["landmark"](), Remembering()
    monkeypatch.setattr(engines, "CudaRecorder", lambda: recorder)
    monkeypatch.setattr(Tuning, "settled", lambda self, device: _as_on_cuda(self))
    engine, told = prepare(model, tuning=Tuning(graphs=True)), score(model, 7)
    with torch.inference_mode():
        sitter = engine.meet(told.image, pose=told.portrait_pose)
        before = recorder.recorded

        def paint(count: int, batch: int | None = None) -> int:
            values = sitter.source.value.expand(count, -1, -1)
            assert engine.paint(sitter, Keypoints(values), batch=batch).shape[0] == count
            return recorder.recorded - before

        assert [paint(3), paint(4), paint(5, 6), paint(6), paint(5), paint(3), paint(1), paint(7)] == [
            1, 1, 2, 2, 2, 2, 3, 4
        ]  # fmt: skip


def _as_on_cuda(tuning: Tuning) -> Tuning:
    return Tuning(tuning.precision, graphs=tuning.graphs, channels_last=True, fused=False, motion="float32")
