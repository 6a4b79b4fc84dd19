"""How long is timed: full may be longer, never shorter."""

from __future__ import annotations

import pytest

from bench.errors import ConfigError
from bench.perf.plan import Plan, plan


def test_modes_have_their_times():
    assert plan("quick") == Plan("quick", 10.0, 1)
    assert plan("full") == Plan("full", 60.0, 1024)
    assert plan("full", seconds=600, frames=4096) == Plan("full", 600.0, 4096)
    assert plan("quick", seconds=0.5, frames=3) == Plan("quick", 0.5, 3)


@pytest.mark.parametrize(
    ("mode", "given", "message"),
    [
        ("full", {"seconds": 59.9}, "mode full: expected at least 60 s and 1,024 frames, got 59.9 s and 1,024 frames"),
        ("full", {"frames": 1000}, "got 60 s and 1,000 frames"),
        ("full", {"seconds": float("nan")}, "got nan s"),
        ("quick", {"seconds": -1}, "expected at least 0 s and 1 frame"),
        ("quick", {"frames": 0}, "and 0 frames"),
        ("fast", {}, "mode: expected full or quick, got 'fast'"),
    ],
)
def test_what_is_too_short_is_refused(mode: str, given: dict[str, float], message: str):
    with pytest.raises(ConfigError, match=message):
        plan(mode, **given)


def test_both_must_be_over():
    one = plan("full")
    assert one.over(60.0, 1024) and not one.over(1000.0, 1023) and not one.over(59.9, 10_000)
