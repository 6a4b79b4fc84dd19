"""How long is timed: 10 s to look, 60 s and 1,024 frames to publish."""

from __future__ import annotations

from dataclasses import dataclass

from bench.errors import ConfigError
from bench.store.speeds import MODES

QUICK_SECONDS = 10.0
FULL_SECONDS, FULL_FRAMES = 60.0, 1024


@dataclass(frozen=True)
class Plan:
    """At least so many seconds and so many frames are timed; warming up takes at most `seconds` too."""

    mode: str
    seconds: float
    frames: int

    def over(self, seconds: float, frames: int) -> bool:
        """Whether so much is enough."""
        return seconds >= self.seconds and frames >= self.frames


def plan(mode: str, *, seconds: float | None = None, frames: int | None = None) -> Plan:
    """The plan of a mode, "quick" or "full". A full one may be made longer, never shorter: ConfigError."""
    if mode not in MODES:
        raise ConfigError(f"mode: expected {' or '.join(MODES)}, got {mode!r}")
    full = mode == "full"
    least_seconds, least_frames = (FULL_SECONDS, FULL_FRAMES) if full else (0.0, 1)
    chosen = Plan(
        mode,
        (FULL_SECONDS if full else QUICK_SECONDS) if seconds is None else float(seconds),
        least_frames if frames is None else int(frames),
    )
    if not (chosen.seconds >= least_seconds and chosen.frames >= least_frames):
        needed = f"{least_seconds:g} s and {least_frames:,} frames" if full else "0 s and 1 frame"
        raise ConfigError(
            f"mode {mode}: expected at least {needed}, got {chosen.seconds:g} s and {chosen.frames:,} frames"
        )
    return chosen
