"""The page explored in a browser: the table sorts and opens, filters recount, lists rank, two methods are compared.

Numbers that the page computes are held against numpy, `rank_clips` and `bench.stats.paired` on the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chromium import Browser, find_browser
from explored import METHODS, METRICS, SLOPE, cell_text, choose, lines, listed, make_explored, ready, values_of
from report_run import HOSTILE, LIPS, PSNR

from bench.report import Report
from bench.report.folder import TRUTH, Run
from bench.report.selection import rank_clips
from bench.report.tables.cards import find_cards
from bench.stats.paired import compare

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed to open the page with")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_explored(tmp_path_factory.mktemp("explored") / "run")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def browser(opened: Browser, run: Run) -> Iterator[Browser]:
    """The page, freshly opened; whatever is done with it, it complains of nothing and asks for nothing remote."""
    opened.open(run.folder / "index.html")
    ready(opened)
    yield opened
    assert opened.complaints() == []
    assert all(url.startswith(("file:", "data:")) for url in opened.requests())


def test_columns_sort_best_first_then_worst_then_as_in_the_protocol(browser: Browser, run: Run) -> None:
    head = f"document.querySelector('th[data-metric=\"{METRICS.index(LIPS)}\"]')"
    means = {name: np.mean(list(found.values())) for name in METHODS if (found := values_of(run, LIPS, name))}
    ranked = sorted(means, key=lambda name: -means[name])
    assert len(ranked) == 3
    browser.ask(f"{head}.querySelector('button').focus()")
    browser.press("Enter")
    # a method without a value comes last, whichever way
    assert lines(browser) == [*ranked, "still"]
    assert browser.ask(f"{head}.ariaSort") == "descending"
    browser.press("Enter")
    assert lines(browser) == [*ranked[::-1], "still"]
    assert browser.ask(f"{head}.ariaSort") == "ascending"
    assert browser.ask("location.hash") == "#sort=0.worst"
    browser.press("Enter")
    assert lines(browser) == METHODS
    assert browser.ask("document.querySelectorAll('[aria-sort]').length") == 0
    # by a target, the nearest is best
    browser.ask("document.querySelector('th[data-metric=\"2\"] button').click()")
    slopes = {name: abs(np.mean(list(values_of(run, SLOPE, name).values())) - 1) for name in METHODS}
    assert lines(browser) == sorted(METHODS, key=slopes.__getitem__)


def test_filters_recount_the_table_and_clear_gives_it_back(browser: Browser, run: Run) -> None:
    table = "document.querySelector('table.measured tbody').innerText"
    before = browser.ask(table)
    assert "[" in before
    choose(browser, "#filters", "speaker", "bob")
    choose(browser, "#filters", "reference", "mask")
    browser.wait("!document.querySelector('p.partly').hidden")
    left = [clip for clip in run.clips if clip[:2] == ("bob", "mask")]
    assert browser.ask("document.getElementById('left').textContent") == f"{len(left)} of 14 clips"
    for setting, name in enumerate(("f32", "bf16")):
        for method in METHODS:
            for metric, form in ((PSNR, browser.ask("bench.catalogue.metrics[1].form")), (LIPS, None)):
                some = [v for clip, v in values_of(run, metric, method, name).items() if clip in left]
                text = cell_text(browser, method, metric, setting)
                assert f"n = {len(some)}" in text
                if form and some:
                    assert float(text.split()[0]) == pytest.approx(np.mean(some), abs=0.51 * 10.0 ** -int(form[1:-1]))
    assert "–" in cell_text(browser, "still", LIPS)
    assert "[" not in browser.ask(table)
    said = browser.ask("document.querySelector('p.partly').textContent")
    assert f"{len(left)} of 14 clips" in said and "Intervals and bold belong to all clips" in said
    assert set(listed(browser, run)) == set(left)
    browser.ask("document.getElementById('cleared').click()")
    browser.wait("document.querySelector('p.partly').hidden")
    assert browser.ask(table) == before
    assert len(listed(browser, run)) == 10


def test_methods_and_settings_that_are_not_chosen_are_not_shown(browser: Browser, run: Run) -> None:
    assert lines(browser, 1) == METHODS
    choose(browser, "#filters", "setting", "1")
    assert lines(browser, 0) == [] and lines(browser, 1) == METHODS
    browser.ask("document.querySelector('#filters [name=method][value=\"1\"]').click()")
    assert lines(browser, 1) == [name for name in METHODS if name != "still"]
    listed(browser, run)
    heads = browser.ask("[...document.querySelectorAll('#lists thead th')].map(e => e.textContent)")
    assert heads == ["clip", TRUTH, "loudness", "avct"]
    assert "Under bf16" in browser.ask("document.querySelector('#lists .basis').textContent")
    browser.ask("document.getElementById('cleared').click()")
    assert lines(browser, 0) == METHODS


def test_a_cell_opens_by_click_and_by_key_and_gives_the_focus_back(browser: Browser, run: Run) -> None:
    button = f'document.querySelector(\'tr[data-method="3"] td[data-metric="{METRICS.index(PSNR)}"] button\')'
    browser.ask(f"{button}.click()")
    browser.wait("document.getElementById('cell').open && document.querySelector('#cell tbody tr')")
    text = browser.ask("document.getElementById('cell').innerText")
    card = find_cards([PSNR])[PSNR]
    for part in ("avct", "f32", "n = 13 of 14 clips", card.formula, card.source, card.blind_to, card.id, "dB"):
        assert part in text, part
    values = values_of(run, PSNR, "avct")
    shown = browser.ask("[...document.querySelectorAll('#cell tbody td:nth-child(2)')].map(e => e.textContent)")
    assert [float(one) for one in shown[: len(values)]] == sorted(values.values())
    assert shown[len(values) :] == ["–"] and "unavailable: no truth here" in text
    browser.press("Escape")
    browser.wait("!document.getElementById('cell').open")
    assert browser.ask(f"document.activeElement === {button}")
    assert browser.ask("location.hash") == ""
    # arrows go from cell to cell, of which one alone is a stop of the tabulator
    browser.press("ArrowUp", "ArrowLeft", "Enter")
    browser.wait("document.getElementById('cell').open && document.querySelector('#cell tbody tr')")
    assert "loudness · lip opening r" in browser.ask("document.querySelector('#cell h2').textContent")
    assert browser.ask("document.querySelectorAll('td button[tabindex=\"0\"]').length") == 1
    assert browser.ask("location.hash") == "#cell=2.0"


def test_a_row_of_a_cell_opens_its_clip(browser: Browser, run: Run) -> None:
    browser.ask('document.querySelector(\'tr[data-method="2"] td[data-metric="1"] button\').click()')
    browser.wait("document.querySelector('#cell tbody a')")
    values = values_of(run, PSNR, "loudness")
    worst = min(run.clips, key=lambda clip: (values.get(clip, np.inf), run.clips.index(clip)))
    browser.ask("document.querySelector('#cell tbody a').focus()")
    browser.press("Enter")
    browser.wait("!document.getElementById('cell').open && bench.state.clip >= 0")
    assert run.clips[browser.ask("bench.state.clip")] == worst
    assert browser.ask("bench.state.cell") == ""
    assert f"clip={'/'.join(map(str, worst))}" in browser.ask("location.hash")
    # Back leads to the cell that it came from
    browser.ask("history.back()")
    browser.wait("document.getElementById('cell').open && bench.state.clip < 0")


def test_a_clip_without_videos_is_stepped_by_its_curves_and_says_why_there_are_none(browser: Browser, run: Run) -> None:
    browser.ask("bench.viewer.open(2, { frame: 3 })")
    browser.wait("document.querySelectorAll('#viewer figure').length === 4 && bench.state.frame === 3")
    browser.wait("document.querySelector('#viewer .uplot')")
    browser.press("ArrowRight")
    browser.wait("bench.state.frame === 4 && location.hash.endsWith('&frame=4')")
    assert browser.ask("document.querySelectorAll('#viewer video').length") == 0
    reasons = browser.ask("[...document.querySelectorAll('#viewer figure .void')].map(e => e.textContent.trim())")
    assert len(reasons) == 4 and all(reasons)


def test_a_cell_leads_to_the_card_of_its_metric(browser: Browser, run: Run) -> None:
    browser.ask("bench.change({speaker: 'bob', cell: '2.1'})")
    browser.wait("document.querySelector('#cell tbody tr')")
    browser.ask("document.querySelector('#cell .facts a').click()")
    browser.wait("document.getElementById('metric-2').open && !document.getElementById('cell').open")
    assert browser.ask("document.activeElement.closest('details').id") == "metric-2"
    # and what was looked at is not lost by it
    assert browser.ask("[bench.state.speaker, location.hash]") == ["bob", "#speaker=bob"]


def test_a_cell_becomes_a_list(browser: Browser, run: Run) -> None:
    browser.ask('document.querySelector(\'tr[data-method="2"] td[data-metric="1"] button\').click()')
    browser.wait("document.querySelector('#cell tbody tr')")
    browser.ask("[...document.querySelectorAll('#cell button')].find(e => /list of clips/.test(e.textContent)).click()")
    browser.wait("document.activeElement.name === 'order'")
    assert browser.ask("[bench.state.metric, bench.state.by, bench.state.order]") == [1, "2", "worst"]
    values = values_of(run, PSNR, "loudness")
    assert [values[clip] for clip in listed(browser, run)] == sorted(values.values())[:10]


@pytest.mark.parametrize("metric", [PSNR, LIPS, SLOPE])
def test_worst_and_best_are_those_of_rank_clips(browser: Browser, run: Run, metric: str) -> None:
    alone = replace(
        run, manifest={**run.manifest, "protocol": {**run.protocol, "settings": run.protocol["settings"][:1]}}
    )
    best = list(rank_clips(alone, find_cards(METRICS), among=[metric]).clips)
    choose(browser, "#lists", "metric", METRICS.index(metric))
    choose(browser, "#lists", "order", "best")
    choose(browser, "#lists", "most", 0)
    assert listed(browser, run) == best
    column = "[...document.querySelectorAll('#lists tbody td:nth-child(2)')].map(e => Number(e.textContent))"
    scores = browser.ask(column)
    assert scores == sorted(scores)
    choose(browser, "#lists", "order", "worst")
    # equal ones stay in the protocol's order, so that the worst are not simply the best turned round
    assert set(listed(browser, run)) == set(best)
    assert browser.ask(column) == scores[::-1]
    choose(browser, "#lists", "most", 25)
    browser.ask("document.querySelector('#filters [name=speaker]').value = 'ann'")
    choose(browser, "#filters", "speaker", "ann")
    some = [clip for clip in best if clip[0] == "ann"]
    choose(browser, "#lists", "order", "best")
    assert listed(browser, run) == some


def test_clips_on_which_methods_differ_most(browser: Browser, run: Run) -> None:
    found = {name: values_of(run, PSNR, name) for name in METHODS}
    gaps = {}
    for clip in run.clips:
        some = [found[name][clip] for name in ("still", "loudness", "avct") if clip in found[name]]
        gaps[clip] = round(max(some) - min(some), 12)
    order = sorted(run.clips, key=lambda clip: (-gaps[clip], run.clips.index(clip)))
    choose(browser, "#lists", "metric", 1)
    choose(browser, "#lists", "order", "apart")
    assert listed(browser, run) == order[:10]
    assert browser.ask("document.querySelector('#lists [name=by]').disabled")
    # the players' next follows the whole list
    assert [run.clips[place] for place in browser.ask("bench.list.clips()")] == order
    browser.ask("document.querySelector('#lists > button').click()")
    assert listed(browser, run) == order
    # without one of the methods others differ
    browser.ask("document.querySelector('#filters [name=method][value=\"1\"]').click()")
    both = [clip for clip in run.clips if clip in found["loudness"] and clip in found["avct"]]
    widest = max(both, key=lambda clip: round(abs(found["loudness"][clip] - found["avct"][clip]), 12))
    assert listed(browser, run)[0] == widest
    said = browser.ask("document.querySelector('#lists .basis').textContent")
    assert f"{len(run.clips) - len(both)} of 14 clips cannot be ranked" in said


def test_a_link_brings_filter_list_and_cell_back(opened: Browser, run: Run) -> None:
    words = ["speaker=bob", f"metric={PSNR.replace('/', '%2F').replace('@', '%40')}", "order=worst", "by=3", "most=25"]
    at = f"#{'&'.join([*words, 'without=1', 'sort=1.best', 'cell=3.1', 'setting=bf16'])}"
    opened.open(run.folder / "index.html", at=at)
    ready(opened)
    opened.wait("document.querySelector('#cell tbody tr') && !document.querySelector('p.partly').hidden")
    values = values_of(run, PSNR, "avct", "bf16")
    left = [clip for clip in run.clips if clip[0] == "bob"]
    ranked = sorted((clip for clip in left if clip in values), key=lambda clip: (values[clip], run.clips.index(clip)))
    assert listed(opened, run)[: len(ranked)] == ranked
    assert "avct · PSNR" in opened.ask("document.querySelector('#cell h2').textContent")
    assert f"Rows of {len(left)} of 14 clips" in opened.ask("document.getElementById('cell').innerText")
    assert f"n = {len(ranked)}" in cell_text(opened, "avct", PSNR, 1)
    assert "still" not in lines(opened)
    fields = "['metric', 'order', 'by', 'most'].map(n => document.querySelector(`#lists [name=${n}]`).value)"
    assert opened.ask(fields) == ["1", "worst", "3", "25"]
    assert opened.complaints() == []


def test_two_methods_are_compared_as_by_the_paired_test(browser: Browser, run: Run) -> None:
    baseline = browser.ask("bench.catalogue.methods[bench.catalogue.pairs.baseline].name")
    other = next(name for name in ("loudness", "avct") if name != baseline)
    a, b = METHODS.index(other), METHODS.index(baseline)
    cards = find_cards(METRICS)
    protocol = {**run.protocol, "methods": [name for name in METHODS if name != TRUTH]}
    records = compare(run.rows, protocol, baseline=baseline, cards=dict(cards))
    for metric in METRICS:
        (record,) = [r for r in records if (r["setting"], r["metric"], r["method"]) == ("f32", metric, other)]
        choose(browser, "#pairs", "metric", METRICS.index(metric))
        choose(browser, "#pairs", "a", a)
        choose(browser, "#pairs", "b", b)
        heading = browser.ask(f"bench.catalogue.metrics[{METRICS.index(metric)}].heading")
        browser.wait(f"document.querySelector('#pairs [role=img]')?.ariaLabel.startsWith('{heading} of {other}')")
        assert len(browser.ask("bench.pairs.points()")) == record["n"]
        text = browser.ask("document.querySelector('#pairs .words').innerText")
        if record["wins"] is not None:
            assert f"{other} better on {record['wins']}, worse on {record['losses']}, alike on {record['ties']}" in text
        else:
            assert (
                f"{other} lower on {record['lower']}, higher on {record['higher']}, alike on {record['ties']}" in text
            )
        assert f"{record['n']} of 14 have both values" in text
        assert f"{record['p_holm']:.3f} by Holm" in text and f"{record['effect']:.2f}" in text
        told = {"open": "cannot tell", "better": "is better than", "worse": "is worse than", "different": "differ"}
        assert told[record["verdict"]] in text
        number = text.split("Difference")[1].split()[0]
        assert float(number) == pytest.approx(record["difference"], abs=5e-3)


def test_a_pair_turned_round_says_the_opposite_and_others_say_how_to_test(browser: Browser, run: Run) -> None:
    baseline = browser.ask("bench.catalogue.pairs.baseline")
    other = 5 - baseline if baseline in (2, 3) else 2
    words = "document.querySelector('#pairs .words').innerText"
    browser.ask(f"bench.change({{metric: 1, pair: '{other}.{baseline}'}})")
    shown = "document.querySelector('#pairs [role=img]')?.ariaLabel"
    browser.wait(f"{shown}?.startsWith('PSNR of {METHODS[other]}') && {words}.includes('{METHODS[other]} better on')")
    forth = browser.ask(words)
    browser.ask("document.querySelector('#pairs button').click()")
    browser.wait(f"{words}.includes('{METHODS[baseline]} better on')")
    back = browser.ask(words)
    counts = [text.split("better on ")[1].split("\n")[0].replace(",", "").split() for text in (forth, back)]
    assert [counts[0][0], counts[0][3], counts[0][-1]] == [counts[1][3], counts[1][0], counts[1][-1]]
    numbers = [float(text.split("Difference")[1].split()[0]) for text in (forth, back)]
    assert numbers[0] == -numbers[1] != 0
    browser.ask(f"bench.change({{pair: '0.{other}'}})")
    browser.wait(f"{words}.includes('avct-bench compare RUN:ground-truth :{METHODS[other]}')")
    a, b = values_of(run, PSNR, TRUTH), values_of(run, PSNR, METHODS[other])
    mean = np.mean([a[clip] - b[clip] for clip in a if clip in b])
    assert float(browser.ask(words).split("Mean difference")[1].split()[0]) == pytest.approx(mean, abs=5e-3)
    # a part of the clips has points, and no test
    browser.ask(f"bench.change({{pair: '{other}.{baseline}', speaker: 'bob'}})")
    browser.wait(f"{words}.includes('Interval and test belong to all clips')")
    both = [c for c in values_of(run, PSNR, METHODS[other]) if c in values_of(run, PSNR, METHODS[baseline])]
    assert len(browser.ask("bench.pairs.points()")) == len([clip for clip in both if clip[0] == "bob"])


def test_a_point_names_its_clip_and_opens_it(browser: Browser, run: Run) -> None:
    browser.ask("bench.change({metric: 1, pair: '2.3'})")
    browser.wait("bench.pairs.points().length")
    browser.ask("document.querySelector('#pairs .scatter').scrollIntoView({block: 'center', behavior: 'instant'})")
    browser.ask("new Promise(r => setTimeout(r, 100))")
    points = browser.ask("bench.pairs.points()")
    # one that no other lies upon
    clear = [
        p for p in points if all(q is p or abs(q["left"] - p["left"]) + abs(q["top"] - p["top"]) > 4 for q in points)
    ]
    one = clear[len(clear) // 2]
    browser.point(one["left"], one["top"])
    name = browser.ask(f"bench.catalogue.names[{one['clip']}]")
    browser.wait(f"document.querySelector('#pairs .pointed').textContent.startsWith('{name}: loudness')")
    browser.point(one["left"], one["top"], click=True)
    browser.wait(f"bench.state.clip === {one['clip']}")


def test_the_clips_that_decide_a_pair_are_listed(browser: Browser, run: Run) -> None:
    browser.ask("bench.change({metric: 1, pair: '2.3'})")
    browser.wait("document.querySelector('#pairs [role=img]')?.ariaLabel.startsWith('PSNR of loudness')")
    a, b = values_of(run, PSNR, "loudness"), values_of(run, PSNR, "avct")
    both = [clip for clip in run.clips if clip in a and clip in b]
    lost = sorted((c for c in both if a[c] < b[c]), key=lambda c: (-round(b[c] - a[c], 9), run.clips.index(c)))
    first = "document.querySelector('#pairs .ends ol a')"
    browser.ask(f"{first}.focus()")
    browser.press("Enter")
    browser.wait("bench.state.clip >= 0")
    assert run.clips[browser.ask("bench.state.clip")] == lost[0]


def test_names_of_the_data_are_text(opened: Browser, written: Report) -> None:
    opened.open(written.folder / "index.html")
    ready(opened)
    opened.ask("bench.change({order: 'worst', by: '2', pair: '1.2', cell: '2.1'})")
    opened.wait("document.querySelector('#cell tbody tr') && document.querySelector('#pairs .words h3')")
    for where in ("#cell h2", "#lists thead", "#pairs .words h3"):
        assert HOSTILE in opened.ask(f"document.querySelector('{where}').textContent"), where
    assert opened.ask("document.querySelectorAll('#cell img[onerror], #lists img, #pairs img').length") == 0
    opened.press("Escape")
    opened.ask("bench.change({pair: '0.2'})")
    opened.wait("document.querySelector('#pairs code')")
    assert HOSTILE.replace("'", "'\\''") in opened.ask("document.querySelector('#pairs code').textContent")
    assert opened.ask("window.pwned") is None
    assert opened.complaints() == []


@pytest.mark.parametrize("width", [1200, 768, 320])
def test_no_part_sticks_out_sideways(opened: Browser, written: Report, width: int) -> None:
    opened.open(Path(written.folder) / "index.html", at="#order=apart&speaker=bob", width=width)
    ready(opened)
    opened.wait("!document.querySelector('p.partly').hidden")
    assert opened.ask("document.documentElement.scrollWidth") <= width
    opened.ask("bench.change({cell: '2.1'})")
    opened.wait("document.querySelector('#cell tbody tr')")
    assert opened.ask("(e => e.scrollWidth <= e.clientWidth)(document.getElementById('cell'))")
    assert opened.ask(
        "(e => e.right <= innerWidth && e.left >= 0)(document.getElementById('cell').getBoundingClientRect())"
    )
    seen = "[...document.querySelectorAll('#lists button, #lists select, #pairs button, #pairs select, #cell button')]"
    assert opened.ask(f"{seen}.filter(e => e.offsetHeight).every(e => e.offsetHeight >= 24)")
