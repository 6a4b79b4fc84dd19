"""The viewer in a browser: what is seen of each video is read off a picture of the page, where red counts frames."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import Browser, find_browser
from PIL import Image
from report_run import FRAMES, HOSTILE, SIDE, WHY_FAILED, make_entries, make_protocol, make_run

from bench.io.encode import write_lossless
from bench.report.folder import read_run
from bench.report.media import copy_videos
from bench.report.page.page import FOLDER, data_files, render_page
from bench.report.tables.cards import find_cards
from bench.report.tables.table import build_table

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed to open the page with")

METHODS = ["ground-truth", "loudness", "avct", HOSTILE]
SHORT = 8
PLAYER = "bench.viewer.player"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four methods on three clips under two settings. On the second clip, avct's video has half of the frames."""
    settings = [{**make_protocol()["settings"][0], "name": name} for name in ("f32", "bf16")]
    protocol = make_protocol(methods=METHODS, settings=settings)
    entries = make_entries(protocol)
    short = [entry for entry in entries if entry["cell"]["method"] == "avct" and entry["cell"]["driver"] == "a2"]
    for entry in short:
        entry["rows"] = [{**row, "frames": SHORT} for row in entry["rows"]]
    run = make_run(tmp_path_factory.mktemp("viewer") / "run", protocol, entries=entries, videos=True)
    frames = np.zeros((SHORT, SIDE, SIDE, 3), np.uint8)
    frames[..., 0] = 10 * np.arange(SHORT, dtype=np.uint8)[:, None, None]
    for entry in short:
        write_lossless(run / entry["video"], frames, samples=np.zeros(SHORT * 640, np.float32), run_id="r")
    # The page alone: figures take longer than all that is tested here.
    read = read_run(run)
    table = build_table(read, find_cards(protocol["metrics"]))
    (run / FOLDER).mkdir()
    for name, text in data_files(read, table, copy_videos(read, run)):
        (run / FOLDER / name).write_text(text)
    (run / "index.html").write_text(render_page(read, table, pictures=[], pairs=None, files=[]))
    return run / "index.html"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def browser(opened: Browser, page: Path) -> Iterator[Browser]:
    """The page with the first clip open on frame 7; it complains of nothing and stays local."""
    opened.open(page, at="#clip=ann/face/a1/0&frame=7")
    opened.wait(f"window.bench && {PLAYER}.tracks.length")
    settle(opened, 7)
    yield opened
    assert opened.complaints() == []
    assert all(url.startswith((page.parent.as_uri(), "data:")) for url in opened.requests())
    assert opened.ask("window.pwned") is None


def settle(browser: Browser, frame: int) -> None:
    """Wait until the players stand on a frame, and the address says so."""
    still = f"{PLAYER}.tracks.every(({{video}}) => video.readyState > 1 && !video.seeking && video.paused)"
    word = f"&frame={frame}" if frame else ""
    browser.wait(
        f"{still} && {PLAYER}.frame === {frame} && location.hash.includes('clip=') && bench.state.frame === {frame}"
    )
    browser.wait(f"{PLAYER}.tracks.every(({{presented, frames}}) => presented === Math.min({frame}, frames - 1))")
    assert word in browser.ask("location.hash")


def look(browser: Browser, frames: list[int]) -> None:
    """See that the videos show these frames, left to right; a picture may come before the last one is painted."""
    until = time.monotonic() + 3
    while (seen := painted(browser)) != frames and time.monotonic() < until:
        time.sleep(0.02)
    assert seen == frames


def painted(browser: Browser) -> list[int]:
    """The frame that is seen in each video."""
    places = browser.ask(
        "[...document.querySelectorAll('#viewer video')].map(v => { const r = v.getBoundingClientRect();"
        " return [r.x + r.width / 2, r.y + r.height / 2] })"
    )
    picture = np.asarray(Image.open(io.BytesIO(browser.screenshot())).convert("RGB"))
    return [round(int(picture[round(y), round(x), 0]) / 10) for x, y in places]


def click(browser: Browser, selector: str) -> None:
    browser.ask(f"document.querySelector('#viewer {selector}').click()")


def choose(browser: Browser, label: str, value: str) -> None:
    browser.ask(
        f"(() => {{ const s = document.querySelector('#viewer select[aria-label=\"{label}\"]'); s.value = {value!r};"
        " s.dispatchEvent(new Event('change')) })()"
    )


def test_a_link_brings_the_whole_viewer_below_the_bar(browser: Browser) -> None:
    edge = "document.getElementById('{}').getBoundingClientRect().{}"
    assert browser.ask(f"{edge.format('viewer', 'top')} >= {edge.format('filters', 'bottom')} - 1")
    assert browser.ask(f"{edge.format('viewer', 'top')} < innerHeight / 2")


def test_a_link_opens_a_clip_on_a_frame(browser: Browser) -> None:
    look(browser, [7] * 4)
    assert browser.ask("document.querySelector('#viewer .clock').textContent") == f"frame 7 / {FRAMES - 1} · 0.28 s"
    assert browser.ask("document.activeElement.id") == "viewer-title"
    names = browser.ask("[...document.querySelectorAll('#viewer figcaption strong')].map(e => e.textContent)")
    assert names == METHODS
    values = "[...document.querySelectorAll('#viewer [data-method=\"0\"] dd')].map(e => e.textContent)"
    assert browser.ask(values) == ["1.000", "35.0", "0.9000"]
    missing = "['.values .lacks dd', '.why'].map(at => document.querySelector(`#viewer .m2 ${at}`).textContent)"
    assert browser.ask(missing) == ["unavailable", "PSNR: unavailable: no truth here"]


def test_keys_and_buttons_step_all_videos(browser: Browser) -> None:
    browser.press("ArrowRight")
    settle(browser, 8)
    look(browser, [8] * 4)
    click(browser, ".line .back")
    click(browser, ".line .back")
    settle(browser, 6)
    look(browser, [6] * 4)
    browser.press("ArrowLeft")
    settle(browser, 5)
    browser.press("End")
    settle(browser, FRAMES - 1)
    look(browser, [FRAMES - 1] * 4)
    browser.press("Home")
    settle(browser, 0)
    look(browser, [0] * 4)
    browser.press("Shift+ArrowRight")  # a second is more than there is
    settle(browser, FRAMES - 1)
    browser.ask(
        "(() => { const s = document.querySelector('#viewer .line input[type=range]'); s.value = 3;"
        " s.dispatchEvent(new Event('input')) })()"
    )
    settle(browser, 3)
    look(browser, [3] * 4)


def test_videos_play_within_a_frame_of_each_other_and_stop_on_the_same(browser: Browser) -> None:
    choose(browser, "Speed", "0.25")
    browser.press("Home")
    settle(browser, 0)
    browser.press(" ")
    assert browser.ask("document.querySelector('#viewer .main').textContent") == "Pause"
    spreads = browser.ask(
        f"(async () => {{ const p = {PLAYER}, seen = [], end = performance.now() + 6000;"
        " while (p.on && p.frame < 9 && performance.now() < end) { await new Promise(requestAnimationFrame);"
        " if (p.frame > 0) { const f = p.frames(); seen.push(Math.max(...f) - Math.min(...f)) } }"
        " return seen })()"
    )
    assert len(spreads) > 10
    assert np.mean(np.array(spreads) <= 1) > 0.9
    browser.press(" ")
    frame = browser.ask(f"{PLAYER}.frame")
    assert frame >= 9
    settle(browser, frame)
    look(browser, [frame] * 4)
    assert browser.ask("document.querySelector('#viewer .main').textContent") == "Play"


def test_a_strip_follows_and_is_clicked(browser: Browser) -> None:
    head = (
        "[...document.querySelectorAll('#viewer .playhead')].map(e => { const r = e.getBoundingClientRect(),"
        " o = e.parentElement.getBoundingClientRect(); return (r.x + r.width / 2 - o.x) / o.width })"
    )
    assert browser.ask(head) == pytest.approx([7 / (FRAMES - 1)] * 4, abs=0.01)
    x, y = browser.ask(
        "(() => { const r = document.querySelectorAll('#viewer .u-over')[2].getBoundingClientRect();"
        f" return [r.x + r.width * 11 / {FRAMES - 1}, r.y + r.height / 2] }})()"
    )
    browser.point(x, y, click=True)
    settle(browser, 11)
    look(browser, [11] * 4)
    assert browser.ask(head) == pytest.approx([11 / (FRAMES - 1)] * 4, abs=0.01)
    choose(browser, "Second strip under each video", "PSNR (dB) by frame")
    # avct has no PSNR on this clip
    assert browser.ask("document.querySelectorAll('#viewer .uplot').length") == 7
    assert browser.ask("document.querySelector('#viewer .m2 .strips .lacks').textContent") == "no values by frame"
    # Values by frame rise in `report_run`, so PSNR is worst at the start.
    choose(browser, "Strip under each video", "-")
    browser.press("w")
    settle(browser, 0)


def test_a_loop_stays_between_its_ends(browser: Browser) -> None:
    browser.press("[")
    browser.press("ArrowRight", "ArrowRight", "ArrowRight", "]")
    assert browser.ask(f"JSON.stringify([{PLAYER}.range, {PLAYER}.loop])") == "[[7,10],true]"
    assert browser.ask("document.querySelector('#viewer .loop').textContent") == "Loop 7–10"
    browser.press(" ")
    seen = browser.ask(
        f"(async () => {{ const p = {PLAYER}, seen = [], end = performance.now() + 8000; let turns = 0;"
        " while (turns < 2 && performance.now() < end) { await new Promise(requestAnimationFrame);"
        " if (seen.length && p.frame < seen.at(-1)) turns += 1; seen.push(p.frame) } return seen })()"
    )
    assert sum(b < a for a, b in itertools.pairwise(seen)) == 2
    assert set(seen) <= {7, 8, 9, 10}
    browser.press(" ", "l")
    assert browser.ask(f"{PLAYER}.loop") is False


def test_exactly_one_is_heard_or_none(browser: Browser) -> None:
    heard = f"{PLAYER}.tracks.filter(({{video}}) => !video.muted).map(({{place}}) => place)"
    pressed = "[...document.querySelectorAll('#viewer .sounding')].map(e => e.dataset.method)"
    assert (browser.ask(heard), browser.ask(pressed)) == ([0], ["0"])
    browser.press("3")
    assert (browser.ask(heard), browser.ask(pressed)) == ([2], ["2"])
    browser.press("m")
    assert browser.ask(heard) == [3]
    browser.press("m")
    assert (browser.ask(heard), browser.ask(pressed)) == ([], [])
    click(browser, ".m1 .sound")
    assert browser.ask(heard) == [1]


def test_a_short_video_waits_and_a_missing_one_says_why(browser: Browser) -> None:
    browser.press("n")
    browser.wait("location.hash.includes('a2')")
    settle(browser, 0)
    browser.press("End")
    settle(browser, FRAMES - 1)
    look(browser, [FRAMES - 1, FRAMES - 1, SHORT - 1, FRAMES - 1])
    browser.press("Home")
    settle(browser, 0)
    browser.press(" ")
    browser.wait(f"!{PLAYER}.on")
    settle(browser, FRAMES - 1)
    look(browser, [FRAMES - 1, FRAMES - 1, SHORT - 1, FRAMES - 1])
    browser.press("n")
    browser.wait(f"{PLAYER}.tracks.length === 3")
    settle(browser, 0)
    assert WHY_FAILED in browser.ask("document.querySelector('#viewer [data-method=\"1\"] .void').textContent")
    assert browser.ask("document.querySelector('#viewer .place').textContent") == "3 of 3"
    browser.press("n")
    assert "last clip" in browser.ask("document.getElementById('said').textContent")


def test_the_setting_changes_and_the_frame_stays(browser: Browser) -> None:
    before = browser.ask("[...document.querySelectorAll('#viewer video')].map(v => v.src)")
    browser.press("s")
    browser.wait("location.hash.includes('setting=bf16')")
    settle(browser, 7)
    look(browser, [7] * 4)
    assert not set(browser.ask("[...document.querySelectorAll('#viewer video')].map(v => v.src)")) & set(before)
    browser.ask("bench.change({without: '1.3'})")
    settle(browser, 7)
    assert browser.ask("[...document.querySelectorAll('#viewer figure')].map(e => e.dataset.method)") == ["0", "2"]


def test_two_videos_lie_over_one_another(browser: Browser) -> None:
    choose(browser, "How two videos are laid out", "wipe")
    boxes = browser.ask(
        "['under', 'upper'].map(c => document.querySelector(`#viewer .${c} video`).getBoundingClientRect().toJSON())"
    )
    assert boxes[0] == boxes[1]
    clip = "getComputedStyle(document.querySelector('#viewer .upper video')).clipPath"
    assert browser.ask(clip) == "inset(0px 0px 0px 50%)"
    browser.press("x")
    assert browser.ask(clip) == "inset(0px 0px 0px 0%)"
    # red is the same in both
    choose(browser, "How two videos are laid out", "difference")
    look(browser, [0, 7, 7, 0])


def test_a_link_is_copied_and_closing_gives_the_focus_back(browser: Browser, page: Path) -> None:
    browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.press("ArrowRight")
    click(browser, ".link")
    browser.wait("document.getElementById('said').textContent.startsWith('Copied')")
    assert browser.ask("navigator.clipboard.readText()") == page.as_uri() + "#clip=ann/face/a1/0&frame=8"
    browser.press("Escape")
    browser.wait("document.getElementById('viewer').hidden")
    assert "clip=" not in browser.ask("location.hash")
    row = "document.querySelector('#lists [data-clip=\"1\"] a')"
    browser.ask(f"{row}.focus()")
    browser.press("Enter")
    settle(browser, 0)
    assert browser.ask("document.activeElement.id") == "viewer-title"
    browser.press("Escape")
    browser.wait("document.getElementById('viewer').hidden")
    assert browser.ask(f"document.activeElement === {row}")
