"""A folder of talking videos as a dataset of films, without any layout: a clip is a file.

A protocol over a folder says `pairs = "same"`, or takes rows "unavailable" for the rest. A file beside a video gives
its phones: `<clip>.json` in AVCT's official form, or `<clip>.TextGrid`; `<clip>.txt` is its transcript.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.datasets.films import Films, share_out
from bench.datasets.layout import Film, Layout, find_videos
from bench.datasets.view import View
from bench.errors import ConfigError
from protocols.dataset import DatasetSpec


def open_dataset(options: Mapping[str, Any], spec: DatasetSpec | None = None) -> Films:
    """The folder dataset of a dataset file. Clips are named by their path below it, without the ending.

    Options: path; glob below it; those of `bench.datasets.view.View`; phones and poses as in `bench.datasets.films`;
    speaker: "" (each clip its own), "folder" (the folder a clip lies in), or a regular expression whose first group,
    found in the clip's name, is the speaker.
    """
    rule = options.get("speaker", "")
    arranged, shown, rest = share_out({key: value for key, value in options.items() if key != "speaker"})
    if strange := sorted({*arranged, *rest} - {"path", "glob", "phones", "poses", "revision"}):
        raise ConfigError(f"folder: unknown option {strange[0]!r}")
    layout = Layout(**arranged)
    films = [
        Film(name, _speaker(name, rule), file=file, words=_text(file))
        for name, file in find_videos(Path(layout.path), layout.glob).items()
    ]
    name, revision = (spec.name, spec.revision) if spec else (Path(layout.path).name, "1")
    return Films(name, films, View(**shown), layout=layout, **{"revision": revision, **rest})


def _text(file: Path) -> Path | None:
    beside = file.with_suffix(".txt")
    return beside if beside.is_file() else None


def _speaker(clip: str, rule: str) -> str:
    if rule in ("", "folder"):
        return (clip.rpartition("/")[0] or clip) if rule else clip
    try:
        match = re.search(rule, clip)
    except re.error as error:
        raise ConfigError(f"folder: speaker: not a regular expression: {rule!r} ({error})") from None
    if match is None or not match.re.groups or not match.group(1):
        raise ConfigError(f"folder: speaker: {rule!r} finds no group in the clip's name {clip!r}")
    return match.group(1)
