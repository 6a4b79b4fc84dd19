"""A private stand-in for a program's own folder, made of links: cheap, and nothing is written to the original."""

from __future__ import annotations

import os
from pathlib import Path

from bench.errors import MissingError
from protocols.method import Tree


def plant(source: Path, root: Path, tree: Tree) -> None:
    """Make the folder `root` with a link for each entry of `source`, and with `fresh` and `keep` as the tree says.

    A folder of `fresh` is real and empty, whether the original is there or not; its parents are real too, and hold
    links to what the original's hold. Raises MissingError where the source or an entry of `keep` is not there.
    """
    if not source.is_dir():
        raise MissingError(f"no such folder: {source}")
    fresh = {Path(path) for path in tree.fresh}
    _link(source, root, Path(), fresh)
    for name in tree.keep:
        if not (source / name).exists():
            raise MissingError(f"no such file or folder: {source / name}")
        if not (root / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            os.symlink((source / name).resolve(), root / name)


def _link(source: Path, root: Path, here: Path, fresh: set[Path]) -> None:
    (root / here).mkdir(parents=True)
    below = {path.relative_to(here).parts[0] for path in fresh if path != here and path.is_relative_to(here)}
    if here not in fresh and (source / here).is_dir():
        for entry in sorted((source / here).iterdir()):
            if entry.name not in below:
                os.symlink(entry.resolve(), root / here / entry.name)
    for name in sorted(below):
        _link(source, root, here / name, fresh)
