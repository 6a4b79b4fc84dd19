"""Checkpoints: weights as safetensors, and beside them a JSON that says what they are and how they came to be.

No pickle is ever read here (`convert` reads the official ones). The JSON holds the named configuration, every size,
the data, seeds, steps, losses, device and time, so that a checkpoint can be made again. A checkpoint may hold some
parts only and name the shipped one for the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avct.config import to_dict
from avct.errors import AvctError, MissingWeights
from avct.model import Model, build
from avct.weights_path import SHIPPED

FORMAT = 1
CONVERTED = "weights convert"
"""What the card of a checkpoint made of official weights gives as `made_by`: their head poses are OpenFace's."""


def save(path: Path, model: Model, about: dict[str, Any], *, only: Collection[str] = ()) -> None:
    """Writes `path` (.safetensors) and its JSON, each whole or not at all. AvctError where a path is taken.

    only: parts such as "generator" that are written; the others must be the shipped checkpoint's, or AvctError.
    """
    from safetensors.torch import save as serialise

    tensors = {k: v.detach().contiguous().cpu() for k, v in model.state_dict().items()}
    if only:
        rest = {k: v for k, v in tensors.items() if k.partition(".")[0] not in only}
        tensors = {k: v for k, v in tensors.items() if k not in rest}
        about = {**about, "rest": _require_shipped(rest)}
    content = serialise(tensors)
    digest = hashlib.sha256(content).hexdigest()
    card = {"format": FORMAT, "configuration": model.kind, "sizes": to_dict(model.config), "sha256": digest, **about}
    partial, note = path.with_suffix(".part"), path.with_suffix(".json.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)  # safetensors' own writer lets nobody but the owner read the file
        note.write_text(json.dumps(card, indent=1) + "\n")
        partial.replace(path)
        note.replace(path.with_suffix(".json"))
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise AvctError(f"{path}: cannot be written, {error.filename} stands in the way") from None
    finally:
        for left in (partial, note):
            with suppress(OSError):
                left.unlink(missing_ok=True)


def read_card(path: Path) -> dict[str, Any]:
    """The JSON beside a checkpoint."""
    card = path.with_suffix(".json")
    if not path.is_file() or not card.is_file():
        lacking = path if not path.is_file() else card
        raise MissingWeights(f"checkpoint {lacking} is not there; train one with `run_bench.py train`")
    try:
        held = json.loads(card.read_text())
    except ValueError as error:
        raise AvctError(f"{card}: expected JSON beside the weights, {error}") from None
    found = held.get("format") if isinstance(held, dict) else type(held).__name__
    if found != FORMAT:
        raise AvctError(f"{card}: expected checkpoint format {FORMAT}, got {found!r}")
    return held


def load(path: Path | None = None, *, device: str = "cpu") -> Model:
    """The model of a checkpoint (the shipped one by default), in eval mode. AvctError when file and card disagree."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = SHIPPED if path is None else Path(path)
    card = read_card(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != card.get("sha256"):
        raise AvctError(
            f"{path}: sha256 {digest[:12]}… is not the {str(card.get('sha256'))[:12]}… that {path.stem}.json states"
        )
    model = build(card.get("configuration", ""), card.get("sizes"), where=str(path.with_suffix(".json")))
    try:
        model.load_state_dict({**_shipped_rest(card, path), **load_file(path)})
    except (SafetensorError, RuntimeError) as error:
        raise AvctError(f"{path}: weights do not fit the stated sizes ({str(error).splitlines()[0]})") from None
    return model.to(torch.device(device)).eval()


def _require_shipped(rest: Mapping[str, Tensor]) -> dict[str, str]:
    """What a card says of parts that are the shipped checkpoint's. AvctError where one of them is not."""
    from safetensors.torch import load_file

    shipped = load_file(SHIPPED)
    for name, tensor in rest.items():
        if name not in shipped or not torch.equal(tensor, shipped[name]):
            raise AvctError(f"{name}: expected the weights of {SHIPPED.stem}, which are to be left out, got others")
    return {"checkpoint": SHIPPED.stem, "sha256": read_card(SHIPPED)["sha256"]}


def _shipped_rest(card: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    """The shipped checkpoint's tensors of parts that this one leaves out."""
    from safetensors.torch import load_file

    rest = card.get("rest")
    if rest is None:
        return {}
    found = read_card(SHIPPED)["sha256"]
    if rest != {"checkpoint": SHIPPED.stem, "sha256": found}:
        told = rest.get("sha256") if isinstance(rest, dict) else rest
        raise AvctError(f"{path}: expected its other parts in {SHIPPED.stem} with sha256 {told}, got {found}")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        own = {name.partition(".")[0] for name in json.loads(file.read(length)) if name != "__metadata__"}
    return {k: v for k, v in load_file(SHIPPED).items() if k.partition(".")[0] not in own}
