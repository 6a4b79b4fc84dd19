"""table.md: fits a terminal, shows every cell or why it is empty, and no name can break it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from report_run import LIPS, WHY_FAILED, make_protocol, make_run, make_table

from bench.report.tables.markdown import WIDTH, escape, mark, render_markdown

HOSTILE = "<script>alert(1)</script>|`x`*y*[z](javascript:alert(1))_q_&amp;\n# h"


def test_the_whole_table(tmp_path: Path) -> None:
    text = render_markdown(make_table(make_run(tmp_path / "run")))
    assert text.startswith(
        "# tiny@1\n\nFour methods on three clips\n\nProtocol tiny@1 (abababababab).\n\n"
        "Mean over clips (3 clips asked for) with 95 %"
    )
    assert "| ground-truth |     0.990 [0.964, 1.015] |" in text
    assert re.search(r"\| still +\| +–\[\^a\] \|", text)
    assert f"- loudness, f32: stage generate: {WHY_FAILED} (1 clip: bob / face / b1)" in text
    assert f"[^1]: `{LIPS}`: Correlation of lip opening" in text
    assert "n | coverage |" in text and "| 0–3 | 0.00–1.00 |" in text
    # every mark has its note
    marks = set(re.findall(r"\[\^(\w+)\](?!:)", text))
    assert marks == set(re.findall(r"^\[\^(\w+)\]:", text, re.M)) and len(marks) >= 6


def test_no_line_of_the_table_is_over_long(tmp_path: Path) -> None:
    many = ["lmd/mouth20-centred-px-puppet68@1", "lmd/face68-centred-px-puppet68@1", *make_protocol()["metrics"]]
    settings = [{**make_protocol()["settings"][0], "name": name} for name in ("float32", "bfloat16")]
    text = render_markdown(make_table(make_run(tmp_path / "run", make_protocol(metrics=many, settings=settings))))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert max(map(len, rows)) <= WIDTH
    assert sum(line.startswith("| method") for line in rows) > 1


@pytest.mark.parametrize(
    "text", [HOSTILE, "- a", "1. a", "+ a", "=====", "# a", "> a", "_a_ __b__", "a  \n b", "~~x~~"]
)
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    shown = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(escape(text))
    plain = re.sub(r"\s+", " ", text)
    wanted = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    assert shown == f"<p>{wanted}</p>\n"


def test_a_hostile_method_stays_in_its_cell(tmp_path: Path) -> None:
    protocol = make_protocol(methods=[HOSTILE, "avct"], title=HOSTILE)
    text = render_markdown(make_table(make_run(tmp_path / "run", protocol)))
    page = MarkdownIt("commonmark").enable("table").render(text)
    assert "<script" not in page and "href" not in page
    assert page.count("<tr>") == 3 * page.count("<table>")


def test_marks() -> None:
    assert [mark(index) for index in (0, 25, 26, 51, 52)] == ["a", "z", "aa", "az", "ba"]
