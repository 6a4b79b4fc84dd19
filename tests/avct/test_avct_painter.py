"""What a GPU's painter does beside a processor's, as far as a processor can follow it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from tiny_models import BUILDERS, score

from avct import composite, doubling
from avct.blocks import Up
from avct.engine import prepare
from avct.inference import perform
from avct.tuning import Tuning


def psnr(some: np.ndarray, other: np.ndarray) -> np.ndarray:
    squares = ((some.astype(float) - other) ** 2).mean((1, 2, 3))
    return 10 * np.log10(255**2 / np.maximum(squares, 1e-9))


@pytest.mark.parametrize("kind", ["faithful", "landmark"])
def test_half_precision_with_its_own_features_and_hourglass_passes_the_gate(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = BUILDERS[kind]()
    told = score(model, 5)
    wanted = np.concatenate(list(perform(model, told)))
    tuning = Tuning("bfloat16", channels_last=True, fused=True, motion="bfloat16")
    monkeypatch.setattr(Tuning, "settled", lambda self, device: self)
    engine = prepare(model, tuning=tuning)
    with torch.inference_mode():
        sitter = engine.meet(told.image, pose=told.portrait_pose)
    if kind == "faithful":
        assert sitter.encoded.features.dtype == torch.bfloat16 and sitter.encoded.small.dtype == torch.float32
    got = np.concatenate(list(perform(engine, told)))
    near = psnr(got, wanted)
    assert near.mean() >= 40 and near.min() >= 35 and (got != wanted).any()
    assert engine.describe()["fused"] is True


@pytest.mark.parametrize("kind", ["faithful", "landmark"])
def test_forms_are_measured_for_every_block_that_doubles(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = BUILDERS[kind]()
    painter = prepare(model)._painter
    times = itertools.cycle([3.0, 2.0, 5.0])
    monkeypatch.setattr(doubling, "device_clock", lambda work: (work(), next(times))[1])
    with torch.inference_mode():
        found = painter._measured(model.generator, model.config.image_size)
    blocks = [module for module in model.generator.modules() if type(module) is Up]
    assert set(found) == set(blocks) and len(painter.forms) == len(blocks) > 2
    assert set(found.values()) == {"sub-pixel"}
    assert all(
        said == "sub-pixel (transposed 3.000 ms, sub-pixel 2.000 ms, plain 5.000 ms)" for said in painter.forms.values()
    )


@torch.inference_mode()
def test_windows_are_cut_and_pasted_alike_by_slices_and_by_places(monkeypatch: pytest.MonkeyPatch) -> None:
    x, patch = torch.rand(3, 2, 24, 24), torch.rand(3, 2, 8, 8)
    corners = torch.tensor([[0, 16], [4, 8], [16, 0]])

    def both() -> tuple[torch.Tensor, torch.Tensor]:
        return composite._cut(x, corners, 8), composite._pasted(x, patch, corners)

    sliced = both()
    monkeypatch.setattr(composite, "_whole_on", lambda _: True)
    for some, other in zip(sliced, both(), strict=True):
        assert torch.equal(some, other)
    assert torch.equal(composite._cut(sliced[1], corners, 8), patch) and not torch.equal(sliced[1], x)
