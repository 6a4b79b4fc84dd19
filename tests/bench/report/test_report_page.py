"""index.html as text: everything is escaped, nothing is fetched, style and script are the ones the policy names."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_run import LIPS, PSNR, WHY_FAILED, make_entries, make_protocol, make_run

from bench.report.folder import read_run
from bench.report.media import Copies, Copy
from bench.report.page.page import Picture, render_page
from bench.report.page.strips import find_strips
from bench.report.selection import find_orders
from bench.report.tables.cards import find_cards
from bench.report.tables.table import build_table

HOSTILE = "</style></script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}<!--"
VOID = {"meta", "img", "input", "path", "source", "link", "br"}


class Elements(HTMLParser):
    """All start tags with their attributes, the text of each element kind, and what was not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        self.faults += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(folder: Path, *, copies: Copies | None = None) -> str:
    run = read_run(folder)
    cards = find_cards(run.protocol["metrics"])
    table = build_table(run, cards)
    names = {column.card.id: column.heading for column in table.columns}
    return render_page(
        run,
        table,
        pictures=[Picture("metrics", "Metrics", "words", (1400, 700), (680, 900))],
        copies=copies or Copies({}, {}),
        orders=find_orders(run, cards, names),
        strips=find_strips(run, cards),
        files=["table.csv"],
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    found = {("avct", "f32", ("ann", "face", "a1", 0)): Copy("media/a.mp4", "media/a.jpg")}
    return page_of(make_run(tmp_path_factory.mktemp("page") / "run"), copies=Copies(found, {}))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    protocol = make_protocol(
        id=HOSTILE,
        title=HOSTILE,
        methods=[HOSTILE, "loudness"],
        metrics=[LIPS, PSNR, f"x/{HOSTILE}@1"],
        settings=[{**make_protocol()["settings"][0], "name": name} for name in (HOSTILE, "f32")],
        axes={"drivers": {HOSTILE: [f"d{HOSTILE}", "d2"]}, "references": [HOSTILE], "seeds": [0]},
    )
    entries = make_entries(protocol)
    for entry in entries:
        entry["rows"] = [{**row, "reason": row["reason"] and HOSTILE} for row in entry["rows"]]
    told = {"run_id": HOSTILE, "platform": HOSTILE, "exit": {"code": 1, "reason": HOSTILE}, "extra": HOSTILE}
    return page_of(make_run(tmp_path_factory.mktemp("hostile") / "run", protocol, entries=entries, manifest=told))


def test_elements_are_closed_and_ids_unique(page: str, hostile: str) -> None:
    for text in (page, hostile):
        elements = Elements(text)
        assert not elements.faults
        ids = [attributes["id"] for _, attributes in elements.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        targets = [a["href"] for a in elements.all("a") if (a.get("href") or "").startswith("#")]
        assert targets and {target[1:] for target in targets if target} <= set(ids)


def test_no_name_becomes_an_element(page: str, hostile: str) -> None:
    elements = Elements(hostile)
    assert not [a for a in elements.all("img") if a["src"] == "x"]
    assert len(elements.all("script")) == len(elements.all("style")) == 1
    assert not [name for _, attributes in elements.tags for name in attributes if name.startswith("on")]
    assert {tag for tag, _ in elements.tags} <= {tag for tag, _ in Elements(page).tags} | {"optgroup"}
    assert "{{" in hostile and "49" not in "".join(elements.texts["h1"])
    assert elements.texts["h1"] == [HOSTILE]


def test_the_policy_names_the_style_and_the_script_and_nothing_else(page: str, hostile: str) -> None:
    for text in (page, hostile):
        (policy,) = [
            m["content"] for m in Elements(text).all("meta") if m.get("http-equiv") == "Content-Security-Policy"
        ]
        rules = dict(rule.strip().split(" ", 1) for rule in (policy or "").split(";"))
        assert rules["default-src"] == "'none'"
        for kind in ("style", "script"):
            body = re.search(f"<{kind}>(.*?)</{kind}>", text, re.S)
            assert body is not None
            digest = base64.b64encode(hashlib.sha256(body[1].encode()).digest()).decode()
            assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
        assert not any("http" in rule or "unsafe" in rule or "*" in rule for rule in rules.values())
        assert not [name for _, attributes in Elements(text).tags for name in attributes if name == "style"]


def test_nothing_is_fetched_from_elsewhere(page: str) -> None:
    for _, attributes in Elements(page).tags:
        for name in ("src", "href", "poster", "srcset"):
            assert re.fullmatch(r"#[\w-]*|(media|figures)/[\w./-]+|[\w.-]+", attributes.get(name) or "#"), attributes
    assert "@import" not in page and "url(" not in page


def test_the_page_shows_table_videos_reasons_and_manifest(page: str) -> None:
    elements = Elements(page)
    assert "[0.964, 1.015]" in page and "0.00–1.00" in page
    assert "2 of 3 clips; 1 failed at generate: " + WHY_FAILED in page
    assert [video["src"] for video in elements.all("video")] == ["media/a.mp4"]
    assert f"failed at generate: {WHY_FAILED}" in "".join(elements.texts["div"])
    assert json.loads(elements.texts["pre"][0])["run_id"] == "20260101T000000Z-0000abcd"
    assert any("This run ended with code 1: 1 of 12 cells failed." in text for text in elements.texts["p"])
    assert len([c for _, c in elements.tags if c.get("class") == "clip"]) == 3
    assert len([c for _, c in elements.tags if c.get("class") == "strip"]) == 11


def test_the_orders_fit_the_choice(page: str) -> None:
    elements = Elements(page)
    places = [c["data-places"].split() for _, c in elements.tags if "data-places" in c]
    # three metrics with a direction, by the worst and by the widest apart
    assert all(len(some) == 6 for some in places)
    for order in zip(*places, strict=True):
        assert len(set(order)) == 3 and set(order) <= {"0", "1", "2", "3"}
    # one method alone has a correlation on the last clip, so that it has no place among those that differ
    assert [some[3] for some in places].index("3") == 2
    assert [group["label"] for group in elements.all("optgroup")] == ["Worst first", "Where methods differ most"]


def test_a_run_that_has_not_ended_says_so(tmp_path: Path) -> None:
    manifest = {"ended": None, "exit": {"code": None, "reason": "the run has not ended"}}
    text = page_of(make_run(tmp_path / "run", entries=[], manifest=manifest))
    assert "This run has not ended: the run has not ended." in text
    assert not Elements(text).faults


def test_a_manifest_that_knows_little_is_shown(tmp_path: Path) -> None:
    bare = dict.fromkeys(("code", "python", "ffmpeg", "device", "weights", "cells", "exit", "methods"))
    assert not Elements(page_of(make_run(tmp_path / "run", manifest=bare))).faults
