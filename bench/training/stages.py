"""The stages that make the shipped weights, in order: judge, detector, renderer, polish (of the renderer), speech; then
one checkpoint of all.

Each stage prepares its shards, trains from its seed, saves its state as it goes and is skipped when it is done, so an
interrupted training goes on where it stopped.
"""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.errors import ConfigError
from bench.places import cache_folder
from bench.training.prepare import Progress, prepare_practice, prepare_spoken, spoken_cast, train_names

GENERATOR = ("detector", "renderer", "polish", "speech")
"""Stages that the generator's checkpoint is made of; polish goes on where the renderer ended."""
STAGES = ("judge", *GENERATOR)
Log = Callable[[str, dict[str, float]], None]


@dataclass(frozen=True)
class Plan:
    """What to train and how long. steps: by stage, 0 or absent for the recipe's own. identities: how many practise.

    threads: of torch, 0 for all cores. state: folder of unfinished stages.
    """

    stages: tuple[str, ...] = STAGES
    steps: dict[str, int] = field(default_factory=dict)
    identities: int = 240
    spoken: int = 0
    threads: int = 0
    seed: int = 0
    state: Path | None = None

    def __post_init__(self) -> None:
        unknown = [s for s in (*self.stages, *self.steps) if s not in STAGES]
        if unknown:
            raise ConfigError(f"train: no stage {unknown[0]!r}; expected some of {', '.join(STAGES)}")
        if not 2 <= self.identities <= len(train_names()):
            raise ConfigError(f"train: identities must be 2 to {len(train_names())}, got {self.identities}")

    @property
    def folder(self) -> Path:
        """Where unfinished stages are kept."""
        return self.state or cache_folder() / "training" / f"seed{self.seed}"

    def length(self, stage: str) -> int:
        """Steps that the stage takes: the plan's own, or its recipe's."""
        return self.steps.get(stage) or _recipes()[stage].steps


def _recipes() -> dict[str, Any]:
    """The recipe of every stage, as shipped."""
    from avct.training.detector import DetectorRecipe
    from avct.training.renderer import POLISH, RendererRecipe
    from avct.training.speech import SpeechRecipe
    from bench.training.judge import JudgeRecipe

    return {
        "judge": JudgeRecipe(),
        "detector": DetectorRecipe(),
        "renderer": RendererRecipe(),
        "polish": POLISH,
        "speech": SpeechRecipe(),
    }


def _sized(plan: Plan, stage: str) -> Any:
    """The stage's recipe with the plan's number of steps and seed."""
    recipe = _recipes()[stage]
    return replace(recipe, steps=plan.length(stage), seed=recipe.seed + 100 * plan.seed)


def machine() -> str:
    """The device that trains, in words."""
    import torch

    return f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def train(plan: Plan, out: Path, *, log: Log, progress: Progress) -> list[Path]:
    """Runs the plan's stages and writes what they make below `out`; returns the files.

    `out/puppet256.safetensors` (with its JSON) appears when all stages of the generator are done. Raises as
    `require_ready`.
    """
    import torch

    require_ready(plan, out)
    if plan.threads:
        torch.set_num_threads(plan.threads)
    practice = prepare_practice(train_names()[: plan.identities], progress=progress)
    written: list[Path] = []
    if "judge" in plan.stages:
        written.append(_train_judge(plan, practice, out, log))
    made = _train_generator(plan, practice, out, log=log, progress=progress)
    return written + ([made] if made else [])


def require_ready(plan: Plan, out: Path) -> None:
    """Raise ConfigError for what would stop the training after hours: folders that cannot be written to, and polish
    where the renderer is neither finished nor among the stages."""
    for folder in (out, plan.folder):
        _require_writable(folder)
    if "polish" in plan.stages and "renderer" not in plan.stages and not _is_done(plan, "renderer"):
        raise ConfigError(f"train: polish goes on from a finished renderer; {plan.folder} has none")


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError):
        raise ConfigError(f"train: expected a folder to write to, got a file: {folder}") from None
    except OSError as error:
        raise ConfigError(f"train: {folder} cannot be written ({error.strerror})") from None


def _train_judge(plan: Plan, practice: Path, out: Path, log: Log) -> Path:
    import json

    from safetensors.torch import save as serialise

    from avct.shards import Shards
    from bench.training.judge import evaluate_judge, train_judge

    recipe = _sized(plan, "judge")
    shards = Shards(practice)
    clips = [shards[i] for i in range(len(shards))]
    network, loop = train_judge(
        [c.frames for c in clips],
        [c.landmarks for c in clips],
        recipe,
        log=lambda row: log("judge", row),
        state=plan.folder / "judge.pt",
    )
    path = out / "puppet68.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(serialise({k: v.contiguous() for k, v in network.state_dict().items()}))
    card = {
        "what": "landmark judge of the embedded corpus, trained on exact truth of training identities",
        "recipe": asdict(recipe),
        "identities": len(clips),
        "machine": machine(),
        "seconds": round(loop.seconds),
        "true_frames_of_held_out_identities": evaluate_judge(network),
        "losses": loop.history[:: max(1, len(loop.history) // 20)],
    }
    path.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n")
    return path


def _train_generator(plan: Plan, practice: Path, out: Path, *, log: Log, progress: Progress) -> Path | None:
    import torch

    from avct.checkpoint import save
    from avct.model import LandmarkModel
    from avct.shards import Shards
    from avct.training.detector import train_detector
    from avct.training.renderer import train_renderer
    from avct.training.speech import gather, train_speech

    wanted = [s for s in GENERATOR if s in plan.stages]
    if not wanted:
        return None
    torch.manual_seed(plan.seed)
    model = LandmarkModel()
    recipes = {s: _sized(plan, s) for s in GENERATOR}
    shards = Shards(practice)
    for stage in wanted:
        state, note = plan.folder / f"{stage}.pt", (lambda row, stage=stage: log(stage, row))
        if stage == "detector":
            train_detector(model.kp_detector, shards, recipes[stage], log=note, state=state)
        elif stage == "renderer":
            if not _is_done(plan, stage):
                (plan.folder / "polish.pt").unlink(missing_ok=True)  # it belongs to another renderer
            train_renderer(model.generator, shards, recipes[stage], log=note, state=state)
        elif stage == "polish":
            _finished(plan, "renderer", model)  # its weights are what is polished
            train_renderer(model.generator, shards, recipes[stage], log=note, state=state)
        else:
            cast = spoken_cast()[: plan.spoken or None]
            clips = gather(Shards(prepare_spoken(cast, progress=progress)), None)
            train_speech(model.speech, clips, recipes[stage], log=note, state=state)
    # in this order: polish's weights come after the renderer's, whose place they take
    lacking = [s for s in GENERATOR if not _finished(plan, s, model)]
    if lacking:
        return None
    history = {s: _history(plan, s) for s in recipes}
    about = {
        "data": {"corpus": "puppets", "practice": shards.about, "spoken": len(spoken_cast())},
        "recipes": {s: asdict(r) for s, r in recipes.items()},
        "machine": machine(),
        "seconds": {s: round(h[1]) for s, h in history.items()},
        "losses": {s: h[0][:: max(1, len(h[0]) // 20)] for s, h in history.items()},
        "seed": plan.seed,
    }
    path = out / "puppet256.safetensors"
    save(path, model, about)
    return path


def _is_done(plan: Plan, stage: str) -> bool:
    """Whether the stage's state has all steps of the plan."""
    import torch

    state = plan.folder / f"{stage}.pt"
    return state.is_file() and torch.load(state, weights_only=True)["step"] >= plan.length(stage)


def _finished(plan: Plan, stage: str, model: Any) -> bool:
    """Whether a stage's state is complete; its weights are then in `model`."""
    import torch

    if not _is_done(plan, stage):
        return False
    generator = model.generator
    part = {"detector": model.kp_detector, "renderer": generator, "polish": generator, "speech": model.speech}[stage]
    part.load_state_dict(torch.load(plan.folder / f"{stage}.pt", weights_only=True)["model"])
    return True


def _history(plan: Plan, stage: str) -> tuple[list[dict[str, float]], float]:
    import json

    import torch

    held = torch.load(plan.folder / f"{stage}.pt", weights_only=True)
    return json.loads(held["history"]), held["seconds"]
