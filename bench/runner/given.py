"""Scores videos that were made elsewhere by a protocol: its clips, its truth, its metrics, its statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bench.datasets.catalogue import describe
from bench.datasets.folder import find_videos
from bench.errors import ConfigError
from bench.records import Cell, Setting
from bench.runner.execution import Plan, RunResult, execute
from bench.runner.expand import expand
from bench.runner.how import HERE, How
from bench.runner.matching import RULE, Clip, Matched, match
from bench.runner.methods import describe_given
from bench.runner.run import describe_dataset, find_variants, open_clips
from bench.runner.score import SETTING, find_methods
from bench.runner.tally import Progress
from bench.runner.tasks import Files, Pair, Source
from bench.stats.summary import clips as clips_of
from protocols.schema import Protocol, SettingSpec


def score_given(
    videos: Path,
    protocol: Protocol,
    *,
    method: str | None = None,
    out: Path | None = None,
    how: How = HERE,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[RunResult, dict[str, tuple[str, ...]]]:
    """Score a folder of videos as the protocol's clips (results/<protocol>-<folder> by default).

    Folders of methods as in `bench.runner.score.score`; names are matched by `bench.runner.matching.RULE`. A clip
    without a video becomes rows that failed at stage "match". Also returned: {method: videos that belong to no clip}.
    The protocol's methods and settings make place for those of the folder.
    Raises ConfigError, MissingError, BusyError, StorageError.
    """
    folders = find_methods(videos, method)
    made = {name: find_videos(folder, "**/*") for name, folder in folders.items()}
    dataset = open_clips(protocol)
    setting = SettingSpec(name=SETTING, size=protocol.size, pose=protocol.pose)
    resolved = expand(protocol, dataset).model_copy(
        update={"methods": list(folders), "settings": [setting], "baseline": None}
    )
    clips = clips_of(resolved.as_dict())
    matched = {name: match(clips, found) for name, found in made.items()}
    if not any(some.found for some in matched.values()):
        example = next(iter(next(iter(made.values()))))
        raise ConfigError(f"{videos}: no video belongs to a clip of {protocol.id}, for example {example!r}; {RULE}")
    plan = Plan(
        protocol=resolved,
        declared=protocol,
        cells=_cells(clips, made, matched, resolved),
        variants=find_variants(resolved.metrics),
        methods={},
        others=(),
        dataset=describe_dataset(protocol, dataset),
        described=[
            describe_given(name, folder, describe(protocol.dataset), resolved) for name, folder in folders.items()
        ],
    )
    name = f"{protocol.name}-{videos.resolve().name}"
    folder = out or Path("results") / name
    result = execute(plan, folder, how=how, progress=progress)
    return result, {name: some.unmatched for name, some in matched.items() if some.unmatched}


def _cells(
    clips: list[Clip], made: Mapping[str, Mapping[str, Path]], matched: Mapping[str, Matched], protocol: Protocol
) -> dict[Source, list[Cell]]:
    setting = Setting(**protocol.settings[0].model_dump())
    cells: dict[Source, list[Cell]] = {}
    for clip in clips:
        speaker, reference, driver, seed = clip
        pair = Pair(speaker, reference, driver, setting.size, setting.pose)
        for name, some in matched.items():
            shown = made[name].get(some.found.get(clip, ""))
            lacking = None if shown is not None else f"no video of clip {reference}/{driver}"
            source = Files(shown, None, lacking, pair)
            cells.setdefault(source, []).append(Cell(name, speaker, reference, driver, setting, seed))
    return cells
