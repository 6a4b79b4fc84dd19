"""How a command is started where it is to run: as it is, in a virtual environment, in conda's, or in a container."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import MissingError
from protocols.environment import Docker, Environment

Read = Callable[[str], str]


@dataclass(frozen=True)
class Place:
    """Where a command starts. cwd: its folder. variables: beyond ours. device: "cpu", "cuda" or "cuda:N".

    folder: the job's working folder. reads: files and folders that a container must see besides.
    """

    cwd: Path
    folder: Path
    variables: Mapping[str, str]
    device: str
    reads: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Launch:
    """An argument list with its environment; container: the name by which it is ended, where there is one."""

    argv: list[str]
    environment: dict[str, str]
    cwd: Path
    container: str | None = None


def launch(argv: Sequence[str], environment: Environment, place: Place, *, expand: Read) -> Launch:
    """What to start so that `argv` runs in its environment. expand: replaces $VARIABLES in a method file's text."""
    ours = {**os.environ, **place.variables}
    if environment.venv is not None:
        venv = Path(expand(environment.venv))
        ours = {name: value for name, value in ours.items() if name not in ("PYTHONHOME", "CONDA_PREFIX")}
        ours |= {"VIRTUAL_ENV": str(venv), "PATH": os.pathsep.join([str(venv / "bin"), ours.get("PATH", os.defpath)])}
        return Launch(list(argv), ours, place.cwd)
    if environment.conda is not None:
        name = expand(environment.conda)
        which = ["-p", name] if "/" in name else ["-n", name]
        return Launch(["conda", "run", "--no-capture-output", *which, *argv], ours, place.cwd)
    if environment.docker is not None:
        return _contained(argv, environment.docker, place, expand=expand)
    return Launch(list(argv), ours, place.cwd)


def check(environment: Environment, *, expand: Read) -> None:
    """Raise MissingError where what the environment names is not on this machine, as far as a look can tell."""
    if environment.venv is not None:
        python = Path(expand(environment.venv)) / "bin" / "python"
        if not python.is_file():
            raise MissingError(f"no virtual environment: {python} is not there")
    if environment.conda is not None:
        expand(environment.conda)


def _contained(argv: Sequence[str], docker: Docker, place: Place, *, expand: Read) -> Launch:
    name = f"avct-bench-{uuid.uuid4().hex}"
    # As the caller's user, or what it writes could not be removed; that user has no home inside.
    variables = {"HOME": str(place.folder), **place.variables}
    mounts = [f"type=bind,source={place.folder},target={place.folder}"]
    seen = _outermost([*place.reads, *(Path(expand(path)) for path in docker.mounts)], place.folder)
    mounts += [f"type=bind,source={path},target={path},readonly" for path in seen]
    options = ["--rm", "--init", "--name", name, "--network", "none", "--user", f"{os.getuid()}:{os.getgid()}"]
    if place.device != "cpu":
        _, _, index = place.device.partition(":")
        options += ["--gpus", f"device={index}" if index else "all"]
    for mount in mounts:
        options += ["--mount", mount]
    for key, value in sorted(variables.items()):
        options += ["--env", f"{key}={value}"]
    options += ["--workdir", str(place.cwd)]
    return Launch(["docker", "run", *options, docker.image, *argv], dict(os.environ), place.folder, name)


def _outermost(paths: Iterable[Path], folder: Path) -> list[Path]:
    """The paths without those inside another one or inside the working folder."""
    kept: list[Path] = []
    for path in sorted(set(paths), key=lambda path: (len(path.parts), path)):
        if not any(path == other or path.is_relative_to(other) for other in [*kept, folder]):
            kept.append(path)
    return kept
