"""Carries out a training recipe on the embedded corpus or on a folder of prepared clips, and trains the corpus's judge.

Each stage prepares its shards, trains from its seed, saves its state as it goes and is skipped when it is done, so an
interrupted training goes on where it stopped.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError
from bench.places import cache_folder
from bench.training.prepare import (
    Progress,
    prepare_practice,
    prepare_spoken,
    prepare_talking,
    spoken_cast,
    train_names,
)
from metrics.weights import given_folders

if TYPE_CHECKING:
    from avct.shards import Shards
    from avct.training.recipe import Recipe

JUDGES = ("judge", "sync-judge")
"""What is trained beside the generator: networks that measure, which belong to no recipe."""
SHIPPED = "puppet256"
IDENTITIES, TALKING = 240, 100
Log = Callable[[str, dict[str, float]], None]


@dataclass(frozen=True)
class Plan:
    """What to train and how long. recipe: a name or a .toml path. stages: some of the recipe's or of JUDGES (empty: the
    recipe's). changes: of the recipe, by dotted key. steps: by stage, where other than the recipe's. data: a folder of
    prepared clips in the corpus's place. threads: of torch, 0 for all cores. state: folder of unfinished stages.
    """

    recipe: str = SHIPPED
    stages: tuple[str, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    data: Path | None = None
    device: str = "cpu"
    threads: int = 0
    seed: int = 0
    state: Path | None = None

    @property
    def folder(self) -> Path:
        """Where unfinished stages are kept: one place for each recipe and seed."""
        return self.state or cache_folder() / "training" / f"{Path(self.recipe).stem}-seed{self.seed}"

    def read(self) -> Recipe:
        """The recipe with the plan's seed and steps. AvctError for what it cannot be."""
        from avct.training.recipe import read

        recipe = _with_vgg19(read(self.recipe, self.changes))
        if self.seed:
            stages = {k: replace(v, seed=v.seed + 100 * self.seed) for k, v in recipe.stages.items()}
            recipe = replace(recipe, seed=recipe.seed + self.seed, stages=stages)
        return recipe.with_steps({k: v for k, v in self.steps.items() if k not in JUDGES})

    def length(self, stage: str) -> int:
        """Steps that a stage takes: the plan's own, or its recipe's."""
        if stage not in JUDGES:
            return self.read().stages[stage].steps
        from bench.training.judge import JudgeRecipe
        from bench.training.sync_judge import SYNC_JUDGE

        return self.steps.get(stage) or (JudgeRecipe() if stage == "judge" else SYNC_JUDGE).steps


def _with_vgg19(recipe: Recipe) -> Recipe:
    """The recipe with VGG-19's weights where it wants them and they lie among the metrics' weights."""
    stage = recipe.stages.get("renderer")
    folders = given_folders()
    if getattr(stage, "perceptual", "") != "vgg19" or stage.vgg19 or not folders:
        return recipe
    names = ("vgg19.safetensors", "vgg19.pth")
    found = [path for folder in folders for name in names if (path := folder / name).is_file()]
    if not found:
        return recipe
    return replace(recipe, stages={**recipe.stages, "renderer": replace(stage, vgg19=str(found[0]))})


def recipes() -> list[dict[str, Any]]:
    """Name, title and steps of every stage of the recipes that come with the package."""
    from avct.training.recipe import names, read

    held = [read(name) for name in names()]
    return [{"name": r.name, "title": r.title, "stages": {k: v.steps for k, v in r.stages.items()}} for r in held]


def curve_writer(folder: Path) -> Log:
    """What writes rows as TensorBoard's curves."""
    from avct.training.board import tensorboard

    return tensorboard(folder)


def train(plan: Plan, out: Path, *, log: Log, progress: Progress) -> list[Path]:
    """Runs the plan's stages and writes what they make below `out`; returns the files.

    `out/RECIPE.safetensors` (with its JSON) appears when all stages of the recipe are done. Raises as `require_ready`.
    """
    import torch

    from avct.training.workers import local_rank, workers

    require_ready(plan, out)
    if plan.threads:
        torch.set_num_threads(plan.threads)
    written = [_train_judge(plan, out, log, progress)] if "judge" in plan.stages else []
    if "sync-judge" in plan.stages:
        from bench.training.sync_judge import train_sync_judge

        written.append(
            train_sync_judge(
                out,
                plan.folder / "sync-judge.pt",
                steps=plan.length("sync-judge"),
                seed=plan.seed,
                log=lambda row: log("sync-judge", row),
                progress=progress,
            )
        )
    recipe, wanted = plan.read(), _wanted(plan)
    if not wanted:
        return written
    # `torchrun` starts a process for each GPU of the machine; "cuda" then means the process's own
    device = f"cuda:{local_rank()}" if plan.device == "cuda" else plan.device
    with workers(plan.device):
        training = _training(plan, progress, device=device)
        training.run(wanted, note=log)
        path = out / f"{recipe.name}.safetensors"
        made = training.checkpoint(path, {"data": _described(plan, recipe)})
    return written + ([made] if made else [])


def require_ready(plan: Plan, out: Path) -> None:
    """Raise ConfigError or AvctError for what would stop the training after hours: folders that cannot be written to,
    a stage that goes on from one that is neither finished nor asked for, a device that is not there."""
    for folder in (out, plan.folder):
        _require_writable(folder)
    if plan.data is not None:
        from avct.shards import Shards

        Shards(plan.data)
    import torch

    try:
        torch.zeros(1, device=plan.device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"--device: {plan.device!r} cannot be used ({str(error).splitlines()[0]})") from None
    recipe = plan.read()
    if recipe.cast.get("identities", IDENTITIES) > len(train_names()):
        raise ConfigError(f"recipe {recipe.name}: cast.identities must be at most {len(train_names())}")
    unknown = [s for s in plan.stages if s not in (*recipe.stages, *JUDGES)]
    if unknown:
        has = ", ".join((*recipe.stages, *JUDGES))
        raise ConfigError(f"train: no stage {unknown[0]!r}; recipe {recipe.name} has {has}")
    if _wanted(plan):
        _training(plan, lambda *_: None, device="cpu").require_ready(_wanted(plan))


def _wanted(plan: Plan) -> tuple[str, ...]:
    return tuple(s for s in plan.stages if s not in JUDGES) if plan.stages else tuple(plan.read().stages)


def _training(plan: Plan, progress: Progress, *, device: str) -> Any:
    from avct.training.stages import Training
    from avct.training.workers import first_alone

    recipe = plan.read()

    def supply(kind: str) -> Shards:
        with first_alone():
            return _supply(plan, recipe, kind, progress)

    return Training(recipe, supply, plan.folder, device=device)


def _supply(plan: Plan, recipe: Recipe, kind: str, progress: Progress) -> Shards:
    """Shards of a kind, made once: of the given folder, whatever the kind, or of the corpus."""
    from avct.shards import Shards
    from bench.training.heads import prepare_heads
    from bench.training.mouths import casts, prepare_mouths

    if plan.data is not None:
        return Shards(plan.data)
    if kind == "pictures":
        return Shards(prepare_practice(train_names()[: recipe.cast.get("identities", IDENTITIES)], progress=progress))
    if kind == "lips":
        return Shards(prepare_mouths(casts()["expert"], progress=progress))
    if kind == "heads":
        return Shards(prepare_heads(progress=progress))
    if kind == "spoken":
        return Shards(prepare_spoken(spoken_cast()[: recipe.cast.get("spoken")], progress=progress))
    return Shards(prepare_talking(_films(recipe), progress=progress))


def _films(recipe: Recipe) -> list[tuple[str, str]]:
    """Who is filmed saying what: the trainer all of its recordings, others one each."""
    cast = spoken_cast()
    others = [c for c in cast if c[0] != "trainer"]
    return [c for c in cast if c[0] == "trainer"] + others[: recipe.cast.get("talking", TALKING)]


def _described(plan: Plan, recipe: Recipe) -> dict[str, Any]:
    """What was learnt from, for the checkpoint's card."""
    if plan.data is not None:
        from avct.shards import Shards

        shards = Shards(plan.data)
        return {"folder": plan.data.name, "clips": len(shards), "about": shards.about}
    return {
        "corpus": "puppets",
        "identities": recipe.cast.get("identities", IDENTITIES),
        "films": len(_films(recipe)),
        "spoken": len(spoken_cast()[: recipe.cast.get("spoken")]),
    }


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError):
        raise ConfigError(f"train: expected a folder to write to, got a file: {folder}") from None
    except OSError as error:
        raise ConfigError(f"train: {folder} cannot be written ({error.strerror})") from None


def _train_judge(plan: Plan, out: Path, log: Log, progress: Progress) -> Path:
    import json

    from safetensors.torch import save as serialise

    from avct.shards import Shards
    from avct.training.stages import machine
    from bench.training.judge import JudgeRecipe, evaluate_judge, train_judge

    recipe = replace(JudgeRecipe(), steps=plan.length("judge"), seed=JudgeRecipe().seed + 100 * plan.seed)
    shards = Shards(prepare_practice(train_names()[:IDENTITIES], progress=progress))
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
