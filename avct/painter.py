"""The generator of an engine at work: folded for its device, in its precision, compiled or captured where asked.

Where shapes are fixed (`Tuning.fixed`), a batch is filled up by its last frame to a size that is known already, and the
surplus is cut off: the tail of a clip costs what a whole batch costs, and never a compilation.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from avct import doubling, fused
from avct.blocks import Up
from avct.compiling import compiled
from avct.composite import CompositeGenerator, CompositeSource
from avct.folding import after, fold
from avct.generator import EncodedSource, OcclusionAwareGenerator
from avct.geometry import Keypoints
from avct.graphs import Graph, Recorder
from avct.tuning import GRAPHED, HALVES, Tuning

Generator = OcclusionAwareGenerator | CompositeGenerator
DTYPES = {
    "float32": torch.float32,
    "tf32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
_MEASURED = 8
"""Frames of the batch that forms of doubling are measured with."""
_PAINTERS = ("heat", "bottleneck", "up1", "join1", "up2", "join2", "fine")
"""What paints in a composite generator."""


class Painter:
    """Frames of a generator under a settled tuning. side: of its pictures in pixels. recorder: of CUDA graphs.

    generator: the folded twin. forms: of the blocks that double pixels, where they were measured: name to the times.
    """

    def __init__(
        self, generator: Generator, tuning: Tuning, device: torch.device, *, side: int, recorder: Recorder | None
    ) -> None:
        self.tuning, self.device, self._recorder = tuning, device, recorder
        self.forms: dict[str, str] = {}
        chosen = self._measured(generator, side) if device.type == "cuda" else {}
        processor, single = device.type == "cpu", tuning.precision == "float32" and tuning.compile == "none"
        self.generator = fold(
            generator,
            vectors=processor,
            winograd=processor and single,
            last=bool(tuning.channels_last),
            forms=chosen.get,
        )
        self._wrap(self.generator)
        self._programs: dict[tuple[int, int], Callable[..., Tensor]] = {}

    def encode(self, image: Tensor) -> EncodedSource | CompositeSource:
        """A portrait float (1, 3, S, S) made ready."""
        encoded = self.generator.encode(image)
        if self.tuning.fused and isinstance(encoded, EncodedSource):
            layout = torch.channels_last if self.tuning.channels_last else torch.contiguous_format
            features = encoded.features.to(DTYPES[self.tuning.precision]).contiguous(memory_format=layout)
            encoded = encoded._replace(features=features)
        return encoded

    @torch.inference_mode()
    def paint(
        self, encoded: EncodedSource | CompositeSource, source: Keypoints, driving: Keypoints, batch: int | None
    ) -> Tensor:
        """Frames float32 (B, 3, S, S) of one portrait or of B. batch: the size to fill up to where shapes are fixed."""
        with self._painting():
            if not self.tuning.fixed:
                return self._frames(encoded, source, driving)
            count, portraits = len(driving.value), len(source.value)
            size = max(count, batch) if batch else self._size(count, portraits)
            many = size if portraits > 1 else 1
            if (size, many) not in self._programs:
                self._programs[size, many] = self._program()
            if portraits > 1:
                encoded, source = _filled(encoded, size), _filled(source, size)
            # strides that never vary either: a program is for those too
            source, driving = _anew(source), _anew(_filled(driving, size))
            painted = self._programs[size, many](encoded, source, driving)
            # memory of a graph is painted over by the next batch
            return painted[:count].clone() if self._reused else painted[:count]

    @property
    def programs(self) -> int:
        """How many sizes of batches were met where shapes are fixed: each was compiled, captured, or both."""
        return len(self._programs)

    @property
    def _reused(self) -> bool:
        return self.tuning.graphs or self.tuning.compile in GRAPHED

    def _frames(self, encoded: Any, source: Keypoints, driving: Keypoints) -> Tensor:
        return self.generator.render(encoded, source, driving).prediction

    def _program(self) -> Callable[..., Tensor]:
        work = self._frames
        if self.tuning.compile != "none":
            work = compiled(work, self.tuning.compile)
        return Graph(work, self._recorder, constants=(0, 1)) if self._recorder is not None else work

    def _size(self, count: int, portraits: int) -> int:
        """The least size that is known for the batch and less than twice as large; otherwise the next power of two."""
        known = [size for size, many in self._programs if (many > 1) == (portraits > 1) and count <= size < 2 * count]
        return min(known, default=1 << (count - 1).bit_length())

    def _painting(self) -> AbstractContextManager[None]:
        """A block that paints: float32 is float32 on a GPU, unless TF32 was asked for."""
        if self.device.type != "cuda":
            return nullcontext()
        allowed = "tf32" in (self.tuning.precision, self.tuning.motion)
        # with fixed shapes a search for the fastest kernels is paid once; otherwise every tail would start one
        return torch.backends.cudnn.flags(enabled=True, benchmark=self.tuning.fixed, allow_tf32=allowed)

    def _wrap(self, generator: Generator) -> None:
        """Puts the parts that work in half precision into it, and what else the device wants."""
        motion, painting = self.tuning.motion, self.tuning.precision
        network = generator.dense_motion_network
        if motion in HALVES:
            dtype = DTYPES[motion]
            network.hourglass = InHalf(network.hourglass, dtype, back=False)
            for name in ("mask", "occlusion", "fill"):
                if hasattr(network, name):
                    setattr(network, name, InHalf(getattr(network, name), dtype))

        def half(block: nn.Module) -> nn.Module:
            return InHalf(block, DTYPES[painting]) if painting in HALVES else block

        if isinstance(generator, CompositeGenerator):
            for name in _PAINTERS:
                setattr(generator, name, half(getattr(generator, name)))
            return
        painters = half(nn.Sequential(generator.bottleneck, *generator.up_blocks, generator.final))
        # a core's cache holds the layers of one picture, not those of eight
        generator.bottleneck = painters if self.device.type != "cpu" else _PictureByPicture(painters)
        generator.up_blocks, generator.final = nn.ModuleList(), nn.Identity()
        if self.tuning.fused:
            generator.move = fused.mover(self.device)

    def _measured(self, generator: Generator, side: int) -> dict[Up, str]:
        """The fastest form of each block that doubles pixels, for the device."""
        names = {module: name for name, module in generator.named_modules() if type(module) is Up}
        channels, count = generator.config.channels, generator.config.keypoints
        still = Keypoints(torch.zeros(1, count, 2, device=self.device))
        blank = torch.zeros(1, channels, side, side, device=self.device)
        shapes = doubling.inputs_of(names, lambda: generator(blank, still, still))
        found: dict[Up, str] = {}
        for block, shape in shapes.items():
            motion = names[block].startswith("dense_motion_network")
            dtype = DTYPES[self.tuning.motion if motion else self.tuning.precision]
            like = torch.rand(_MEASURED, *shape[1:], device=self.device, dtype=dtype)
            with self._painting():
                weight, bias = after(block.conv, block.norm)
                found[block], took = doubling.fastest(
                    weight, bias, like, last=bool(self.tuning.channels_last), clock=doubling.device_clock
                )
            self.forms[names[block]] = f"{found[block]} ({doubling.described(took)})"
        return found


class InHalf(nn.Module):
    """A block that works in half precision between float32 pictures. back: whether what it gives is float32 again."""

    def __init__(self, block: nn.Module, dtype: torch.dtype, *, back: bool = True) -> None:
        super().__init__()
        self.block, self.dtype, self.back = block.to(dtype), dtype, back

    def forward(self, x: Tensor) -> Tensor:
        made = self.block(x.to(self.dtype))
        return made.float() if self.back else made


class _PictureByPicture(nn.Module):
    """A block that is given one picture of a batch after another."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.block(picture) for picture in x.split(1)])


def _anew(keypoints: Keypoints) -> Keypoints:
    """Keypoints in memory of their own, in its plainest order."""
    return Keypoints(*(None if p is None else p.clone(memory_format=torch.contiguous_format) for p in keypoints))


def _filled(given: Any, size: int) -> Any:
    """Tensors (n, ...) in tuples, the last of each repeated until there are `size`."""
    if given is None or (isinstance(given, Tensor) and len(given) == size):
        return given
    if isinstance(given, Tensor):
        return torch.cat([given, given[-1:].expand(size - len(given), *given.shape[1:])])
    return type(given)(*(_filled(part, size) for part in given))
