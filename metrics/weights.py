"""The weight files that metrics rest on: what weights.toml says of them, where they are, and whether they are intact.

Looked for, in this order:
1. the folders that the environment variable AVCT_BENCH_WEIGHTS names, separated as PATH is (`--weights DIR` of a verb
   puts DIR before them, for its workers as well);
2. the package or wheel that brings the file (`bundled_in`);
3. `weights` in the user's cache (AVCT_BENCH_CACHE, or the platform's own place): where `weights fetch` and
   `weights add` put it;
4. torch hub's cache (`hub/checkpoints` in TORCH_HOME, or in ~/.cache/torch).

Nothing is ever downloaded here, and nothing of a file is run: a pickle is read as tensors alone or not at all.
A file whose sha256 nobody published counts once its user vouched for it: `weights add` pins the sha256 it had then.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from metrics.errors import MetricError, MissingWeights

if TYPE_CHECKING:
    from torch import Tensor

FOLDER_VARIABLE = "AVCT_BENCH_WEIGHTS"
CACHE_VARIABLE = "AVCT_BENCH_CACHE"
GOOD = ("intact", "pinned")
"""What `verify` says of a file that a number may rest on."""
_TABLE = Path(__file__).with_name("weights.toml")


@dataclass(frozen=True)
class Weight:
    """One weight file. sha256: hex, "" where nobody published it; bytes: 0 where unknown.

    url: what `weights fetch` gets, "" where no direct link exists. needed_by: variants (a * stands for anything), or
    "landmarks:<name>", "faces:<name>", "features:<name>". bundled_in: "package/folder" or "". remedy: what a user does
    who lacks it and cannot fetch it.
    """

    name: str
    file: str
    sha256: str
    bytes: int
    licence: str
    origin: str
    url: str
    needed_by: tuple[str, ...]
    bundled_in: str
    remedy: str

    @property
    def way(self) -> str:
        """How to get the file; ends with a command."""
        return f"run_bench.py weights fetch {self.name}" if self.url else self.remedy

    @property
    def title(self) -> str:
        """Name, file and size, as messages begin."""
        size = f", {self.bytes / 1e6:.1f} MB" if self.bytes else ""
        return f"weights {self.name} ({self.file}{size})"


@cache
def entries() -> tuple[Weight, ...]:
    """Every weight that weights.toml names, in its order."""
    held = tomllib.loads(_TABLE.read_text(encoding="utf-8"))["weights"]
    return tuple(Weight(**{**entry, "needed_by": tuple(entry["needed_by"])}) for entry in held)


def entry(name: str) -> Weight:
    """What weights.toml says of that weight. Raises MetricError with near names."""
    known = {weight.name: weight for weight in entries()}
    if name not in known:
        near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5) or list(known)
        raise MetricError(f"unknown weights {name!r}. Did you mean {' or '.join(near)}?")
    return known[name]


def find(name: str) -> Path | None:
    """The file of that weight, or None where it is not here. Its content is not looked at."""
    weight = entry(name)
    return next((path for folder in _folders(weight) if (path := folder / weight.file).is_file()), None)


def locate(name: str) -> Path:
    """The file of that weight. Raises MissingWeights, ending with the command that gets it, where it is not here."""
    path = find(name)
    if path is None:
        weight = entry(name)
        raise MissingWeights(f"{weight.title} are not here: {weight.way}")
    return path


def locate_intact(name: str) -> Path:
    """The file of that weight, its sha256 compared: a number must not rest on another file.

    Raises MissingWeights where it is not here or nobody vouched for it, MetricError where its sha256 is another.
    """
    path, state = locate(name), verify(name)
    if state == "unverified":
        raise MissingWeights(
            f"{entry(name).title} are here, but no sha256 of them is known; if you trust {path}: "
            f"run_bench.py weights add {name} {path}"
        )
    if state not in GOOD:
        by = "weights.toml states" if entry(name).sha256 else f"{pins_file()} pins"
        raise MetricError(f"{path}: expected the sha256 that {by} for {name}, got another file: {entry(name).way}")
    return path


def verify(name: str) -> str:
    """ "intact" (the published sha256), "pinned" (the sha256 of when the user added it), "unverified" (neither is
    known), "damaged" (another sha256) or "missing".
    """
    path, wanted = find(name), expected(name)
    if path is None:
        return "missing"
    if not wanted:
        return "unverified"
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != wanted:
            return "damaged"
    return "intact" if entry(name).sha256 else "pinned"


def expected(name: str) -> str:
    """The sha256 that the file must have: the published one, else the user's pin, else ""."""
    return entry(name).sha256 or pins().get(name, "")


def pins() -> dict[str, str]:
    """Name -> sha256 of the weights that this user vouched for. Raises MetricError where the file is not such."""
    path = pins_file()
    if not path.is_file():
        return {}
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MetricError(f'{path}: expected lines such as name = "sha256" ({error})') from None
    return {name: str(value) for name, value in held.items()}


def pins_file() -> Path:
    """Where the user's pins lie."""
    return own_folder() / "pins.toml"


def own_folder() -> Path:
    """`weights` in the user's cache. Not created here."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given) / "weights"
    from platformdirs import user_cache_path

    return user_cache_path("avct-bench", appauthor=False) / "weights"


def given_folders() -> list[Path]:
    """The folders that AVCT_BENCH_WEIGHTS names."""
    given = os.environ.get(FOLDER_VARIABLE, "").split(os.pathsep)
    return [Path(folder).expanduser() for folder in given if folder]


def load_state(name: str) -> dict[str, Tensor]:
    """Name -> tensor (on the CPU) of that weight's file, all that it holds: .safetensors, or a pickle of tensors.

    Nothing of a pickle is run. Raises MissingWeights, and MetricError for a file that holds anything but tensors by
    name or whose sha256 is another.
    """
    path = locate_intact(name)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            held: object = load_file(path)
        else:
            import torch

            held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # an unpickling error's class is private to whichever pickle read it
        kind = type(error).__name__
        raise MetricError(f"{path}: cannot be read as tensors alone ({kind}); nothing of it was run") from None
    return _tensors(held, path)


def _tensors(held: object, path: Path) -> dict[str, Tensor]:
    from torch import Tensor

    if not isinstance(held, Mapping) or not held:
        raise MetricError(f"{path}: expected tensors by name, got {type(held).__name__}")
    for key, value in held.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise MetricError(f"{path}: expected tensors by name, got {type(value).__name__} at {key!r}")
    return dict(held)


def _folders(weight: Weight) -> list[Path]:
    folders = given_folders()
    package, _, rest = weight.bundled_in.partition("/")
    # find_spec of a top-level name imports nothing: face_recognition_models fails to import with a new setuptools
    spec = importlib.util.find_spec(package) if package else None
    folders += [Path(place) / rest for place in (spec.submodule_search_locations or ())] if spec else []
    return [*folders, own_folder(), _torch_hub()]


def _torch_hub() -> Path:
    """As torch.hub.get_dir() has it, without torch."""
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints"
