"""The whole page in a browser, from disk: no network, no complaint, nothing sticks out, links lead where they say.

Its parts have tests of their own: test_page_explore, test_page_viewer.
"""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from chromium import Browser, find_browser
from report_run import HOSTILE, make_entries, make_protocol, make_run

from bench.report import Report, write

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed to open the page with")

AWKWARD = 'a/b&c=d#e%41 ünï\u2028"><script>window.pwned=1</script>'
"""A clip's name that is everything an address, a script and markup could trip over."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def page(written: Report) -> Path:
    return written.folder / "index.html"


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run whose speakers, references and drivers have awkward names; one method fails on a clip."""
    drivers = {AWKWARD: [f"{AWKWARD}1", f"{AWKWARD}2"], "constructor": ["__proto__"]}
    axes = {"drivers": drivers, "references": [AWKWARD], "seeds": [0, 7], "pairs": "all"}
    protocol = make_protocol(axes=axes, methods=["ground-truth", "loudness", "avct", HOSTILE])
    folder = make_run(tmp_path_factory.mktemp("awkward") / "run", protocol, entries=make_entries(protocol))
    with pytest.MonkeyPatch.context() as patch:
        # Figures take longer than all else and have no part in this.
        patch.setattr("bench.report.writing.draw_pictures", lambda *_: iter(()))
        return write(folder, media=False).folder / "index.html"


def ready(browser: Browser) -> None:
    browser.wait("window.bench && document.querySelector('#lists tbody tr')")


def address_of(*clip: object) -> str:
    """A clip's address as somebody else's program would write it."""
    return "#clip=" + "/".join(quote(str(part), safe="") for part in clip)


def test_the_page_opens_from_disk_without_network_or_complaint(browser: Browser, page: Path) -> None:
    browser.open(page)
    ready(browser)
    browser.ask("location.hash = document.querySelector('#lists tbody a, #lists tbody button').hash || '#clips'")
    requests = [url for url in browser.requests() if not url.startswith("data:")]
    assert requests and all(url.startswith(page.parent.as_uri()) for url in requests)
    assert browser.complaints() == []
    assert browser.ask("window.pwned") is None
    assert browser.ask("document.querySelector('h1').textContent") == HOSTILE


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 768, 390, 320])
def test_nothing_sticks_out_sideways(browser: Browser, page: Path, width: int, scheme: str) -> None:
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(page, at=address_of("ann", "face", "a1", 0), width=width)
    ready(browser)
    browser.wait("document.querySelectorAll('#viewer figure').length === 3")
    # All methods' cards, failures and facts are seen as well.
    browser.ask("document.querySelectorAll('details').forEach(e => { e.open = !e.matches('.pick') })")
    assert browser.ask("document.documentElement.scrollWidth") <= width
    small = browser.ask(
        "[...document.querySelectorAll('button, select, summary')].filter(e => e.getClientRects().length)"
        ".filter(e => e.offsetHeight < 24 && !e.closest('td')).map(e => e.outerHTML)"
    )
    assert small == []
    smallest = browser.ask(
        "Math.min(...[...document.querySelectorAll('td, th, p, dd, dt, small, label, button, output, summary')]"
        ".filter(e => e.getClientRects().length && !e.closest('sup'))"
        ".map(e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert smallest >= 11
    faint = browser.ask(_CONTRAST)
    assert faint == [], "text is to have a contrast of 4.5 with what is behind it"


_CONTRAST = """
(() => {
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map((v) => v / 255);
    const line = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * line(parts[0]) + 0.7152 * line(parts[1]) + 0.0722 * line(parts[2]);
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [];
  for (const element of document.querySelectorAll('main *, header *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length || element.closest('[disabled], [aria-disabled=true]')) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(element.outerHTML.slice(0, 120));
  }
  return faint;
})()
"""


def test_a_phone_gets_the_narrow_figures(browser: Browser, page: Path) -> None:
    source = (
        "(async () => { const image = document.querySelector('.plot img'); image.loading = 'eager';"
        " await image.decode(); return image.currentSrc })()"
    )
    browser.open(page, width=390)
    assert browser.ask(source).endswith("figures/metrics-column.png")
    browser.open(page, width=1200)
    assert browser.ask(source).endswith("figures/metrics.png")


def test_a_link_to_a_metric_opens_its_card(browser: Browser, page: Path) -> None:
    browser.open(page)
    ready(browser)
    browser.ask("document.querySelector('thead a').click()")
    browser.wait("document.getElementById('metric-1').open")
    browser.open(page, at="#metric-2")
    assert browser.ask("document.getElementById('metric-2').open")


def test_the_reader_chooses_dark_or_light(browser: Browser, page: Path) -> None:
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
    browser.open(page)
    ready(browser)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = browser.ask(paper)
    browser.ask("document.getElementById('theme').click()")
    assert browser.ask("document.getElementById('theme').textContent") == "Theme: dark"
    assert browser.ask(paper) != light
    browser.open(page)
    assert browser.ask("document.documentElement.dataset.theme") == "dark", "the choice is kept"
    browser.ask("document.getElementById('theme').click()")
    assert browser.ask(paper) == light
    browser.ask("document.getElementById('theme').click()")
    assert browser.ask("document.documentElement.dataset.theme") is None


def test_keys_are_told(browser: Browser, page: Path) -> None:
    browser.open(page)
    ready(browser)
    browser.press("?")
    assert browser.ask("document.getElementById('help').open")
    browser.press("Escape")
    assert not browser.ask("document.getElementById('help').open")


def test_landmarks_headings_and_labels(browser: Browser, page: Path) -> None:
    browser.open(page)
    ready(browser)
    levels = browser.ask(
        "[...document.querySelectorAll('h1, h2, h3')].filter(e => e.getClientRects().length).map(e => +e.tagName[1])"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert browser.ask("['header', 'main', 'nav[aria-label]'].every(e => document.querySelectorAll(e).length === 1)")
    nameless = browser.ask(
        "[...document.querySelectorAll('input, select, button, section')].filter(e => e.getClientRects().length)"
        ".filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')"
        " || (e.tagName === 'BUTTON' && e.textContent.trim()))).map(e => e.outerHTML.slice(0, 100))"
    )
    assert nameless == []
    browser.press("Tab")
    assert browser.ask("document.activeElement.className") == "skip"


def test_awkward_names_are_text_and_their_links_lead_to_them(browser: Browser, awkward: Path) -> None:
    clip = (AWKWARD, AWKWARD, f"{AWKWARD}2", 7)
    browser.open(awkward, at=address_of(*clip) + "&setting=f32")
    ready(browser)
    browser.wait("document.querySelectorAll('#viewer figure').length === 4")
    assert browser.ask("bench.catalogue.clips[bench.state.clip]") == list(clip)
    # A failure's link, which Python wrote, is the one that the page itself would write.
    browser.ask("document.querySelector('#failures a').click()")
    browser.wait("bench.catalogue.clips[bench.state.clip][2] === '__proto__'")
    for link in browser.ask("[...document.querySelectorAll('#failures a')].map(e => e.hash)"):
        browser.ask(f"location.hash = {link!r}")
        browser.wait("document.querySelector('#viewer h3')")
        assert browser.ask("location.hash") == link, "the page writes the same address"
    browser.ask(f"document.querySelector('[name=speaker]').value = {AWKWARD!r}".replace("\\u2028", "\u2028"))
    browser.ask("filters.dispatchEvent(new Event('change', { bubbles: true }))")
    browser.wait("document.getElementById('left').textContent === '4 of 6 clips'")
    assert browser.ask("window.pwned") is None and browser.complaints() == []


def test_what_a_link_asks_for_in_vain_is_said(browser: Browser, awkward: Path) -> None:
    browser.open(awkward, at="#clip=nobody/face/x/0&metric=none%20such&frame=2")
    ready(browser)
    said = browser.ask("document.getElementById('said').textContent")
    assert "clip=nobody/face/x/0" in said and "metric=none such" in said
    assert browser.ask("document.getElementById('said').getClientRects().length") == 1
    assert browser.complaints() == []


def test_a_folder_sent_as_a_zip_works_where_it_is_unpacked(browser: Browser, written: Report, tmp_path: Path) -> None:
    archive = tmp_path / "page.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in written.paths:
            packed.write(path, path.relative_to(written.folder))
    there = tmp_path / "else where #1"
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(there)
    browser.open(there / "index.html", at=address_of("ann", "face", "a2", 0))
    browser.wait("[...document.querySelectorAll('#viewer video')].filter(v => v.readyState > 1).length === 3")
    assert browser.complaints() == []
    requests = [url for url in browser.requests() if not url.startswith("data:")]
    assert all(url.startswith(there.as_uri()) for url in requests if url.startswith("file:")) and len(requests) > 5


def test_a_page_without_its_data_says_so(browser: Browser, written: Report, tmp_path: Path) -> None:
    alone = tmp_path / "index.html"
    alone.write_bytes((written.folder / "index.html").read_bytes())
    browser.open(alone, at=address_of("ann", "face", "a2", 0))
    browser.wait("document.body.textContent.includes('was the folder copied without its page/?')")
