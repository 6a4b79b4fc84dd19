"""Carries out a recipe: stage after stage, each going on where it stopped, then one checkpoint of all.

What is learnt from comes as `Supply`, so that the embedded corpus and a folder of anybody's clips are used alike.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from avct.checkpoint import load, save
from avct.errors import AvctError
from avct.model import LandmarkModel
from avct.shards import Shards
from avct.syncnet import SMALL, SyncConfig, SyncNet
from avct.training import workers
from avct.training.correlation import gather_seen, train_correlation
from avct.training.detector import train_detector
from avct.training.finetune import Sync, train_finetune
from avct.training.loop import Log, Loop, finished
from avct.training.pose import train_pose
from avct.training.recipe import Recipe
from avct.training.renderer import train_renderer
from avct.training.speech import gather, train_speech
from avct.training.sync import freeze, sync_loss, train_sync
from avct.training.unsupervised import train_unsupervised
from avct.weights_path import SHIPPED

Supply = Callable[[str], Shards]
"""Shards of a kind: "pictures" (labelled frames), "talking" (films with sound), "spoken" (labels with sound), "lips"
(films of mouths, for the sync expert), "heads" (long clips of sound with head poses)."""
Note = Callable[[str, dict[str, float]], None]
"""A logged row of a stage."""
BEGIN = ("detector", "renderer", "speech", "pose")
"""Stages whose networks begin untrained."""
CONTINUES = {"polish": "renderer", "sharpen": "polish", "finetune": "speech"}
"""Stages that go on with the weights of another."""


class Training:
    """A recipe being carried out. folder: where states of stages are kept. device: "cpu", "cuda" or "cuda:N"."""

    def __init__(self, recipe: Recipe, supply: Supply, folder: Path, *, device: str = "cpu") -> None:
        self.recipe, self.supply, self.folder = recipe, supply, folder
        torch.manual_seed(recipe.seed)
        self.model = recipe.model()
        if recipe.parts:
            self._take_parts()
        self.model.to(torch.device(device))
        self.device = torch.device(device)
        self._given: dict[str, Tensor] = {}  # what fine-tuning goes on from where the recipe has no speech of its own
        if "finetune" in recipe.stages and "speech" not in recipe.stages:
            self._given = {k: v.detach().cpu().clone() for k, v in self._part("finetune").state_dict().items()}

    def run(self, stages: tuple[str, ...], *, note: Note) -> None:
        """Trains the named stages (those that are done are passed over), in the recipe's order."""
        for stage in self.require_ready(stages):
            if not self.take(stage):
                self._train(stage, lambda row, stage=stage: note(stage, row))
                self.take(stage)

    def require_ready(self, stages: tuple[str, ...]) -> list[str]:
        """The stages in order. AvctError, before hours are spent, for what a stage rests on and nobody has trained."""
        unknown = [s for s in stages if s not in self.recipe.stages]
        if unknown:
            has = ", ".join(self.recipe.stages)
            raise AvctError(f"recipe {self.recipe.name}: no stage {unknown[0]!r}; it has {has}")
        ordered = [s for s in self.recipe.stages if s in stages]
        for stage in ordered:
            for needed in self._needs(stage):
                if needed not in ordered and not self.is_done(needed):
                    raise AvctError(f"train: {stage} goes on from a finished {needed}; {self.folder} has none")
        return ordered

    def _needs(self, stage: str) -> list[str]:
        needs = [CONTINUES[stage]] if stage in CONTINUES else []
        if stage == "finetune" and self.recipe.stages[stage].sync:
            needs.append("sync")
        if stage == "finetune" or (stage == "speech" and self.recipe.configuration == "faithful"):
            needs += ["renderer", "polish", "sharpen"]
        return [n for n in needs if n in self.recipe.stages]

    def is_done(self, stage: str) -> bool:
        """Whether the stage's state has all its steps."""
        return finished(self._state(stage), self.recipe.stages[stage].steps) is not None

    def take(self, stage: str) -> bool:
        """Whether the stage is done; the networks then hold what it learnt."""
        held = finished(self._state(stage), self.recipe.stages[stage].steps)
        if held is None or stage == "sync":
            return held is not None
        part = self._part(stage)
        if stage == "finetune":
            before = self._before()
            kept = self.recipe.stages[stage].kept
            held = {k: torch.lerp(v, before[k], kept) if v.is_floating_point() else v for k, v in held.items()}
        part.load_state_dict(held)
        return True

    def _before(self) -> dict[str, Tensor]:
        """The weights that fine-tuning went on from."""
        if "speech" in self.recipe.stages:
            held = finished(self._state("speech"), self.recipe.stages["speech"].steps)
            if held is None:
                raise AvctError(f"train: finetune goes on from a finished speech; {self.folder} has none")
            return held
        return self._given

    def checkpoint(self, path: Path, about: dict[str, Any]) -> Path | None:
        """Writes the checkpoint once every stage is done; None before."""
        # in this order: what goes on from another stage comes after it and takes its place
        if not all(self.take(stage) for stage in self.recipe.stages):
            return None
        past = {stage: _history(self._state(stage)) for stage in self.recipe.stages}
        card = {
            "recipe": self.recipe.as_dict(),
            "machine": machine(),
            "seconds": {stage: round(seconds) for stage, (_, seconds) in past.items()},
            "losses": {stage: rows[:: max(1, len(rows) // 20)] for stage, (rows, _) in past.items()},
            **about,
        }
        if workers.rank() == 0:
            save(path, self.model, card, only=self.recipe.stores)
        return path

    def _train(self, stage: str, log: Log) -> Loop:
        model, how, state = self.model, self.recipe.stages[stage], self._state(stage)
        for earlier in self.recipe.stages:  # what this stage rests on
            if earlier == stage:
                break
            self.take(earlier)
        if stage == "detector":
            return train_detector(model.kp_detector, self.supply("pictures"), how, log=log, state=state)
        if stage == "finetune":
            talking = self.supply("talking")
            return train_finetune(model, talking, how, log=log, state=state, sync=self._expert() if how.sync else None)
        if stage == "sync":
            return train_sync(self._sync(), self.supply("lips"), how, log=log, state=state)
        if stage == "pose":
            return train_pose(model.audio2pose, self.supply("heads"), how, log=log, state=state)
        if isinstance(model, LandmarkModel):
            if stage == "speech":
                clips = gather(self.supply("spoken"), None, how.speakers)
                return train_speech(model.speech, clips, how, log=log, state=state)
            later = {"renderer": ("polish", "sharpen"), "polish": ("sharpen",)}
            for other in later.get(stage, ()):
                self._state(other).unlink(missing_ok=True)  # it belongs to another renderer
            return train_renderer(model.generator, self.supply("pictures"), how, log=log, state=state)
        if stage == "renderer":
            films = self.supply("talking")
            return train_unsupervised(model.kp_detector, model.generator, films, how, log=log, state=state)
        clips = gather_seen(self.supply("talking"), model.kp_detector.eval(), speakers=how.speakers, faces=how.faces)
        return train_correlation(model.ph2kp, clips, how, log=log, state=state)

    def _sync(self) -> SyncNet:
        torch.manual_seed(self.recipe.stages["sync"].seed)
        return SyncNet(SMALL if self.recipe.expert == "small" else SyncConfig()).to(self.device)

    def _expert(self) -> Sync:
        expert = self._sync()
        held = finished(self._state("sync"), self.recipe.stages["sync"].steps)
        if held is None:
            raise AvctError(f"train: finetune listens to a finished sync expert; {self.folder} has none")
        expert.load_state_dict(held)
        freeze(expert)
        return lambda frames, rows, kp: sync_loss(expert, frames, rows, kp)

    def _part(self, stage: str) -> nn.Module:
        """The network whose weights a stage's state holds."""
        model = self.model
        if stage == "pose":
            return model.audio2pose
        if isinstance(model, LandmarkModel):
            parts = {"detector": model.kp_detector, "speech": model.speech, "finetune": model.speech}
            return parts.get(stage, model.generator)
        if stage == "renderer":
            return nn.ModuleDict({"kp_detector": model.kp_detector, "generator": model.generator})
        return model.ph2kp

    def _state(self, stage: str) -> Path:
        return self.folder / f"{stage}.pt"

    def _take_parts(self) -> None:
        """Networks that another checkpoint has in the same sizes take its weights, save those that the recipe itself
        trains: what begins here begins with nothing learnt."""
        path = SHIPPED if self.recipe.parts == "shipped" else Path(self.recipe.parts)
        own = self.model
        begun = {id(n) for stage in self.recipe.stages if stage in BEGIN for n in _networks(self._part(stage))}
        for name, part in load(path).named_children():
            mine = getattr(own, name, None)
            if mine is not None and id(mine) not in begun and _layout(mine) == _layout(part):
                mine.load_state_dict(part.state_dict())


def _networks(part: nn.Module) -> Iterable[nn.Module]:
    """The networks of a stage's part: those of a ModuleDict, or the part itself."""
    return part.values() if isinstance(part, nn.ModuleDict) else (part,)


def _layout(part: nn.Module) -> dict[str, tuple[int, ...]]:
    return {k: tuple(v.shape) for k, v in part.state_dict().items()}


def machine() -> str:
    """The device that trains, in words."""
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    return f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def _history(state: Path) -> tuple[list[dict[str, float]], float]:
    held = torch.load(state, weights_only=True, map_location="cpu")
    return json.loads(held["history"]), held["seconds"]
