"""The sizes of every network, as frozen records whose defaults are the paper's full-size model.

The defaults are the only values that fit the published checkpoints; `jacobian=False` and `pad=3` are named departures
for small models of our own. Impossible values are refused where a record is made, so networks trust what they get.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from math import isqrt
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from avct.errors import AvctError

AUDIO_ROWS = 4
"""Rows of 100 Hz audio features in one video frame at 25 fps."""
AUDIO_COLUMNS = 41
"""Columns of one row: 13 cepstra, 26 log filter-bank energies, fundamental frequency in Hz, voiced flag."""
AUDIO_SIDE = 32
"""Side of the square that a frame's 4x41 features are spread over before they meet the portrait's feature map."""

Config = TypeVar("Config")


@dataclass(frozen=True)
class DetectorConfig:
    """Sizes of the keypoint detector. pad: zero padding of the 7x7 heads (0 in the paper: a 58-grid at 256 pixels)."""

    keypoints: int = 10
    channels: int = 3
    expansion: int = 32
    max_features: int = 1024
    blocks: int = 5
    temperature: float = 0.1
    shrink: int = 4
    pad: int = 0
    jacobian: bool = True

    def __post_init__(self) -> None:
        _require_positive(self, "keypoints", "channels", "expansion", "max_features", "blocks", "temperature", "shrink")
        _require(self, 0 <= self.pad <= 3, f"pad must be 0 to 3 (the heads are 7x7), got {self.pad}")
        _require_expansion(self, self.expansion, self.max_features)

    @property
    def map_channels(self) -> int:
        """Channels of the feature map: the last up block's and, as the outermost skip, the input's own."""
        return self.expansion + self.channels


@dataclass(frozen=True)
class MotionConfig:
    """Sizes of the dense motion network. variance: of the keypoints' heat maps, in squared units of [-1, 1]."""

    expansion: int = 64
    max_features: int = 1024
    blocks: int = 5
    shrink: int = 4
    variance: float = 0.01
    jacobian: bool = True

    def __post_init__(self) -> None:
        _require_positive(self, "expansion", "max_features", "blocks", "shrink", "variance")
        _require_expansion(self, self.expansion, self.max_features)


@dataclass(frozen=True)
class GeneratorConfig:
    """Sizes of the occlusion-aware generator and of the dense motion network inside it."""

    keypoints: int = 10
    channels: int = 3
    expansion: int = 64
    max_features: int = 512
    down_blocks: int = 2
    bottleneck_blocks: int = 6
    motion: MotionConfig = field(default_factory=MotionConfig)

    def __post_init__(self) -> None:
        _require_positive(self, "keypoints", "channels", "expansion", "max_features", "down_blocks")
        blocks = self.bottleneck_blocks
        _require(self, blocks >= 0, f"bottleneck_blocks must be 0 or more, got {blocks}")
        _require_expansion(self, self.expansion, self.max_features)


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of the encoder-decoder transformer."""

    width: int = 512
    heads: int = 8
    encoder_layers: int = 6
    decoder_layers: int = 6
    feedforward: int = 2048
    dropout: float = 0.1

    def __post_init__(self) -> None:
        _require_positive(self, "width", "heads", "encoder_layers", "decoder_layers", "feedforward")
        _require(self, self.width % self.heads == 0, f"width {self.width} must be a multiple of heads {self.heads}")
        # Sines and cosines alternate over the columns of the positional table.
        _require(self, self.width % 2 == 0, f"width must be even, got {self.width}")
        _require(self, 0 <= self.dropout < 1, f"dropout must be in [0, 1), got {self.dropout}")


@dataclass(frozen=True)
class Audio2kpConfig:
    """Sizes of the audio-visual correlation transformer (checkpoint part `ph2kp`).

    map_channels and map_size are those of the detector's feature map; features are the widths of the halving blocks.
    """

    keypoints: int = 10
    phonemes: int = 41
    embedding: int = 256
    half_window: int = 5
    positions: int = 20
    pose_size: int = 256
    map_channels: int = 35
    map_size: int = 64
    audio_channels: int = 35
    features: tuple[int, ...] = (32, 64, 128, 256, 512)
    jacobian: bool = True
    transformer: TransformerConfig = field(default_factory=TransformerConfig)

    def __post_init__(self) -> None:
        _require_positive(self, "keypoints", "phonemes", "embedding", "positions", "pose_size")
        _require_positive(self, "map_channels", "map_size", "audio_channels")
        _require(self, self.half_window >= 0, f"half_window must be 0 or more, got {self.half_window}")
        _require(self, all(n > 0 for n in self.features), f"features must be above 0, got {self.features}")
        side, window, size = isqrt(self.embedding), self.window, self.map_size
        _require(self, side * side == self.embedding, f"embedding must be a square number, got {self.embedding}")
        _require(self, size % side == 0, f"map_size {size} must be a multiple of the embedding's side {side}")
        _require(self, self.pose_size % size == 0, f"pose_size {self.pose_size} must be a multiple of map_size {size}")
        _require(self, size % AUDIO_SIDE == 0, f"map_size must be a multiple of {AUDIO_SIDE}, got {size}")
        reach = 2 ** (len(self.features) + 1)
        _require(self, size == reach, f"{len(self.features)} features need map_size {reach}, got {size}")
        width = self.transformer.width
        _require(self, self.features[-1] == width, f"features must end at transformer.width {width}: {self.features}")
        _require(self, window <= self.positions, f"a window of {window} needs positions >= {window}: {self.positions}")

    @property
    def window(self) -> int:
        """Frames in one window: the centre and half_window on either side."""
        return 2 * self.half_window + 1


@dataclass(frozen=True)
class Audio2PoseConfig:
    """Sizes of the head-pose network (checkpoint part `audio2pose`).

    widths and blocks: channels and residual blocks of each stage of the two ResNets. embedding: of a frame's sound;
    hidden and layers: of the LSTM. pose_size: side of the raster that the portrait's pose is drawn on.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    blocks: tuple[int, ...] = (3, 4, 6, 3)
    embedding: int = 256
    hidden: int = 256
    layers: int = 2
    pose_size: int = 256

    def __post_init__(self) -> None:
        _require_positive(self, "embedding", "hidden", "layers", "pose_size")
        stages, counts = len(self.widths), len(self.blocks)
        _require(self, stages > 0, "widths must name at least one stage, got none")
        _require(self, stages == counts, f"widths and blocks must name as many stages, got {stages} and {counts}")
        for name in ("widths", "blocks"):
            held = getattr(self, name)
            _require(self, all(n > 0 for n in held), f"{name} must be above 0, got {held}")


@dataclass(frozen=True)
class AvctConfig:
    """Sizes of the whole model, checked against one another. audio2pose: None where it has no head-pose network."""

    image_size: int = 256
    detector: DetectorConfig = field(default_factory=DetectorConfig)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    audio2kp: Audio2kpConfig = field(default_factory=Audio2kpConfig)
    audio2pose: Audio2PoseConfig | None = None

    def __post_init__(self) -> None:
        detector, generator, audio2kp = self.detector, self.generator, self.audio2kp
        _require_positive(self, "image_size")
        for name, step in (
            ("detector", detector.shrink * 2**detector.blocks),
            ("generator.motion", generator.motion.shrink * 2**generator.motion.blocks),
            ("generator", 2**generator.down_blocks),
        ):
            _require(
                self, self.image_size % step == 0, f"image_size {self.image_size} must be a multiple of {step} ({name})"
            )
        head = self.image_size // detector.shrink + 2 * detector.pad - 6
        _require(self, head >= 2, f"image_size {self.image_size} leaves the detector's 7x7 heads no grid")
        counts = {detector.keypoints, generator.keypoints, audio2kp.keypoints}
        _require(self, len(counts) == 1, f"keypoints must agree in detector, generator and audio2kp, got {counts}")
        for name, have, want in (
            ("audio2kp.map_channels", audio2kp.map_channels, detector.map_channels),
            ("audio2kp.map_size", audio2kp.map_size, self.image_size // detector.shrink),
            ("audio2kp.jacobian", audio2kp.jacobian, detector.jacobian),
            ("generator.channels", generator.channels, detector.channels),
        ):
            _require(self, have == want, f"{name} must be the detector's {want}, got {have}")


def to_dict(config: Any) -> dict[str, Any]:
    """A JSON- and TOML-ready dict of a configuration, nested as the records are; a part that it lacks has no key."""
    held = {f.name: getattr(config, f.name) for f in fields(config)}
    return {
        k: to_dict(v) if is_dataclass(v) else list(v) if isinstance(v, tuple) else v
        for k, v in held.items()
        if v is not None  # TOML knows no null, and None is every such field's default
    }


def from_dict(cls: type[Config], data: Any, *, where: str = "configuration") -> Config:
    """A configuration of class cls from a nested dict; absent keys take their defaults.

    Raises AvctError in one line, naming where it stands, for an unknown key, a wrong type or an impossible value.
    """
    if not isinstance(data, dict):
        raise AvctError(f"{where}: expected a table of {cls.__name__}, got {type(data).__name__}")
    hints, known = get_type_hints(cls), [f.name for f in fields(cls)]  # type: ignore[arg-type]
    values = {}
    for key, value in data.items():
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
            raise AvctError(f"{where}: unknown key {key!r}; {hint}")
        values[key] = _read(hints[key], value, f"{where}.{key}")
    try:
        return cls(**values)
    except AvctError as error:
        raise AvctError(f"{where}: {error}") from None


def _read(kind: Any, value: Any, where: str) -> Any:
    if isinstance(kind, UnionType):  # a part that may be lacking: `SomeConfig | None`
        return None if value is None else _read(get_args(kind)[0], value, where)
    if isinstance(kind, type) and is_dataclass(kind):
        return value if isinstance(value, kind) else from_dict(kind, value, where=where)
    for wanted, members, words in (
        (tuple[int, ...], (int,), "whole numbers"),
        (tuple[float, ...], (int, float), "numbers"),
        (tuple[str, ...], (str,), "strings"),
    ):
        if kind == wanted:
            if isinstance(value, (list, tuple)) and all(type(n) in members for n in value):
                return tuple(value)
            raise AvctError(f"{where}: expected a list of {words}, got {value!r}")
    # `type(...) is int` and not isinstance: Python counts True as an int.
    if kind is float and type(value) in (int, float):
        return float(value)
    if type(value) is not kind:
        raise AvctError(f"{where}: expected {kind.__name__}, got {value!r}")
    return value


def _require(config: Any, holds: bool, message: str) -> None:
    if not holds:
        raise AvctError(f"{type(config).__name__}: {message}")


def _require_positive(config: Any, *names: str) -> None:
    for name in names:
        # `not > 0` also refuses NaN.
        _require(config, getattr(config, name) > 0, f"{name} must be above 0, got {getattr(config, name)}")


def _require_expansion(config: Any, expansion: int, limit: int) -> None:
    _require(config, expansion <= limit, f"expansion {expansion} must not exceed max_features {limit}")
