"""Checks in a process of their own: what crashes, hangs or raises is one finding, and those after it go on."""

from __future__ import annotations

import os
import signal
import time
from functools import partial

from bench.inventory.apart import Apart
from bench.inventory.finding import Check, Finding


def fine(what: str) -> Finding:
    return Finding("toy", what, "ok", str(os.getpid()))


def crash() -> Finding:
    os.kill(os.getpid(), signal.SIGILL)  # what a library built for another processor does
    raise AssertionError


def leave() -> Finding:
    os._exit(7)


def hang() -> Finding:
    time.sleep(60)
    raise AssertionError


def refuse() -> Finding:
    raise ImportError("one\ntwo")


def several() -> list[Finding]:
    return [fine("card 0"), fine("card 1")]


def test_a_crash_an_exit_a_hang_and_an_error_cost_themselves_alone() -> None:
    checks = [
        Check("first", partial(fine, "first")),
        Check("crash", crash),
        Check("leave", leave),
        Check("hang", hang, seconds=0.3),
        Check("refuse", refuse),
        Check("several", several),
    ]
    found = Apart("toy", checks).collect()
    assert [(f.what, f.state) for f in found] == [
        ("first", "ok"), ("crash", "broken"), ("leave", "broken"), ("hang", "broken"), ("refuse", "broken"),
        ("card 0", "ok"), ("card 1", "ok"),
    ]  # fmt: skip
    said = {f.what: f.found for f in found}
    assert said["crash"] == "it ended its process: SIGILL" and said["leave"] == "it ended its process: exit code 7"
    assert said["hang"] == "no answer within 0.3 s" and said["refuse"] == "ImportError: one two"
    assert all(f.group == "toy" and f.advice for f in found if f.state == "broken")
    assert str(os.getpid()) not in (said["first"], said["card 0"])
