"""A protocol becomes a run folder. Running again resumes: the keys decide what is still to be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.datasets.catalogue import choices, clips_sha256, describe, open_dataset
from bench.errors import ConfigError
from bench.records import Cell, Dataset
from bench.runner.execution import Plan, RunResult, execute
from bench.runner.expand import cells, expand, settings
from bench.runner.how import HERE, How
from bench.runner.methods import describe_method, open_methods
from bench.runner.tally import Progress
from bench.runner.tasks import Pair, Source
from metrics.errors import MetricError
from protocols.schema import Protocol

if TYPE_CHECKING:
    from metrics.registry import Variant


def run(
    protocol: Protocol,
    *,
    out: Path | None = None,
    how: How = HERE,
    progress: Callable[[Progress], None] | None = None,
) -> RunResult:
    """Run a protocol to its end in the folder `out` (results/<protocol name> by default), or take it up again.

    progress: called for every finished cell. A cell that fails becomes rows with stage and reason, and exit code 1; the
    next run tries it again. An interrupt keeps what is finished.
    Raises ConfigError, MissingError, BusyError, StorageError.
    """
    dataset = open_clips(protocol)
    resolved = expand(protocol, dataset)
    variants = find_variants(resolved.metrics)
    methods = open_methods(resolved.methods, settings(resolved))
    sweep = cells(resolved)
    by_pair: dict[Source, list[Cell]] = {}
    for cell in sweep:
        by_pair.setdefault(_pair(cell), []).append(cell)
    described = describe(protocol.dataset)
    plan = Plan(
        protocol=resolved,
        declared=protocol,
        cells=by_pair,
        variants=variants,
        methods=methods,
        others=_others(resolved, dataset),
        dataset=describe_dataset(protocol, dataset),
        described=[describe_method(method, described, resolved) for method in methods.values()],
    )
    return execute(plan, out or Path("results") / resolved.name, how=how, progress=progress)


def open_clips(protocol: Protocol) -> Dataset:
    """The protocol's dataset as it chooses it, at the revision and with the clips that it names.

    Raises ConfigError where they are others, MissingError.
    """
    dataset = open_dataset(protocol.dataset, choices(protocol))
    checks = [("revision", protocol.revision, revision(protocol, dataset))]
    if protocol.clips_sha256 is not None:
        checks.append(("clips_sha256", protocol.clips_sha256, clips_sha256(dataset)))
    for name, wanted, found in checks:
        if wanted is not None and wanted != found:
            raise ConfigError(
                f"protocol {protocol.id}: {name}: expected {wanted} of dataset {protocol.dataset}, got {found}"
            )
    return dataset


def revision(protocol: Protocol, dataset: Dataset) -> str:
    """The dataset file's revision and that of the clips themselves, such as "1/1"."""
    return f"{describe(protocol.dataset).revision}/{dataset.revision}"


def describe_dataset(protocol: Protocol, dataset: Dataset) -> dict[str, Any]:
    """The dataset for the manifest."""
    described = describe(protocol.dataset)
    return {
        "name": described.name,
        "title": described.title,
        "revision": revision(protocol, dataset),
        "sha256": described.hash(),
        "licence": described.licence,
    }


def _pair(cell: Cell) -> Pair:
    return Pair(cell.speaker, cell.reference, cell.driver, cell.setting.size, cell.setting.pose)


def find_variants(names: Sequence[str]) -> list[Variant]:
    """The metrics of those ids. Raises ConfigError with a suggestion for an unknown one."""
    from metrics.registry import get

    try:
        return [get(name) for name in names]
    except MetricError as error:
        raise ConfigError(str(error)) from None


def _others(protocol: Protocol, dataset: Dataset) -> tuple[str, ...]:
    """Drivers to take a wrong speech from: the protocol's own, or the dataset's where it has only one."""
    drivers = protocol.axes.drivers
    assert isinstance(drivers, dict)
    named = [driver for spoken in drivers.values() for driver in spoken]
    if len(named) > 1:
        return tuple(named)
    return tuple(driver for speaker in dataset.speakers() for driver in dataset.drivers(speaker))
