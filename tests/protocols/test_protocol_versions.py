"""A shipped protocol cannot come to mean something else under the same version: `protocols/versions.json` remembers.

After a change that is meant, give the protocol a new version and write the file anew:
`python tests/protocols/test_protocol_versions.py`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from protocols import catalogue
from protocols.schema import Axes, Failure, Protocol, SettingSpec, Statistics, Timing

MODELS = (Protocol, Axes, SettingSpec, Statistics, Failure, Timing)


def defaults() -> dict[str, Any]:
    """Every default of the schema: it is part of the meaning of every protocol that leaves the key out."""
    found = {}
    for model in MODELS:
        for name, field in model.model_fields.items():
            if not field.is_required():
                value = field.get_default(call_default_factory=True)
                if isinstance(value, list):
                    value = [v.model_dump(mode="json") if hasattr(v, "model_dump") else v for v in value]
                found[f"{model.__name__}.{name}"] = (
                    value.model_dump(mode="json") if hasattr(value, "model_dump") else value
                )
    return found


def versions() -> dict[str, dict[str, str]]:
    found = {}
    for name in catalogue.listing("protocols"):
        protocol = catalogue.load(name)
        dataset = catalogue.load_dataset(protocol.dataset).hash()
        found[protocol.id] = {"hash": protocol.hash(), "dataset": dataset}
    return found


def test_no_shipped_version_has_changed_its_meaning() -> None:
    known = catalogue.recorded_versions()["protocols"]
    for name, found in versions().items():
        assert name in known, f"{name} is new: write versions.json anew (see this file's head)"
        assert known[name] == found, f"{name} means something else than it did: give it a new version"


def test_no_default_has_changed() -> None:
    """A key that is new may come with a default; one that was there keeps its own."""
    known, found = catalogue.recorded_versions()["defaults"], json.loads(json.dumps(defaults()))
    assert {name: found.get(name) for name in known} == known


@pytest.mark.parametrize(
    ("override", "state"),
    [
        ("title=Another", "as shipped"),
        ("statistics.level=0.95", "as shipped"),
        ("size=128", "changed"),
        ("axes.seeds=[1]", "changed"),
        ("statistics.cluster=clip", "changed"),
        ("id=puppet-oneshot@2", "own"),
    ],
)
def test_an_override_shows_in_the_standing(override: str, state: str) -> None:
    assert catalogue.standing(catalogue.load("puppet-oneshot", overrides=[override])) == state


def test_a_hash_sees_every_key_but_the_title() -> None:
    changes: dict[str, Any] = {
        "id": "x@1", "dataset": "d", "revision": "2", "split": "s", "window": [0, 1], "clips_sha256": "0" * 64,
        "reference_frame": 3, "crop": "face", "size": 64, "pose": "audio", "metrics": ["a/b@1"], "methods": ["m"],
        "axes": {"seeds": [4]}, "settings": [{"name": "q"}], "statistics": {"seed": 1}, "failure": {"retries": 3},
        "published": ["p"], "baseline": "m", "timing": {"seed": 1},
    }  # fmt: skip
    plain = {"id": "p@1", "dataset": "puppets", "metrics": ["psnr/x@1"], "methods": ["still"]}
    first = Protocol.model_validate(plain).hash()
    fixed = {"title", "fps", "rate"}  # prose, and what has one value only
    assert set(changes) | fixed == set(Protocol.model_fields)
    seen = {Protocol.model_validate({**plain, key: value}).hash() for key, value in changes.items()}
    assert len(seen | {first}) == len(changes) + 1
    assert Protocol.model_validate({**plain, "title": "T"}).hash() == first


if __name__ == "__main__":
    path = Path(catalogue.__file__).parent / "versions.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"protocols": {}}
    now = {"defaults": defaults(), "protocols": dict(sorted((before["protocols"] | versions()).items()))}
    path.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    sys.exit(0)
