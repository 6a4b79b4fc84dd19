"""table.html and table.json: sound structure, headers with scope, and nothing of the data as markup."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

from report_run import HOSTILE, SSIM, WHY_FAILED, make_hostile_run, make_protocol, make_run, make_table

from bench.report.tables.html import render_html
from bench.report.tables.structured import render_json


class Page(HTMLParser):
    """Collects tags, checks that they close, and counts the cells of every table row."""

    VOID = ("br", "img", "meta")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.widths: list[int] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "tr":
            self.widths.append(0)
        if tag in ("td", "th"):
            self.widths[-1] += int(found.get("colspan") or 1)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


def test_the_fragment_is_sound(tmp_path: Path) -> None:
    many = [*make_protocol()["metrics"], "fid/a@1", "lmd/b@1", "odd/c@1", "csim/d@1"]
    settings = [{**make_protocol()["settings"][0], "name": name} for name in ("f32", "bf16")]
    table = make_table(make_run(tmp_path / "run", make_protocol(metrics=many, settings=settings)))
    text = render_html(table, make_protocol()["methods"])
    page = Page(text)
    assert text.startswith("<section") and "<style" not in text and "<script" not in text
    assert set(page.widths) == {len(many) + 3}
    scopes = {attrs.get("scope") for tag, attrs in page.tags if tag == "th"}
    assert scopes == {"col", "row", "colgroup", "rowgroup"}
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    links = {attrs["href"][1:] for tag, attrs in page.tags if tag == "a"}
    assert len(ids) == len(set(ids)) and links <= set(ids)
    assert WHY_FAILED in text


def test_nothing_of_the_data_is_markup(tmp_path: Path) -> None:
    table = make_table(make_hostile_run(tmp_path / "run"))
    tags = {tag for tag, _ in Page(render_html(table, ["ground-truth", "avct", HOSTILE])).tags}
    assert not tags & {"img", "script", "style", "iframe"}


def test_the_json_has_full_precision_and_reasons(tmp_path: Path) -> None:
    table = make_table(make_run(tmp_path / "run"))
    content = json.loads(render_json(table))
    assert content["protocol"] == {"id": "tiny@1", "hash": "ab" * 6, "state": "", "title": table.title}
    assert [column["direction"] for column in content["columns"]] == ["higher"] * 3
    for line, told in zip(table.lines, content["lines"], strict=True):
        for estimate, one in zip(line.estimates, told["estimates"], strict=True):
            assert (estimate.value, estimate.low, estimate.high) == (one["value"], one["low"], one["high"])
            assert one["note"] or (one["value"] is not None and one["low"] is not None)
    ranks = {line["method"]: line["estimates"][2]["rank"] for line in content["lines"]}
    assert content["columns"][2]["id"] == SSIM
    assert ranks == {"ground-truth": None, "avct": 1, "still": 2, "loudness": 3}
    assert content["failures"][0]["reason"] == WHY_FAILED
