"""Bundles for tests: a run whose protocol, hashes and rows agree, and what somebody may do to its archive.

Figures are drawn as one white pixel: what is compared here is who made them, and drawing takes seconds.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from report_run import make_entries, make_protocol, make_run

from bench.report.bundle.checks import FAILED, Verdict
from bench.report.bundle.packing import pack
from bench.report.bundle.verifying import verify_bundle
from bench.report.page.page import Picture
from bench.stats.summary import clips
from bench.store.rows import read_rows, write_rows
from protocols.schema import Protocol
from protocols.validation import validate

_WIDTHS = ("", "-column")


@contextmanager
def plain_figures() -> Iterator[None]:
    """A report with one figure, of one white pixel, and speeds with theirs as white pixels."""
    from PIL import Image

    packed = io.BytesIO()
    Image.new("RGB", (1, 1), "white").save(packed, format="PNG")
    png, pdf = packed.getvalue(), b"%PDF- one white pixel"
    files = {f"metrics{width}.{kind}": {"png": png, "pdf": pdf}[kind] for width in _WIDTHS for kind in ("png", "pdf")}

    def draw(*_: Any, **__: Any) -> Iterator[tuple[Picture, dict[str, bytes]]]:
        yield Picture("metrics", "Metrics by method", "White", (1, 1), (1, 1)), files

    def save(figure: Any, target: io.BytesIO, *, format: str, **_: Any) -> None:
        target.write(png if format == "png" else pdf)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.report.writing.draw_pictures", draw)
        patch.setattr("matplotlib.figure.Figure.savefig", save)
        yield


def sound_protocol(**changes: Any) -> dict[str, Any]:
    """A protocol that the schema takes, resolved as a run resolves it."""
    content = make_protocol(**changes)
    settings = [{**setting, "size": 64, "pose": "truth"} for setting in content["settings"]]
    return validate(Protocol, {**content, "settings": settings}, "test").as_dict()


def sound_entries(protocol: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The journal's lines with hashes that are hashes."""
    entries = make_entries(protocol)
    for entry in entries:
        for row in entry["rows"]:
            row["truth_sha256"] = _hash(row["driver"])
            row["video_sha256"] = row["video_sha256"] and _hash(entry["key"])
    return entries


def sound_manifest(protocol: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """What a manifest of `make_run` has to say else, so that it agrees with its protocol."""
    checked = validate(Protocol, protocol, "test")
    cells = len(protocol["methods"]) * len(protocol["settings"]) * len(clips(protocol))
    return {
        "protocol_hash": checked.hash(),
        "declared_hash": checked.hash(),
        "protocol_state": "own",
        "dataset": {"name": "puppets", "licence": "Apache-2.0"},
        "code": {"version": "0.1.0", "git_commit": None, "git_commit_reason": "none", "source_sha256": "cd" * 32},
        "packages": {"numpy": "2.0"},
        "seeds": protocol["axes"]["seeds"],
        "cells": {"total": cells, "done": cells - 1, "failed": 1, "reused": 0},
        **changes,
    }


def make_sound_run(
    folder: Path,
    protocol: Mapping[str, Any] | None = None,
    *,
    videos: bool = True,
    entries: list[dict[str, Any]] | None = None,
    **manifest: Any,
) -> Path:
    """A run folder that passes every check once it is bundled. manifest: changes to it."""
    protocol = protocol or sound_protocol()
    entries = sound_entries(protocol) if entries is None else entries
    return make_run(folder, protocol, entries=entries, manifest=sound_manifest(protocol, **manifest), videos=videos)


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def contents(path: Path) -> dict[str, bytes]:
    """Every file of an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rebuild(path: Path, target: Path, change: Callable[[dict[str, bytes]], None], *, relist: bool = True) -> Path:
    """A bundle of which somebody changed files. relist: bundle.json is made to say what is there now."""
    files = contents(path)
    change(files)
    if relist:
        index = json.loads(files["bundle.json"])
        index["files"] = [
            {"name": name, "bytes": len(content), "sha256": sha256(content).hexdigest()}
            for name, content in sorted(files.items())
            if name != "bundle.json"
        ]
        files["bundle.json"] = json.dumps(index).encode()
    folder = target.with_suffix(".files")
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    pack(folder, files, target)
    shutil.rmtree(folder)
    return target


def edit_rows(content: bytes, change: Callable[[list[dict[str, Any]]], None]) -> bytes:
    """rows.parquet of rows that somebody changed."""
    with TemporaryDirectory() as place:
        path = Path(place) / "rows.parquet"
        path.write_bytes(content)
        rows = read_rows(path)
        change(rows)
        write_rows(path, rows)
        return path.read_bytes()


def edit_json(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """JSON of data that somebody changed."""
    data = json.loads(content)
    change(data)
    return json.dumps(data).encode()


def failed(verdict: Verdict) -> dict[str, str]:
    """Which checks failed, and what they say."""
    return {check.name: check.says for check in verdict.checks if check.state == FAILED}


def failures(path: Path) -> dict[str, str]:
    """Which checks fail on a bundle, and what they say."""
    return failed(verify_bundle(path))
