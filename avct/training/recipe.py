"""Training recipes: data files that say which networks, of which sizes, learn in which stages.

`avct/recipes/*.toml` holds them; any path to such a file works as well. A recipe that lists only some stages takes the
weights of the others from another checkpoint (`parts`), which is how an ablation shares detector and renderer.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from avct.config import from_dict, to_dict
from avct.errors import AvctError
from avct.model import Model, build
from avct.training.correlation import CorrelationRecipe
from avct.training.detector import DetectorRecipe
from avct.training.finetune import FinetuneRecipe
from avct.training.pose import PoseRecipe
from avct.training.renderer import RendererRecipe
from avct.training.speech import SpeechRecipe
from avct.training.sync import SyncRecipe
from avct.training.unsupervised import UnsupervisedRecipe

FOLDER = Path(__file__).parents[1] / "recipes"
STAGES: dict[str, dict[str, type]] = {
    "landmark": {
        "detector": DetectorRecipe,
        "renderer": RendererRecipe,
        "polish": RendererRecipe,
        "sharpen": RendererRecipe,
        "speech": SpeechRecipe,
        "sync": SyncRecipe,
        "finetune": FinetuneRecipe,
        "pose": PoseRecipe,
    },
    "faithful": {
        "renderer": UnsupervisedRecipe,
        "speech": CorrelationRecipe,
        "sync": SyncRecipe,
        "finetune": FinetuneRecipe,
        "pose": PoseRecipe,
    },
}
"""Stages of each configuration in the order in which they are trained, and what describes them."""


@dataclass(frozen=True)
class Recipe:
    """A training. sizes: of the networks, departures from the configuration's defaults. stages: by name, in order.

    parts: a checkpoint that what is not trained here is taken from: "shipped" or a path. stores: parts that the
    finished checkpoint holds, where the others are the shipped one's; empty: all. cast: whom the embedded corpus
    shows: `identities` beside the trainer, `talking` of them in films, `spoken` recordings; ignored where a folder of
    data is given.
    expert: size of the sync expert, "small" or "full" (SyncNet v2's).
    """

    name: str
    title: str
    configuration: str
    sizes: dict[str, Any]
    stages: dict[str, Any]
    parts: str = ""
    stores: tuple[str, ...] = ()
    cast: dict[str, int] = field(default_factory=dict)
    expert: str = "small"
    seed: int = 0

    def model(self) -> Model:
        """The untrained networks."""
        return build(self.configuration, self.sizes, where=f"recipe {self.name}: sizes")

    def with_steps(self, steps: dict[str, int]) -> Recipe:
        """The same with other numbers of steps. AvctError for a stage that it has not."""
        unknown = [s for s in steps if s not in self.stages]
        if unknown:
            raise AvctError(f"recipe {self.name}: no stage {unknown[0]!r}; it has {', '.join(self.stages)}")
        return replace(self, stages={k: replace(v, steps=steps.get(k, v.steps)) for k, v in self.stages.items()})

    def as_dict(self) -> dict[str, Any]:
        """Everything that decides the outcome, JSON-ready."""
        stages = {k: to_dict(v) for k, v in self.stages.items()}
        stores = {"stores": list(self.stores)} if self.stores else {}
        return {
            "name": self.name, "configuration": self.configuration, "sizes": self.sizes, "stages": stages,
            "parts": self.parts, **stores, "cast": self.cast, "expert": self.expert, "seed": self.seed,
        }  # fmt: skip


def names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(p.stem for p in FOLDER.glob("*.toml"))


def read(name: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of a name or of a .toml path. changes: other values by dotted key, `stages.renderer.rate`.

    AvctError in one line for what cannot be read or is not known.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        close = get_close_matches(name, names(), n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names())}"
        raise AvctError(f"no recipe {name!r}; {hint}")
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AvctError(f"{path.name}: cannot be read as TOML ({error})") from None
    for key, value in (changes or {}).items():
        _change(held, key, value, where=f"recipe {path.name}")
    return _recipe(path, held)


def _change(held: dict[str, Any], key: str, value: Any, *, where: str) -> None:
    *tables, last = key.split(".")
    for name in tables:
        held = held.setdefault(name, {})
        if not isinstance(held, dict):
            raise AvctError(f"{where}: {key!r} leads through {name!r}, which is no table")
    held[last] = value


def _recipe(path: Path, held: dict[str, Any]) -> Recipe:
    where = f"recipe {path.name}"
    known = ("title", "configuration", "sizes", "stages", "parts", "stores", "cast", "expert", "seed")
    for key in held:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            raise AvctError(f"{where}: unknown key {key!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    kind, seed = held.get("configuration"), held.get("seed", 0)
    if kind not in STAGES:
        raise AvctError(f"{where}: configuration must be one of {', '.join(STAGES)}, got {kind!r}")
    if type(seed) is not int:
        raise AvctError(f"{where}: seed must be a whole number, got {seed!r}")
    given = held.get("stages", {})
    if not isinstance(given, dict) or not given:
        raise AvctError(f"{where}: expected tables [stages.NAME], some of {', '.join(STAGES[kind])}")
    unknown = [s for s in given if s not in STAGES[kind]]
    if unknown:
        raise AvctError(
            f"{where}: {kind} networks have no stage {unknown[0]!r}; expected some of {', '.join(STAGES[kind])}"
        )
    stages = {
        name: _seeded(from_dict(cls, given[name], where=f"{where}: stages.{name}"), seed)
        for name, cls in STAGES[kind].items()
        if name in given
    }
    sizes, cast = held.get("sizes", {}), held.get("cast", {})
    if not isinstance(cast, dict) or any(
        k not in ("identities", "talking", "spoken") or type(v) is not int for k, v in cast.items()
    ):
        raise AvctError(f"{where}: cast takes whole numbers `identities`, `talking`, `spoken`, got {cast!r}")
    expert = held.get("expert", "small")
    if expert not in ("small", "full"):
        raise AvctError(f"{where}: expert must be 'small' or 'full', got {expert!r}")
    title, parts = str(held.get("title", path.stem)), str(held.get("parts", ""))
    stores = _stores(held.get("stores", []), parts, where)
    recipe = Recipe(path.stem, title, kind, sizes, stages, parts, stores, cast, expert, seed)
    made = from_dict(_config(kind), sizes, where=f"{where}: sizes")  # refuses impossible sizes at once
    if "pose" in stages and made.audio2pose is None:
        raise AvctError(
            f"{where}: stage pose trains a head-pose network; expected a table [sizes.audio2pose], got none"
        )
    return recipe


def _stores(stores: Any, parts: str, where: str) -> tuple[str, ...]:
    """The parts that a checkpoint is to hold. AvctError for what is none, or where the rest is not the shipped's."""
    names = ("kp_detector", "generator", "speech", "audio2pose")
    if not isinstance(stores, list) or any(name not in names for name in stores):
        raise AvctError(f"{where}: stores takes a list of some of {', '.join(names)}, got {stores!r}")
    if stores and parts != "shipped":
        raise AvctError(f'{where}: stores leaves out what is the shipped checkpoint\'s; expected parts = "shipped"')
    return tuple(stores)


def _config(kind: str) -> type:
    from avct.config import AvctConfig
    from avct.model import LandmarkConfig

    return AvctConfig if kind == "faithful" else LandmarkConfig


def _seeded(stage: Any, seed: int) -> Any:
    """Every stage has a seed of its own, so that a recipe's other seeds change all of them."""
    return replace(stage, seed=stage.seed + 100 * seed)
