"""What a protocol may say. Unknown keys are refused; every model is frozen.

A protocol's meaning is its content: `Protocol.hash` ignores comments, key order, the title and keys that say what is so
anyway. `versions.json` keeps the hash of every shipped version, and the defaults, so that neither can change unseen.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from protocols.model import Model, Name, Names, Sha256, distinct, hash_content, matching
from protocols.pairing import Rule

ProtocolId = Annotated[str, matching(r"[a-z0-9][a-z0-9._-]*@[0-9]+", 'name@version such as "demo@1"')]
MetricId = Annotated[
    str, matching(r"[a-z0-9_]+/[A-Za-z0-9._-]+@[0-9]+", 'family/variant@version such as "psnr/mean-of-frames@1"')
]
Pose = Literal["truth", "still", "audio"]
"""Whose head pose a method is given: the filmed one, the portrait's own, or none: it makes one from the speech."""
Size = Annotated[int, Field(ge=16, le=2048)]


class Axes(Model):
    """What is swept: which speakers' drivers, on which references, with which seeds.

    drivers: None (each speaker's first `drivers_per_speaker`, or all), a list, or {speaker: [driver, ...]} (the
    expanded form). pairs: who is driven by what (`protocols.pairing`). An empty `speakers` or `references` means all
    that the dataset has. identities: {reference: who is seen}, filled in where the rule asks for it.
    """

    speakers: list[Name] = []
    drivers_per_speaker: int | None = Field(default=None, ge=1)
    drivers: list[Name] | dict[str, list[Name]] | None = None
    references: list[Name] = []
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field(default=[0], min_length=1)
    pairs: Rule = "all"
    drivers_per_reference: int | None = Field(default=None, ge=1)
    identities: dict[str, str] = {}

    @field_validator("speakers", "references", "seeds")
    @classmethod
    def _no_repeats(cls, values: list[Any]) -> list[Any]:
        return distinct(values)

    @model_validator(mode="after")
    def _one_way_to_name_drivers(self) -> Axes:
        if self.drivers is not None and self.drivers_per_speaker is not None:
            raise ValueError("name `drivers` or `drivers_per_speaker`, not both")
        if self.drivers_per_reference is not None and self.pairs != "dealt":
            raise ValueError('`drivers_per_reference` belongs to pairs = "dealt"')
        if isinstance(self.drivers, list):
            distinct(self.drivers)
        if isinstance(self.drivers, dict):
            distinct([driver for group in self.drivers.values() for driver in group])
        return self


class SettingSpec(Model):
    """One column of settings. size, pose: in place of the protocol's own. compile: mode of torch.compile. graphs: CUDA
    graphs of whole batches. channels_last: how pictures lie in memory; None: the device's better way. devices: how many
    of the device share the clips (of "cpu": how many processes share the cores).
    """

    name: Annotated[str, matching(r"[A-Za-z0-9][A-Za-z0-9._-]*", "letters, digits, dots and dashes")]
    device: Annotated[str, matching(r"cpu|cuda(:[0-9]+)?", '"cpu", "cuda" or "cuda:N"')] = "cpu"
    precision: Literal["float32", "tf32", "bfloat16", "float16"] = "float32"
    batch: int = Field(default=8, ge=1)
    compile: Literal["none", "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"] = "none"
    size: Size | None = None
    pose: Pose | None = None
    graphs: bool = False
    channels_last: bool | None = None
    devices: int = Field(default=1, ge=1, le=64)

    @model_validator(mode="after")
    def _possible(self) -> SettingSpec:
        if self.graphs and self.device == "cpu":
            raise ValueError(f"{self.name}: graphs are CUDA graphs; expected a CUDA device, got {self.device!r}")
        if self.graphs and self.compile in ("reduce-overhead", "max-autotune"):
            raise ValueError(f"{self.name}: compile {self.compile!r} makes graphs of its own; expected graphs = false")
        if self.devices > 1 and ":" in self.device:
            raise ValueError(f'{self.name}: several devices are "cuda" or "cpu", got {self.device!r}')
        return self


class Statistics(Model):
    """How intervals are made: percentile bootstrap of clips, or of groups of clips (`cluster`) and clips within them.

    fewest: clips below which there is neither interval nor test, but the reason why not.
    """

    resamples: int = Field(default=2000, ge=100, le=1_000_000)
    level: float = Field(default=0.95, gt=0.0, lt=1.0)
    seed: int = Field(default=0, ge=0)
    cluster: Literal["clip", "speaker", "driver", "reference"] = "clip"
    fewest: int = Field(default=5, ge=2)


class Failure(Model):
    """What becomes of a cell that cannot be finished: a row that says why, after so many further tries.

    retries: tries after a worker, a node or a job was lost; a method's own failure is its answer and is not tried
    again. time_limit_s: of one task (reading, generating or measuring one video); None: only the method's own limit.
    """

    policy: Literal["row"] = "row"
    retries: int = Field(default=1, ge=0, le=10)
    time_limit_s: float | None = Field(default=None, gt=0.0)


Scenario = Literal["single-stream", "clip-latency", "offline", "multi-stream", "cold-start"]


class Timing(Model):
    """How speed is measured (`perf`). scenarios: in the order in which they are timed. detailed: settings that are
    timed in all of them, others in "offline" alone; empty: all are. seconds, frames: what a full run lasts at least.
    seed: of arrivals, of turns and of the frames that are held against the plain loop; sampled: how many of those there
    are, beside one whole clip.
    """

    scenarios: Annotated[list[Scenario], Field(min_length=1)] = [
        "single-stream", "clip-latency", "offline", "multi-stream", "cold-start",
    ]  # fmt: skip
    detailed: list[Name] = []
    seconds: float = Field(default=60.0, ge=60.0, le=3600.0)
    frames: int = Field(default=1024, ge=1024)
    seed: int = Field(default=0, ge=0)
    sampled: int = Field(default=64, ge=16, le=1024)

    @field_validator("scenarios", "detailed")
    @classmethod
    def _no_repeats(cls, values: list[str]) -> list[str]:
        return distinct(values)


class Protocol(Model):
    """A benchmark's definition: a table is a pure function of this and of what it names.

    revision: of the dataset, which must be that one. split: part of the dataset. window: seconds of each clip, from
    and to. clips_sha256: of the list of clips that the dataset must give (`validate` prints it). reference_frame: the
    frame of a film that is the portrait; "given": the dataset's own choice. crop: how films are cut; "given" likewise.
    published: tables of papers to print beside the measured one. baseline: whom the others are compared with. timing:
    how `perf` measures the speed of methods and settings.
    """

    id: ProtocolId
    title: str = ""
    dataset: Name
    revision: str | None = None
    split: Name | None = None
    window: tuple[float, float] | None = None
    clips_sha256: Sha256 | None = None
    reference_frame: Literal["given", "first"] | Annotated[int, Field(ge=0)] = "given"
    crop: Literal["given", "none", "centre", "face"] = "given"
    size: Size = 256
    fps: Literal[25] = 25
    rate: Literal[16000] = 16000
    pose: Pose = "truth"
    metrics: Annotated[list[MetricId], Field(min_length=1)]
    methods: Names
    axes: Axes = Axes()
    settings: Annotated[list[SettingSpec], Field(min_length=1)] = [SettingSpec(name="float32")]
    statistics: Statistics = Statistics()
    failure: Failure = Failure()
    published: list[Name] = []
    baseline: Name | None = None
    timing: Timing | None = None

    @field_validator("metrics", "methods", "published")
    @classmethod
    def _no_repeats(cls, values: list[str]) -> list[str]:
        return distinct(values)

    @field_validator("settings", mode="before")
    @classmethod
    def _swept(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            return sweep_settings(given)
        if isinstance(given, list) and any(isinstance(one, Mapping) and "name" not in one for one in given):
            return join_sweeps(given)
        return given

    @field_validator("settings")
    @classmethod
    def _distinct_names(cls, values: list[SettingSpec]) -> list[SettingSpec]:
        distinct([setting.name for setting in values])
        return values

    @field_validator("window", mode="before")
    @classmethod
    def _ordered(cls, given: Any) -> Any:
        if isinstance(given, list | tuple):
            if len(given) != 2 or not all(isinstance(second, int | float) for second in given):
                raise ValueError(f"expected two numbers of seconds, from and to, got {given!r}")
            if not 0 <= given[0] < given[1]:
                raise ValueError(f"expected 0 <= from < to, got {given[0]:g} and {given[1]:g}")
            return tuple(float(second) for second in given)
        return given

    @model_validator(mode="after")
    def _details_exist(self) -> Protocol:
        names = [setting.name for setting in self.settings]
        for name in self.timing.detailed if self.timing else ():
            if name not in names:
                raise ValueError(f"timing.detailed: no setting {name!r}; expected some of {', '.join(names)}")
        return self

    @property
    def name(self) -> str:
        """The id without its version."""
        return self.id.partition("@")[0]

    def as_dict(self) -> dict[str, Any]:
        """The resolved protocol as JSON-ready data, defaults filled, keys as in the TOML."""
        return self.model_dump(mode="json")

    def hash(self) -> str:
        """sha256 (hex) of the meaning: comments, key order, the title and stated defaults do not enter.

        Without defaults, so that a key that the schema learns later does not change what is older than it.
        """
        return hash_content(self.model_dump(mode="json", exclude={"title"}, exclude_defaults=True))


def sweep_settings(axes: Mapping[str, Any], *, named_by: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The settings of a table of lists, such as {"batch": [1, 8], "precision": ["float32", "bfloat16"]}: every one with
    every other, the last key changing fastest, each named by what changes (or by the keys `named_by`).

    ValueError where an axis is empty.
    """
    lists = {key: value if isinstance(value, list) else [value] for key, value in axes.items()}
    for key, values in lists.items():
        if not values:
            raise ValueError(f"{key}: expected at least one value, got none")
    naming = named_by if named_by is not None else [key for key, values in lists.items() if len(values) > 1]
    found = []
    for values in itertools.product(*lists.values()):
        one = dict(zip(lists, values, strict=True))
        words = [_word(key, one[key]) for key in naming if key in one]
        found.append({"name": "-".join(word for word in words if word).replace(":", "") or "only", **one})
    return found


def join_sweeps(tables: Sequence[Any]) -> list[Any]:
    """The settings of several tables one after another: a table with a name is one setting, any other a sweep whose
    settings are named by all that it states. What two sweeps have in common is there once."""
    found: list[Any] = []
    for table in tables:
        named = not isinstance(table, Mapping) or "name" in table
        for one in [table] if named else sweep_settings(table, named_by=list(table)):
            if named or one not in found:
                found.append(one)
    return found


def _word(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return key.replace("_", "-") if value else ""
    if key == "compile":
        return "" if value == "none" else f"compile-{value}"
    return f"{key}{value}" if isinstance(value, int) else str(value)
