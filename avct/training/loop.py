"""The one training loop: schedule, step, watch, save, resume. What is learnt is a function that the caller gives."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from avct.errors import AvctError

Terms = Callable[[np.random.Generator], dict[str, Tensor]]
"""Draws a batch from the given stream and returns named scalars, among them `total`, which is minimised."""
Log = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class Schedule:
    """rate rises over `warmup` steps, stays, and from the share `decay_from` of all steps falls in a line to 1 %.
    clip: largest norm of the gradient."""

    steps: int
    rate: float
    warmup: int = 100
    decay_from: float = 0.4
    clip: float = 5.0

    def at(self, step: int) -> float:
        """The rate of step 0, 1, …"""
        done = step / self.steps
        fall = 1.0 if done < self.decay_from else max(0.01, (1 - done) / (1 - self.decay_from))
        return self.rate * min(1.0, (step + 1) / self.warmup) * fall


@dataclass
class Loop:
    """Trains `model` under `schedule`. state: file in which an interrupted run goes on (None: never saved).

    Everything random comes from one numpy stream and torch's own, both of which are saved, so that a resumed run takes
    the steps that the uninterrupted one would have taken. history: the logged means, kept for the checkpoint's card.
    """

    model: nn.Module
    optimiser: torch.optim.Optimizer
    schedule: Schedule
    seed: int
    log: Log
    state: Path | None = None
    every: int = 50
    save_every: int = 500
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0

    def run(self, terms: Terms) -> None:
        """Takes the remaining steps. Raises AvctError when a loss is not finite, naming the step; saves on Ctrl-C."""
        rng = np.random.default_rng([self.seed, 0x74726E])
        torch.manual_seed(self.seed)
        first = self._resume(rng)
        self.model.train()
        sums: dict[str, float] = {}
        began = time.perf_counter() - self.seconds
        step = first
        try:
            for step in range(first, self.schedule.steps):
                for group in self.optimiser.param_groups:
                    group["lr"] = self.schedule.at(step)
                found = terms(rng)
                if not torch.isfinite(found["total"]):
                    shown = ", ".join(f"{k} {v.item():.3g}" for k, v in found.items())
                    raise AvctError(f"training: the loss is not finite at step {step} ({shown})")
                self.optimiser.zero_grad()
                found["total"].backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), self.schedule.clip)
                self.optimiser.step()
                for name, value in found.items():
                    sums[name] = sums.get(name, 0.0) + value.item()
                self.seconds = time.perf_counter() - began
                if (step + 1) % self.every == 0:
                    self.history.append({"step": step + 1, **{k: round(v / self.every, 5) for k, v in sums.items()}})
                    self.log({**self.history[-1], "seconds": round(self.seconds, 1)})
                    sums = {}
                if (step + 1) % self.save_every == 0 or step + 1 == self.schedule.steps:
                    self._save(step + 1, rng)
        finally:
            self.model.eval()

    def _save(self, step: int, rng: np.random.Generator) -> None:
        if self.state is None:
            return
        self.state.parent.mkdir(parents=True, exist_ok=True)
        partial = self.state.with_suffix(".part")
        held = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": step,
            "seconds": self.seconds,
            "numpy": json.dumps(rng.bit_generator.state),
            "torch": torch.get_rng_state(),
            "history": json.dumps(self.history),
            "schedule": json.dumps(asdict(self.schedule)),
        }
        torch.save(held, partial)
        partial.replace(self.state)

    def _resume(self, rng: np.random.Generator) -> int:
        if self.state is None or not self.state.is_file():
            return 0
        held = torch.load(self.state, weights_only=True)
        old = Schedule(**json.loads(held["schedule"]))
        if old.clip != self.schedule.clip or any(old.at(i) != self.schedule.at(i) for i in range(held["step"])):
            # a longer or shorter plan may take over while both have had the same rates; then nothing is lost by it
            raise AvctError(f"{self.state}: belongs to {old}, not to {self.schedule}; remove it to start anew")
        self.model.load_state_dict(held["model"])
        self.optimiser.load_state_dict(held["optimiser"])
        self.seconds, self.history = held["seconds"], json.loads(held["history"])
        rng.bit_generator.state = json.loads(held["numpy"])
        torch.set_rng_state(held["torch"])
        return int(held["step"])
