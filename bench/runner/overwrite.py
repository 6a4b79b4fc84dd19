"""What is done again when a run folder holds rows already: one of four policies, resuming by keys the default."""

from __future__ import annotations

from enum import Enum

from bench.errors import ConfigError

POLICIES = {
    "only-missing": "what the keys do not find is made and measured; failed cells are tried again",
    "only-failed": "only cells whose last row is a failure; all others stay, changed keys or not",
    "never": "only cells without a row; finished and failed ones stay, changed keys or not",
    "always": "every cell is made and measured anew",
}
"""Policy -> the cells that run under it."""
DEFAULT = "only-missing"


class Choice(Enum):
    """What becomes of a cell: it runs (keys decide how much of it), its rows stay as they are, or it is left out."""

    RUN = "run"
    KEEP = "keep"
    LEAVE = "leave"


def check_policy(policy: str) -> str:
    """The policy itself. Raises ConfigError for one that there is not."""
    if policy not in POLICIES:
        raise ConfigError(f"overwrite: expected {', '.join(POLICIES)}, got {policy!r}")
    return policy


def choose(policy: str, *, known: bool, failed: bool) -> Choice:
    """What becomes of a cell. known: it has rows of this protocol; failed: the last of them say that it failed."""
    if policy == "never" and known:
        return Choice.KEEP
    if policy == "only-failed" and not failed:
        return Choice.KEEP if known else Choice.LEAVE
    return Choice.RUN


def remarks(*, stale: int, left: int) -> str:
    """What a policy left as it is, in words to follow a run's outcome; "" where nothing."""
    words = ""
    if stale:
        words += f"; {stale} cells stay as they are although their inputs, weights or code changed since"
    if left:
        words += f"; {left} cells without a row were left out"
    return words
