"""Settings of an engine: what is refused, and what is decided for a device."""

from __future__ import annotations

import pytest
import torch

from avct.errors import AvctError
from avct.tuning import Tuning

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("device", "tuning", "said"),
    [
        (CPU, Tuning("int8"), "precision: expected one of float32"),
        (CPU, Tuning("float16"), "precision: float16 is for CUDA devices"),
        (CPU, Tuning(compile="fast"), "compile: expected one of none, default"),
        (CPU, Tuning(graphs=True), "graphs: CUDA graphs are for CUDA devices"),
        (CPU, Tuning(fused=True), "fused: the fused warp is for CUDA"),
        (CPU, Tuning(motion="tf32"), "motion: tf32 is for CUDA"),
        (CUDA, Tuning(motion="quarter"), "motion: expected one of"),
        (CUDA, Tuning(compile="max-autotune", graphs=True), "makes graphs of its own"),
        (CUDA, Tuning("tf32", motion="float32"), "one switch for all float32 products"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(device: torch.device, tuning: Tuning, said: str) -> None:
    with pytest.raises(AvctError, match=said) as refused:
        tuning.settled(device)
    assert "\n" not in str(refused.value)


def test_what_was_left_open_is_decided_for_the_device() -> None:
    here = Tuning("bfloat16").settled(CPU)
    assert (here.channels_last, here.fused, here.motion) == (True, False, "float32")
    there = Tuning("float16", graphs=True).settled(CUDA)
    assert (there.channels_last, there.fused, there.motion) == (True, True, "float16")
    assert Tuning().settled(CUDA).channels_last is False and Tuning("tf32").settled(CUDA).motion == "tf32"
    assert Tuning(channels_last=False).settled(CPU).channels_last is False
    assert there.settled(CUDA) == there


def test_shapes_are_fixed_where_another_costs_a_program() -> None:
    assert not Tuning().fixed and Tuning(compile="default").fixed and Tuning(graphs=True).fixed
