"""The training loop: cut, shared, averaged or rounded, it takes the steps that it should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from avct.errors import AvctError
from avct.training.loop import Loop, Schedule, finished, plain
from avct.training.pairs import Pair

ROOT = Path(__file__).parents[2]


def nothing(_row: dict) -> None:
    """A log that keeps nothing."""


def draw(rng: np.random.Generator) -> Tensor:
    """Eight rows of three numbers, whose sum is to be learnt."""
    return torch.from_numpy(rng.normal(0, 1, (8, 3)).astype(np.float32))


def toy(state: Path | None = None, steps: int = 30, *, loss=None, plan: Schedule | None = None, **options) -> Loop:
    """A loop over a small network with dropout (whose randomness must be resumed as well)."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.Dropout(0.3), nn.Linear(4, 1))
    options = {"every": 5, "save_every": 10, **options}
    loop = Loop(
        model, torch.optim.Adam(model.parameters()), plan or Schedule(steps, 1e-2), 5, nothing, state, **options
    )

    def terms(x: Tensor) -> dict[str, Tensor]:
        if loss is not None:
            loss(x)
        return {"total": (model(x) - x.sum(1, keepdim=True)).pow(2).mean()}

    loop.terms = terms  # type: ignore[attr-defined]
    return loop


def run(loop: Loop) -> Loop:
    loop.run(draw, loop.terms)  # type: ignore[attr-defined]
    return loop


def weights(loop: Loop) -> Tensor:
    return torch.cat([p.detach().flatten() for p in loop.model.parameters()])


class Cut(Exception):
    """The power going off."""


def cut_after(batches: int):
    left = [batches]

    def lose(_x: Tensor) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Cut

    return lose


@pytest.mark.parametrize("cut", [3, 17, 29])
@pytest.mark.parametrize("options", [{}, {"ema": 0.9}, {"precision": "bfloat16"}, {"accumulate": 3}])
def test_killed_training_ends_with_the_same_weights(tmp_path: Path, cut: int, options: dict) -> None:
    whole = run(toy(None, **options))
    state = tmp_path / "s.pt"
    with pytest.raises(Cut):
        run(toy(state, loss=cut_after(cut), **options))  # the last state is that of an earlier ten
    again = run(toy(state, **options))
    torch.testing.assert_close(weights(whole), weights(again), rtol=0, atol=0)
    assert [row["step"] for row in whole.history] == [5, 10, 15, 20, 25, 30]
    assert again.history == whole.history


def test_process_killed_at_a_random_moment_resumes_exactly(tmp_path: Path) -> None:
    """A real process, ended by SIGKILL in the middle of whatever it was doing."""
    code = textwrap.dedent(
        """
        import sys, time; sys.path[:0] = [{tests!r}, {root!r}]
        from pathlib import Path
        from test_avct_loop import run, toy
        run(toy(Path(sys.argv[1]), 4000, save_every=7, loss=lambda _x: time.sleep(0.001)))
        """
    ).format(tests=str(Path(__file__).parent), root=str(ROOT))
    state = tmp_path / "s.pt"
    with subprocess.Popen([sys.executable, "-c", code, str(state)], cwd=ROOT) as child:
        deadline = time.monotonic() + 240
        while not state.is_file() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3 * np.random.default_rng().random())
        child.send_signal(signal.SIGKILL)
    reached = torch.load(state, weights_only=True)["step"]
    steps = reached + 23
    plan = Schedule(4000, 1e-2)  # the same rates; only where it ends is nearer
    short = Schedule(steps, 1e-2, decay_from=1.0)
    assert all(plan.at(i) == short.at(i) for i in range(min(reached, 1600)))
    if reached < 1600:  # rates fall after that
        torch.testing.assert_close(
            weights(run(toy(state, plan=short))), weights(run(toy(None, plan=short))), rtol=0, atol=0
        )


def test_ctrl_c_finishes_the_step_and_saves(tmp_path: Path) -> None:
    state, calls = tmp_path / "s.pt", []

    def press(_x: Tensor) -> None:
        calls.append(1)
        if len(calls) == 13:
            os.kill(os.getpid(), signal.SIGINT)

    assert threading.current_thread() is threading.main_thread()
    with pytest.raises(KeyboardInterrupt):
        run(toy(state, loss=press))
    assert torch.load(state, weights_only=True)["step"] == 13
    torch.testing.assert_close(weights(run(toy(state))), weights(run(toy())), rtol=0, atol=0)


def test_two_processes_take_the_steps_of_one(tmp_path: Path) -> None:
    """`torchrun` with two CPU processes that share a step's batches: the losses and weights of one process."""
    code = textwrap.dedent(
        """
        import sys; sys.path[:0] = [{tests!r}, {root!r}]
        import torch; torch.set_num_threads(1)
        from pathlib import Path
        from test_avct_loop import run, toy
        from avct.training.workers import workers
        with workers("cpu"):
            run(toy(Path(sys.argv[1]), accumulate=4))
        """
    ).format(tests=str(Path(__file__).parent), root=str(ROOT))
    script = tmp_path / "train.py"
    script.write_text(code)
    state = tmp_path / "two.pt"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    ran = subprocess.run([*torchrun, str(script), str(state)], timeout=120, capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr[-3000:]
    shared = torch.load(state, weights_only=True)
    run(one := toy(tmp_path / "one.pt", accumulate=4))
    alone = torch.load(tmp_path / "one.pt", weights_only=True)
    for name, value in alone["model"].items():
        if (
            "running" not in name and "tracked" not in name
        ):  # statistics are the mean of the processes', not one after the other
            torch.testing.assert_close(shared["model"][name], value, rtol=1e-4, atol=1e-6)
    import json

    losses = [row["total"] for row in json.loads(shared["history"])]
    np.testing.assert_allclose(losses, [row["total"] for row in one.history], rtol=1e-4)


def test_accumulated_batches_are_one_larger_batch() -> None:
    """Two batches of 8 give the gradient of their 16 rows (without batch norm and dropout, which see batches)."""

    def train(accumulate: int) -> Tensor:
        torch.manual_seed(0)
        model = nn.Linear(3, 1)
        loop = Loop(model, torch.optim.SGD(model.parameters()), Schedule(4, 0.1, warmup=1), 5, nothing)
        loop.accumulate = accumulate

        def pair(rng: np.random.Generator) -> Tensor:
            if accumulate == 2:
                return draw(rng)
            step = pair.step = getattr(pair, "step", -1) + 1
            return torch.cat([draw(np.random.default_rng([5, step, k])) for k in range(2)])

        loop.run(pair, lambda x: {"total": (model(x) - x.sum(1, keepdim=True)).pow(2).mean()})
        return model.weight.detach()

    torch.testing.assert_close(train(2), train(1), rtol=1e-5, atol=1e-6)


def test_average_of_weights_is_what_remains(tmp_path: Path) -> None:
    plain_run, averaged = run(toy()), run(toy(tmp_path / "s.pt", ema=0.9))
    held = torch.load(tmp_path / "s.pt", weights_only=True)
    last = torch.cat([held["model"][k].flatten() for k, _ in averaged.model.named_parameters()])
    torch.testing.assert_close(last, weights(plain_run), rtol=0, atol=0)  # averaging does not disturb the training
    assert not torch.equal(weights(averaged), last)
    kept = finished(tmp_path / "s.pt", 30)
    assert kept is not None and finished(tmp_path / "s.pt", 31) is None
    torch.testing.assert_close(kept["0.weight"], averaged.model[0].weight.detach(), rtol=0, atol=0)


def test_rivals_learn_by_their_own_losses_only() -> None:
    torch.manual_seed(0)
    painter, critic = nn.Linear(3, 1), nn.Linear(1, 1)
    before = critic.weight.detach().clone(), painter.weight.detach().clone()
    optimisers = [torch.optim.SGD(n.parameters(), 0.0) for n in (painter, critic)]
    loop = Loop(painter, optimisers[0], Schedule(1, 0.1, warmup=1), 0, nothing, rival=(critic, optimisers[1]))

    def terms(x: Tensor) -> dict[str, Tensor]:
        made = painter(x)
        return {"total": critic(made).mean(), "rival": critic(made.detach()).pow(2).mean() * 0}

    loop.run(draw, terms)
    assert torch.equal(critic.weight, before[0])  # its own loss is zero, and the painter's must not move it
    assert not torch.equal(painter.weight, before[1])


def test_loss_that_is_not_finite_stops_training_and_keeps_its_batch(tmp_path: Path) -> None:
    seen = []

    def spoil(x: Tensor) -> None:
        seen.append(x.clone())
        if len(seen) == 8:
            x.fill_(float("inf"))

    with pytest.raises(AvctError, match=r"not finite at step 7, batch 0 \(total (nan|inf)\).*kept in"):
        run(toy(tmp_path / "s.pt", loss=spoil))
    kept = torch.load(tmp_path / "s.step7.batch.pt", weights_only=True)
    assert torch.isinf(kept["batch"]).all() and kept["seed"] == [5, 7, 0]
    with pytest.raises(AvctError, match=r"not finite at step 0, batch 0 \(total nan\)$"):
        run(toy(None, loss=lambda x: x.fill_(float("nan"))))


def test_kept_batches_load_without_trusting_classes(tmp_path: Path) -> None:
    pair = Pair(*(torch.zeros(1) for _ in range(4)), lips=np.zeros((1, 8, 2)))
    torch.save(plain((pair, {"ids": [1, "a", None]})), tmp_path / "b.pt")
    first, second = torch.load(tmp_path / "b.pt", weights_only=True)
    assert set(first) == set(Pair._fields) and second == {"ids": [1, "a", None]}


@pytest.mark.parametrize(
    ("options", "line"),
    [({"precision": "half"}, "precision: expected one of float32"), ({"accumulate": 0}, "accumulate: expected a")],
)
def test_impossible_settings_are_refused(options: dict, line: str) -> None:
    with pytest.raises(AvctError, match=line):
        run(toy(None, **options))


def test_state_of_another_schedule_is_refused(tmp_path: Path) -> None:
    run(toy(tmp_path / "s.pt"))
    with pytest.raises(AvctError, match="remove it"):
        run(toy(tmp_path / "s.pt", steps=31))


def test_a_plan_may_be_shortened_while_both_have_had_the_same_rates(tmp_path: Path) -> None:
    """Training of 20 steps that began as one of 30 ends with the weights of 20 steps from the start."""
    short, long = Schedule(20, 1e-2, decay_from=0.5), Schedule(30, 1e-2, decay_from=0.5)
    straight = run(toy(tmp_path / "straight.pt", plan=short))
    with pytest.raises(Cut):
        run(toy(tmp_path / "cut.pt", plan=long, save_every=4, loss=cut_after(9)))
    torch.testing.assert_close(weights(run(toy(tmp_path / "cut.pt", plan=short))), weights(straight), rtol=0, atol=0)


def test_schedules_rise_hold_and_fall() -> None:
    s = Schedule(1000, 1.0, warmup=100, decay_from=0.4)
    assert s.at(0) == pytest.approx(0.01) and s.at(99) == s.at(300) == 1.0
    assert s.at(700) == pytest.approx(0.5) and s.at(999) == pytest.approx(0.01)
    steps = Schedule(100, 2e-4, warmup=1, milestones=(0.05, 0.2, 0.3))  # the paper's: epochs 5, 20 and 30 of 100
    assert [steps.at(k) for k in (0, 5, 20, 30, 99)] == pytest.approx([2e-4, 2e-5, 2e-6, 2e-7, 2e-7])
