"""What a check finds. A leaf of this room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

STATES = ("ok", "missing", "broken")
"""Works; is not here, so something is left out; is here or was set up and does not work, so it is to be mended."""


@dataclass(frozen=True)
class Finding:
    """One thing examined. group and what: its name, together unique. state: of STATES. found: what there is.

    advice: what to do, empty where the state is "ok"; `command` is the line to type for it, where there is one.
    """

    group: str
    what: str
    state: str
    found: str
    advice: str = ""
    command: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON-ready data."""
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """One thing to examine. look: a function of a module's top level, or a partial of one, so that it can be pickled.

    seconds: after which it counts as hanging.
    """

    what: str
    look: Callable[[], Finding | Sequence[Finding]]
    seconds: float = 60.0


def perform(group: str, check: Check) -> list[Finding]:
    """What a check finds; whatever it raises is a finding as well, because a broken installation must be told."""
    try:
        found = check.look()
    except Exception as error:
        said = " ".join(str(error).split()) or "no reason given"
        return [broken(group, check.what, f"{type(error).__name__}: {said}")]
    return [found] if isinstance(found, Finding) else list(found)


def broken(group: str, what: str, found: str) -> Finding:
    """The finding for a check that did not come to its end."""
    return Finding(group, what, "broken", found, "install the package again; if that does not help, this is a bug")
