"""What a protocol, a method and a dataset file may say. Unknown keys are refused; every model is frozen.

A protocol's meaning is its resolved content: `Protocol.hash` ignores comments, key order and the title, nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from protocols.pairing import Rule

PLACEHOLDERS = (
    *("portrait", "audio", "phonemes", "pose", "output", "frames", "seed", "device", "precision", "batch"),
    *("workdir", "here"),
)
"""What a command template may name between braces; the method file's own folder is `here`."""
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _text(pattern: str, expected: str) -> AfterValidator:
    """A check that text matches a pattern whole, with words for what was expected."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"expected {expected}, got {value!r}")
        return value

    return AfterValidator(check)


Name = Annotated[str, _text(r"[^\x00-\x1f]+", "a name of at least one printable character")]
Names = Annotated[list[Name], Field(min_length=1)]
ProtocolId = Annotated[str, _text(r"[a-z0-9][a-z0-9._-]*@[0-9]+", 'name@version such as "demo@1"')]
MetricId = Annotated[
    str, _text(r"[a-z0-9_]+/[A-Za-z0-9._-]+@[0-9]+", 'family/variant@version such as "psnr/mean-of-frames@1"')
]
Sha256 = Annotated[str, _text(r"[0-9a-f]{64}", "a sha256 of 64 lower-case hexadecimal digits")]


class Model(BaseModel):
    """Frozen, unknown keys refused, no silent conversion of a string into a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _distinct(values: list[Any]) -> list[Any]:
    """The list itself; a repeated entry would count the same clip twice."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{value!r} is listed twice")
        seen.add(value)
    return values


class Axes(Model):
    """What is swept: which speakers' drivers, on which references, with which seeds.

    drivers: None (each speaker's first `drivers_per_speaker`, or all), a list, or {speaker: [driver, ...]} (the
    expanded form). pairs: "all" drives every reference with every driver; "same" only pairs a reference with the
    driver of its own name; "dealt" gives each driver to one reference, in turn. An empty `speakers` or `references`
    means all that the dataset has.
    """

    speakers: list[Name] = []
    drivers_per_speaker: int | None = Field(default=None, ge=1)
    drivers: list[Name] | dict[str, list[Name]] | None = None
    references: list[Name] = []
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field(default=[0], min_length=1)
    pairs: Rule = "all"

    @field_validator("speakers", "references", "seeds")
    @classmethod
    def _no_repeats(cls, values: list[Any]) -> list[Any]:
        return _distinct(values)

    @model_validator(mode="after")
    def _one_way_to_name_drivers(self) -> Axes:
        if self.drivers is not None and self.drivers_per_speaker is not None:
            raise ValueError("name `drivers` or `drivers_per_speaker`, not both")
        if isinstance(self.drivers, list):
            _distinct(self.drivers)
        if isinstance(self.drivers, dict):
            _distinct([driver for group in self.drivers.values() for driver in group])
        return self


class SettingSpec(Model):
    """One column of device settings."""

    name: Annotated[str, _text(r"[A-Za-z0-9][A-Za-z0-9._-]*", "letters, digits, dots and dashes")]
    device: Annotated[str, _text(r"cpu|cuda(:[0-9]+)?", '"cpu", "cuda" or "cuda:N"')] = "cpu"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    batch: int = Field(default=8, ge=1)


class Statistics(Model):
    """How intervals are made: percentile bootstrap that resamples clips, or whole groups of clips (`cluster`)."""

    resamples: int = Field(default=2000, ge=100, le=1_000_000)
    level: float = Field(default=0.95, gt=0.0, lt=1.0)
    seed: int = Field(default=0, ge=0)
    cluster: Literal["clip", "speaker", "driver", "reference"] = "clip"


class Failure(Model):
    """What a failed cell becomes. There is one answer; the key is there so that a protocol says it."""

    policy: Literal["row"] = "row"


class Protocol(Model):
    """A benchmark's definition: a table is a pure function of this and of what it names."""

    id: ProtocolId
    title: str = ""
    dataset: Name
    size: int = Field(default=256, ge=16, le=2048)
    pose: Literal["truth", "still"] = "truth"
    metrics: Annotated[list[MetricId], Field(min_length=1)]
    methods: Names
    axes: Axes = Axes()
    settings: Annotated[list[SettingSpec], Field(min_length=1)] = [SettingSpec(name="float32")]
    statistics: Statistics = Statistics()
    failure: Failure = Failure()

    @field_validator("metrics", "methods")
    @classmethod
    def _no_repeats(cls, values: list[str]) -> list[str]:
        return _distinct(values)

    @field_validator("settings")
    @classmethod
    def _distinct_names(cls, values: list[SettingSpec]) -> list[SettingSpec]:
        _distinct([setting.name for setting in values])
        return values

    @property
    def name(self) -> str:
        """The id without its version."""
        return self.id.partition("@")[0]

    def as_dict(self) -> dict[str, Any]:
        """The resolved protocol as JSON-ready data, defaults filled, keys as in the TOML."""
        return self.model_dump(mode="json")

    def hash(self) -> str:
        """sha256 (hex) of the meaning: comments, key order and the title do not enter."""
        return _sha256(self.model_dump(mode="json", exclude={"title"}))


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
        return _sha256(self.model_dump(mode="json", exclude=outside))


class BuiltinMethod(MethodBase):
    """A method that the instrument itself brings.

    weights: a checkpoint other than the shipped one; a relative path starts at the method file's folder.
    """

    kind: Literal["builtin"]
    builtin: Literal["ground-truth", "still", "wrong-speech", "silence", "loudness", "reconstruction", "avct"]
    weights: str | None = None
    options: dict[str, Any] = {}


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


class DatasetSpec(Model):
    """Where clips come from. `name` and `here` are filled in by the loader; `options` belong to the loader module.

    hashes: {file: sha256} that must hold before anything is scored. identities: who is seen, to check for overlap
    with a method's `trained_on`.
    """

    name: str = ""
    here: str = ""
    title: str = ""
    loader: Annotated[str, _text(r"[a-z][a-z0-9_]*", "a module name")]
    revision: str = "1"
    licence: str = ""
    identities: list[str] = []
    hashes: dict[str, Sha256] = {}
    options: dict[str, Any] = {}

    def hash(self) -> str:
        """sha256 (hex) of what decides the clips."""
        return _sha256(self.model_dump(mode="json", exclude={"name", "here", "title", "licence"}))


def _sha256(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
