"""Cold start as a scenario: how long a user waits for the first frame who has just started the program."""

from __future__ import annotations

from bench.perf.cold import ColdStarts, Start, measure_starts
from bench.perf.measurement import Conditions, Measurement
from bench.perf.subject import Lacking, Subject
from bench.records import Setting
from bench.store.speeds import Figure

SCENARIO = "cold-start"
REPEATS = {"quick": 2, "full": 5}
"""Starts of each kind: each loads everything anew, so that minutes of them say no more than a few."""


def time_cold_start(
    subject: Subject, conditions: Conditions, *, method: str, setting: Setting, threads: int
) -> Measurement:
    """Seconds from a process's start to its first frame: cold_s, and cold_cached_s where code is compiled (medians).

    Raises `Lacking` where the subject cannot stream, or has no clip.
    """
    if not subject.requests:
        raise Lacking("a start needs a clip")
    conditions.advance("cold start", 0, 1)
    found = measure_starts(
        method, setting, subject.requests[0], repeats=REPEATS[conditions.plan.mode], threads=threads, tap=conditions.tap
    )
    kinds = [("cold_s", found.empty)] + ([("cold_cached_s", found.warm)] if found.warm else [])
    return Measurement(
        scenario=SCENARIO,
        headline="cold_s",
        figures={name: Figure(start.median, "s", n=len(start.seconds)) for name, start in kinds},
        curves={name: list(start.seconds) for name, start in kinds},
        clips=1,
        frames=sum(len(start.seconds) for _, start in kinds),
        seconds=sum(sum(start.seconds) for _, start in kinds),
        warmups={"count": 0, "unit": "start", "stable": True, "reason": "a cold start is not warmed up"},
        remarks=_parts(found),
    )


def _parts(found: ColdStarts) -> dict[str, object]:
    def said(start: Start) -> str:
        return ", ".join(f"{name} {seconds:.2f} s" for name, seconds in start.parts.items())

    remarks: dict[str, object] = {"parts": said(found.empty)}
    if found.warm is not None:
        remarks["parts_cached"] = said(found.warm)
    return remarks
