"""Looks at everything, what is slow side by side."""

from __future__ import annotations

from pathlib import Path

from bench.inventory import data, extras, machine, media, programs, torch_build, weights
from bench.inventory.apart import Apart
from bench.inventory.finding import Check, Finding, perform


def examine(out: Path) -> list[Finding]:
    """Everything that matters to a user on this machine, group by group. out: the folder that runs would go to."""
    computing = Apart(torch_build.GROUP, torch_build.checks())
    seen = Apart(media.GROUP, media.checks())
    known, others = data.checks()
    stored = Apart(data.GROUP, others) if others else None
    found = [finding for check in machine.checks(out) for finding in perform(machine.GROUP, check)]
    listed = {
        group: perform(group, Check(group, look))
        for group, look in (
            (weights.GROUP, weights.look_at_weights),
            (programs.GROUP, programs.look_at_methods),
            (extras.GROUP, extras.look_at_extras),
        )
    }
    found += computing.collect() + seen.collect() + listed[weights.GROUP] + known
    return found + (stored.collect() if stored else []) + listed[programs.GROUP] + listed[extras.GROUP]
