"""`doctor`: a real look at this machine, and how findings of any kind are told."""

from __future__ import annotations

import json

import pytest
from commands import bench

from bench.inventory.finding import STATES, Finding

MADE = [
    Finding("machine", "python", "ok", "3.12.1 [odd]"),
    Finding("torch", "gpu", "missing", "none", "everything runs on the processor, slower"),
    Finding("weights", "one", "ok", "intact"),
    Finding("weights", "two", "missing", "not here, 3.0 MB", "licence: any", "run_bench.py weights fetch two"),
    Finding("weights", "three", "missing", "not here, 4.0 MB", "licence: any", "run_bench.py weights fetch three"),
    Finding("weights", "four", "missing", "not here", "ask its authors", "run_bench.py weights add four FILE"),
    Finding("extras", "ray", "ok", "here"),
]
DAMAGED = Finding("weights", "five", "broken", "damaged: x.pth", "remove that file", "run_bench.py weights fetch five")


def show(monkeypatch: pytest.MonkeyPatch, found: list[Finding], *options: str) -> tuple[int, str]:
    monkeypatch.setattr("bench.inventory.examine.examine", lambda out: found)
    told = bench("doctor", *options)
    assert not told.err
    return told.code, told.out


def test_a_real_look(tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    told = bench("doctor", "--json", "--out", tmp_path / "file" / "run", AVCT_BENCH_CACHE=str(tmp_path / "cache"))
    found = json.loads(told.out)
    assert all(set(entry) == {"group", "what", "state", "found", "advice", "command"} for entry in found)
    held = {(entry["group"], entry["what"]): entry for entry in found}
    assert len(held) == len(found) and {entry["state"] for entry in found} <= set(STATES)
    assert {group for group, _ in held} == {"machine", "torch", "media", "weights", "datasets", "methods", "extras"}
    for key in (("torch", "torch"), ("torch", "torchvision"), ("media", "lossless video"), ("media", "browser video")):
        assert held[key]["state"] == "ok", held[key]
    assert held["weights", "puppet256"]["state"] == held["datasets", "puppets"]["state"] == "ok"
    assert all(entry["found"] and (entry["state"] == "ok") == (entry["advice"] == "") for entry in found)
    # a folder below a file cannot be written, which makes the end of this look 1
    assert told.code == 1 and held["machine", "output"]["state"] == "broken"


def test_what_is_missing_is_folded_and_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = show(monkeypatch, MADE)
    assert code == 0 and "3.12.1 [odd]" in said and "→ everything runs on the processor, slower" in said
    assert "3 of 4" in said and "two, three, four" in said
    assert "→ run_bench.py weights fetch two three\n" in "\n".join(line.rstrip() for line in said.splitlines()) + "\n"
    assert "3 work, 4 not here, 0 broken; --all" in said


def test_all_tells_of_each_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = show(monkeypatch, MADE, "--all")
    assert code == 0 and "→ ask its authors: run_bench.py weights add four FILE" in said and "4 of 5" not in said


def test_what_is_broken_is_told_by_name_and_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = show(monkeypatch, [*MADE, DAMAGED])
    assert code == 1 and "five" in said and "→ remove that file: run_bench.py weights fetch five" in said
    assert "1 broken" in said
    assert json.loads(show(monkeypatch, [DAMAGED], "--json")[1]) == [DAMAGED.as_dict()]
