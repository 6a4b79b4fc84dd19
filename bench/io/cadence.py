"""Which source frame is shown when: the one rule by which every frame rate becomes 25 frames a second.

Source frame i is shown from its timestamp t_i until t_(i+1), the last one for its own duration; all times count
from the first frame's timestamp. Output frame k stands for the time from k/25 to (k+1)/25 s and shows the source
frame that is on screen in the middle of it, at (k + 1/2)/25 s. Where a change of frame falls exactly on the middle, the
earlier frame is kept; the end of the last frame counts as such a change, so the clip has round(25 * duration)
frames, and at least one. Nothing is blended.

Why the middle: it is the nearest choice in time (the error is at most half an output frame), and it leaves half an
output frame of room on both sides of a 25 fps timestamp, so 25 to 25 fps is the identity although containers round
timestamps (Matroska to 1 ms). It is also what FFmpeg's `fps=25` filter does by default, with which most data sets
of the field were made; a test compares the two.

Arithmetic is exact (fractions). Timestamps are rounded to the stream's time base, so a change up to half a tick before
the middle, or at most an eighth of a frame, counts as falling on it: a middle that the time base cannot express is then
met by the change that was meant for it, and the choice follows the rate and not the rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Shot(Generic[T]):
    """One source frame: what it is, when it begins in seconds, and how long it lasts by its own word, or None."""

    item: T
    start: Fraction
    duration: Fraction | None = None


def show(shots: Iterable[Shot[T]], *, fps: Fraction, tick: Fraction) -> Iterator[T]:
    """The items in output order, repeated or left out by the rule above; memory: one shot.

    shots: in order of start. tick: the time base in seconds, the unit to which starts were rounded.
    """
    held: Shot[T] | None = None
    origin = interval = Fraction(0)
    count = 0
    for shot in shots:
        if held is None:
            origin = shot.start
        else:
            interval = shot.start - held.start
            for _ in range(_due(shot.start - origin, interval, fps, tick) - count):
                yield held.item
                count += 1
        held = shot
    if held is None:
        return
    interval = held.duration or interval
    total = _due(held.start + interval - origin, interval, fps, tick)
    for _ in range(max(total, 1) - count):
        yield held.item
        count += 1


def _due(time: Fraction, interval: Fraction, fps: Fraction, tick: Fraction) -> int:
    """How many output frames have their middle at or before `time`, a change of frame after `interval` seconds."""
    slack = min(tick / 2, interval / 8, 1 / fps / 8)
    # The middle of frame k is (k + 1/2)/fps: the count of k >= 0 with (k + 1/2)/fps <= time + slack.
    return max(0, ((time + slack) * fps + Fraction(1, 2)).__floor__())
