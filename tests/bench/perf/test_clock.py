"""Clocks: stages add up to the wall, what is in no stage shows, threads are kept apart, events are used again."""

from __future__ import annotations

import threading

import pytest
from pretence import Time

from bench.perf.clock import Clock


class Device:
    """A queue whose work ends at `free`; events tell when it came to them, in milliseconds."""

    def __init__(self, time: Time) -> None:
        self.time, self.free, self.made, self.syncs = time, 0.0, 0, 0

    def ask(self, seconds: float, host: float = 0.0001) -> None:
        self.time.pass_by(host)
        self.free = max(self.free, self.time.now()) + seconds

    def synchronise(self) -> None:
        self.syncs += 1
        self.time.instant = max(self.time.instant, self.free)

    def event(self) -> Event:
        self.made += 1
        return Event(self)


class Event:
    def __init__(self, device: Device) -> None:
        self.device, self.at = device, -1.0

    def record(self) -> None:
        self.at = max(self.device.free, self.device.time.now())

    def query(self) -> bool:
        return self.device.time.now() >= self.at

    def elapsed_time(self, end: Event) -> float:
        assert end.query(), "asked before the device came to it"
        return 1000.0 * (end.at - self.at)


def on_device(mode: str) -> tuple[Time, Device, Clock]:
    time = Time()
    device = Device(time)
    return time, device, Clock("cuda", mode=mode, now=time.now, synchronise=device.synchronise, event=device.event)


def work(clock: Clock, time: Time, *, hidden: float = 0.0) -> None:
    with clock.timing():
        for _ in range(10):
            with clock.stage("decode"):
                time.pass_by(0.002)
            with clock.stage("render"):
                time.pass_by(0.006)
            time.pass_by(hidden)


def test_stages_add_up_on_a_processor():
    time = Time()
    clock = Clock(now=time.now)
    work(clock, time)
    read = clock.read(10)
    assert [(s.name, round(s.host, 9), s.device) for s in read.stages] == [("decode", 2.0, None), ("render", 6.0, None)]
    assert read.wall == pytest.approx(8.0) and read.unaccounted == pytest.approx(0.0) and read.adds_up is True


@pytest.mark.parametrize(("hidden", "fine"), [(0.0004, True), (0.0005, False), (0.004, False)])
def test_what_is_in_no_stage_is_unaccounted_for(hidden: float, fine: bool):
    time = Time()
    clock = Clock(now=time.now)
    work(clock, time, hidden=hidden)
    read = clock.read(10)
    assert read.unaccounted == pytest.approx(1000 * hidden)
    assert read.adds_up is fine
    assert read.wall == pytest.approx(sum(s.host for s in read.stages) + read.unaccounted)


def test_serial_waits_for_the_device_after_its_stages():
    time, device, clock = on_device("serial")
    with clock.timing():
        for _ in range(1000):
            with clock.stage("features"):
                time.pass_by(0.001)
            with clock.stage("render"):
                device.ask(0.004)
    read = clock.read(1000)
    features, render = read.stages
    assert features.device is None and features.host == pytest.approx(1.0)
    assert render.host == pytest.approx(4.1) and render.device == pytest.approx(4.1, rel=0.03)
    assert read.adds_up is True and abs(read.apart) < 0.15
    assert device.made <= 512, "events that the device has passed are used again"


def test_clocks_that_do_not_agree_do_not_add_up():
    time, device, _ = on_device("serial")
    slow = Clock("cuda", now=time.now, synchronise=lambda: time.pass_by(0.01), event=device.event)
    with slow.timing(), slow.stage("render"):
        device.ask(0.001)
    read = slow.read(1)
    assert read.apart > 5.0 and read.adds_up is False


def test_free_waits_for_nothing_and_tells_device_times():
    _, device, clock = on_device("free")
    with clock.timing():
        for _ in range(100):
            with clock.stage("render"):
                device.ask(0.004)
        syncs = device.syncs
    assert syncs == 1, "one before the block, none within"
    read = clock.read(100)
    (render,) = read.stages
    assert render.host == pytest.approx(0.1) and render.device == pytest.approx(4.0, rel=0.05)
    assert read.adds_up is None


def test_other_threads_stages_are_kept_apart():
    time = Time()
    clock = Clock(now=time.now)

    def encode() -> None:
        for _ in range(3):
            with clock.stage("encode"):
                time.pass_by(0.001)

    with clock.timing():
        with clock.stage("render"):
            time.pass_by(0.008)
        with clock.stage("copy"):
            other = threading.Thread(target=encode)
            other.start()
            other.join()
    read = clock.read(1)
    assert [s.name for s in read.stages] == ["render", "copy"]
    assert [(s.name, round(s.host, 9)) for s in read.aside] == [("encode", 3.0)]
    assert read.unaccounted == pytest.approx(0.0)


def test_what_is_done_between_timed_blocks_counts_nowhere():
    time = Time()
    clock = Clock(now=time.now)
    work(clock, time)
    with clock.stage("encode"):
        time.pass_by(5.0)
    work(clock, time)
    read = clock.read(20)
    assert read.wall == pytest.approx(8.0) and [s.name for s in read.stages] == ["decode", "render"]


def test_a_stage_that_fails_is_timed_and_left():
    time = Time()
    clock = Clock(now=time.now)
    with clock.timing():
        with pytest.raises(KeyboardInterrupt), clock.stage("render"):
            time.pass_by(0.5)
            raise KeyboardInterrupt
        with clock.stage("encode"):
            time.pass_by(0.5)
    assert clock.read(1).adds_up is True


def test_misuse_is_refused():
    clock = Clock(now=Time().now)
    with pytest.raises(ValueError, match="expected a stage of decode"):
        clock.stage("warp")
    with pytest.raises(ValueError, match="mode"):
        Clock(mode="fast")
    with pytest.raises(ValueError, match="timed"):
        clock.read(1)
    with clock.timing(), pytest.raises(RuntimeError, match="nest"), clock.stage("motion"), clock.stage("render"):
        pass
    with clock.timing(), pytest.raises(RuntimeError, match="one block"), clock.timing():
        pass
