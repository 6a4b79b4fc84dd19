"""The one training loop: draw, step, watch, save, resume. What is learnt are two functions that the caller gives.

`draw` makes a batch from a random stream, `terms` turns a batch into named losses. A step is `accumulate` batches, and
every batch has a stream of its own (seed, step, number), so nothing random has to be saved: a resumed run, and a run
that shares its batches among several processes, takes the same steps as one that was never cut or shared.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from avct.errors import AvctError
from avct.training import workers

Draw = Callable[[np.random.Generator], Any]
"""A batch of the caller's own making, from the given stream."""
Terms = Callable[[Any], dict[str, Tensor]]
"""Named scalars of a batch, among them `total`, which is minimised, and `rival` where two networks compete."""
Log = Callable[[dict[str, float]], None]
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Schedule:
    """rate rises over `warmup` steps, stays, and from the share `decay_from` of all steps falls in a line to 1 %;
    or, where `milestones` are given (in shares of all steps), falls to a tenth at each. clip: largest gradient norm."""

    steps: int
    rate: float
    warmup: int = 100
    decay_from: float = 0.4
    clip: float = 5.0
    milestones: tuple[float, ...] = ()

    def at(self, step: int) -> float:
        """The rate of step 0, 1, …"""
        done = step / self.steps
        rising = min(1.0, (step + 1) / max(1, self.warmup))
        if self.milestones:
            return self.rate * rising * 0.1 ** sum(done >= m for m in self.milestones)
        fall = 1.0 if done < self.decay_from else max(0.01, (1 - done) / (1 - self.decay_from))
        return self.rate * rising * fall


@dataclass
class Loop:
    """Trains `model` under `schedule`. state: file in which an interrupted run goes on (None: never saved).

    precision: of the losses' arithmetic ("float32", "bfloat16", "float16"); weights stay in float32. calm: no dropout,
    and batch norms keep their statistics, as in inference. accumulate: batches of one step, shared among the processes
    of `torchrun`. ema: decay of the average of weights that `model` holds at the end (0: the last weights). rival: a
    second network (a discriminator) with its optimiser, which minimises the term `rival` after each step. history: the
    logged means, kept for the checkpoint's card.
    """

    model: nn.Module
    optimiser: torch.optim.Optimizer
    schedule: Schedule
    seed: int
    log: Log
    state: Path | None = None
    every: int = 50
    save_every: int = 500
    precision: str = "float32"
    calm: bool = False
    accumulate: int = 1
    ema: float = 0.0
    rival: tuple[nn.Module, torch.optim.Optimizer] | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0

    def run(self, draw: Draw, terms: Terms) -> None:
        """Takes the remaining steps; Ctrl-C finishes the step, saves and raises KeyboardInterrupt.

        Raises AvctError when a loss is not finite, naming the step and the file that keeps the batch.
        """
        self._check()
        first = self._resume()
        self.model.train(not self.calm)
        sums: dict[str, float] = {}
        taken = 0  # steps that are in the sums: fewer than `every` after a resume
        began = time.perf_counter() - self.seconds
        try:
            with _held_interrupts() as interrupted:
                for step in range(first, self.schedule.steps):
                    for name, value in self._step(step, draw, terms).items():
                        sums[name] = sums.get(name, 0.0) + value
                    self.seconds = time.perf_counter() - began
                    done, taken = step + 1, taken + 1
                    if done % self.every == 0 or done == self.schedule.steps:
                        self._report(done, {k: v / taken for k, v in sums.items()})
                        sums, taken = {}, 0
                    if done % self.save_every == 0 or done == self.schedule.steps or interrupted.is_set():
                        self._save(done)
                    if interrupted.is_set():
                        raise KeyboardInterrupt
            if self._average is not None:
                _load(self.model, self._average)
        finally:
            self.model.eval()

    def _step(self, step: int, draw: Draw, terms: Terms) -> dict[str, float]:
        """One step of all optimisers; the mean of every term over the step's batches."""
        for optimiser in self._optimisers():
            for group in optimiser.param_groups:
                group["lr"] = self.schedule.at(step) * group.get("share", 1.0)
            optimiser.zero_grad()
        own = [p for p in self.model.parameters() if p.requires_grad]
        device = own[0].device
        means: dict[str, Tensor] = {}
        for k in range(workers.rank(), self.accumulate, workers.count()):
            torch.manual_seed(int(np.random.SeedSequence([self.seed, step, k, 1]).generate_state(1)[0]))
            batch = moved(draw(np.random.default_rng([self.seed, step, k])), device)
            with torch.autocast(device.type, PRECISIONS[self.precision], enabled=self.precision != "float32"):
                found = terms(batch)
            if not all(bool(torch.isfinite(v)) for v in found.values()):
                raise AvctError(self._keep(batch, found, step, k))
            # each network by its own loss: what teaches the one must not move the other
            self._scaler.scale(found["total"] / self.accumulate).backward(inputs=own)
            if self.rival is not None:
                rivals = list(self.rival[0].parameters())
                self._scaler.scale(found["rival"] / self.accumulate).backward(inputs=rivals)
            for name, value in found.items():
                means[name] = means.get(name, value.new_zeros(())) + value.detach().float() / self.accumulate
        for network, optimiser in zip(self._networks(), self._optimisers(), strict=True):
            workers.sum_gradients(network.parameters())
            self._scaler.unscale_(optimiser)
            nn.utils.clip_grad_norm_([p for p in network.parameters() if p.requires_grad], self.schedule.clip)
            self._scaler.step(optimiser)
        self._scaler.update()
        workers.average_statistics(self.model)
        if self._average is not None:
            _blend(self._average, self.model, min(self.ema, (1 + step) / (10 + step)))
        return dict(zip(means, workers.total(torch.stack(list(means.values()))).tolist(), strict=True))

    def _networks(self) -> Iterable[nn.Module]:
        return (self.model,) if self.rival is None else (self.model, self.rival[0])

    def _optimisers(self) -> Iterable[torch.optim.Optimizer]:
        return (self.optimiser,) if self.rival is None else (self.optimiser, self.rival[1])

    def _check(self) -> None:
        if self.precision not in PRECISIONS:
            raise AvctError(f"precision: expected one of {', '.join(PRECISIONS)}, got {self.precision!r}")
        if self.accumulate < 1 or self.accumulate % workers.count():
            raise AvctError(
                f"accumulate: expected a multiple of the {workers.count()} processes, got {self.accumulate}: "
                "each process takes an equal share of a step's batches"
            )
        # only half precision with few exponent bits needs its losses scaled; elsewhere the scaler passes them on
        device = next(self.model.parameters()).device.type
        self._scaler = torch.amp.GradScaler(device, enabled=self.precision == "float16" and device == "cuda")
        self._average = {k: v.detach().clone() for k, v in self.model.state_dict().items()} if self.ema else None

    def _report(self, step: int, means: dict[str, float]) -> None:
        row = {"step": step, **{k: round(v, 5) for k, v in means.items()}}
        self.history.append(row)
        if workers.rank() == 0:
            self.log({**row, "seconds": round(self.seconds, 1)})

    def _keep(self, batch: Any, found: dict[str, Tensor], step: int, number: int) -> str:
        """Saves the batch whose loss is not finite, beside the state; the line that says so."""
        shown = ", ".join(f"{k} {v.item():.3g}" for k, v in found.items())
        line = f"training: the loss is not finite at step {step}, batch {number} ({shown})"
        if self.state is None:
            return line
        path = self.state.with_name(f"{self.state.stem}.step{step}.batch.pt")
        path.parent.mkdir(parents=True, exist_ok=True)
        held = {"batch": plain(batch), "model": self.model.state_dict(), "seed": [self.seed, step, number]}
        torch.save(held, path)
        return f"{line}; the batch and the weights of that moment are kept in {path}"

    def _save(self, step: int) -> None:
        if self.state is None or workers.rank() != 0:
            return
        self.state.parent.mkdir(parents=True, exist_ok=True)
        partial = self.state.with_suffix(".part")
        held = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
            "step": step,
            "seconds": self.seconds,
            "history": json.dumps(self.history),
            "schedule": json.dumps(asdict(self.schedule)),
        }
        if self._average is not None:
            held["average"] = self._average
        if self.rival is not None:
            held["rival"] = [self.rival[0].state_dict(), self.rival[1].state_dict()]
        torch.save(held, partial)
        partial.replace(self.state)

    def _resume(self) -> int:
        if self.state is None or not self.state.is_file():
            return 0
        held = torch.load(self.state, weights_only=True, map_location="cpu")
        old = Schedule(**_tuples(json.loads(held["schedule"])))
        if old.clip != self.schedule.clip or any(old.at(i) != self.schedule.at(i) for i in range(held["step"])):
            # a longer or shorter plan may take over while both have had the same rates; then nothing is lost by it
            raise AvctError(f"{self.state}: belongs to {old}, not to {self.schedule}; remove it to start anew")
        self.model.load_state_dict(held["model"])
        self.optimiser.load_state_dict(held["optimiser"])
        self._scaler.load_state_dict(held.get("scaler", {}))
        if self._average is not None and "average" in held:
            device = next(self.model.parameters()).device
            self._average = {k: v.to(device) for k, v in held["average"].items()}
        if self.rival is not None and "rival" in held:
            self.rival[0].load_state_dict(held["rival"][0])
            self.rival[1].load_state_dict(held["rival"][1])
        self.seconds, self.history = held["seconds"], json.loads(held["history"])
        return int(held["step"])


def finished(state: Path, steps: int) -> dict[str, Tensor] | None:
    """The weights that a state of all `steps` ended with (their average where one was kept), None if it did not end."""
    if not state.is_file():
        return None
    held = torch.load(state, weights_only=True, map_location="cpu")
    return held.get("average", held["model"]) if held["step"] >= steps else None


def moved(batch: Any, device: torch.device) -> Any:
    """The batch with its tensors on a device; tuples, lists and dicts are entered, other things left as they are."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {k: moved(v, device) for k, v in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(moved(v, device) for v in batch))
    if isinstance(batch, list | tuple):
        return type(batch)(moved(v, device) for v in batch)
    return batch


def plain(batch: Any) -> Any:
    """The batch as dicts, lists and tensors, which load again without trusting any class."""
    if isinstance(batch, Tensor):
        return batch.detach().cpu()
    if isinstance(batch, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(batch))
    if isinstance(batch, dict):
        return {str(k): plain(v) for k, v in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return {k: plain(v) for k, v in batch._asdict().items()}
    if isinstance(batch, list | tuple):
        return [plain(v) for v in batch]
    return batch if isinstance(batch, int | float | str | bool | None) else str(batch)


@contextmanager
def _held_interrupts() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets, so that a step is never cut in half. Only the main thread can hear signals."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGINT, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _tuples(schedule: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in schedule.items()}


def _blend(average: dict[str, Tensor], model: nn.Module, decay: float) -> None:
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            average[name].lerp_(value.detach(), 1 - decay)
        else:
            average[name].copy_(value)


def _load(model: nn.Module, weights: dict[str, Tensor]) -> None:
    model.load_state_dict(weights)
