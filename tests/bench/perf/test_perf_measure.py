"""What was ordered becomes rows: each once, in its place, with a reason where there is no speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pretence import Subject as Pretended
from pretence import Time, conditions

from bench.errors import ConfigError
from bench.perf import measure as room
from bench.perf import timing
from bench.perf.measure import Order, choose, measure
from bench.perf.plan import plan
from bench.perf.subject import Lacking, Request
from bench.records import Setting
from bench.runner.expand import load
from bench.runner.methods import Method
from bench.store.speeds import final, read
from protocols.schema import Protocol


def moving(request: Request, number: int) -> np.ndarray:
    """A picture in which something moves."""
    rows, columns = np.mgrid[:96, :96]
    detail = 40 * np.cos(0.5 * columns + request.number) * np.cos(0.4 * rows)
    wave = 110 + detail + 60 * np.sin(0.02 * rows + 0.5 * number)
    return np.repeat(wave[..., None], 3, -1).astype(np.uint8)


class Painter(Pretended):
    """Paints moving pictures as its plain loop does, or `wrong` by so many levels."""

    wrong = 0

    def __init__(self, time: Time, clips: Sequence[Request]) -> None:
        super().__init__(time, clips=clips)

    def stream(self, request: Request, *, watch: Any = None) -> Any:
        told = {} if watch is None else {"watch": watch}
        for number, _ in enumerate(super().stream(request, **told)):
            yield moving(request, number) + np.uint8(self.wrong)

    def plain(self, request: Request, frames: Sequence[int]) -> np.ndarray:
        return np.stack([moving(request, number) for number in frames])


def order(**changes: Any) -> Order:
    sets = [
        "axes.drivers_per_speaker=2", 'axes.references=["test-003", "test-020"]', 'methods=["avct"]',
        'timing.scenarios=["single-stream", "offline"]',
    ]  # fmt: skip
    chosen = ("cpu-float32-batch8", "cpu-float32-batch8-c", "cpu-float32-batch8-d")  # a name, and beginnings of others
    return Order(load("throughput", overrides=sets), chosen, "quick", threads=1, **changes)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Subjects that cost virtual time; which were opened."""
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path / "cache"))
    names: list[str] = []

    def timed(task: Any, subject: Any, compiled: float, *, advance: Any) -> Any:
        under = replace(conditions(subject.time), plan=plan("quick", seconds=3.0))
        return timing.time_task(task, subject, compiled, advance=advance, conditions=under)

    monkeypatch.setattr(room, "time_task", timed)
    return names


def opener(names: list[str], *, wrong: int = 0) -> Any:
    def open_subject(method: Method, setting: Setting, requests: Sequence[Request], threads: int) -> Painter:
        names.append(f"{method.name}/{setting.name}")
        assert threads == 1 and all(request.portrait.is_file() for request in requests)
        made = Painter(Time(), requests)
        made.wrong = wrong
        return made

    return open_subject


def test_rows_are_made_once_and_a_second_run_takes_them_up(opened: list[str], tmp_path: Path) -> None:
    done = measure(order(), tmp_path / "out", open_subject=opener(opened))
    names = ["avct/cpu-float32-batch8", "avct/cpu-float32-batch8-compile-default", "avct/cpu-float32-batch8-devices2"]
    assert opened == names  # one subject for both scenarios
    ids = [row.id for row in done.speeds]
    assert ids == [f"{names[0]}/single-stream/quick", *(f"{name}/offline/quick" for name in names)]
    assert (done.timed, done.reused, done.failed, done.exit_code) == (4, 0, 0, 0)
    row, gate = done.speeds[0], done.fidelities[0]
    assert row.status == "ok" and row.gate == gate.id and gate.passed and gate.exact and gate.frames >= 25
    assert row.figures["p50"].value == pytest.approx(10.0) and row.headline == "p90"
    assert sum(stage.host for stage in row.stages) + row.unaccounted == pytest.approx(row.wall)
    assert not final(done.speeds)  # quick rows are in no table
    again = measure(order(), tmp_path / "out", open_subject=opener(opened))
    assert (again.timed, again.reused, len(opened)) == (0, 4, 3) and again.speeds == done.speeds
    anew = measure(order(again=True), tmp_path / "out", open_subject=opener(opened))
    assert (anew.timed, len(opened)) == (4, 6)
    assert len(read(tmp_path / "out")[0]) == 4


def test_a_fast_path_that_paints_something_else_has_no_speed(opened: list[str], tmp_path: Path) -> None:
    done = measure(order(), tmp_path, open_subject=opener(opened, wrong=9))
    assert {row.status for row in done.speeds} == {"unverified"} and done.exit_code == 1
    assert all("PSNR" in row.reason for row in done.speeds)


def test_what_cannot_be_timed_is_a_row_and_the_rest_is_timed(opened: list[str], tmp_path: Path) -> None:
    def open_subject(method: Method, setting: Setting, requests: Sequence[Request], threads: int) -> Painter:
        if setting.compile != "none":
            raise Lacking("no compiler is here")
        return opener(opened)(method, setting, requests, threads)

    done = measure(order(), tmp_path, open_subject=open_subject)
    assert [row.status for row in done.speeds] == ["ok", "ok", "failed", "ok"]
    assert done.speeds[2].reason == "no compiler is here" and done.exit_code == 1 and not done.speeds[2].figures
    again = measure(order(), tmp_path, open_subject=opener(opened))
    assert (again.timed, again.reused, again.exit_code) == (1, 3, 0)  # what failed is tried again


def test_an_interrupt_keeps_the_rows_before_it(opened: list[str], tmp_path: Path) -> None:
    def open_subject(method: Method, setting: Setting, requests: Sequence[Request], threads: int) -> Painter:
        if setting.devices > 1:
            raise KeyboardInterrupt
        return opener(opened)(method, setting, requests, threads)

    with pytest.raises(KeyboardInterrupt):
        measure(order(), tmp_path, open_subject=open_subject)
    assert len(read(tmp_path)[0]) == 3
    assert measure(order(), tmp_path, open_subject=opener(opened)).timed == 1


def test_a_method_without_weights_says_so(opened: list[str], tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "mine" / "protocols" / "methods"
    folder.mkdir(parents=True)
    (folder / "lost.toml").write_text('kind = "builtin"\nbuiltin = "avct"\nweights = "nowhere.safetensors"\n')
    monkeypatch.setenv("AVCT_BENCH_PATH", str(tmp_path / "mine"))
    held = order().protocol.model_dump()
    lost = Protocol.model_validate({**held, "methods": ["lost"]})
    done = measure(replace(order(), protocol=lost), tmp_path / "out", open_subject=opener(opened))
    assert {row.status for row in done.speeds} == {"failed"} and "nowhere.safetensors" in done.speeds[0].reason


def test_settings_are_chosen_by_name_or_beginning() -> None:
    known = [Setting("cpu-a"), Setting("cpu-a-b"), Setting("cuda")]
    assert [s.name for s in choose(known, ["cpu-a"])] == ["cpu-a"]
    assert [s.name for s in choose(known, ["cpu"])] == ["cpu-a", "cpu-a-b"]
    assert [s.name for s in choose(known, [])] == ["cpu-a", "cpu-a-b", "cuda"]
    with pytest.raises(ConfigError, match="Did you mean cuda"):
        choose(known, ["cudo"])
