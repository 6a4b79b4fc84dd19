"""What a method file may say: a built-in, or any program that makes videos."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, model_validator

from protocols.model import Model, Name, Names, hash_content

PLACEHOLDERS = (
    *("portrait", "audio", "phonemes", "pose", "output", "frames", "seed", "device", "precision", "batch"),
    *("workdir", "here"),
)
"""What a command template may name between braces; the method file's own folder is `here`."""
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class WeightFile(Model):
    """A file whose content decides what a method makes."""

    name: Name
    path: Name


class InputContract(Model):
    """What a command is given. square: portrait side in pixels (None: the protocol's size). rate: samples a second."""

    square: int | None = Field(default=None, ge=16, le=4096)
    rate: int = Field(default=16_000, ge=8_000, le=192_000)
    min_seconds: float = Field(default=0.0, ge=0.0)
    max_seconds: float | None = Field(default=None, gt=0.0)


class Environment(Model):
    """Extra variables, and the folder the command starts in (None: its private working folder)."""

    variables: dict[str, str] = {}
    cwd: str | None = None


class MethodBase(Model):
    """What every method says. `name` and `here` (the file's stem and folder) are filled in by the loader.

    uses: inputs beyond portrait, speech and pose: "truth" (upper bounds only) and "other_speech" (controls).
    sensitive_to_setting: False for a method that makes the same video on every device and precision: it is then made
    once. trained_on: data sets it was trained on, to mark overlap. seconds_per_frame: rough cost, for estimates only.
    """

    name: str = ""
    here: str = ""
    title: str = ""
    source: str = ""
    uses: list[Literal["truth", "other_speech"]] = []
    sensitive_to_setting: bool = True
    trained_on: list[str] = []
    seconds_per_frame: float | None = Field(default=None, gt=0.0)

    def hash(self) -> str:
        """sha256 (hex) of what decides the video: names, prose and declarations do not enter."""
        outside = {"name", "here", "title", "source", "trained_on", "seconds_per_frame"}
        return hash_content(self.model_dump(mode="json", exclude=outside))


class BuiltinMethod(MethodBase):
    """A method that the instrument itself brings.

    weights: a checkpoint other than the shipped one; a relative path starts at the method file's folder.
    """

    kind: Literal["builtin"]
    builtin: Literal["ground-truth", "still", "wrong-speech", "silence", "loudness", "reconstruction", "avct"]
    weights: str | None = None
    options: dict[str, Any] = {}

    @property
    def follows_pose(self) -> bool:
        """Whether the video depends on the pose that is given."""
        return self.builtin not in ("ground-truth", "still", "reconstruction")


class CommandMethod(MethodBase):
    """Another project's generator, run as a process: an argument list, never a shell.

    argv and the texts in `files` (configuration files written into the working folder) may name {placeholders}; "{{"
    and "}}" stand for braces. output: glob below {output}, a fresh folder; exactly one video must match it.
    frames_tolerance: how many frames too many (cut off) or too few (the last one repeated) are forgiven.
    code: globs of files whose content belongs to the method's identity; files named in argv are included anyway.
    """

    kind: Literal["command"]
    argv: Names
    files: dict[str, str] = {}
    input: InputContract = InputContract()
    environment: Environment = Environment()
    timeout_s: float = Field(default=3600.0, gt=0.0)
    output: Name = "**/*.mp4"
    frames_tolerance: int = Field(default=0, ge=0)
    resize_output: bool = False
    weights: list[WeightFile] = []
    code: list[Name] = []

    @property
    def follows_pose(self) -> bool:
        """Whether the program is told the head's pose."""
        texts = [*self.argv, *self.files.values(), *self.environment.variables.values()]
        return any("pose" in PLACEHOLDER.findall(text) for text in texts)

    @model_validator(mode="after")
    def _known_placeholders(self) -> CommandMethod:
        texts = [("argv", text) for text in self.argv]
        texts += [(f"files.{name}", text) for name, text in self.files.items()]
        texts += [(f"environment.variables.{name}", text) for name, text in self.environment.variables.items()]
        texts += [("environment.cwd", self.environment.cwd or "")]
        for key, text in texts:
            for found in PLACEHOLDER.findall(text.replace("{{", "").replace("}}", "")):
                if found not in PLACEHOLDERS:
                    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
                    raise ValueError(f"{key} names the unknown placeholder {{{found}}}; known: {known}")
        for name in self.files:
            if name.startswith("/") or ".." in name.split("/"):
                raise ValueError(f"files.{name} must stay inside the working folder")
        if self.output.startswith("/") or ".." in self.output.split("/"):
            raise ValueError(f"output must be a glob below {{output}}, not {self.output!r}")
        return self
