"""Every weight file with its state, and what to do about those that are missing or damaged."""

from __future__ import annotations

import json
import re
from typing import Any

from bench.inventory.finding import Finding

BAD_STATES = ("missing", "damaged", "unverified")
"""States of weights that no number can rest on."""
GROUP = "weights"
_WAY = re.compile(r"((?P<words>.*?)[:,] (then |or )?)?(?P<command>(run_bench\.py|pip) .*)")
"""How `way` ends: words, and the line to type."""


def weight_states(*, verify: bool = False) -> list[dict[str, Any]]:
    """Every weight file: name, state, bytes, licence, origin, needed_by, path, way (to get it).

    state: "missing", "here", "unverified" (no sha256 of it is known); verify reads the files: "intact", "pinned",
    "damaged" in place of "here".
    """
    from metrics.weights import entries, expected, find
    from metrics.weights import verify as check

    out = [_generator(verify=verify)]
    for entry in entries():
        path = find(entry.name)
        state = "missing" if path is None else "here" if expected(entry.name) else "unverified"
        if verify and state == "here":
            state = check(entry.name)
        out.append(
            {
                "name": entry.name,
                "state": state,
                "bytes": entry.bytes or (path.stat().st_size if path else 0),
                "licence": entry.licence,
                "origin": entry.origin,
                "needed_by": list(entry.needed_by),
                "path": None if path is None else str(path),
                "way": entry.way,
            }
        )
    return out


def _generator(*, verify: bool) -> dict[str, Any]:
    from avct.weights_path import SHIPPED
    from bench.io.digest import sha256_file

    here = SHIPPED.is_file() and SHIPPED.with_suffix(".json").is_file()
    state = "here" if here else "missing"
    if here and verify:
        stated = json.loads(SHIPPED.with_suffix(".json").read_text()).get("sha256")
        state = "intact" if sha256_file(SHIPPED) == stated else "damaged"
    return {
        "name": SHIPPED.stem,
        "state": state,
        "bytes": SHIPPED.stat().st_size if here else 0,
        "licence": "Apache-2.0",
        "origin": "trained on the embedded corpus: run_bench.py train",
        "needed_by": ["avct", "wrong-speech", "silence", "loudness", "generate"],
        "path": str(SHIPPED) if here else None,
        "way": "it ships with the package: install avct-bench again, or run_bench.py train",
    }


def look_at_weights() -> list[Finding]:
    """A finding for each weight file, its content compared: "missing" where it is not here, "broken" where damaged."""
    return [_tell(state) for state in weight_states(verify=True)]


def _tell(held: dict[str, Any]) -> Finding:
    name, state = held["name"], held["state"]
    size = f"{held['bytes'] / 1e6:.1f} MB" if held["bytes"] else "size unknown"
    users = ", ".join(held["needed_by"])
    if state not in BAD_STATES:
        return Finding(GROUP, name, "ok", f"{state}, {size}, for {users}")
    told = _WAY.fullmatch(held["way"])
    advice, command = (told["words"] or f"licence: {held['licence']}", told["command"]) if told else (held["way"], "")
    if state == "damaged":
        return Finding(GROUP, name, "broken", f"damaged: {held['path']}", f"remove that file; {advice}", command)
    if state == "unverified":
        found = f"{held['path']}: nobody published its sha256"
        return Finding(
            GROUP, name, "missing", found, "if you trust it", f"run_bench.py weights add {name} {held['path']}"
        )
    return Finding(GROUP, name, "missing", f"not here, {size}, for {users}", advice, command)
