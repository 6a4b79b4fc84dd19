"""Tables of speed: only rows that count give numbers, everything is escaped, the order of rows says nothing."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re

import pytest
from report_run import HOSTILE
from speed_rows import make_gate, make_manifest, make_row, make_rows, make_setting
from test_report_html import Page

from bench.report.speed.facts import find_facts, row_facts
from bench.report.speed.html import render_speed_html
from bench.report.speed.latex import render_speed_latex
from bench.report.speed.longform import HEADS, render_speed_csv, render_speed_json, structure_speeds
from bench.report.speed.markdown import render_quick, render_speed_markdown
from bench.report.speed.stages import stage_table
from bench.report.speed.table import build_speeds
from bench.store.speeds import FidelityRow, Figure, SpeedRow, StageTime, final, replace

BLOCK = (
    "device", "driver", "CUDA/cuDNN", "torch", "precision", "compile mode", "batch", "resolution", "frames", "clips",
    "mode", "warm-ups", "clocks and power", "CPU", "threads", "codec", "excludes", "gate", "commit",
)  # fmt: skip
"""What the report block must name."""


def tables(speeds: list[SpeedRow], gates: list[FidelityRow]) -> dict[str, str]:
    manifest = make_manifest()
    table = build_speeds(speeds, gates, manifest)
    return {
        "md": render_speed_markdown(table),
        "tex": render_speed_latex(table),
        "csv": render_speed_csv(speeds, gates, manifest),
        "json": render_speed_json(structure_speeds(speeds, gates, manifest, quick=False)),
        "html": render_speed_html(table),
    }


def test_a_line_for_each_method_and_setting_with_intervals() -> None:
    speeds, gates = make_rows()
    table = build_speeds(speeds, gates)
    assert len(table.lines) == len(
        {(r.method, r.setting["name"]) for r in speeds if r.mode == "full" and r.status == "ok"}
    )
    line = next(line for line in table.lines if line.setting == "cuda-float16-batch32-compile-default")
    found = {c.figure: cell.figure for c, cell in zip(table.columns, line.cells, strict=True)}
    row = line.rows["single-stream"]
    assert found["p90"] == row.figures["p90"] and found["p90"].low < found["p90"].value < found["p90"].high
    offline = line.rows["offline"].figures
    share = found["end_to_end_share"]  # no figure of the row's: made of two
    assert share.value == pytest.approx(offline["frames_per_s"].value / offline["network_frames_per_s"].value)
    assert share.low < share.value < share.high
    assert found["missed"].value == pytest.approx(100 * line.rows["multi-stream"].figures["missed"].value)
    one = next(line for line in table.lines if line.setting == "cuda-float16-batch4")
    empty = one.cells[0]
    assert empty.figure is None and table.notes[empty.note] == "not timed in this scenario"


@pytest.mark.parametrize("changes", [{"status": "unverified"}, {"status": "failed"}, {"mode": "quick"}])
def test_what_does_not_count_shows_no_number(changes: dict[str, str]) -> None:
    good = make_row("offline")
    secret = {name: Figure(77123.25, "frames/s", 77101.5, 77199.75, 9) for name in good.figures}
    bad = make_row("offline", setting=make_setting(name="bad"), figures=secret, reason="the reason why", **changes)
    bad = replace(bad, stages=[StageTime("render", 77123.25)], wall=77123.25, unaccounted=0.0)
    written = tables([good, bad], [make_gate(good), make_gate(bad)])
    for name, text in written.items():
        assert not re.search(r"77[ ,]?123|77[ ,]?101|77[ ,]?199", text), name
    if "status" in changes:
        assert all("the reason why" in text for name, text in written.items() if name != "csv")
    else:
        quick = render_quick([good, bad], [])
        assert "77123" in quick and all("QUICK" in line for line in quick.splitlines() if line)
        assert "quick.md" in written["md"]


def test_an_unverified_quick_row_shows_no_number_anywhere() -> None:
    row = make_row("offline", mode="quick", status="unverified", reason="no fidelity row")
    quick = render_quick([row], [])
    assert "no fidelity row" in quick and "frames/s" not in quick
    assert structure_speeds([row], [], quick=True)["quick"] == []


def test_a_rows_own_share_comes_before_one_made_here() -> None:
    row = make_row("offline")
    own = Figure(0.7, "share", 0.69, 0.71, 20)
    table = build_speeds([replace(row, figures={**row.figures, "end_to_end_share": own})], [])
    place = [column.figure for column in table.columns].index("end_to_end_share")
    assert table.lines[0].cells[place].figure == own


def test_the_order_of_rows_says_nothing() -> None:
    speeds, gates = make_rows()
    assert tables(speeds, gates) == tables(speeds[::-1], gates[::-1])
    assert render_quick(speeds, gates) == render_quick(speeds[::-1], gates[::-1])


def test_the_manifest_gives_the_order_of_methods() -> None:
    speeds, gates = make_rows()
    manifest = make_manifest(protocol={"methods": ["avct-lite", "avct"]})
    assert build_speeds(speeds, gates, manifest).lines[0].method == "avct-lite"
    assert build_speeds(speeds, gates).lines[0].method == "avct"


def test_the_report_block_is_whole() -> None:
    row = make_row("single-stream")
    gate = make_gate(row)
    facts = row_facts(row, gate, None)
    assert not [name for name in BLOCK if name not in facts]
    assert facts["excludes"] == "encode" and gate.id in facts["gate"] and "dB" in facts["gate"]
    assert "not throttled" in facts["clocks and power"] and "SM clock 1980 MHz (1755" in facts["clocks and power"]
    assert "power 512 W" in facts["clocks and power"] and facts["warm-ups"].startswith("14 calls, stable")
    assert facts["clips"] == "16" and facts["frames"] == "4123" and "1600" in facts["frames of clips at hand"]
    markdown = render_speed_markdown(build_speeds([row], [gate]))
    assert all(f"{name}: " in markdown for name in BLOCK)


def test_what_nobody_recorded_is_said_to_be_so() -> None:
    row = make_row("offline", machine={}, monitor={}, code={}, warmups={}, memory={}, compile_s=None, gate=None)
    facts = row_facts(row, None, None)
    assert {facts[k] for k in ("torch", "codec", "threads", "warm-ups", "commit", "peak memory")} == {"not recorded"}
    assert facts["gate"] == "none"
    assert row_facts(row, None, make_manifest())["commit"] == "ace08b2f00ba"


def test_a_throttled_or_restless_run_is_flagged() -> None:
    row = make_row("offline", monitor={"throttled": True}, warmups={"count": 40, "stable": False})
    facts = row_facts(row, None, None)
    assert "THROTTLED" in facts["clocks and power"] and "NOT STABLE" in facts["warm-ups"]


def test_each_fact_is_said_once_for_all_who_share_it() -> None:
    speeds, gates = make_rows()
    groups = find_facts(final(speeds), {gate.speed: gate for gate in gates})
    said = [(name, text) for group in groups for name, text in group.pairs]
    assert said.count(("torch", "2.11.0")) == 1
    assert [g.who for g in groups if ("excludes", "encode") in g.pairs] == ["single-stream"]


def replace_stage(stage: StageTime) -> StageTime:
    """The stage with a device that was busy for a fifth of the host's time."""
    return dataclasses.replace(stage, device=None if stage.device is None else 0.2 * stage.host)


def test_stages_that_do_not_add_up_are_called_out() -> None:
    row = make_row("offline")
    assert stage_table([row]).adds_up is True
    off = replace(row, unaccounted=0.06 * row.wall)
    assert stage_table([off]).adds_up is False
    assert "DOES NOT ADD UP" in render_speed_markdown(build_speeds([off], []))
    assert stage_table([replace(row, unaccounted=-0.06 * row.wall)]).adds_up is False
    slow = replace(row, stages=[replace_stage(stage) for stage in row.stages])
    assert stage_table([slow]).adds_up is False and "clocks differ" in stage_table([slow]).verdict
    assert stage_table([replace(row, wall=None, unaccounted=None)]).adds_up is None


def test_names_from_outside_are_no_markup() -> None:
    setting = make_setting(name=HOSTILE)
    row = make_row("offline", method=HOSTILE, setting=setting, machine={"codec": HOSTILE, "cpu": "a|b"})
    bad = make_row("single-stream", method=HOSTILE, status="failed", reason=HOSTILE)
    written = tables([row, bad], [make_gate(row)])
    page = Page(written["html"])
    assert not {tag for tag, _ in page.tags} & {"script", "img", "style", "iframe"}
    assert "<script" not in written["md"] and "a|b" not in written["md"]
    assert json.loads(written["json"])["rows"][0]["method"] == HOSTILE
    assert next(csv.DictReader(io.StringIO(written["csv"])))["method"] == HOSTILE


def test_latex_prints_special_characters() -> None:
    name = r"50%_a&b#c$d{e}~f^g\h"
    row = make_row("offline", method=name)
    text = render_speed_latex(build_speeds([row], [make_gate(row)]))
    body = text.partition("\n")[2]
    assert r"50\%\_a\&b\#c\$d\{e\}\textasciitilde{}f\textasciicircum{}g\textbackslash{}h" in body
    assert not re.search(r"(?<!\\)[%#]", body)
    assert body.count(r"\begin{table*}") == body.count(r"\end{table*}") > 0
    assert body.count("{") - body.count(r"\{") == body.count("}") - body.count(r"\}")


def test_empty_runs_say_so() -> None:
    for text in (tables([], [])[name] for name in ("md", "tex", "html")):
        assert "Nothing was timed" in text
    assert tables([], [])["csv"].splitlines() == [",".join(HEADS)]
    assert render_quick([], []) is None
    failed = make_row("offline", status="failed", reason="out of memory")
    quick = make_row("offline", mode="quick")
    text = render_speed_markdown(build_speeds([failed, quick], []))
    assert "of 2 rows, 1 of quick runs and 1 unverified or failed" in text and "out of memory" in text


def test_the_csv_holds_everything_of_a_row() -> None:
    row = make_row("offline")
    lines = list(csv.DictReader(io.StringIO(render_speed_csv([row], [make_gate(row)]))))
    found = {(line["part"], line["name"]): line for line in lines}
    assert float(found["figure", "frames_per_s"]["value"]) == row.figures["frames_per_s"].value
    assert float(found["figure", "frames_per_s"]["low"]) == row.figures["frames_per_s"].low
    assert found["figure", row.headline]["note"] == "headline"
    assert float(found["stage", "render device"]["value"]) == next(s.device for s in row.stages if s.name == "render")
    assert {part for part, _ in found} == {"figure", "stage", "memory", "count", "gate", "fact"}
    assert "adds up" in found["stage", "unaccounted"]["note"]
