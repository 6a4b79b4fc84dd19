"""index.html: what was run, the table, the figures, failures and facts; its clips come from files beside it on demand.

Style and script are in the file and named by their hashes in its Content-Security-Policy; nothing remote can load.
Without script the page is still whole, but for lists of clips and players.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from bench.report.figures.forest import Pairs
from bench.report.figures.style import looks
from bench.report.folder import Run, name_clip
from bench.report.media import Copies
from bench.report.page.assembly import page_script, page_style, policy
from bench.report.page.catalogue import make_catalogue, page_order
from bench.report.page.clips import clip_files
from bench.report.page.data import as_json
from bench.report.page.values import value_files
from bench.report.tables.html import environment, pieces
from bench.report.tables.table import Failure, Table
from bench.stats.summary import Clip

FOLDER = "page"
"""Of the data files, beside index.html."""
_LISTED = 25
"""Clips of one failure that are links from the start; more are added when they are asked for."""
_KEYS = (
    (("Space",), "play or pause all videos of the clip"),
    (("←", "→"), "one frame back or on; with Shift one second"),
    (("Home", "End"), "first or last frame"),
    (("[", "]"), "begin or end of the part that is repeated"),
    (("L",), "repeat, on or off"),
    (("W",), "the worst frame by the strip"),
    (("M",), "sound of the next method, then none"),
    (("1", "…", "9"), "sound of that method"),
    (("P", "N"), "previous or next clip of the list; within the players also ↑ and ↓"),
    (("S",), "next setting"),
    (("X",), "the other of two videos that lie over one another"),
    (("C",), "copy a link to the clip and frame"),
    (("Esc",), "close the clip"),
    (("?",), "these keys"),
)


@dataclass(frozen=True)
class Picture:
    """A figure on the page. name: of its files below figures/, without ending. size, narrow: pixels of its two PNGs."""

    name: str
    title: str
    caption: str
    size: tuple[int, int]
    narrow: tuple[int, int]


@dataclass(frozen=True)
class SpeedSection:
    """What the page shows of speed. view: of `view_speeds`. page: the file that has all of it. files: its tables."""

    view: Mapping[str, Any]
    pictures: tuple[Picture, ...]
    page: str
    files: tuple[str, ...] = ()


def render_page(
    run: Run,
    table: Table,
    *,
    pictures: Sequence[Picture],
    pairs: Pairs | None,
    files: Sequence[str],
    speed: SpeedSection | None = None,
) -> str:
    """The page as text. files: names of further files in the folder that it links to, such as table.csv."""
    methods, colours, clips = page_order(run.methods), looks(run.methods), run.clips
    style, script = page_style([colours[name].colour for name in methods]), page_script()
    return (
        environment()
        .get_template("index.html.j2")
        .render(
            **pieces(table, methods),
            policy=policy(style, script),
            style=Markup(style),
            script=Markup(script),
            catalogue=Markup(as_json(make_catalogue(run, table, pairs))),
            pictures=pictures,
            speed=speed,
            methods=methods,
            settings=run.settings,
            speakers=list(dict.fromkeys(clip[0] for clip in clips)),
            references=list(dict.fromkeys(clip[1] for clip in clips)),
            clips=len(clips),
            comparable=len(methods) > 1,
            failures=[_failure(run, failure) for failure in table.failures],
            facts=_facts(run.manifest),
            banner=_banner(run.manifest),
            counts=_counts(run),
            help=_KEYS,
            manifest=json.dumps(run.manifest, indent=2, ensure_ascii=False),
            files=files,
        )
    )


def data_files(run: Run, table: Table, copies: Copies) -> Iterator[tuple[str, str]]:
    """(name, text) of the files below page/ that the page loads when it needs them, one at a time."""
    for name, text in itertools.chain(value_files(run, table), clip_files(run, table, copies)):
        yield f"{name}.js", text


def address_clip(clip: Clip) -> str:
    """A clip as the page's address names it, escaped as JavaScript's encodeURIComponent does."""
    return "/".join(_quoted(part) for part in clip)


def _quoted(word: str | int) -> str:
    return quote(str(word), safe="!~*'()")


def _failure(run: Run, failure: Failure) -> dict[str, Any]:
    setting = f"&setting={_quoted(failure.setting)}" if failure.setting != run.settings[0] else ""
    seeds = len(run.protocol["axes"]["seeds"]) > 1
    shown = failure.where[:_LISTED]
    return {
        "method": failure.method,
        "setting": failure.setting,
        "stage": failure.stage,
        "reason": failure.reason,
        "count": len(failure.where),
        "clips": [(name_clip(clip, seeds=seeds), f"clip={address_clip(clip)}{setting}") for clip in shown],
        "more": len(failure.where) - len(shown),
    }


def _counts(run: Run) -> str:
    amounts = [
        (len(run.methods), "method"),
        (len(run.clips), "clip"),
        (len(run.settings), "setting"),
        (len(run.protocol["metrics"]), "metric"),
    ]
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in amounts)


def _banner(manifest: Mapping[str, Any]) -> str:
    """What a reader must know before the numbers: the run has not ended, or did not end well."""
    cells, end = manifest.get("cells") or {}, manifest.get("exit") or {}
    if manifest.get("ended") is None:
        return f"This run has not ended: {end.get('reason') or 'no reason is recorded'}. What is there is shown."
    if end.get("code") not in (0, None):
        return f"This run ended with code {end['code']}: {end.get('reason')}."
    if cells.get("failed"):
        return f"{cells['failed']} of {cells.get('total')} cells failed."
    return ""


def _facts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The manifest's main facts in words; what it does not know is left out."""
    code, device = manifest.get("code") or {}, manifest.get("device") or {}
    dataset, cells = manifest.get("dataset") or {}, manifest.get("cells") or {}
    cards = ", ".join(card["name"] for card in (device.get("cuda") or {}).get("cards", []))
    weights = ", ".join(f"{w['name']} {(w.get('sha256') or 'no file')[:12]}" for w in manifest.get("weights") or [])
    protocol, ffmpeg = manifest["protocol"], manifest.get("ffmpeg") or {}
    facts = [
        ("Protocol", f"{protocol['id']} ({(manifest.get('protocol_hash') or '')[:12]})"),
        ("Data", " ".join(str(dataset.get(k) or "") for k in ("name", "revision", "licence")).strip()),
        ("Code", " ".join(str(code.get(key) or "")[:12] for key in ("version", "git_commit", "source_sha256")).strip()),
        ("Python", str(manifest.get("python") or "")),
        ("FFmpeg", ", ".join(f"{name} {version}" for name, version in ffmpeg.items())),
        ("Platform", str(manifest.get("platform") or "")),
        ("Processor", f"{device.get('cpu') or 'unknown'}, {device.get('cores') or '?'} cores"),
        ("Cards", cards or str(device.get("cuda_reason") or "")),
        ("Weights", weights),
        ("Started", str(manifest.get("started") or "")),
        ("Ended", str(manifest.get("ended") or "")),
        ("Cells", ", ".join(f"{cells[key]} {key}" for key in ("total", "done", "failed", "reused") if key in cells)),
        ("Run", str(manifest.get("run_id") or "")),
    ]
    return [(name, value) for name, value in facts if value]
