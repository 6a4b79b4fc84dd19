"""speeds.html: the table, its figures and everything under it in one file that opens from disk and loads nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bench.report.page.assembly import page_style, policy
from bench.report.speed.columns import tell_figures
from bench.report.speed.html import view_speeds
from bench.report.speed.order import setting_name, sort_speeds
from bench.report.speed.table import SpeedTable
from bench.report.tables.html import environment
from bench.store.speeds import SpeedRow

_STYLE = """
.speeds tbody th,.stages tbody th{min-width:0}
#stages h3,#measured h3{margin:1rem .5rem .25rem}
#stages .basis,#stages .remark{margin:.25rem .5rem 1rem}
"""


@dataclass(frozen=True)
class SpeedPicture:
    """A figure. name: of its files below figures/, without ending. size: pixels of its PNG."""

    name: str
    title: str
    caption: str
    png: bytes
    size: tuple[int, int]

    @property
    def source(self) -> str:
        """The PNG as an address that holds it whole."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


def render_speed_page(
    table: SpeedTable,
    speeds: Iterable[SpeedRow],
    manifest: Mapping[str, Any] | None,
    *,
    pictures: Sequence[SpeedPicture],
    missing: Sequence[str],
) -> str:
    """The page as text. missing: for each figure that is not there, why."""
    style = page_style(names=("base",)) + _STYLE
    return (
        environment()
        .get_template("speeds.html.j2")
        .render(
            view=view_speeds(table),
            policy=policy(style),
            style=Markup(style),
            banner=_banner(manifest),
            pictures=pictures,
            missing=missing,
            quick=[_quick(row) for row in sort_speeds(speeds, manifest) if row.mode == "quick"],
            manifest=json.dumps(manifest, indent=2, ensure_ascii=False) if manifest else "",
        )
    )


def _quick(row: SpeedRow) -> dict[str, str]:
    text = tell_figures(row) if row.status == "ok" else row.reason or "no reason is recorded"
    return {"method": row.method, "setting": setting_name(row), "scenario": row.scenario, "status": row.status,
            "text": text}  # fmt: skip


def _banner(manifest: Mapping[str, Any] | None) -> str:
    """What a reader must know before the numbers."""
    end = (manifest or {}).get("exit") or {}
    if manifest and manifest.get("ended") is None and "exit" in manifest:
        return f"This run has not ended: {end.get('reason') or 'no reason is recorded'}. What is there is shown."
    if end.get("code") not in (0, None):
        return f"This run ended with code {end['code']}: {end.get('reason')}."
    return ""
