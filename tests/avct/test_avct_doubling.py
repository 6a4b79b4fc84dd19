"""Pixels doubled and convolved in three forms, and the choice between them."""

from __future__ import annotations

import pytest
import torch
from tiny_networks import noise, seeded
from torch.nn import functional as F

from avct import doubling
from avct.blocks import Up
from avct.doubling import FORMS, Doubling, fastest, inputs_of
from avct.folding import FoldedUp


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@torch.inference_mode()
def test_forms_compute_the_same(form: str, layout: torch.memory_format) -> None:
    weight, bias, x = (
        noise(7, 5, 3, 3) - 0.5,
        noise(7) - 0.5,
        (noise(2, 5, 6, 9) - 0.5).contiguous(memory_format=layout),
    )
    wanted = F.relu(F.conv2d(F.interpolate(x, scale_factor=2.0), weight, bias, padding=1))
    kept = x.clone()
    got = Doubling(weight, bias, form)(x)
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-5)
    assert torch.equal(x, kept) and 0.2 < (got > 0).float().mean() < 0.8


@pytest.mark.parametrize("form", FORMS)
@torch.inference_mode()
def test_a_folded_block_takes_the_form_that_it_is_given(form: str) -> None:
    block = seeded(Up(5, 7))
    torch.testing.assert_close(FoldedUp(block, form)(noise(2, 5, 4, 6)), block(noise(2, 5, 4, 6)), atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("times", "chosen"), [((5, 4, 9), "sub-pixel"), ((5, 4.9, 9), "transposed"), ((5, 6, 1), "plain")]
)
def test_the_fastest_form_is_chosen_and_a_draw_keeps_the_first(times: tuple[float, ...], chosen: str) -> None:
    left = list(times)

    def clock(work) -> float:
        assert work().shape == (2, 7, 8, 8) and work().dtype == torch.float64
        return left.pop(0)

    like = torch.zeros(2, 5, 4, 4, dtype=torch.float64)
    found, took = fastest(noise(7, 5, 3, 3), noise(7), like, last=True, clock=clock)
    assert found == chosen and list(took) == list(FORMS) and "sub-pixel" in doubling.described(took)


def test_shapes_of_inputs_are_seen_once_and_nothing_stays_hooked() -> None:
    first, second = Up(3, 4), Up(4, 2)
    seen = inputs_of([first, second], lambda: second(first(torch.zeros(1, 3, 4, 6))))
    assert seen == {first: (1, 3, 4, 6), second: (1, 4, 8, 12)}
    assert not first._forward_pre_hooks and not second._forward_pre_hooks
