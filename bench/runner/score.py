"""Scores videos that were made elsewhere, by the same measurements, journal and manifest as a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.datasets.folder import find_videos
from bench.errors import ConfigError, MissingError
from bench.records import Cell, Setting
from bench.runner.execution import Plan, RunResult, execute
from bench.runner.how import HERE, How
from bench.runner.run import find_variants
from bench.runner.tally import Progress
from bench.runner.tasks import Files, Source
from protocols.schema import Axes, Protocol, SettingSpec, Statistics
from protocols.validation import validate

SETTING = "as-given"
"""The one setting of a scored folder: what the videos were made with is not known here."""
SPEAKER = "unknown"


def score(
    videos: Path,
    *,
    metrics: Sequence[str],
    truth: Path | None = None,
    method: str | None = None,
    out: Path | None = None,
    how: How = HERE,
    statistics: Statistics | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> RunResult:
    """Score a folder of videos into the run folder `out` (results/score-<folder> by default).

    A folder with videos in it, or any folder where `method` is given, is one method; a folder with folders of videos
    holds a method in each. A clip is a path below the method's folder without its ending, and its truth is the video
    of that path below `truth`. A clip that has a truth and no video, or a video and no truth, becomes rows that failed
    at stage "match". Without `truth`, metrics that need one are "unavailable". Sizes must be equal, and lengths within
    2 frames.
    Raises ConfigError, MissingError, BusyError, StorageError.
    """
    folders = find_methods(videos, method)
    variants = find_variants(metrics)
    made = {name: find_videos(folder, "**/*") for name, folder in folders.items()}
    true = None if truth is None else find_videos(truth, "**/*")
    clips = sorted({clip for found in made.values() for clip in found} | set(true or ()))
    content = {
        "id": "score@1",
        "title": f"Scores of the videos in {videos.resolve().name}",
        "dataset": "files" if truth is None else truth.resolve().name,
        "metrics": list(metrics),
        "methods": list(folders),
    }
    axes = Axes(speakers=[SPEAKER], drivers={SPEAKER: clips}, references=clips, pairs="same")
    settings = [SettingSpec(name=SETTING, size=256, pose="truth")]
    protocol = validate(Protocol, content, "score").model_copy(
        update={"axes": axes, "settings": settings, "statistics": statistics or Statistics()}
    )
    plan = Plan(
        protocol=protocol,
        declared=protocol,
        cells=_cells(made, true, clips),
        variants=variants,
        methods={},
        others=(),
        dataset={"name": protocol.dataset, "title": "", "revision": "", "sha256": None, "licence": ""},
        described=[{"name": name, "title": f"videos in {folder.name}"} for name, folder in folders.items()],
    )
    name = f"score-{videos.resolve().name}"
    return execute(plan, out or Path("results") / name, how=how, progress=progress)


def find_methods(videos: Path, method: str | None) -> dict[str, Path]:
    """Method name -> folder. Raises MissingError where there is no folder or no video."""
    if not videos.exists():
        raise MissingError(f"{videos}: no such folder; expected a folder of videos")
    if not videos.is_dir():
        raise ConfigError(f"{videos}: expected a folder of videos, got a file")
    find_videos(videos, "**/*")
    if method is not None or find_videos(videos, "*", empty=True):
        return {method or videos.resolve().name: videos}
    folders = sorted(path for path in videos.iterdir() if path.is_dir() and not path.name.startswith("."))
    return {folder.name: folder for folder in folders if find_videos(folder, "**/*", empty=True)}


def _cells(
    made: Mapping[str, Mapping[str, Path]], true: Mapping[str, Path] | None, clips: Sequence[str]
) -> dict[Source, list[Cell]]:
    cells: dict[Source, list[Cell]] = {}
    for clip in clips:
        for name, found in made.items():
            lacking = None
            if clip not in found:
                lacking = f"no video of clip {clip}"
            elif true is not None and clip not in true:
                lacking = f"no true video of clip {clip}"
            source = Files(found.get(clip), None if true is None else true.get(clip), lacking)
            cells.setdefault(source, []).append(Cell(name, SPEAKER, clip, clip, Setting(SETTING), 0))
    return cells
