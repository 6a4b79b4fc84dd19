"""A run to be explored in a browser, and how the page's table and lists are read there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import Browser
from report_run import LIPS, PSNR, make_entries, make_protocol, make_run

from bench.report import write
from bench.report.folder import TRUTH, Run, read_run
from bench.stats.summary import Clip, clip_values

SLOPE, SPREAD = "lip_opening_slope/puppet68@1", "lip_opening_std/puppet68@1"
METRICS, METHODS = [LIPS, PSNR, SLOPE, SPREAD], [TRUTH, "still", "loudness", "avct"]
DRIVERS = {"ann": ["a1", "a2", "a3", "a4"], "bob": ["b1", "b2", "b3"]}


def make_explored(folder: Path) -> Run:
    """Four methods on fourteen clips under two settings, values drawn with a few ties, and its report beside it."""
    settings = [{**make_protocol()["settings"][0], "name": name} for name in ("f32", "bf16")]
    axes = {"drivers": DRIVERS, "references": ["face", "mask"], "seeds": [0], "pairs": "all"}
    protocol = make_protocol(metrics=METRICS, methods=METHODS, settings=settings, axes=axes)
    entries, rng = make_entries(protocol), np.random.default_rng(7)
    for row in (row for entry in entries for row in entry["rows"]):
        if row["value"] is not None:
            # A coarse grid makes ties, also between methods.
            row["value"] = float(np.round(rng.normal(1.0, 0.5), 1))
    folder = make_run(folder, protocol, entries=entries)
    with pytest.MonkeyPatch.context() as patch:
        # Figures take longer than all else and have no part in this.
        patch.setattr("bench.report.writing.draw_pictures", lambda *_: iter(()))
        write(folder, media=False)
    return read_run(folder)


def ready(browser: Browser) -> None:
    browser.wait("window.bench && document.querySelector('#lists tbody tr')")


def values_of(run: Run, metric: str, method: str, setting: str = "f32") -> dict[Clip, float]:
    return dict(clip_values(run.rows).get((method, setting, metric), {}))


def lines(browser: Browser, setting: int = 0) -> list[str]:
    """Names of the methods whose lines are seen under a setting, from above."""
    return browser.ask(
        f"[...document.querySelectorAll('table.measured tbody[data-setting=\"{setting}\"] tr[data-method]')]"
        ".filter(e => e.getClientRects().length).map(e => bench.catalogue.methods[e.dataset.method].name)"
    )


def cell_text(browser: Browser, method: str, metric: str, setting: int = 0) -> str:
    place = METHODS.index(method)
    td = f"tr[data-setting='{setting}'] td[data-method='{place}'][data-metric='{METRICS.index(metric)}']"
    return browser.ask(f'document.querySelector("{td}").innerText').strip()


def choose(browser: Browser, where: str, name: str, value: Any) -> None:
    browser.ask(
        f"(field => {{ field.value = {value!r}; field.dispatchEvent(new Event('change', {{bubbles: true}})) }})"
        f"(document.querySelector('{where} [name={name}]'))"
    )


def listed(browser: Browser, run: Run) -> list[Clip]:
    """The clips of the list, from above, once it has come."""
    rows = "[...document.querySelectorAll('#lists tbody tr')].map(e => Number(e.dataset.clip))"
    browser.ask("new Promise(r => setTimeout(r, 60))")
    return [run.clips[index] for index in browser.ask(rows)]
