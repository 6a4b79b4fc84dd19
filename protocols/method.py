"""What a method file may say: a built-in, or any program that makes videos."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from protocols.environment import Environment
from protocols.model import Model, Name, Names, hash_content, matching

INPUTS = ("portrait", "portrait_video", "portrait_frames", "audio", "phonemes", "phoneme_ids", "pose")
"""What a command may be given as files; each is written only where it is named."""
PLACEHOLDERS = (
    *INPUTS,
    *("output", "frames", "seed", "device", "precision", "batch", "workdir", "tree", "here"),
)
"""What a command template may name between braces; the method file's own folder is `here`."""
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
Inside = Annotated[
    str,
    matching(r"(?![/{])(?!(.*/)?\.\.(/|$))[^\x00-\x1f]+", 'a path inside the folder, without a leading "/" and ".."'),
]
TrainingSet = Annotated[
    str,
    matching(
        r"[a-z0-9][a-z0-9-]*([:/][^\s:/]+)?", 'a data set such as "hdtf", a part "hdtf:train" or a person "hdtf/Obama"'
    ),
]


class WeightFile(Model):
    """A file whose content decides what a method makes."""

    name: Name
    path: Name


class InputContract(Model):
    """What a command is given.

    square: portrait side in pixels (None: the protocol's size). portrait: kind of its files. fps: frame rate of
    {portrait_video}, {portrait_frames} and {phoneme_ids}; videos that come back are brought to 25 anyway. rate: samples
    a second.
    """

    square: int | None = Field(default=None, ge=16, le=4096)
    portrait: Literal["png", "jpg"] = "png"
    fps: int = Field(default=25, ge=1, le=240)
    rate: int = Field(default=16_000, ge=8_000, le=192_000)
    min_seconds: float = Field(default=0.0, ge=0.0)
    max_seconds: float | None = Field(default=None, gt=0.0)


class Tree(Model):
    """A private stand-in, {tree}, for a program's own folder: links, so that nothing is written to the original.

    source: the program's folder; what lies in it is linked, folders whole. fresh: folders that are real and empty
    instead, for programs that write there or read all that lies there. keep: entries of fresh folders that are linked
    after all. inputs: {input: where in the tree it is put}, for programs that look in a fixed place.
    """

    source: Name
    fresh: list[Inside] = []
    keep: list[Inside] = []
    inputs: dict[Literal[INPUTS], Inside] = {}  # type: ignore[valid-type]


class Stage(Model):
    """A command that runs first in the same working folder. gives: the placeholder for the one file that it leaves.

    output: glob of that file below {output}; it is moved to <gives> in the working folder. environment: None for the
    method's own.
    """

    argv: Names
    gives: Annotated[str, matching(r"[a-z_]+", "a placeholder's name in small letters")]
    output: Inside
    environment: Environment | None = None


class Panel(Model):
    """A video that shows several pictures of one width side by side; the one at `index`, from 0, is the result."""

    index: int = Field(ge=0)
    of: int = Field(ge=2)

    @model_validator(mode="after")
    def _in_range(self) -> Panel:
        if self.index >= self.of:
            raise ValueError(f"expected an index below {self.of}, got {self.index}")
        return self


class MethodBase(Model):
    """What every method says. `name` and `here` (the file's stem and folder) are filled in by the loader.

    uses: inputs beyond portrait, speech and pose: "truth" (upper bounds only) and "other_speech" (controls).
    sensitive_to_setting: False for a method that makes the same video on every device and precision: it is then made
    once. trained_on: data sets it was trained on, to mark overlap (`protocols.overlap`): family, family:part or
    family/person. seconds_per_frame: rough cost, for estimates only. caveats: what a reader of its numbers must know.
    checked: how what the file says was checked.
    """

    name: str = ""
    here: str = ""
    title: str = ""
    source: str = ""
    licence: str = ""
    caveats: list[Name] = []
    checked: str = ""
    uses: list[Literal["truth", "other_speech"]] = []
    sensitive_to_setting: bool = True
    trained_on: list[TrainingSet] = []
    seconds_per_frame: float | None = Field(default=None, gt=0.0)

    def hash(self) -> str:
        """sha256 (hex) of what decides the video: names, prose and declarations do not enter."""
        outside = {"name", "here", "title", "source", "licence", "caveats", "checked", "trained_on", "homes"}
        return hash_content(self.model_dump(mode="json", exclude={*outside, "seconds_per_frame"}))


class BuiltinMethod(MethodBase):
    """A method that the instrument itself brings.

    weights: a checkpoint other than the shipped one; a relative path starts at the method file's folder. avct-full is
    the paper's networks at full size with numbers drawn from a seed, to be timed and never to be looked at.
    """

    kind: Literal["builtin"]
    builtin: Literal[
        "ground-truth", "still", "wrong-speech", "silence", "loudness", "reconstruction", "avct", "avct-full"
    ]
    weights: str | None = None
    options: dict[str, Any] = {}

    @property
    def follows_pose(self) -> bool:
        """Whether the video depends on the pose that is given."""
        return self.builtin not in ("ground-truth", "still", "reconstruction")


class CommandMethod(MethodBase):
    """Another project's generator, run as a process: an argument list, never a shell.

    argv and the texts in `files` (configuration files written into the working folder) may name {placeholders}; "{{"
    and "}}" stand for braces; a leading "./" in argv is the method file's folder, or `cwd` where that is set.
    homes: {environment variable: what it must point to}, said where it is not set.
    before: commands that run first. output: glob below {output}, a fresh folder, or, with a leading "{tree}/", below
    the tree; exactly one video must match it.
    frames_tolerance: how many frames too many (cut off) or too few (the last one repeated) are forgiven, counted at 25
    a second. starts_at: the frame of the speech that the video's first frame shows; it is repeated for those before.
    resize_output: whether another size of the same shape is brought to the portrait's.
    code: globs of files whose content belongs to the method's identity; files named in argv are included anyway.
    """

    kind: Literal["command"]
    argv: Names
    homes: dict[str, Name] = {}
    before: list[Stage] = []
    files: dict[str, str] = {}
    tree: Tree | None = None
    input: InputContract = InputContract()
    environment: Environment = Environment()
    timeout_s: float = Field(default=3600.0, gt=0.0)
    output: Name = "**/*.mp4"
    frames_tolerance: int = Field(default=0, ge=0)
    starts_at: int = Field(default=0, ge=0)
    panel: Panel | None = None
    resize_output: bool = False
    weights: list[WeightFile] = []
    code: list[Name] = []

    @property
    def inputs(self) -> frozenset[str]:
        """The inputs that are named anywhere: those that must be written."""
        named = {name for _, text in self._texts() for name in PLACEHOLDER.findall(text)}
        return frozenset(INPUTS) & (named | set(self.tree.inputs if self.tree else ()))

    @property
    def follows_pose(self) -> bool:
        """Whether the program is told the head's pose."""
        return "pose" in self.inputs

    def _texts(self) -> Iterator[tuple[str, str]]:
        """(key, text) of everything that may hold {placeholders}, in the order in which it is used."""
        for index, stage in enumerate(self.before):
            yield from ((f"before.{index}.argv", text) for text in stage.argv)
            yield from ((f"before.{index}.environment.{k}", t) for k, t in (stage.environment or Environment()).texts())
        yield from (("argv", text) for text in self.argv)
        yield from ((f"files.{name}", text) for name, text in self.files.items())
        yield from ((f"environment.{key}", text) for key, text in self.environment.texts())

    @model_validator(mode="after")
    def _known_placeholders(self) -> CommandMethod:
        given = [stage.gives for stage in self.before]
        for index, name in enumerate(given):
            if name in PLACEHOLDERS or name in given[:index]:
                raise ValueError(f"before.{index}.gives: {{{name}}} is taken")
        known = [name for name in (*PLACEHOLDERS, *given) if name != "tree" or self.tree]
        for key, text in self._texts():
            # A stage's file is there only for what comes after it; configuration files are written before all of them.
            later = given[: int(key.split(".")[1])] if key.startswith("before.") else given
            for found in PLACEHOLDER.findall(text.replace("{{", "").replace("}}", "")):
                if found not in known or (found in given and (found not in later or key.startswith("files."))):
                    listed = ", ".join(f"{{{name}}}" for name in known)
                    raise ValueError(f"{key} names the unknown placeholder {{{found}}}; known: {listed}")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> CommandMethod:
        for name in self.files:
            if name.startswith("/") or ".." in name.split("/"):
                raise ValueError(f"files.{name} must stay inside the working folder")
        below = self.output.removeprefix("{tree}/") if self.tree else self.output
        if below.startswith(("/", "{")) or ".." in below.split("/"):
            raise ValueError(f"output must be a glob below {{output}} (or {{tree}}/, with a tree), not {self.output!r}")
        if self.environment.remote and (self.tree or any(stage.environment for stage in self.before)):
            raise ValueError("a remote environment goes with neither a tree nor environments of single stages")
        if any(stage.environment and stage.environment.remote for stage in self.before):
            raise ValueError("a stage of `before` cannot have a remote environment of its own")
        if self.tree:
            outside = [path for path in self.tree.keep if not any(_within(path, fresh) for fresh in self.tree.fresh)]
            if outside:
                raise ValueError(f"tree.keep: {outside[0]} is in no folder of tree.fresh")
        return self


def _within(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")
