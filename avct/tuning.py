"""How an engine is set up for its device: one record, checked before anything is built."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from avct.errors import AvctError

if TYPE_CHECKING:
    import torch

PRECISIONS = ("float32", "tf32", "bfloat16", "float16")
"""What frames can be painted in. tf32: float32 whose products a GPU may round to 10 bits."""
HALVES = ("bfloat16", "float16")
COMPILE = ("none", "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
"""How the painters are compiled: not at all, or by torch.compile in one of its modes."""
GRAPHED = ("reduce-overhead", "max-autotune")
"""Modes of torch.compile that make CUDA graphs of their own."""


@dataclass(frozen=True)
class Tuning:
    """Settings of an engine. None: as is best on the device, decided by `settled`.

    precision: of the painters, one of PRECISIONS. compile: one of COMPILE. graphs: batches are captured as CUDA graphs
    (and the motion of single frames). channels_last: how kernels, and with them pictures, lie in memory. fused: warp
    and occlusion in one kernel (`avct.fused`). motion: what the hourglass of the dense motion computes in, one of
    PRECISIONS; candidates, shares and flow are in float32 whatever it is.
    """

    precision: str = "float32"
    compile: str = "none"
    graphs: bool = False
    channels_last: bool | None = None
    fused: bool | None = None
    motion: str | None = None

    @property
    def fixed(self) -> bool:
        """Whether a batch of another size costs a compilation or a capture, so that batches are filled up."""
        return self.graphs or self.compile != "none"

    def settled(self, device: torch.device) -> Tuning:
        """The tuning on a device, nothing left open. Raises AvctError for what cannot be there."""
        cuda = device.type == "cuda"
        check_precision(self.precision, device)
        if self.compile not in COMPILE:
            raise AvctError(f"compile: expected one of {', '.join(COMPILE)}, got {self.compile!r}")
        if self.graphs and not cuda:
            raise AvctError(f"graphs: CUDA graphs are for CUDA devices; on {device.type} take graphs = false")
        if self.graphs and self.compile in GRAPHED:
            raise AvctError(f"graphs: compile {self.compile!r} makes graphs of its own; expected graphs = false")
        if self.fused and not cuda:
            raise AvctError(f"fused: the fused warp is for CUDA devices; on {device.type} take fused = false")
        motion = self.motion or (_MOTION[self.precision] if cuda else "float32")
        check_precision(motion, device, what="motion")
        if "tf32" in (motion, self.precision) and "float32" in (motion, self.precision):
            raise AvctError("motion: tf32 is one switch for all float32 products; expected motion and precision alike")
        last = self.channels_last
        if last is None:
            # cuDNN's float32 kernels are made for planes, its tensor cores for channels side by side
            last = not cuda or self.precision != "float32"
        return replace(self, motion=motion, channels_last=last, fused=cuda if self.fused is None else self.fused)


_MOTION = {"float32": "float32", "tf32": "tf32", "bfloat16": "tf32", "float16": "float16"}
"""What the hourglass takes on a GPU: eleven bits of each number at least, of which bfloat16 keeps eight."""


def check_precision(precision: str, device: torch.device, *, what: str = "precision") -> None:
    """Nothing; raises AvctError for a precision that is unknown or that the device has no arithmetic for."""
    if precision not in PRECISIONS:
        raise AvctError(f"{what}: expected one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision in ("tf32", "float16") and device.type != "cuda":
        raise AvctError(f"{what}: {precision} is for CUDA devices; on {device.type} take bfloat16 or float32")
