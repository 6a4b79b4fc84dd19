"""Brings tables, figures and page of speed to the disk; all of them come from speeds.jsonl and manifest.json alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError, MissingError
from bench.report.figures.drawn import png_size
from bench.report.figures.style import COLUMN, FULL, as_pdf, as_png, styled
from bench.report.page.page import Picture, SpeedSection
from bench.report.speed.batch import describe_batch, draw_batch, why_no_batch
from bench.report.speed.html import render_speed_html, view_speeds
from bench.report.speed.latency import describe_latency, draw_latency, why_no_latency
from bench.report.speed.latex import render_speed_latex
from bench.report.speed.longform import render_speed_csv, render_speed_json, structure_speeds
from bench.report.speed.markdown import render_quick, render_speed_markdown
from bench.report.speed.order import link_gates, sort_speeds
from bench.report.speed.page import SpeedPicture, render_speed_page
from bench.report.speed.pareto import describe_pareto, draw_pareto, why_no_pareto
from bench.report.speed.scaling import describe_scaling, draw_scaling, why_no_scaling
from bench.report.speed.stack import describe_stack, draw_stack, why_no_stack
from bench.report.speed.table import build_speeds
from bench.report.writing import FIGURES
from bench.store.files import make_folder, replace_file
from bench.store.journal import FILE as JOURNAL
from bench.store.manifest import FILE as MANIFEST
from bench.store.manifest import read_manifest
from bench.store.rows import FILE as ROWS
from bench.store.speeds import FILE, FidelityRow, SpeedRow, final, read

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = "speeds.html"
_WIDTHS = {"": FULL, "-column": COLUMN}
_NAMES = ("speed-latency", "speed-batch", "speed-stages", "speed-fidelity", "speed-devices")


def holds_speeds(folder: Path) -> bool:
    """Whether the folder has rows of speed."""
    return (folder / FILE).is_file()


def holds_quality(folder: Path) -> bool:
    """Whether the folder has rows of metrics."""
    return (folder / JOURNAL).is_file() or (folder / ROWS).is_file()


def read_speeds(folder: Path) -> tuple[list[SpeedRow], list[FidelityRow], dict[str, Any] | None]:
    """Speed rows, fidelity rows and the manifest, None where there is none.

    Raises MissingError where the folder has no speeds.jsonl, MediaError or StorageError where a file is damaged.
    """
    if not holds_speeds(folder):
        raise MissingError(f"{folder / FILE}: no such file; expected a folder that `perf` wrote")
    manifest = read_manifest(folder / MANIFEST) if (folder / MANIFEST).is_file() else None
    return *read(folder), manifest


@dataclass(frozen=True)
class SpeedReport:
    """What was written, and what a run's own page shows of it."""

    paths: tuple[Path, ...]
    section: SpeedSection


def write_speeds(folder: Path, *, out: Path | None = None) -> SpeedReport:
    """What was written: table.md, .tex, .csv, .json, .html, quick.md where there are quick rows, figures at both
    widths as PNG and PDF, speeds.html and, where the folder holds no rows of quality, the same as index.html.

    The same rows and manifest give the same bytes, whatever the rows' order. Where the folder holds rows of quality
    too, whose tables have those names, the names are speed-table.* and speed-quick.md. out: another folder to write
    to. What an earlier report wrote and this one has nothing for is removed. Raises as `read_speeds`, and StorageError
    where files cannot be written.
    """
    speeds, fidelities, manifest = read_speeds(folder)
    out = out or folder
    prefix = "speed-" if holds_quality(folder) else ""
    table = build_speeds(speeds, fidelities, manifest)
    make_folder(out / FIGURES)
    texts = {
        f"{prefix}table.md": render_speed_markdown(table),
        f"{prefix}table.tex": render_speed_latex(table),
        f"{prefix}table.csv": render_speed_csv(speeds, fidelities, manifest),
        f"{prefix}table.json": render_speed_json(structure_speeds(speeds, fidelities, manifest, quick=False)),
        f"{prefix}table.html": render_speed_html(table),
        f"{prefix}quick.md": render_quick(speeds, fidelities),
    }
    paths = []
    for name, text in texts.items():
        if text is None:
            _remove(out / name)
        else:
            paths.append(_put(out / name, text.encode()))
    rows = final(sort_speeds(speeds, manifest))
    pictures, shown, missing = [], [], []
    for name, (title, why, words, draw) in _drawings(rows, link_gates(rows, fidelities)).items():
        files = [out / FIGURES / f"{name}{suffix}.{kind}" for suffix in _WIDTHS for kind in ("png", "pdf")]
        if why:
            missing.append(why)
            for path in files:
                _remove(path)
            continue
        for suffix, width in _WIDTHS.items():
            with styled():
                figure = draw(width)
                png, pdf = as_png(figure), as_pdf(figure)
            if not suffix:
                pictures.append(SpeedPicture(name, title, words, png, png_size(png)))
            else:
                shown.append(Picture(name, title, words, pictures[-1].size, png_size(png)))
            paths.append(_put(out / FIGURES / f"{name}{suffix}.png", png))
            paths.append(_put(out / FIGURES / f"{name}{suffix}.pdf", pdf))
    tables = [path.name for path in paths if path.parent == out]
    page = render_speed_page(table, speeds, manifest, pictures=pictures, missing=missing).encode()
    # A reader opens index.html first.
    paths += [_put(out / name, page) for name in ((PAGE,) if prefix else (PAGE, "index.html"))]
    return SpeedReport(tuple(paths), SpeedSection(view_speeds(table), tuple(shown), PAGE, tuple(tables)))


def share_speeds(folder: Path, out: Path) -> list[Path]:
    """The paths of a copy of the rows of speed and the manifest, and of what is made of them. Raises as `write_speeds`.

    ConfigError where `out` is the folder itself.
    """
    if out.exists() and out.resolve() == folder.resolve():
        raise ConfigError(f"{out}: expected another folder than the run's own")
    make_folder(out)
    copied = [out / name for name in (FILE, MANIFEST) if (folder / name).is_file()]
    for path in copied:
        replace_file(path, (folder / path.name).read_bytes())
    return [*copied, *write_speeds(out).paths]


def _drawings(
    rows: list[SpeedRow], gates: Mapping[str, FidelityRow]
) -> dict[str, tuple[str, str, str, Callable[[float], Figure]]]:
    """{name: (title, why there is none or "", caption, what draws it at a width)}."""
    found = (
        ("Latency", why_no_latency(rows), describe_latency(rows), lambda w: draw_latency(rows, width=w)),
        ("Throughput by batch", why_no_batch(rows), describe_batch(rows), lambda w: draw_batch(rows, width=w)),
        ("Stages", why_no_stack(rows), describe_stack(rows), lambda w: draw_stack(rows, width=w)),
        (
            "Fidelity against speed",
            why_no_pareto(rows, gates),
            describe_pareto(rows, gates),
            lambda w: draw_pareto(rows, gates, width=w),
        ),
        ("Scaling over devices", why_no_scaling(rows), describe_scaling(rows), lambda w: draw_scaling(rows, width=w)),
    )
    return dict(zip(_NAMES, found, strict=True))


def _put(path: Path, content: bytes) -> Path:
    replace_file(path, content)
    return path


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
