"""Networks to be timed: a checkpoint's, the shipped ones, or the paper's at full size drawn from a seed."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.perf.subject import Lacking
from bench.records import Setting

if TYPE_CHECKING:
    from avct.engine import Engine
    from avct.model import Model

_LIVELY, _VIVID = 30.0, 8.0
"""How much more than other layers the last ones of drawn networks give. Drawn like the others, keypoints move by 0.1 px
in a second of speech and pictures deviate by 4 levels: any frame would pass the gate for any other. So they move by
3 px and deviate by 18 levels, and a frame late by one is refused (0.8 px); painters in bfloat16 pass at 48 dB."""


@dataclass(frozen=True)
class Network:
    """Whose weights they are. checkpoint: None is the shipped one. untrained: the paper's full size drawn from `seed`,
    unless a checkpoint is given."""

    name: str
    checkpoint: Path | None = None
    untrained: bool = False
    seed: int = 0

    @property
    def drawn(self) -> bool:
        """Whether weights come from the seed."""
        return self.untrained and self.checkpoint is None

    @property
    def weights(self) -> str:
        """Where weights come from, for a reader."""
        from avct.weights_path import SHIPPED

        return f"drawn from seed {self.seed}" if self.drawn else (self.checkpoint or SHIPPED).stem

    def prepare(self, setting: Setting) -> Engine:
        """The engine under a setting. Raises Lacking where the networks or the device cannot do it, and BenchError for
        a checkpoint that cannot be used."""
        from avct.engine import prepare
        from avct.errors import AvctError
        from bench.adapters.avct import tuning_of

        model = self.load(setting)
        try:
            return prepare(model, tuning=tuning_of(setting))
        except AvctError as error:
            raise Lacking(f"{self.name}: {error}") from None

    def load(self, setting: Setting) -> Model:
        """The model on the setting's device, for pictures of its size."""
        from bench.adapters.avct import load_model

        model = self._draw(setting) if self.drawn else load_model(self.checkpoint, setting.device)
        if setting.pose == "audio" and model.audio2pose is None:
            raise Lacking(f"{self.name}: pose rule audio asks for a head-pose network, which the checkpoint lacks")
        return _sized(model, setting.size, self.name)

    def _draw(self, setting: Setting) -> Model:
        import torch

        from avct.config import Audio2PoseConfig, AvctConfig
        from avct.model import FaithfulModel
        from bench.perf.engine import drawn

        config = AvctConfig(audio2pose=Audio2PoseConfig()) if setting.pose == "audio" else AvctConfig()
        model = drawn(FaithfulModel(config), self.seed)
        with torch.no_grad():
            model.ph2kp.kp.weight.mul_(_LIVELY)
            model.generator.final.weight.mul_(_VIVID)
        return model.to(torch.device(setting.device))


def _sized(model: Model, size: int, name: str) -> Model:
    """The model for pictures of another size, where its networks allow that."""
    from avct.errors import AvctError

    own = model.config.image_size
    if size == own:
        return model
    if model.kind == "faithful":
        raise Lacking(f"{name}: its sound meets the maps of {own}x{own} portraits alone; it cannot do {size}x{size}")
    try:
        config = replace(model.config, image_size=size)
    except AvctError as error:
        raise Lacking(f"{name}: {error}") from None
    other = copy.copy(model)  # the same networks; a model of the first size may be in use
    other.config = config
    return other
