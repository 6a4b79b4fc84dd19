"""Every frame rate to 25: the painted number that comes back is the one that the rule names."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import av
import numpy as np
import pytest
from painted import film, numbers

from bench.io.cadence import Shot, show
from bench.io.decode import frames, read_video

NTSC = Fraction(30_000, 1001)
RATES = [Fraction(12), Fraction(24), Fraction(25), Fraction(30), Fraction(50), Fraction(60), NTSC, NTSC * 4 / 5]


def expected(starts: list[Fraction], end: Fraction, fps: int = 25) -> list[int]:
    """The rule word for word, with true times: on screen at the middle; the earlier where a change falls on it."""
    shown = []
    middle = Fraction(1, 2 * fps)
    while middle <= end:
        shown.append(max((i for i, start in enumerate(starts) if start < middle), default=0))
        middle += Fraction(1, fps)
    return shown or [0]


def constant(rate: Fraction, count: int) -> tuple[list[Fraction], Fraction]:
    return [k / rate for k in range(count)], count / rate


def right_within(tick: Fraction, shown: list[int], starts: list[Fraction], end: Fraction) -> bool:
    """Whether each frame is on screen at its middle, give or take what rounding a timestamp can hide."""
    nexts = [*starts[1:], end]
    middles = [Fraction(2 * k + 1, 50) for k in range(len(shown))]
    return all(starts[i] <= m + tick and m <= nexts[i] + tick for i, m in zip(shown, middles, strict=True))


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_constant_rates_in_fine_and_coarse_time_bases(tmp_path, rate, suffix):
    count = 61
    path = film(tmp_path / f"a.{suffix}", count, rate=rate, options={"preset": "ultrafast"})
    shown, (starts, end) = numbers(frames(path)), constant(rate, count)
    assert shown == expected(starts, end) or (
        rate.denominator > 1 and right_within(Fraction(1, 1000), shown, starts, end)
    )
    assert len(shown) == len(expected(starts, end))
    assert numbers(frames(path, fps=None)) == list(range(count))


def test_the_rule_in_figures(tmp_path):
    def shown(rate, count):
        path = film(tmp_path / f"{float(rate)}.mp4", count, rate=rate, options={"preset": "ultrafast"})
        return numbers(read_video(path))

    assert shown(25, 30) == list(range(30))
    assert shown(50, 20) == list(range(0, 20, 2))
    # 30: one in six is left out, and where the middle falls on a change the earlier frame stays.
    assert shown(30, 12) == [0, 1, 2, 4, 5, 6, 7, 8, 10, 11]
    # 24: one frame in 24 is shown twice.
    assert shown(24, 48) == [*range(12), *range(11, 36), *range(35, 48)]


@pytest.mark.parametrize("rate", [24, 25, 30, 50, NTSC], ids=str)
def test_equals_ffmpegs_fps_filter(tmp_path, rate):
    path = film(tmp_path / "a.mp4", 55, rate=rate, options={"preset": "ultrafast"})
    assert numbers(frames(path)) == by_filter(path)


def test_variable_rate_equals_the_rule_and_the_filter(tmp_path):
    steps = np.random.default_rng(3).integers(900, 9000, 60).tolist()
    stamps = [0, *accumulate(steps)][:60]
    path = film(tmp_path / "v.mp4", 60, stamps=stamps, time_base=Fraction(1, 90_000), rate=25)
    starts = [Fraction(stamp, 90_000) for stamp in stamps]
    shown = numbers(frames(path))
    # A constant encoder states no length for the last frame: it lasts as long as its packet says.
    with av.open(str(path)) as container:
        end = max((p.pts + p.duration) * Fraction(p.time_base) for p in container.demux(video=0) if p.size)
    assert shown == expected(starts, end)
    assert shown == by_filter(path)


def by_filter(path) -> list[int]:
    graph = av.filter.Graph()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        source = graph.add_buffer(template=stream)
        rate, sink = graph.add("fps", "fps=25"), graph.add("buffersink")
        source.link_to(rate)
        rate.link_to(sink)
        graph.configure()
        out = []
        for frame in [*container.decode(stream), None]:
            source.push(frame)
            while True:
                try:
                    out.append(sink.pull().to_ndarray(format="rgb24"))
                except (av.error.BlockingIOError, av.error.EOFError):
                    break
        return numbers(out)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_late_first_frame_counts_as_time_zero(tmp_path, suffix):
    stamps = [1000 + 40 * k for k in range(12)]
    path = film(tmp_path / f"late.{suffix}", 12, stamps=stamps, time_base=Fraction(1, 1000))
    assert numbers(frames(path)) == list(range(12))


def test_a_long_hold_repeats_the_frame(tmp_path):
    path = film(tmp_path / "hold.mkv", 4, stamps=[0, 40, 1040, 1080], time_base=Fraction(1, 1000))
    assert numbers(frames(path)) == [0] + [1] * 25 + [2, 3]


def shots(starts, last=None):
    return [Shot(k, start, last if k == len(starts) - 1 else None) for k, start in enumerate(starts)]


@pytest.mark.parametrize("tick", [Fraction(1, 1000), Fraction(1, 90_000), Fraction(1, 12_800)])
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_rounded_stamps_give_what_true_times_give(rate, tick):
    starts, end = constant(rate, 400)
    stored = [round(start / tick) * tick for start in starts]
    shown = list(show(shots(stored, 1 / rate), fps=Fraction(25), tick=tick))
    assert right_within(tick, shown, starts, end)
    assert rate.denominator > 1 or shown == expected(starts, end)


def test_a_middle_that_the_time_base_cannot_express():
    # 50 fps in ticks of 1/15,360 s: a frame is 307.2 ticks, so every other change falls on a middle, rounded.
    tick, starts = Fraction(1, 15_360), [Fraction(k, 50) for k in range(200)]
    stored = [round(start / tick) * tick for start in starts]
    assert list(show(shots(stored, Fraction(1, 50)), fps=Fraction(25), tick=tick)) == list(range(0, 200, 2))


def test_jitter_below_half_a_frame_leaves_25_untouched():
    jitter = np.random.default_rng(0).integers(-18, 19, 300).tolist()
    starts = [Fraction(40 * k + (jitter[k] if k else 0), 1000) for k in range(300)]
    shown = list(show(shots(starts, Fraction(1, 25)), fps=Fraction(25), tick=Fraction(1, 1000)))
    assert shown == list(range(300))


def test_a_time_base_of_one_frame_is_exact_not_rounded():
    # AVI counts in whole frames; a tick of 40 ms must not be taken for an error of 40 ms.
    starts = [Fraction(k, 25) for k in range(20)]
    assert list(show(shots(starts, Fraction(1, 25)), fps=Fraction(25), tick=Fraction(1, 25))) == list(range(20))
    starts, end = constant(Fraction(90), 180)
    assert list(show(shots(starts, Fraction(1, 90)), fps=Fraction(25), tick=Fraction(1, 90))) == expected(starts, end)


def test_one_very_short_frame_is_still_a_frame():
    assert list(show(shots([Fraction(7)], Fraction(1, 1000)), fps=Fraction(25), tick=Fraction(1, 1000))) == [0]
    assert list(show(shots([Fraction(7)]), fps=Fraction(25), tick=Fraction(0))) == [0]
    assert list(show([], fps=Fraction(25), tick=Fraction(0))) == []


def test_other_target_rates(tmp_path):
    path = film(tmp_path / "a.mp4", 25, rate=25, options={"preset": "ultrafast"})
    assert numbers(frames(path, fps=50)) == expected(*constant(Fraction(25), 25), fps=50)
    with pytest.raises(ValueError, match="positive frame rate"):
        frames(path, fps=0)
