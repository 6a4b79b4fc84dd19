"""Brings the findings to the disk: tables, pictures and a manifest of code, versions, settings and weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.report.figures.style import as_pdf, as_png, styled
from bench.runner.weights import describe_weights
from bench.store.device import describe_device
from bench.store.files import json_bytes, make_folder, replace_file
from bench.store.source import describe_code, package_versions
from bench.validity import tables
from bench.validity.figures import draw_curves, draw_matrix
from bench.validity.findings import Findings
from bench.validity.ladders import LADDERS
from bench.validity.scenes import FRAMES, scenes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write(found: Findings, out: Path, *, command: str) -> list[Path]:
    """The paths of all files written. Raises StorageError."""
    make_folder(out)
    files = {
        "validity.csv": tables.validity_csv(found).encode(),
        "verdicts.csv": tables.verdicts_csv(found).encode(),
        "sensitivity.csv": tables.sensitivity_csv(found).encode(),
        "summary.md": tables.summary(found, command).encode(),
        "manifest.json": json_bytes(_manifest(found, command)),
    }
    with styled():
        for name, draw in (("matrix", draw_matrix), ("curves", draw_curves)):
            figure: Figure = draw(found)
            files |= {f"{name}.png": as_png(figure), f"{name}.pdf": as_pdf(figure)}
    for name, content in files.items():
        replace_file(out / name, content)
    return [out / name for name in files]


def _manifest(found: Findings, command: str) -> dict[str, object]:
    plan = found.plan
    return {
        "command": command,
        "code": describe_code(),
        "packages": package_versions(),
        "device": describe_device(["cpu"]),
        "settings": {
            "frames": FRAMES,
            "levels": plan.levels,
            "ladders": {name: [*LADDERS[name].steps(plan.levels)] for name in plan.ladders},
            "clips": [scene.name for scene in scenes(plan.clips)],
            "more_clips": [scene.name for scene in scenes(max(plan.clips, plan.more))][plan.clips :],
            "variants": [variant.id for variant in plan.variants],
        },
        "offsets": {name: dict(told) for name, told in found.offsets.items()},
        "weights": describe_weights(plan.variants),
    }
