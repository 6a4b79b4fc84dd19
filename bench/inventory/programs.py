"""Every method that a protocol can name: generators of others need their programs, ours their checkpoints."""

from __future__ import annotations

import os
from pathlib import Path

from bench.inventory.finding import Finding
from protocols.errors import ProtocolError
from protocols.method import BuiltinMethod, CommandMethod

GROUP = "methods"


def look_at_methods() -> list[Finding]:
    """A finding for each method file: "ok" where it can be started as far as a look can tell."""
    from protocols.catalogue import listing, load_method

    found = []
    for name in listing("methods"):
        try:
            spec = load_method(name)
        except ProtocolError as error:
            found.append(Finding(GROUP, name, "broken", str(error), "mend that file"))
            continue
        found.append(_builtin(spec) if isinstance(spec, BuiltinMethod) else _program(spec))
    return found


def _builtin(spec: BuiltinMethod) -> Finding:
    path = Path(spec.here, spec.weights) if spec.weights else None
    if path is None or path.is_file():
        return Finding(GROUP, spec.name, "ok", "built in")
    advice = "trained by you, or by somebody else"
    command = f"run_bench.py train --recipe {path.stem}"
    return Finding(GROUP, spec.name, "missing", f"its checkpoint {path.name} is not trained here", advice, command)


def _program(spec: CommandMethod) -> Finding:
    unset = [name for name in spec.homes if not os.environ.get(name)]
    if unset:
        advice = "; ".join(f"set {name} to {spec.homes[name]}" for name in unset)
        return Finding(GROUP, spec.name, "missing", f"{', '.join(unset)} is not set", advice)
    for name in spec.homes:
        if not Path(os.environ[name]).expanduser().is_dir():
            told = f"{name}={os.environ[name]} is no folder"
            return Finding(GROUP, spec.name, "broken", told, f"set it to {spec.homes[name]}")
    if lacking := _lacking(spec):
        homes = "; ".join(f"{name} is to be {what}" for name, what in spec.homes.items())
        return Finding(GROUP, spec.name, "broken", ", ".join(lacking), homes or "mend its method file")
    return Finding(GROUP, spec.name, "ok", "its program and weights are there; whether it runs, a run will tell")


def _lacking(spec: CommandMethod) -> list[str]:
    """What the method file names and this machine does not have; a remote program is not looked for."""
    from bench.adapters.environment import check
    from bench.adapters.template import rooted
    from bench.errors import MissingError

    if spec.environment.remote:
        return []
    lacking = []
    for environment in [spec.environment, *(stage.environment for stage in spec.before if stage.environment)]:
        try:
            check(environment, expand=lambda text: rooted(text, spec))
        except MissingError as error:
            lacking.append(str(error))
    for weight in spec.weights:
        path = Path(rooted(weight.path, spec))
        if not path.exists():
            lacking.append(f"weights {path} are not there")
    for pattern in spec.code:
        place = rooted(pattern, spec)
        fixed = place.split("*", 1)[0].rpartition("/")[0] if "*" in place else place
        if not Path(fixed).exists():
            lacking.append(f"code {place} is not there")
    return lacking
