"""Where another project's program runs: on this machine as it is, in an environment of its own, or on another host."""

from __future__ import annotations

from typing import Annotated

from pydantic import model_validator

from protocols.model import Model, Name, matching

Host = Annotated[str, matching(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*", "a host as ssh takes it, such as user@machine")]
Absolute = Annotated[str, matching(r"[/$][^\x00-\x1f]*", "an absolute path")]


class Docker(Model):
    """A container without network, ended by name at the limit. image: pin it by digest (`name@sha256:...`).

    The working folder is mounted at its own path; the method file's folder, the folder the command starts in, the tree,
    weights and `mounts` are mounted read-only at theirs. Cards: all for device cuda, one for cuda:N, none for cpu.
    """

    image: Annotated[str, matching(r"[A-Za-z0-9][^\s\x00-\x1f]*", "the name of an image")]
    mounts: list[Absolute] = []


class Remote(Model):
    """Another host, reached by ssh without a password. folder: where the working folder is copied to, and removed from.

    Paths in argv, code and weights are that host's; {placeholders} in the working folder are translated.
    """

    host: Host
    folder: Absolute = "/tmp"


class Environment(Model):
    """Extra variables, the folder the command starts in (None: its working folder), and at most one of four kinds.

    venv: folder of a virtual environment; its bin/ comes first on PATH. conda: name of an environment, or its folder
    where it has a slash.
    """

    variables: dict[str, str] = {}
    cwd: str | None = None
    venv: Name | None = None
    conda: Annotated[str, matching(r"[^\s\x00-\x1f-][^\x00-\x1f]*", "name or folder of a conda environment")] | None = (
        None
    )
    docker: Docker | None = None
    remote: Remote | None = None

    @model_validator(mode="after")
    def _at_most_one_kind(self) -> Environment:
        named = [kind for kind in ("venv", "conda", "docker", "remote") if getattr(self, kind) is not None]
        if len(named) > 1:
            raise ValueError(f"name at most one of venv, conda, docker and remote, not {' and '.join(named)}")
        return self

    def texts(self) -> list[tuple[str, str]]:
        """(key, text) of everything that may hold {placeholders}."""
        return [("cwd", self.cwd or ""), *((f"variables.{name}", text) for name, text in self.variables.items())]
