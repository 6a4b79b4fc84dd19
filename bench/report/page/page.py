"""index.html: what was run, the table, the figures and the clips side by side, in one file that opens from disk.

Style and script are in the file and named by their hashes in its Content-Security-Policy; nothing remote can load.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bench.report.figures.style import looks
from bench.report.folder import Run
from bench.report.media import Copies
from bench.report.page.clips import clip_views
from bench.report.page.strips import Strips
from bench.report.selection import Order
from bench.report.tables.html import asset, environment, pieces
from bench.report.tables.table import Table


@dataclass(frozen=True)
class Picture:
    """A figure on the page. name: of its files below figures/, without ending. size, narrow: pixels of its two PNGs."""

    name: str
    title: str
    caption: str
    size: tuple[int, int]
    narrow: tuple[int, int]


def render_page(
    run: Run,
    table: Table,
    *,
    pictures: Sequence[Picture],
    copies: Copies,
    orders: Sequence[Order],
    strips: Strips,
    files: Sequence[str],
) -> str:
    """The page as text. files: names of further files in the folder that it links to, such as table.csv."""
    colours = looks(run.methods)
    # Colours come from our own list, so the style sheet holds nothing of the data's.
    swatches = "".join(f".m{place}{{--c:{colours[name].colour}}}" for place, name in enumerate(run.methods))
    style, script = asset("page.css") + swatches + "\n", asset("page.js")
    policy = (
        f"default-src 'none'; img-src 'self' file: data:; media-src 'self' file:; style-src '{digest(style)}'; "
        f"script-src '{digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    return (
        environment()
        .get_template("index.html.j2")
        .render(
            **pieces(table, run.methods),
            policy=policy,
            style=Markup(style),
            script=Markup(script),
            pictures=pictures,
            clips=clip_views(run, table, copies=copies, orders=orders, strips=strips),
            orders=list(enumerate(orders)),
            strips=strips.title,
            methods=list(enumerate(run.methods)),
            settings=run.settings,
            facts=_facts(run.manifest),
            banner=_banner(run.manifest),
            counts=_counts(run),
            manifest=json.dumps(run.manifest, indent=2, ensure_ascii=False),
            files=files,
        )
    )


def digest(text: str) -> str:
    """A source expression of CSP level 2: the element's text, hashed."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


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
