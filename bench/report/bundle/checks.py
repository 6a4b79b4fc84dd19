"""What a verification says: one line for each check, ok, failed or not checked, and why.

A bundle by somebody else may hold anything, so whatever a check stumbles over is its finding and never a traceback.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

OK, FAILED, UNCHECKED = "ok", "failed", "not checked"


class Flaw(Exception):
    """A check found that the bundle is not what it says; its text is the line to show."""


class Unchecked(Exception):
    """A check cannot be made here; its text says why."""


@dataclass(frozen=True)
class Check:
    """One check. state: OK, FAILED or UNCHECKED. says: what was found, in one line."""

    name: str
    state: str
    says: str


@dataclass(frozen=True)
class Verdict:
    """All checks of a bundle in their order. sha256: of the archive's bytes, None for a folder."""

    path: str
    sha256: str | None
    run_id: str | None
    protocol: str | None
    checks: tuple[Check, ...]

    @property
    def good(self) -> bool:
        """Whether no check failed."""
        return all(check.state != FAILED for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """The verdict as JSON-ready data."""
        return {
            "path": self.path,
            "sha256": self.sha256,
            "run_id": self.run_id,
            "protocol": self.protocol,
            "good": self.good,
            "checks": [dict(check.__dict__) for check in self.checks],
        }


def check(name: str, look: Callable[[], str]) -> Check:
    """The check of that name. look: gives the line to show, or raises Flaw or Unchecked with it."""
    try:
        return Check(name, OK, one_line(look()))
    except Unchecked as reason:
        return Check(name, UNCHECKED, one_line(str(reason)))
    except Flaw as flaw:
        return Check(name, FAILED, one_line(str(flaw)))
    except Exception as error:  # the content is a stranger's: what it breaks is a finding
        return Check(name, FAILED, one_line(f"cannot be used ({type(error).__name__}: {error})"))


def one_line(text: str, *, room: int = 400) -> str:
    """The text on one line of at most `room` characters, control characters and terminal escapes taken out."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= room else f"{plain[: room - 1]}…"


def count(number: int, word: str) -> str:
    """A number with its noun: "1 file", "2 files"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
