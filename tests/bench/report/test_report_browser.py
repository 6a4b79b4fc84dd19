"""The page in a browser, from disk: no network, no complaint, no sideways scrolling, videos in step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Browser, find_browser
from report_run import HOSTILE

from bench.report import Report

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed to open the page with")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def page(written: Report) -> Path:
    return written.folder / "index.html"


def test_the_page_opens_from_disk_without_network_or_complaint(browser: Browser, page: Path) -> None:
    browser.open(page)
    requests = [url for url in browser.requests() if not url.startswith("data:")]
    assert requests and all(url.startswith(page.parent.as_uri()) for url in requests)
    assert browser.complaints() == []
    assert browser.ask("window.pwned") is None
    assert browser.ask("document.querySelector('h1').textContent") == HOSTILE


@pytest.mark.parametrize("width", [1200, 390, 320])
def test_nothing_sticks_out_sideways(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width=width)
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.ask(
        "[...document.querySelectorAll('button, select')].every(e => e.offsetHeight >= 24 || !e.offsetHeight)"
    )
    smallest = browser.ask(
        "Math.min(...[...document.querySelectorAll('td, th, p, dd, dt, small, label')]"
        ".map(e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert smallest >= 11


def test_a_phone_gets_the_narrow_figures(browser: Browser, page: Path) -> None:
    source = (
        "(async () => { const image = document.querySelector('.plot img'); image.loading = 'eager';"
        " await image.decode(); return image.currentSrc })()"
    )
    browser.open(page, width=390)
    assert browser.ask(source).endswith("figures/metrics-column.png")
    browser.open(page, width=1200)
    assert browser.ask(source).endswith("figures/metrics.png")


def test_videos_play_in_step_and_stop_together(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.ask("document.querySelector('[name=loop]').click()")
    browser.ask("document.querySelector('[name=speed]').value = '0.25'; bar.dispatchEvent(new Event('change'))")
    browser.ask("document.querySelector('.clip .toggle').click()")
    shots = "[...document.querySelectorAll('.clip')[0].querySelectorAll('.shot:not([hidden]) video')]"
    times = browser.ask(
        f"(async () => {{ const all = {shots}; const seen = []; const end = performance.now() + 8000;"
        "while (seen.length < 10 && performance.now() < end) {"
        " await new Promise(r => setTimeout(r, 60));"
        " if (all.every(v => v.currentTime > 0.02 && !v.paused)) seen.push(all.map(v => v.currentTime)); }"
        " return seen })()"
    )
    assert len(times) == 10 and len(times[0]) == 3
    # within two frames of one another at each look, give or take the moment of the look
    assert max(max(moment) - min(moment) for moment in times) <= 0.1
    assert browser.ask(f"{shots}.filter(v => !v.muted).length") == 1
    assert browser.ask("document.querySelector('.clip .toggle').textContent") == "Pause"
    browser.ask("document.querySelector('.clip .toggle').click()")
    assert browser.ask(f"{shots}.every(v => v.paused)")
    assert browser.ask(f"new Set({shots}.map(v => v.currentTime.toFixed(3))).size") == 1


def test_stepping_shows_the_same_frame_everywhere(browser: Browser, page: Path) -> None:
    browser.open(page)
    shots = "[...document.querySelectorAll('.clip')[0].querySelectorAll('.shot:not([hidden]) video')]"
    shown = f"{shots}.every(v => v.readyState > 1 && !v.seeking && v.currentTime > 0)"
    wait = f"new Promise(done => {{ const t = setInterval(() => {shown} && (clearInterval(t), done()), 20) }})"
    for count in range(1, 4):
        browser.ask("document.querySelector('.clip .on').click()")
        browser.ask(wait)
        browser.ask("new Promise(r => setTimeout(r, 60))")
        assert browser.ask(f"{shots}.map(v => Math.floor(v.currentTime * 25))") == [count] * 3
    # the red channel counts frames, ten to each
    reds = browser.ask(
        f"{shots}.map(v => {{ const c = document.createElement('canvas'); c.width = c.height = 8;"
        " const x = c.getContext('2d'); x.drawImage(v, 0, 0, 8, 8);"
        " try { return x.getImageData(4, 4, 1, 1).data[0] } catch (e) { return null } })"
    )
    assert all(red is None or abs(red - 30) <= 6 for red in reds)
    assert browser.ask("document.querySelector('.clip .now').getAttribute('d')") == "M3 0V100"


def test_settings_and_orders_can_be_chosen(browser: Browser, page: Path) -> None:
    browser.open(page)
    choose = (
        "(name, value) => { const field = document.querySelector(`[name=${name}]`); field.value = value;"
        " field.dispatchEvent(new Event('change', {bubbles: true})) }"
    )
    seen = "[...new Set([...document.querySelectorAll('.shot:not([hidden])')].map(e => e.dataset.setting))]"
    assert browser.ask(seen) == ["f32"]
    browser.ask(f"({choose})('setting', 'bf16')")
    assert browser.ask(seen) == ["bf16"]
    order = "[...document.querySelectorAll('.clip')].map(e => e.dataset.place)"
    assert browser.ask(order) == ["0", "1", "2"]
    # PSNR grows from clip to clip, correlation falls
    browser.ask(f"({choose})('order', '0')")
    assert browser.ask(order) == ["2", "1", "0"]
    browser.ask(f"({choose})('order', '1')")
    assert browser.ask(order) == ["0", "1", "2"]
    browser.ask(f"({choose})('order', '')")
    assert browser.ask(order) == ["0", "1", "2"]


def test_a_link_to_a_metric_opens_its_card(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.ask("document.querySelector('thead a').click()")
    assert browser.ask("new Promise(r => setTimeout(() => r(document.getElementById('metric-1').open), 50))")
