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

from bench.report.figures.forest import find_pairs
from bench.report.folder import read_run
from bench.report.page.page import Picture, SpeedSection, address_clip, render_page
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


def page_of(folder: Path, *, speed: SpeedSection | None = None) -> str:
    run = read_run(folder)
    cards = find_cards(run.protocol["metrics"])
    table = build_table(run, cards)
    return render_page(
        run,
        table,
        pictures=[Picture("metrics", "Metrics", "words", (1400, 700), (680, 900))],
        pairs=find_pairs(run, cards, table),
        files=["table.csv"],
        speed=speed,
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of(make_run(tmp_path_factory.mktemp("page") / "run"))


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
        assert targets and {t[1:] for t in targets if t and "=" not in t} <= set(ids)


def test_no_name_becomes_an_element(page: str, hostile: str) -> None:
    elements = Elements(hostile)
    assert not [a for a in elements.all("img") if a["src"] == "x"]
    assert [a.get("id") for a in elements.all("script")] == ["catalogue", None]
    assert len(elements.all("style")) == 1
    assert not [name for _, attributes in elements.tags for name in attributes if name.startswith("on")]
    assert {tag for tag, _ in elements.tags} <= {tag for tag, _ in Elements(page).tags}
    assert "{{" in hostile and "49" not in "".join(elements.texts["h1"])
    assert elements.texts["h1"] == [HOSTILE]
    held = json.loads(elements.texts["script"][0])
    assert held["methods"][0]["name"] == HOSTILE and held["clips"][0][0] == HOSTILE


def test_the_policy_names_the_style_and_the_script_and_nothing_remote(page: str, hostile: str) -> None:
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
            assert rules[f"{kind}-src"].split()[0] == f"'sha256-{digest}'"
        assert rules["script-src"].split()[1:] == ["'self'", "file:"]
        assert not any("http" in rule or "unsafe" in rule or "*" in rule for rule in rules.values())
        assert not [name for _, attributes in Elements(text).tags for name in attributes if name == "style"]


def test_nothing_is_fetched_from_elsewhere(page: str) -> None:
    for _, attributes in Elements(page).tags:
        for name in ("src", "href", "poster", "srcset"):
            link = attributes.get(name) or "#"
            assert re.fullmatch(r"#[\w-]*|#clip=[\w%./&=-]+|(media|figures)/[\w./-]+|[\w.-]+", link), attributes
    assert "@import" not in page and "url(" not in page


def test_the_page_shows_table_facts_and_manifest_without_its_script(page: str) -> None:
    elements = Elements(page)
    assert "[0.964, 1.015]" in page and "0.00–1.00" in page
    assert "2 of 3 clips; 1 failed at generate: " + WHY_FAILED in page
    assert json.loads(elements.texts["pre"][0])["run_id"] == "20260101T000000Z-0000abcd"
    assert any("This run ended with code 1: 1 of 12 cells failed." in text for text in elements.texts["p"])
    hidden = [a.get("id") for _, a in elements.tags if "hidden" in a and "id" in a]
    assert set(hidden) == {"theme", "keys", "filters", "compare"}, "what needs the script is not shown without it"


def test_cells_of_the_table_say_which_they_are(page: str) -> None:
    held = json.loads(Elements(page).texts["script"][0])
    cells = [a for a in Elements(page).all("td") if "data-metric" in a]
    assert len(cells) == 4 * 3
    for cell in cells:
        estimate = held["estimates"][0][int(cell["data-method"] or "")][int(cell["data-metric"] or "")]
        assert f"n = {estimate['n']} of 3 clips" in (cell["title"] or "")


def test_a_failure_links_to_its_clip(page: str, tmp_path: Path) -> None:
    assert f"<td>{WHY_FAILED}</td>" in page
    assert '1: <a href="#clip=bob/face/b1/0">bob / face / b1</a>' in page
    assert address_clip(("a/b", "é&<", "x y'", 3)) == "a%2Fb/%C3%A9%26%3C/x%20y'/3"
    drivers = {"ann": [f"a{number}" for number in range(60)]}
    protocol = make_protocol(methods=["avct"], metrics=[PSNR], axes={**make_protocol()["axes"], "drivers": drivers})
    text = page_of(make_run(tmp_path / "run", protocol, entries=[], manifest={"ended": None, "exit": {}}))
    assert text.count('href="#clip=') == 25 and "and 35 more" in text


def test_speed_has_a_section_where_there_is_some(page: str, tmp_path: Path) -> None:
    assert 'id="speed"' not in page
    view = {"basis": HOSTILE, "lines": [], "empty": "Nothing was timed", "notes": [], "absent": []}
    picture = Picture("speed-latency", "Latency", "words", (10, 10), (5, 5))
    section = SpeedSection(view, (picture,), "speeds.html", ("speed-table.csv",))
    elements = Elements(page_of(make_run(tmp_path / "run"), speed=section))
    assert not elements.faults
    links = {a.get("href") for a in elements.all("a")}
    assert {"#speed", "speeds.html", "speed-table.csv", "figures/speed-latency.pdf"} <= links


def test_a_run_that_has_not_ended_says_so(tmp_path: Path) -> None:
    manifest = {"ended": None, "exit": {"code": None, "reason": "the run has not ended"}}
    text = page_of(make_run(tmp_path / "run", entries=[], manifest=manifest))
    assert "This run has not ended: the run has not ended." in text
    assert not Elements(text).faults


def test_a_manifest_that_knows_little_is_shown(tmp_path: Path) -> None:
    bare = dict.fromkeys(("code", "python", "ffmpeg", "device", "weights", "cells", "exit", "methods"))
    assert not Elements(page_of(make_run(tmp_path / "run", manifest=bare))).faults
