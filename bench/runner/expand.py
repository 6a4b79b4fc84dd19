"""A protocol and its dataset become a list of cells, in an order that is the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.errors import ConfigError
from bench.records import Cell, Dataset, Setting
from protocols import catalogue
from protocols.errors import ProtocolError
from protocols.pairing import NEEDS_IDENTITIES, pair_up
from protocols.published import load_published
from protocols.schema import Axes, Protocol, SettingSpec
from protocols.validation import nearest


def load(name: str | Path, *, overrides: Sequence[str] = ()) -> Protocol:
    """The protocol of that stem or path, with `a.b=value` overrides. Raises ConfigError with one line."""
    try:
        return catalogue.load(name, overrides=overrides)
    except ProtocolError as error:
        raise ConfigError(str(error)) from None


def expand(protocol: Protocol, dataset: Dataset) -> Protocol:
    """The protocol with every speaker, driver and reference named, as the dataset has them today.

    Raises ConfigError for a name that the dataset does not have, for published tables that are not there, and for a
    protocol without a single clip.
    """
    try:
        for name in protocol.published:
            load_published(name)
    except ProtocolError as error:
        raise ConfigError(f"protocol {protocol.id}: {error}") from None
    axes = protocol.axes
    references = axes.references or dataset.references()
    _require(references, dataset.references(), "reference", dataset)
    drivers = _drivers(axes, dataset)
    expanded = Axes(
        speakers=list(drivers),
        drivers=drivers,
        references=references,
        seeds=list(axes.seeds),
        pairs=axes.pairs,
        drivers_per_reference=axes.drivers_per_reference,
        identities=dataset.identities(references) if axes.pairs in NEEDS_IDENTITIES else {},
    )
    resolved = protocol.model_copy(update={"axes": expanded, "settings": _filled(protocol)})
    try:
        if pairs(resolved):
            return resolved
    except ValueError as error:
        raise ConfigError(f"protocol {protocol.id}: axes: {error}") from None
    rule = _WHY_NONE.get(axes.pairs, "no drivers or no references")
    raise ConfigError(f"protocol {protocol.id}: expected at least one clip, got none ({rule})")


_WHY_NONE = {
    "same": "no driver has the name of a reference",
    "other-clip": "no speaker has a second clip",
    "other-speaker": "no reference shows anybody else",
}


def pairs(protocol: Protocol) -> list[tuple[str, str, str]]:
    """(speaker, reference, driver) of every clip of an expanded protocol, in its order."""
    drivers = protocol.axes.drivers
    if not isinstance(drivers, Mapping):
        raise ValueError("expected an expanded protocol")
    axes = protocol.axes
    return pair_up(axes.pairs, drivers, axes.references, identities=axes.identities, each=axes.drivers_per_reference)


def settings(protocol: Protocol) -> list[Setting]:
    """The settings as records, with the protocol's size and pose rule where they have none of their own."""
    return [Setting(**setting.model_dump()) for setting in _filled(protocol)]


def _filled(protocol: Protocol) -> list[SettingSpec]:
    return [
        setting.model_copy(update={"size": setting.size or protocol.size, "pose": setting.pose or protocol.pose})
        for setting in protocol.settings
    ]


def cells(protocol: Protocol) -> list[Cell]:
    """Every cell of an expanded protocol: by pair, then seed, method and setting, so that inputs are used together."""
    return [
        Cell(method, speaker, reference, driver, setting, seed)
        for speaker, reference, driver in pairs(protocol)
        for seed in protocol.axes.seeds
        for method in protocol.methods
        for setting in settings(protocol)
    ]


def name_cell(cell: Cell) -> str:
    """The cell's name in rows, such as "avct/float32/speaker/reference/driver/0"."""
    return "/".join((cell.method, cell.setting.name, cell.speaker, cell.reference, cell.driver, str(cell.seed)))


def _drivers(axes: Axes, dataset: Dataset) -> dict[str, list[str]]:
    """{speaker: [driver, ...]} in the order asked for, speakers without a driver left out."""
    if isinstance(axes.drivers, dict):
        asked = {speaker: list(drivers) for speaker, drivers in axes.drivers.items()}
        _require(list(asked), dataset.speakers(), "speaker", dataset)
        for speaker, drivers in asked.items():
            _require(drivers, dataset.drivers(speaker), f"driver of speaker {speaker}", dataset)
        return asked
    speakers = axes.speakers or dataset.speakers()
    _require(speakers, dataset.speakers(), "speaker", dataset)
    known = {speaker: dataset.drivers(speaker) for speaker in speakers}
    if axes.drivers is None:
        return {speaker: drivers[: axes.drivers_per_speaker] for speaker, drivers in known.items() if drivers}
    _require(axes.drivers, [driver for drivers in known.values() for driver in drivers], "driver", dataset)
    chosen = {speaker: [d for d in axes.drivers or [] if d in drivers] for speaker, drivers in known.items()}
    return {speaker: drivers for speaker, drivers in chosen.items() if drivers}


def _require(asked: Sequence[str], known: Sequence[str], kind: str, dataset: Dataset) -> None:
    for name in asked:
        if name not in known:
            raise ConfigError(f"dataset {dataset.name} has no {kind} {name!r}.{nearest(name, known)}")
