"""A run becomes a bundle: its rows, and the report made of those very rows, so that nobody can make another of them.

The journal stays at home: rows.parquet says all that it says of values, and its paths are of one machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.errors import ConfigError
from bench.io.digest import sha256_file
from bench.places import ROOT
from bench.report import write
from bench.report.bundle.contents import Member, make_index
from bench.report.bundle.names import INDEX, refuse_names
from bench.report.bundle.packing import pack
from bench.report.bundle.privacy import clean_manifest, clean_row, clean_speeds
from bench.report.bundle.remaking import link
from bench.report.folder import only_clean, read_run
from bench.report.media import Copies, copy_videos
from bench.report.speed.writing import holds_quality, holds_speeds
from bench.store.files import make_folder, replace_file
from bench.store.manifest import FILE as MANIFEST
from bench.store.manifest import read_manifest
from bench.store.rows import FILE as ROWS
from bench.store.rows import write_rows
from bench.store.speeds import FILE as SPEEDS
from bench.store.speeds import read

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much of it is done, and how much there is."""


def bundle_run(
    folder: Path, path: Path, *, media: bool = True, clean: bool = False, progress: Progress | None = None
) -> Path:
    """The archive that was written of a run folder, which is left as it is. The same run gives the same bytes.

    media: False leaves out videos and what is made of them. clean: leave out methods that were trained on what they are
    tested on. The archive is there whole or not at all. Raises as `bench.report.write`.
    """
    if path.is_dir():
        raise ConfigError(f"{path}: expected the name of a file to write, got a folder")
    say = progress or (lambda what, done, total: None)
    with tempfile.TemporaryDirectory(prefix="avct-bundle-") as place:
        stage = Path(place)
        if holds_quality(folder) or not holds_speeds(folder):
            _stage_quality(folder, stage, media=media, clean=clean, progress=say)
        if holds_speeds(folder):
            _stage_speeds(folder, stage)
        say("tables and figures", 0, 1)
        write(stage, media=False, only_clean=clean)
        say("tables and figures", 1, 1)
        names = sorted(found.relative_to(stage).as_posix() for found in stage.rglob("*") if found.is_file())
        refused = refuse_names(names)
        if refused is not None:
            raise ConfigError(f"{folder}: cannot be bundled: {refused}")
        manifest = read_manifest(stage / MANIFEST) if MANIFEST in names else None
        members = [
            Member(name=name, bytes=(stage / name).stat().st_size, sha256=sha256_file(stage / name)) for name in names
        ]
        replace_file(stage / INDEX, make_index(manifest, members, media=media, only_clean=clean).as_bytes())
        make_folder(path.parent)
        pack(
            stage,
            [INDEX, *names],
            path,
            progress=lambda done, total: say("archive, MiB", done >> 20, (total >> 20) or 1),
        )
    return path


def _stage_quality(folder: Path, stage: Path, *, media: bool, clean: bool, progress: Progress) -> None:
    """Manifest and rows without places, and browser copies of videos."""
    run = read_run(folder)
    places = _places(folder)
    replace_file(stage / MANIFEST, clean_manifest((folder / MANIFEST).read_bytes(), *places))
    write_rows(stage / ROWS, [clean_row(row, *places) for row in (*run.rows, *run.pooled)])
    if media:
        shown = only_clean(run) if clean else run
        _link_copies(copy_videos(shown, folder, make=False), folder, stage)
        copy_videos(shown, stage, progress=lambda done, total: progress("videos", done, total))


def _link_copies(copies: Copies, folder: Path, stage: Path) -> None:
    for name in _files_of(copies):
        link(folder / name, stage / name)


def _files_of(copies: Copies) -> Iterable[str]:
    return sorted({name for copy in copies.found.values() for name in (copy.video, copy.poster)})


def _stage_speeds(folder: Path, stage: Path) -> None:
    read(folder)  # a damaged line is said before it is copied
    places = _places(folder)
    replace_file(stage / SPEEDS, clean_speeds((folder / SPEEDS).read_bytes(), *places))
    if not (stage / MANIFEST).is_file() and (folder / MANIFEST).is_file():
        replace_file(stage / MANIFEST, clean_manifest((folder / MANIFEST).read_bytes(), *places))


def _places(folder: Path) -> tuple[Path, ...]:
    return folder.resolve(), Path.home(), ROOT, Path.cwd()
