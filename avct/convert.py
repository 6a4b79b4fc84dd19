"""Official checkpoints, which are pickles, into ours: the only place that reads a pickle, and it reads tensors alone.

A pickle can run code while it is opened. torch's restricted reader builds tensors, numbers, texts and containers and
refuses all else; what it gives is then held against the layout of our own networks, key for key and shape for shape.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from avct.checkpoint import CONVERTED, save
from avct.config import Audio2PoseConfig, AvctConfig
from avct.errors import AvctError, MissingWeights
from avct.model import FaithfulModel

PARTS = ("generator", "kp_detector", "ph2kp")
"""What generator.ckpt holds; audio2pose.ckpt holds one part, and calls it "generator" as well."""
WRAPPED = "module."
"""What torch's data-parallel training puts before every key."""
LICENCE = (
    "not known: the official repository states none for its weights. Their origin and licence are the matter of "
    "whoever converts and uses them"
)


@dataclass(frozen=True)
class Source:
    """An official file. parts: what was taken of it; ignored: what else it held (optimisers, counters)."""

    name: str
    sha256: str
    bytes: int
    parts: tuple[str, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Converted:
    """The checkpoint that was written and the files that it was made of."""

    path: Path
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class _File:
    path: Path
    sha256: str
    held: Mapping[Any, Any]
    ignored: tuple[str, ...]

    def source(self, parts: tuple[str, ...]) -> Source:
        return Source(self.path.name, self.sha256, self.path.stat().st_size, parts, self.ignored)


def convert(
    generator: Path, out: Path, *, audio2pose: Path | None = None, config: AvctConfig | None = None
) -> Converted:
    """Writes `out` (.safetensors) and its card from an official generator.ckpt and, with it, audio2pose.ckpt.

    config: the sizes that the files have (the paper's by default; whether the model has a head-pose network is decided
    by `audio2pose`). Raises MissingWeights where a file is not there, AvctError in one line, naming the file and the
    first key that differs, for whatever is no such checkpoint.
    """
    if out.suffix != ".safetensors":
        raise AvctError(f"{out}: expected a name that ends in .safetensors")
    config = config or AvctConfig()
    main = _read(generator, PARTS)
    turned = None if audio2pose is None else _read(audio2pose, PARTS[:1])
    heads = None if turned is None else config.audio2pose or Audio2PoseConfig()
    model = FaithfulModel(replace(config, audio2pose=heads))
    for name in PARTS:
        _fill(getattr(model, name), main, name)
    sources = [main.source(PARTS)]
    if turned is not None:
        _fill(model.audio2pose, turned, PARTS[0])
        sources.append(turned.source(("audio2pose",)))
    about = {
        "made_by": CONVERTED,
        "sources": [{**s.__dict__, "parts": list(s.parts), "ignored": list(s.ignored)} for s in sources],
        "licence": LICENCE,
    }
    save(out, model, about)
    return Converted(out, tuple(sources))


def _fill(network: nn.Module, file: _File, name: str) -> None:
    """Gives a network the weights that a file holds under a name."""
    network.load_state_dict(_fitting(file.held[name], network.state_dict(), f"{file.path}: {name}"), assign=True)


def _read(path: Path, names: tuple[str, ...]) -> _File:
    """A pickle of tensors with networks under these names."""
    if not path.exists():
        raise MissingWeights(f"{path}: no such checkpoint file")
    if not path.is_file():
        raise AvctError(f"{path}: expected a checkpoint file, got a directory")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes from anywhere: the readers of zip and pickle raise whatever they stumble over
        raise AvctError(f"{path}: {_reason(error)}") from None
    if not isinstance(held, Mapping):
        raise AvctError(f"{path}: expected an official checkpoint (a dict of networks), got {type(held).__name__}")
    if not all(isinstance(held.get(name), Mapping) for name in names):
        found = ", ".join(map(str, list(held)[:6])) or "nothing"
        raise AvctError(f"{path}: expected an official checkpoint with {', '.join(names)}, got {found}")
    return _File(path, digest, held, tuple(sorted(str(name) for name in held if name not in names)))


def _reason(error: Exception) -> str:
    code = re.search(r"GLOBAL ([\w.]+)", str(error))
    if code:
        return f"expected a pickle of tensors only, got one that calls {code[1]}; it was not opened"
    return "expected a checkpoint that torch.save wrote, got another kind of file or one that is cut short"


def _fitting(held: Mapping[Any, Any], layout: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """The held tensors under the layout's keys, in its order. AvctError names the first key that differs."""
    bare = {str(key).removeprefix(WRAPPED): value for key, value in held.items()}
    wrong = {
        key: f"expected {_describe(wanted)}, got {_describe(bare.get(key))}"
        for key, wanted in layout.items()
        if _describe(bare.get(key)) != _describe(wanted)
    }
    wrong |= {key: f"expected no such key, got {_describe(value)}" for key, value in bare.items() if key not in layout}
    if wrong:
        first, what = next(iter(wrong.items()))
        raise AvctError(
            f"{where}: expected the official layout of {len(layout)} keys, {len(wrong)} differ; first {first!r}: {what}"
        )
    for key in layout:
        if not torch.isfinite(bare[key]).all():
            raise AvctError(f"{where}: expected finite weights, {key!r} holds NaN or infinity")
    return {key: bare[key] for key in layout}


def _describe(value: Any) -> str:
    if value is None:
        return "none"
    if not isinstance(value, Tensor) or value.layout is not torch.strided:
        return f"a {type(value).__name__} that is no plain tensor"
    return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
