"""Settings as tables of lists: what they expand to, how they are named, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from protocols.schema import Protocol, SettingSpec

PLAIN = {"id": "p@1", "dataset": "puppets", "metrics": ["psnr/x@1"], "methods": ["still"]}


def read(**keys: Any) -> Protocol:
    return Protocol.model_validate({**PLAIN, **keys})


def test_several_sweeps_are_joined_and_what_they_share_is_there_once() -> None:
    sweeps = [
        {"device": "cpu", "precision": ["float32", "bfloat16"], "batch": [1, 8]},
        {"device": "cpu", "precision": "float32", "batch": 8},
        {"name": "mine", "batch": 3},
        {"device": "cuda", "batch": 4, "graphs": [False, True], "channels_last": True, "compile": "none"},
    ]
    names = [s.name for s in read(settings=sweeps).settings]
    assert names == [
        "cpu-float32-batch1", "cpu-float32-batch8", "cpu-bfloat16-batch1", "cpu-bfloat16-batch8", "mine",
        "cuda-batch4-channels-last", "cuda-batch4-graphs-channels-last",
    ]  # fmt: skip


def test_one_table_is_named_by_what_changes_in_it() -> None:
    swept = read(settings={"device": "cpu", "compile": ["none", "default"], "devices": [1, 2]}).settings
    assert [s.name for s in swept] == ["devices1", "devices2", "compile-default-devices1", "compile-default-devices2"]
    assert [s.devices for s in swept] == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"graphs": True}, "graphs are CUDA graphs"),
        ({"device": "cuda", "graphs": True, "compile": "max-autotune"}, "makes graphs of its own"),
        ({"device": "cuda:1", "devices": 2}, "several devices"),
        ({"devices": 0}, "greater than or equal to 1"),
        ({"batch": []}, "expected at least one value"),
    ],
)
def test_an_impossible_setting_is_refused(setting: dict[str, Any], words: str) -> None:
    with pytest.raises((ValidationError, ValueError), match=words):
        read(settings=[setting])


def test_a_setting_that_asks_for_nothing_new_keeps_its_keys() -> None:
    from bench.adapters.base import setting_fingerprint
    from bench.records import Setting

    old = setting_fingerprint(Setting("s", batch=4), sensitive=True)
    assert old == {"setting": {"device": "cpu", "precision": "float32", "batch": 4, "compile": "none"}}
    new = setting_fingerprint(Setting("s", "cuda", batch=4, graphs=True, devices=2), sensitive=True)
    assert new["setting"]["graphs"] is True and "devices" not in new["setting"]
    assert set(SettingSpec.model_fields) == set(Setting.__dataclass_fields__)


def test_timing_refuses_settings_that_are_not_there_and_runs_too_short_to_count() -> None:
    assert read(timing={"detailed": ["float32"]}).timing is not None
    with pytest.raises(ValidationError, match="no setting 'fast'"):
        read(timing={"detailed": ["fast"]})
    with pytest.raises(ValidationError, match="greater than or equal to 60"):
        read(timing={"seconds": 10})
    with pytest.raises(ValidationError, match="listed twice"):
        read(timing={"scenarios": ["offline", "offline"]})
