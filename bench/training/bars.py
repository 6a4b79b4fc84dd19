"""What the shipped checkpoint is held to, read from the rows of a finished run of `puppet-lips`.

    python -m bench.training.bars results/puppet-lips
    python -m bench.training.bars results/puppet-lips --against results/puppet-lips-small    # other faces' loss in r

Means over clips. Lips are closed for a bilabial (B, M, P) where they come nearer than SHUT within the phone and one
frame on either side.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.records import FPS

BILABIALS = ("B", "M", "P")
SHUT = 1.5
"""Opening in per cent of the face's height under which lips count as closed."""


@dataclass(frozen=True)
class Bar:
    """A figure and whether it is as wanted."""

    name: str
    value: float
    wanted: str
    met: bool


def read_rows(run: Path) -> list[dict]:
    """The journal's rows that have a value."""
    lines = (run / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    return [row for line in lines for row in json.loads(line)["rows"] if row["value"] is not None]


def mean(rows: list[dict], method: str, family: str) -> float:
    """Mean over clips of a method's metric, by the start of the metric's id."""
    found = [r["value"] for r in rows if r["method"] == method and r["metric"].startswith(family)]
    return float(np.mean(found)) if found else float("nan")


def closures(rows: list[dict], method: str, *, series: str = "opening") -> tuple[int, int]:
    """Bilabials at which the method's lips close, and all of them. series: "opening", or "truth" for the truth's."""
    from bench.datasets.puppets.speech import speech

    hit = count = 0
    for row in rows:
        if row["method"] != method or not row["metric"].startswith("lip_opening_r/"):
            continue
        opening = np.array(row["series"][series], np.float64)
        for phone in speech(row["driver"]).phones:
            first, last = int(phone.start * FPS) - 1, int(np.ceil(phone.end * FPS)) + 1
            part = opening[max(first, 0) : last]
            if phone.symbol.rstrip("012") not in BILABIALS or not np.isfinite(part).any():
                continue
            count += 1
            hit += bool(np.nanmin(part) < SHUT)
    return hit, count


def bars(rows: list[dict], method: str = "avct") -> list[Bar]:
    """The bars of a run that holds `method`, `silence` and `wrong-speech`."""
    hit, count = closures(rows, method)
    moving = mean(rows, method, "lip_opening_std/")
    wanted: list[tuple[str, float, str, Callable[[float], bool]]] = [
        ("lip opening r", mean(rows, method, "lip_opening_r/"), ">= 0.92", lambda v: v >= 0.92),
        ("slope", mean(rows, method, "lip_opening_slope/"), "0.85 to 1.15", lambda v: 0.85 <= v <= 1.15),
        ("bias, % of face height", mean(rows, method, "lip_opening_bias/"), "+-0.5", lambda v: abs(v) <= 0.5),
        ("r of wrong speech", mean(rows, "wrong-speech", "lip_opening_r/"), "<= 0.10", lambda v: v <= 0.1),
        ("movement under silence", mean(rows, "silence", "lip_opening_std/") / moving, "<= 0.08", lambda v: v <= 0.08),
        (f"closed of {count} bilabials", hit / count if count else float("nan"), ">= 0.92", lambda v: v >= 0.92),
        (
            "mouth over silence, dB",
            mean(rows, method, "psnr/mouthbox") - mean(rows, "silence", "psnr/mouthbox"),
            ">= 4",
            lambda v: v >= 4,
        ),
        ("sharpness of the mouth", mean(rows, method, "sharpness/mouthbox"), ">= 0.90", lambda v: v >= 0.9),
    ]
    return [Bar(name, value, says, bool(holds(value))) for name, value, says, holds in wanted]


def loss(rows: list[dict], others: list[dict], method: str = "avct") -> Bar:
    """What r loses on other faces, over the clips that both runs have."""

    def by_clip(held: list[dict]) -> dict[tuple[str, str], float]:
        chosen = (r for r in held if r["method"] == method and r["metric"].startswith("lip_opening_r/"))
        return {(r["reference"], r["driver"]): r["value"] for r in chosen}

    usual, other = by_clip(rows), by_clip(others)
    both = sorted(usual.keys() & other.keys())
    lost = float(np.mean([usual[c] - other[c] for c in both])) if both else float("nan")
    return Bar(f"r lost over {len(both)} clips", lost, "<= 0.05", lost <= 0.05)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the bars; exit code 1 where one is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.training.bars", description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--against", type=Path, nargs="*", default=[], help="runs of the same clips on other faces")
    parser.add_argument("--method", default="avct")
    asked = parser.parse_args(arguments)
    for folder in (asked.run, *asked.against):
        if not (folder / "rows.jsonl").is_file():
            parser.error(f"expected a run folder with rows.jsonl, got {folder}")
    rows = read_rows(asked.run)
    found = bars(rows, asked.method)
    found += [loss(rows, read_rows(other), asked.method) for other in asked.against]
    for bar in found:
        print(f"{bar.name:<28} {bar.value:>8.3f}   {bar.wanted:<14} {'met' if bar.met else 'MISSED'}")
    return 0 if all(bar.met for bar in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
