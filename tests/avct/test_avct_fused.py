"""The fused warp under Triton's interpreter against torch, in a process of its own: it is chosen at import."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from avct import fused
from avct.generator import occlude

SCRIPT = """
import torch
from avct import fused
from avct.generator import occlude
source = torch.Generator().manual_seed(0)
def uniform(*shape): return torch.rand(*shape, generator=source)
for dtype, near, layout, frames, portraits, channels, size, small, dark in (
    (torch.float32, 1e-5, torch.contiguous_format, 2, 1, 5, (6, 10), (6, 10), (6, 10)),
    (torch.float32, 1e-5, torch.channels_last, 2, 2, 130, (3, 5), (4, 6), (3, 5)),
    (torch.float16, 1e-3, torch.channels_last, 2, 1, 6, (5, 4), (5, 4), (5, 4)),
    (torch.bfloat16, 8e-3, torch.channels_last, 1, 1, 3, (4, 4), (8, 6), (2, 3)),
):
    features = uniform(portraits, channels, *size).to(dtype).contiguous(memory_format=layout)
    flow = uniform(frames, *small, 2) * 3 - 1.5
    flow[0, 0, 0] = 1e12
    shade = uniform(frames, 1, *dark)
    got, wanted = fused.launch(features, flow, shade), occlude(features, flow, shade)
    assert got.dtype == dtype and got.shape == wanted.shape and got.is_contiguous(memory_format=layout)
    assert (got.float() - wanted).abs().max() <= near, (dtype, channels, layout)
    assert wanted.std() > 0.1
operator = fused.operator()
torch.library.opcheck(operator, (features, flow, shade), test_utils=("test_schema", "test_faketensor"))
compiled = torch.compile(lambda *given: operator(*given) * 2, fullgraph=True, dynamic=False, backend="aot_eager")
assert torch.equal(compiled(features, flow, shade), got * 2)
print("same")
"""


def test_the_kernel_computes_what_torch_computes(tmp_path: Path) -> None:
    if importlib.util.find_spec("triton") is None:
        pytest.skip("triton is not installed")
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(Path(fused.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=240, cwd=tmp_path, env=environment
    )
    if "InterpreterError" in done.stderr and "numpy" in done.stderr.lower():
        pytest.skip("triton's interpreter does not run with this numpy")
    assert done.stdout.strip() == "same", done.stderr


def test_without_a_gpu_torch_does_the_work() -> None:
    features, flow, shade = torch.rand(1, 4, 6, 6).half(), torch.rand(2, 6, 6, 2), torch.rand(2, 1, 6, 6)
    got = fused.mover(torch.device("cpu"))(features, flow, shade)
    assert got.dtype == torch.float16 and torch.equal(got, occlude(features, flow, shade).half())
