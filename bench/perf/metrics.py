"""The metrics beside their peers, in turns and in one run on this machine.

    python -m bench.perf.metrics
    python -m bench.perf.metrics --only psnr,ssim --rounds 5 --json

Both sides of a contest get the same input and the same number of threads, take turns, and are judged by the ratio of
their CPU times (which a machine that others share disturbs least) and of their wall times. Networks get weights drawn
from a seed, since speed does not depend on what was learnt: no metric's value is made here, and none is printed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from bench.perf.contests import CONTESTS, Contest, Lacking


@dataclass(frozen=True)
class Outcome:
    """A contest's result: items a second by wall time (best round) and CPU milliseconds an item (median), ours and the
    peer's, and the medians over rounds of peer's time / our time. The peer's are None where it cannot run here.
    """

    name: str
    peer: str
    item: str
    items: int
    ours: float
    theirs: float | None
    cpu_ours: float
    cpu_theirs: float | None
    ratio_wall: float | None
    ratio_cpu: float | None
    note: str


def run(contest: Contest, rounds: int) -> Outcome:
    """The outcome of a contest: both sides once without counting, then `rounds` times in turns."""
    sides = contest.prepare()
    note, peer = "", sides.peer
    _timed(sides.ours)
    if peer is not None:
        try:
            _timed(peer)
        except Lacking as error:
            note, peer = str(error), None
    mine, others = [], []
    for _ in range(rounds):
        mine.append(_timed(sides.ours))
        if peer is not None:
            others.append(_timed(peer))
    wall, cpu = zip(*mine, strict=True)
    count, peers = contest.items, contest.peer_items or contest.items
    per, other = [(w / count, c / count) for w, c in mine], [(w / peers, c / peers) for w, c in others]
    both = list(zip(per, other, strict=False))
    return Outcome(
        name=contest.name,
        peer=contest.peer,
        item=contest.item,
        items=count,
        ours=count / min(wall),
        theirs=1 / min(w for w, _ in other) if other else None,
        cpu_ours=1000 * statistics.median(cpu) / count,
        cpu_theirs=1000 * statistics.median(c for _, c in other) if other else None,
        ratio_wall=statistics.median(b[0] / a[0] for a, b in both) if both else None,
        ratio_cpu=statistics.median(b[1] / a[1] for a, b in both) if both else None,
        note=note,
    )


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall and of CPU time, all threads together."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def show(outcome: Outcome) -> str:
    """An outcome in one line."""
    ours = f"{outcome.name:<26} {outcome.ours:9.1f} {outcome.item}/s  {outcome.cpu_ours:8.2f} ms CPU"
    if outcome.theirs is None:
        return f"{ours}   {outcome.peer}: {outcome.note or 'no peer'}"
    return (
        f"{ours}   {outcome.peer}: {outcome.theirs:.1f}/s, {outcome.cpu_theirs:.2f} ms; "
        f"{outcome.ratio_wall:.2f} times as fast, {outcome.ratio_cpu:.2f} by CPU time"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the contests asked for and prints them; 2 for a name that is none."""
    known: Mapping[str, Contest] = {contest.name: contest for contest in CONTESTS}
    parser = argparse.ArgumentParser(prog="python -m bench.perf.metrics", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", help=f"beginnings of names, separated by commas, of: {', '.join(known)}")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side takes its turn (default 3)")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    asked = parser.parse_args(arguments)
    wanted = [text for text in (asked.only or "").split(",") if text]
    chosen = [c for name, c in known.items() if not wanted or any(name.startswith(text) for text in wanted)]
    if not chosen or asked.rounds < 1:
        print(f"error: expected --only of {', '.join(known)} and at least one round, got {asked}", file=sys.stderr)
        return 2
    found = []
    for contest in chosen:
        found.append(run(contest, asked.rounds))
        if not asked.json:
            print(show(found[-1]), flush=True)
    if asked.json:
        print(json.dumps([asdict(outcome) for outcome in found], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
