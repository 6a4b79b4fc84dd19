"""What a frame costs in arithmetic and in memory traffic, stage by stage, counted while the networks run once.

FLOPs: 2 for a multiplication and its addition. Convolutions, matrix products and attention by torch's counter
(`torch.utils.flop_counter`), of the sums that are really made: a folded kernel counts as folded, Winograd's way by its
own transforms and products. What a GPU's library chooses by itself nobody sees: there sums count as they are written.
What torch's counter passes over is added by arithmetic, under a name: `warp` (grid_sample: 7 for each bilinear value,
31 for each bicubic, and 20 for each place), `resize` (7 for each bilinear value), `pool` (one for each value that is
read), `normalise` (softmax and layer norm, 5 for each value), `pointwise` (1 for each value of every other elementwise
operation), `levels` (3 for each value: scaled, cut, rounded).

Bytes: every operation with a name above except `pointwise` reads each of its operands once and writes what it makes
once, in the types that they have. Weights are therefore read once a batch (once a picture, where pictures are painted
one by one) and activations once for every layer. Nothing stays in a cache between layers, and elementwise operations,
copies and changes of layout ride along for nothing, as fused kernels do them: less traffic than an eager run has, more
than one with layers fused has. `copy` is a frame's bytes read and written; `encode` is a frame's bytes read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from avct.engine import Engine
    from avct.geometry import Keypoints
    from avct.inference import Score
    from avct.model import Model

T = TypeVar("T")
_PLACE, _BILINEAR, _BICUBIC = 20, 7, 31
_NORMALISE, _LEVELS = 5, 3
_WARPS = ("aten.grid_sampler_2d", "aten._grid_sampler_2d_cpu_fallback", "aten.cudnn_grid_sampler")
_FUSED = "avct.occlude"
"""The kernel of `avct.fused`: a bilinear warp, each value darkened by one product."""
_NORMS = ("aten.native_layer_norm", "aten._softmax")
_COPIES = (
    "aten.clone",
    "aten._to_copy",
    "aten.copy_",
    "aten.fill_",
    "aten.zero_",
    "aten.zeros_like",
    "aten.lift_fresh",
)
"""Operations that torch counts among the elementwise ones although they compute nothing."""
_SPAN = 32
"""Frames whose motion is made at once, whatever the batch of the painters (`avct.inference`)."""


@dataclass(frozen=True)
class Work:
    """counted: FLOPs by torch's counter. added: name -> FLOPs by arithmetic. bytes: read and written."""

    counted: float = 0.0
    added: Mapping[str, float] = field(default_factory=dict)
    bytes: float = 0.0

    @property
    def flops(self) -> float:
        """All of them."""
        return self.counted + sum(self.added.values())

    def __add__(self, other: Work) -> Work:
        added = Counter(dict(self.added))
        added.update(other.added)
        return Work(self.counted + other.counted, dict(sorted(added.items())), self.bytes + other.bytes)

    def shared(self, parts: float) -> Work:
        """One of so many equal parts."""
        added = {name: flops / parts for name, flops in self.added.items()}
        return Work(self.counted / parts, added, self.bytes / parts)


def tally(work: Callable[[], T]) -> tuple[Work, T]:
    """What was done while `work` ran, and what it gave. What was compiled or captured is not seen."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    found = _Count()

    class Tally(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs, packet = kwargs or {}, func._overloadpacket
            if packet not in flop_registry and func.namespace != "prim":
                with self:
                    given = func.decompose(*args, **kwargs)  # inference mode hands over whole convolutions
                if given is not NotImplemented:
                    return given
            out = func(*args, **kwargs)
            if packet in flop_registry:
                found.counted += flop_registry[packet](*args, **kwargs, out_val=out)
                found.bytes += _traffic(args, kwargs, out)
            else:
                found.note(str(packet), func, args, kwargs, out)
            return out

    with torch.no_grad(), Tally():
        given = work()
    return Work(float(found.counted), dict(sorted(found.added.items())), float(found.bytes)), given


@dataclass
class _Count:
    counted: int = 0
    bytes: int = 0
    added: Counter[str] = field(default_factory=Counter)

    def note(self, name: str, func: Any, args: Any, kwargs: Any, out: Any) -> None:
        """Adds an operation that torch's counter has no formula for."""
        import torch

        made = _tensors(out)
        values = sum(tensor.numel() for tensor in made)
        if name in _WARPS:
            mode = args[2] if len(args) > 2 else kwargs.get("interpolation_mode", 0)
            per_value = {0: _BILINEAR, 2: _BICUBIC}.get(mode, 0)
            self.added["warp"] += per_value * values + _PLACE * args[1].numel() // 2
        elif name == _FUSED:
            self.added["warp"] += (_BILINEAR + 1) * values + _PLACE * values // made[0].shape[1]
        elif name.startswith("aten.upsample_bilinear2d"):
            self.added["resize"] += _BILINEAR * values
        elif name.startswith("aten.upsample_nearest2d"):
            self.added["resize"] += 0
        elif name in ("aten.avg_pool2d", "aten._adaptive_avg_pool2d", "aten.max_pool2d_with_indices"):
            self.added["pool"] += args[0].numel()
        elif name in _NORMS:
            self.added["normalise"] += _NORMALISE * made[0].numel()
        else:
            if name not in _COPIES and (torch.Tag.pointwise in func.tags or name == "aten.native_batch_norm"):
                self.added["pointwise"] += values
            return
        self.bytes += _traffic(args, kwargs, out)


def count_engine(engine: Engine, score: Score, *, batch: int) -> dict[str, Work]:
    """Stage -> work of one frame of that score by an engine that paints `batch` frames at a time.

    Stages are those of `avct.watch` that networks do (portrait, shared by all frames of the score, motion, render) and
    the two that move frames (copy, encode). A compiled or captured engine is counted as it is written. The paper's
    configuration on a processor is counted on tensors without numbers, in seconds instead of minutes.
    """
    from avct.engine import prepare
    from avct.model import FaithfulModel

    if engine.device.type != "cpu" or not isinstance(engine.model, FaithfulModel):
        return _count_engine(engine, score, batch)
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(allow_non_fake_inputs=True):
        twin = prepare(FaithfulModel(engine.model.config).eval(), tuning=engine.tuning)
        return _count_engine(twin, score, batch)


def _count_engine(engine: Engine, score: Score, batch: int) -> dict[str, Work]:
    frames = len(score.phonemes)
    moved, painted = min(_SPAN, frames), min(batch, frames)
    portrait, sitter = tally(lambda: engine.meet(score.image, pose=score.portrait_pose, landmarks=score.landmarks))
    rows = engine.tune(score.audio)[:moved]

    def move() -> Keypoints:
        said = engine.say(score.phonemes[:moved], score.poses[:moved])
        heard = engine.hear(rows, sitter)
        windows = (tokens[:, None].expand(-1, engine.window, -1) for tokens in (said, heard))
        spoken = engine.decode(*windows)
        return engine.follow(sitter, spoken, _first(spoken, 1))

    motion, driving = tally(move)
    render, made = tally(
        lambda: engine.generator.render(sitter.encoded, sitter.source, _first(driving, painted)).prediction
    )
    stages = {"portrait": portrait.shared(frames), "motion": motion.shared(moved)}
    stages["render"] = _with_levels(render.shared(painted), made)
    return stages | _moved(score.image.nbytes)


def _first(keypoints: Keypoints, count: int) -> Keypoints:
    return type(keypoints)(*(None if part is None else part[:count] for part in keypoints))


def count_plain(model: Model, score: Score) -> dict[str, Work]:
    """Stage -> work of one frame by the plain loop, which does all of it for every frame."""
    import torch

    from avct import plain

    generator, device = model.generator, next(model.parameters()).device
    image = torch.from_numpy(score.image).to(device).permute(2, 0, 1)[None].float() / 255
    found, _ = tally(lambda: model.kp_detector(image))
    moved, (driving, source) = tally(lambda: next(plain.driving(model, score)))
    encoding, encoded = tally(lambda: generator.encode(image))
    render, rendering = tally(lambda: generator.render(encoded, source, driving))
    looked = Work() if score.landmarks is not None else found
    less = Work(-looked.counted, {name: -flops for name, flops in looked.added.items()}, -looked.bytes)
    stages = {"portrait": looked + encoding, "motion": moved + less}
    stages["render"] = _with_levels(render, rendering.prediction)
    return stages | _moved(score.image.nbytes)


def _with_levels(work: Work, painted: Any) -> Work:
    return replace(work, added={**work.added, "levels": float(_LEVELS * painted[0].numel())})


def _moved(frame: int) -> dict[str, Work]:
    return {"copy": Work(bytes=2.0 * frame), "encode": Work(bytes=float(frame))}


def _traffic(args: Any, kwargs: Any, out: Any) -> int:
    into = kwargs.get("out")
    given = [tensor for tensor in (*_tensors(args), *_tensors(list(kwargs.values()))) if tensor is not into]
    return sum(_size(tensor) for tensor in (*given, *_tensors(out)))


def _size(tensor: Any) -> int:
    """Bytes of the numbers that a tensor stands on: those that it repeats count once."""
    own = prod(size for size, step in zip(tensor.shape, tensor.stride(), strict=True) if step)
    return own * tensor.element_size()


def _tensors(held: Any) -> list[Any]:
    import torch

    if isinstance(held, torch.Tensor):
        return [held]
    if isinstance(held, list | tuple):
        return [tensor for part in held for tensor in _tensors(part)]
    return []
