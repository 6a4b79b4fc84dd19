"""The same clips under all conventions side by side: how far a number moves while no pixel of the method does."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.datasets.folder import find_videos
from bench.errors import ConfigError
from bench.report.folder import TRUTH, read_run
from bench.runner.how import How
from bench.runner.score import score
from bench.runner.tally import Progress
from bench.spread.conventions import NAMES, Name, conventions, primaries
from bench.spread.views import CRFS, SMALLER, Pair, crop, encode, link, resize
from bench.stats.summary import summarise
from bench.store.files import make_folder
from bench.store.manifest import FILE as MANIFEST
from bench.store.manifest import read_manifest
from bench.store.rows import FILE as ROWS
from bench.store.rows import read_rows

AS_GIVEN = "as given"
_ON_COPIES = ("PSNR", "SSIM", "LPIPS", "LMD mouth", "FID")


@dataclass(frozen=True)
class Line:
    """One convention's number. value: None with the reason. n: clips that entered."""

    name: str
    convention: str
    title: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    unit: str
    legacy: bool
    reason: str


@dataclass(frozen=True)
class Spread:
    """All lines, and what is to be said about names whose conventions lie further apart than methods do."""

    clips: int
    lines: tuple[Line, ...]
    warnings: tuple[str, ...]


def spread(
    pairs: Sequence[Pair],
    out: Path,
    *,
    workers: int = 1,
    progress: Callable[[str, Progress], None] | None = None,
    advance: Callable[[str], None] | None = None,
) -> Spread:
    """The table of the clips, also written to `out` as spread.md and spread.csv. Runs of it lie in `out/runs`.

    advance: called with a word for every copy that is made. Taken up where it was interrupted.
    Raises the errors of `score`.
    """
    from metrics.registry import variants

    pairs = list(pairs)
    known = [v for v in variants().values() if not any(need.endswith(":file") for need in v.needs)]
    chosen = {name.title: conventions(name, known) for name in NAMES}
    metrics = list(dict.fromkeys(v.id for found in chosen.values() for v in found))
    step = advance or (lambda word: None)
    videos, truth = link(pairs, out / "clips")

    def measure(what: str, folder: Path, true: Path, ids: Sequence[str], method: str | None = None) -> Path:
        shown = None if progress is None else (lambda now: progress(what, now))
        place = out / "runs" / what
        score(folder, metrics=ids, truth=true, method=method, out=place, progress=shown, how=How(workers=workers))
        return place

    found = _numbers(measure("conventions", videos / AS_GIVEN, truth, metrics, AS_GIVEN))
    basic = [p for p in primaries() if any(n.primary == p and n.title in _ON_COPIES for n in NAMES)]
    encode(pairs, videos, lambda: step("x264"))
    copies = _numbers(measure("codec", videos, truth, basic))
    small = resize(pairs, out / "clips" / "small", lambda: step("224"))
    copies |= _numbers(measure("small", *small, basic, f"resized to {SMALLER}"))
    faces, lacking = crop(pairs, out / "clips" / "face", lambda: step("face"))
    if len(lacking) < len(pairs):
        copies |= _numbers(measure("face", *faces, basic, "cut to the face"))
    made = [f"x264 crf {crf}" for crf in CRFS] + [f"resized to {SMALLER}", "cut to the face"]
    lines: list[Line] = []
    for name in NAMES:
        for variant in chosen[name.title]:
            lines.append(_line(name, variant.id, variant, found.get((AS_GIVEN, variant.id))))
        primary = next((v for v in chosen[name.title] if v.id == name.primary), None)
        measured = primary is not None and lines_have(lines, primary.id)
        if primary is not None and measured and name.title in _ON_COPIES:
            for copy in made:
                lines.append(_line(name, f"{primary.id}, {copy}", primary, copies.get((copy, primary.id))))
    result = Spread(len(pairs), tuple(lines), tuple(_warnings(lines)))
    write(result, out)
    return result


def pairs_of_folders(clips: Path, truth: Path) -> list[Pair]:
    """Clips and truths of the same path below two folders. ConfigError where none has one."""
    made, true = find_videos(clips, "**/*"), find_videos(truth, "**/*")
    pairs = [Pair(name, made[name], true[name]) for name in sorted(set(made) & set(true))]
    if not pairs:
        raise ConfigError(f"{clips}: expected videos with the names of those in {truth}, none has one")
    return pairs


def pairs_of_run(folder: Path, method: str) -> list[Pair]:
    """A method's videos in a run folder, against the run's ground truth. ConfigError where it has none."""
    run = read_run(folder)
    if method not in run.methods or TRUTH not in run.methods:
        raise ConfigError(f"{folder}: expected methods {method} and {TRUTH}, it has {', '.join(run.methods)}")
    setting = run.settings[0]
    pairs = []
    for clip in run.clips:
        made, true = (run.videos.get((name, setting, clip)) for name in (method, TRUTH))
        if made is not None and true is not None and made.is_file() and true.is_file():
            pairs.append(Pair("_".join(map(str, clip[1:3])), made, true))
    if not pairs:
        raise ConfigError(f"{folder}: no clip has a video of {method} and of {TRUTH}; run the protocol first")
    return pairs


def _numbers(folder: Path) -> dict[tuple[str, str], Mapping[str, Any]]:
    """(method, metric) -> the table's line, with a reason where there is no value."""
    rows = read_rows(folder / ROWS)
    out = {}
    for line in summarise(rows, read_manifest(folder / MANIFEST)["protocol"]):
        why = [
            r["reason"] for r in rows if (r["method"], r["metric"]) == (line["method"], line["metric"]) and r["reason"]
        ]
        out[line["method"], line["metric"]] = {**line, "reason": why[0] if why else ""}
    return out


def _line(name: Name, convention: str, variant: Any, found: Mapping[str, Any] | None) -> Line:
    if found is None:
        empty: dict[str, Any] = {"value": None, "ci_low": None, "ci_high": None, "n": 0, "reason": "not measured"}
        found = empty
    numbers = (found["value"], found["ci_low"], found["ci_high"], found["n"])
    reason = "" if found["value"] is not None else found["reason"]
    return Line(name.title, convention, variant.title, *numbers, variant.unit, variant.legacy, reason)


def lines_have(lines: Sequence[Line], convention: str) -> bool:
    """Whether a convention has a value: copies say nothing where the clips themselves could not be measured."""
    return any(line.convention == convention and line.value is not None for line in lines)


def table(result: Spread, name: Name) -> list[tuple[str, str, str, str]]:
    """(convention, value, unit, clips) of a name; conventions that lack the same thing share one line."""
    mine = [line for line in result.lines if line.name == name.title]
    told = [(line.convention, shown(line), line.unit, str(line.n)) for line in mine if line.value is not None]
    lacking: dict[str, list[str]] = {}
    for line in mine:
        if line.value is None:
            lacking.setdefault(line.reason, []).append(line.convention)
    return told + [(", ".join(names), f"not measured: {reason}", "", "0") for reason, names in lacking.items()]


def _warnings(lines: Sequence[Line]) -> list[str]:
    """A sentence for each name whose numbers of one unit lie further apart than neighbours in published tables."""
    said = []
    for name in NAMES:
        units: dict[str, list[Line]] = {}
        for line in lines:
            if line.name == name.title and line.value is not None:
                # pixels of the frame and of a 256 frame go by one name in tables
                units.setdefault(line.unit.partition(" ")[0], []).append(line)
        for unit, mine in units.items():
            low, high = (pick(mine, key=lambda line: line.value) for pick in (min, max))
            reach = high.value - low.value  # type: ignore[operator]
            if len(mine) > 1 and name.gap is not None and reach > name.gap:
                shown = "" if unit == "1" else f" {unit}"
                ends = f"{low.value:.4g} ({low.convention}) to {high.value:.4g}{shown} ({high.convention})"
                said.append(
                    f"{name.title}: {ends} on the same clips: {reach:.3g} apart, {reach / name.gap:.1f} times the "
                    f"{name.gap:g} that neighbouring methods differ by ({name.source})"
                )
    return said


def write(result: Spread, out: Path) -> None:
    """spread.csv (long form) and spread.md (a table a name) in `out`."""
    make_folder(out)
    with (out / "spread.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["name", "convention", "value", "ci_low", "ci_high", "n", "unit", "legacy", "reason"])
        for line in result.lines:
            numbers = [_full(v) for v in (line.value, line.low, line.high)]
            lines.writerow([line.name, line.convention, *numbers, line.n, line.unit, line.legacy, line.reason])
    (out / "spread.md").write_text(markdown(result), encoding="utf-8")


def markdown(result: Spread) -> str:
    """The table as Markdown, names in their order, the convention to report in bold."""
    text = [f"# {result.clips} clips under every convention", ""]
    text += ["Mean over clips with 95 % interval. Bold: the convention to report.", ""]
    for name in NAMES:
        mine = table(result, name)
        if not mine:
            continue
        text += [f"## {name.title}", "", "| convention | value | unit | clips |", "|---|---|---|---|"]
        for convention, *rest in mine:
            label = f"**{convention}**" if convention == name.primary else convention
            text.append(f"| {' | '.join([label, *rest])} |")
        text.append("")
    text += ["## Warnings", ""] + ([f"- {warning}" for warning in result.warnings] or ["None."]) + [""]
    return "\n".join(text)


def shown(line: Line) -> str:
    """A number with its interval."""
    interval = "" if line.low is None else f" [{line.low:.4g}, {line.high:.4g}]"
    return f"{line.value:.4g}{interval}"


def _full(value: float | None) -> str:
    return "" if value is None else repr(value)
