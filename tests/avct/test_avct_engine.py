"""The engine against the plain loop, and each rewriting against what it replaces."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from tiny_models import BUILDERS, landmark, score
from tiny_networks import noise, seeded
from torch import nn

from avct import facepoints, folding, inference, plain
from avct.blocks import AntiAlias, Down, DownRes, Res, Same, Up
from avct.engine import Engine, Sitter, prepare, stack
from avct.errors import AvctError
from avct.geometry import Keypoints
from avct.inference import FRONTAL, Windows, perform, predictions, speech_keypoints
from avct.model import Model
from avct.watch import STAGES
from avct.winograd import WinogradRes, transforms


@pytest.fixture(scope="module", params=["faithful", "landmark"])
def model(request: pytest.FixtureRequest) -> Model:
    return BUILDERS[request.param]()


@pytest.mark.parametrize(("frames", "batch"), [(1, 8), (2, 1), (7, 3), (19, 8)])
def test_engine_equals_the_plain_loop(model: Model, frames: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also at both edges, for clips shorter than a window, and for lengths that the batch does not divide."""
    monkeypatch.setattr(inference, "_SPAN", 4)
    told = score(model, frames)
    wanted = torch.stack(list(plain.predictions(model, told)))
    parts = list(predictions(prepare(model), told, batch=batch))
    assert [len(p) for p in parts] == [batch] * (frames // batch) + [frames % batch] * (frames % batch > 0)
    assert wanted.std() > 0.05, "frames that show nothing prove nothing"
    torch.testing.assert_close(torch.cat(parts), wanted, atol=1e-4, rtol=0)
    moved = torch.cat([keypoints.value for keypoints, _ in plain.driving(model, told)])
    assert frames == 1 or (moved[1:] - moved[:-1]).abs().max() > 1e-3


def test_levels_are_those_of_the_plain_loop(model: Model) -> None:
    told = score(model, 5)
    painted = torch.stack(list(plain.predictions(model, told))) * 255
    # the official code cuts, the landmark configuration rounds; a last digit may fall to either side
    wanted = (painted if model.kind == "faithful" else painted.round()).clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    got = np.concatenate(list(perform(model, told, batch=2)))
    assert got.dtype == np.uint8 and np.abs(got.astype(int) - wanted).max() <= 1
    assert (got == wanted).mean() > 0.999


def test_landmarks_and_absolute_keypoints_equal_the_plain_loop() -> None:
    model = landmark(relative=False)
    marks = np.random.default_rng(3).uniform(8, 56, (68, 2))
    told = score(model, 4, landmarks=marks)
    wanted = torch.cat([k.value for k, _ in plain.driving(model, told)])
    torch.testing.assert_close(speech_keypoints(model, told)[1].value, wanted, atol=1e-5, rtol=0)


def face_marks(gap: float) -> np.ndarray:
    """68 landmarks in a 64x64 picture, 40 pixels wide, whose inner lips stand `gap` face widths apart."""
    marks = np.zeros((68, 2))
    marks[:17, 0], marks[:17, 1] = np.linspace(8, 56, 17), 20 + 40 * np.sin(np.linspace(0, np.pi, 17))
    marks[[2, 14]] = [[12, 40], [52, 40]]
    marks[17:48] = [32, 24]
    marks[48:68] = [32, 46]
    marks[62], marks[66] = [32, 46], [32, 46 + 40 * gap]
    return marks


def test_a_mouth_caught_open_is_closed_before_it_speaks() -> None:
    model = landmark()
    for gap, moved in ((0.006, False), (0.07, False), (0.12, True)):
        value = facepoints.from_landmarks(face_marks(gap), 64)[None]
        closed = facepoints.close_mouth(value)
        assert (closed != value).any() == moved
        lips = closed[0, facepoints.INNER_LOWER] - closed[0, facepoints.INNER_UPPER]
        width = np.linalg.norm(value[0, 10] - value[0, 9])
        assert np.linalg.norm(lips) / width == pytest.approx(facepoints.SHUT if moved else gap, abs=2e-4)
        np.testing.assert_array_equal(closed[0, 9:], value[0, 9:])  # all above the jaw stays
        told = score(model, 3, landmarks=face_marks(gap))
        source, driving = speech_keypoints(model, told)
        np.testing.assert_array_equal(source.value.numpy(), value)  # the picture is where it is
        wanted = torch.cat([k.value for k, _ in plain.driving(model, told)])
        torch.testing.assert_close(driving.value, wanted, atol=1e-5, rtol=0)


def test_pieces_of_any_length_give_the_same_keypoints(model: Model) -> None:
    told, engine = score(model, 17), prepare(model)
    rows = engine.tune(told.audio)

    def known(lengths: list[int]) -> tuple[torch.Tensor, list[int]]:
        with torch.inference_mode():
            windows, at, found, counts = Windows(engine, engine.meet(told.image, pose=FRONTAL)), 0, [], []
            for length in lengths:
                part = slice(at, at + length)
                found.append(windows.add(told.phonemes[part], rows[part], told.poses[part]))
                counts.append(0 if found[-1] is None else len(found[-1].value))
                at += length
            found.append(windows.finish())
        return torch.cat([k.value for k in found if k is not None]), counts

    whole, _ = known([17])
    single, counts = known([1] * 17)
    torch.testing.assert_close(single, whole, atol=1e-5, rtol=0)
    assert len(whole) == 17
    # a frame is known as soon as half a window after it is there, and not before
    assert np.cumsum(counts).tolist() == [max(0, t - engine.half_window) for t in range(1, 18)]


def test_preparing_leaves_the_model_as_it_was(model: Model) -> None:
    before = {k: v.clone() for k, v in model.state_dict().items()}
    shapes = {k: v.stride() for k, v in model.state_dict().items()}
    kinds = [type(m) for m in model.modules()]
    for precision in ("float32", "bfloat16"):
        list(perform(model, score(model, 2), precision=precision))
    after = model.state_dict()
    assert [type(m) for m in model.modules()] == kinds and shapes == {k: v.stride() for k, v in after.items()}
    assert all(torch.equal(before[k], v) and v.dtype == before[k].dtype for k, v in after.items())
    assert all(p.requires_grad for p in model.parameters())


def test_an_engine_is_prepared_once_and_keeps_its_precision(model: Model) -> None:
    engine = prepare(model)
    assert isinstance(engine, Engine) and prepare(engine) is engine
    told = score(model, 3)
    np.testing.assert_array_equal(
        np.concatenate(list(perform(engine, told))), np.concatenate(list(perform(model, told)))
    )


def test_half_precision_paints_nearly_the_same_and_moves_exactly_the_same(model: Model) -> None:
    told = score(model, 3)
    whole, half = (torch.cat(list(predictions(prepare(model, precision=p), told))) for p in ("float32", "bfloat16"))
    assert half.dtype == torch.float32
    assert 0 < (whole - half).abs().mean() < 0.01
    with pytest.raises(AvctError, match="CUDA"):
        prepare(model, precision="float16")
    with pytest.raises(AvctError, match="expected one of float32"):
        prepare(model, precision="int8")


def blocks() -> list[tuple[str, nn.Module, tuple[int, ...]]]:
    return [
        ("same", Same(5, 7, kernel=7), (2, 5, 12, 16)),
        ("down", Down(5, 7), (2, 5, 12, 16)),
        ("up", Up(5, 7), (2, 5, 6, 8)),
        ("res", Res(6), (2, 6, 10, 12)),
        ("res by Winograd", Res(128), (2, 128, 36, 8)),
        ("res of another size", Res(128), (2, 128, 6, 10)),
        ("downres", DownRes(5, 9), (2, 5, 12, 16)),
        ("head", nn.Conv2d(5, 3, 7, padding=3), (2, 5, 12, 16)),
        ("head of one", nn.Conv2d(5, 1, 3, padding=1), (2, 5, 12, 16)),
        ("head of another size", nn.Conv2d(5, 1, 3, padding=1), (2, 5, 7, 9)),
    ]


@pytest.mark.parametrize(("name", "block", "shape"), blocks(), ids=lambda v: v if isinstance(v, str) else "")
@torch.inference_mode()
def test_folded_blocks_compute_the_same(name: str, block: nn.Module, shape: tuple[int, ...]) -> None:
    block = seeded(block)
    folded = folding.fold(block, vectors=True, winograd=True)
    assert type(folded) is not type(block)
    x = noise(*shape) - 0.3
    kept = x.clone()
    torch.testing.assert_close(folded(x), block(x), atol=2e-5, rtol=1e-5)
    assert torch.equal(x, kept), "a block must not work on its input"
    assert not any(p.requires_grad for p in folded.parameters())


@torch.inference_mode()
def test_heavy_doubling_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "_HEAVY", 1)
    block = seeded(Up(5, 7))
    folded = folding.fold(block, vectors=True)
    assert folded.weight.shape[-1] == 3
    torch.testing.assert_close(folded(noise(2, 5, 4, 4)), block(noise(2, 5, 4, 4)), atol=1e-5, rtol=1e-5)


def test_what_cannot_be_folded_is_kept() -> None:
    network = nn.Sequential(AntiAlias(3, shrink=4), nn.Conv2d(3, 8, 3, padding=1))
    twin = folding.fold(network.train(), vectors=True)
    assert [type(m) for m in twin] == [type(m) for m in network] and twin is not network
    assert not twin.training and network.training
    assert twin[1].weight is not network[1].weight


def test_winograd_transforms_convolve() -> None:
    output, kernel, given = transforms()
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=6), rng.normal(size=3)
    np.testing.assert_allclose(output @ ((kernel @ w) * (given @ x)), np.correlate(x, w, "valid"), atol=1e-12)


def test_wide_residual_blocks_go_winograds_way_only_in_float32() -> None:
    block = nn.Sequential(Res(128))
    assert isinstance(folding.fold(block, vectors=True, winograd=True)[0], WinogradRes)
    assert isinstance(folding.fold(block, vectors=True)[0], folding.FoldedRes)


def test_painters_are_compiled_once_in_the_mode_asked_for(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = torch.compile

    def compile_quickly(block, *, mode: str, fullgraph: bool, dynamic: bool):
        assert fullgraph and not dynamic
        asked.append(mode)
        return real(block, backend="eager", fullgraph=True, dynamic=False)  # traced, without a minute of C++

    monkeypatch.setattr(torch, "compile", compile_quickly)
    told = score(model, 7)
    wanted = torch.cat(list(predictions(prepare(model), told, batch=3)))
    engine = prepare(model, compiled="max-autotune")
    parts = list(predictions(engine, told, batch=3))
    assert asked == ["max-autotune"], "the tail is filled up and needs no program of its own"
    assert [len(part) for part in parts] == [3, 3, 1]
    torch.testing.assert_close(torch.cat(parts), wanted, atol=1e-4, rtol=0)
    before = engine.recompiles()
    list(predictions(engine, told, batch=3))
    assert engine.recompiles() == before
    if model.kind == "landmark":  # tracing takes seconds
        list(predictions(engine, told, batch=5))
        assert engine.recompiles() > before and len(asked) == 2
    with pytest.raises(AvctError, match="compile: expected one of none, default"):
        prepare(model, compiled="fast")
    with pytest.raises(AvctError, match="tf32 is for CUDA"):
        prepare(model, precision="tf32")


@torch.inference_mode()
def test_frames_of_several_portraits_in_one_batch_are_those_of_each(model: Model) -> None:
    engine, scores = prepare(model), [score(model, 3, seed) for seed in range(3)]
    met = [engine.meet(told.image, pose=FRONTAL) for told in scores]
    alone = [torch.cat(list(predictions(engine, told))) for told in scores]

    def keypoints(told, sitter: Sitter) -> Keypoints:
        windows = Windows(engine, sitter)
        parts = [windows.add(told.phonemes, engine.tune(told.audio), told.poses), windows.finish()]
        values, jacobians = zip(*(part for part in parts if part is not None), strict=True)
        return Keypoints(torch.cat(values), None if jacobians[0] is None else torch.cat(jacobians))

    moved = [keypoints(told, sitter) for told, sitter in zip(scores, met, strict=True)]
    together = stack(met)
    for frame in range(3):
        parts = [[None if p is None else p[frame : frame + 1] for p in some] for some in moved]
        driving = Keypoints(*(None if p[0] is None else torch.cat(p) for p in zip(*parts, strict=True)))
        painted = engine.paint(together, driving)
        torch.testing.assert_close(painted, torch.stack([a[frame] for a in alone]), atol=1e-5, rtol=0)
    rows = np.concatenate([engine.tune(told.audio)[:1] for told in scores])
    apart = torch.cat([engine.hear(row[None], sitter) for row, sitter in zip(rows, met, strict=True)])
    torch.testing.assert_close(engine.hear(rows, together), apart, atol=1e-5, rtol=1e-5)
    assert stack(met[:1]) is met[0]
    with pytest.raises(AvctError, match="at least one portrait"):
        stack([])
    with pytest.raises(AvctError, match="all met or all merely shown"):
        stack([met[0], engine.show(scores[1].image, met[1].source)])


def test_a_watch_sees_every_stage_of_a_clip_and_changes_nothing(model: Model) -> None:
    seen: list[str] = []

    class Watching:
        def stage(self, name: str):
            @contextmanager
            def block():
                assert not inside, "stages do not nest"
                inside.append(name)
                seen.append(name)
                yield
                inside.remove(name)

            return block()

    inside: list[str] = []
    told, engine = score(model, 5), prepare(model)
    watched = list(perform(engine, told, batch=2, watch=Watching()))
    assert not inside and set(seen) <= set(STAGES)
    assert seen[0] == "portrait" and "motion" in seen and seen.count("copy") == 3
    np.testing.assert_array_equal(np.concatenate(watched), np.concatenate(list(perform(engine, told, batch=2))))
