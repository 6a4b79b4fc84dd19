"""What a measurement of the metric pass found, its derived figures, and how it is told in text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.perf import peers

GFLOP: Mapping[str, float] = {"fid": 2 * 11.426, "lpips": 2 * 1.737, "sync": 3.116 + 0.488}
"""Billions of operations a frame and its truth's, by part: 2 a multiplication, by torch's counter on the networks as
published (Inception at 299x299, AlexNet at 256x256, SyncNet's two towers), before anything is rewritten."""


@dataclass(frozen=True)
class Side:
    """A process's CPU seconds by part (medians over rounds), and what a reader must know. lacking: why it did not run.

    covers: parts of our pass that a peer does the work of.
    """

    name: str
    seconds: Mapping[str, float]
    covers: tuple[str, ...] = ()
    how: str = ""
    note: str = ""
    lacking: str | None = None

    @property
    def total(self) -> float:
        """CPU seconds of the whole process tree."""
        return sum(self.seconds.values())


@dataclass(frozen=True)
class PassResult:
    """clips: names. frames: of all clips of all methods, each once. wall: seconds of our pass, quickest round, start
    included.

    root: CPU seconds of pytorch-fid's command on statistics that it is given, which are a part of its cost that does
    not grow with the number of pictures; None where it was not measured. peak: GFLOP a second of CPU time that a large
    matrix product reaches in our process, float32.
    """

    clips: tuple[str, ...]
    frames: int
    side: int
    threads: int
    rounds: int
    quick: bool
    wall: float
    ours: Side
    theirs: tuple[Side, ...]
    root: float | None
    peak: float
    machine: Mapping[str, str]
    methods: int = 1

    @property
    def frames_per_second(self) -> float:
        """Frames of clips (each with its truth's) a second of wall time."""
        return self.frames / self.wall

    @property
    def bound(self) -> float:
        """CPU seconds that the three networks' operations, as published, take at the peak; a truth's Inception features
        once for all methods."""
        shared = GFLOP["fid"] / 2 * (1 - 1 / self.methods)
        return self.frames * (sum(GFLOP.values()) - shared) / self.peak

    @property
    def ratio(self) -> float | None:
        """All peers' CPU time over ours; None where a peer did not run, since then it would not be the full set."""
        if any(side.lacking for side in self.theirs):
            return None
        return sum(side.total for side in self.theirs) / self.ours.total

    @property
    def ratio_without_root(self) -> float | None:
        """The same with nothing counted for what pytorch-fid does after its features."""
        if self.ratio is None or self.root is None:
            return None
        return (sum(side.total for side in self.theirs) - self.root) / self.ours.total

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, derived figures included, and the figures recorded elsewhere apart from them."""
        recorded = [dict(zip(("part", "work", "cpu_ms", "item"), line, strict=True)) for line in peers.RECORDED]
        return {
            **asdict(self),
            "frames_per_second": self.frames_per_second,
            "bound": self.bound,
            "cpu_ours": self.ours.total,
            "cpu_theirs": sum(side.total for side in self.theirs),
            "ratio": self.ratio,
            "ratio_without_root": self.ratio_without_root,
            "recorded_elsewhere": {"where": peers.RECORDED_WHERE, "figures": recorded},
        }


def show(result: PassResult) -> str:
    """A result as lines of text."""
    frames, mode = result.frames, "quick" if result.quick else "full"
    lines = [
        f"metric pass ({mode}): {len(result.clips)} clips ({', '.join(result.clips)}) by "
        f"{result.methods} method(s), {frames} frames of "
        f"{result.side}x{result.side}, each with its truth; {result.threads} thread(s) a process, "
        f"{result.rounds} round(s); {', '.join(f'{k} {v}' for k, v in result.machine.items())}",
        f"our whole pass: {result.frames_per_second:.2f} frames/s of wall time, {result.wall:.1f} s",
        "",
        "CPU seconds, user and system, of whole process trees (milliseconds a frame and its truth's):",
        f"  {'ours':<34}{result.ours.total:8.1f} s ({1000 * result.ours.total / frames:7.1f} ms)  {result.ours.note}",
        *_parts(result.ours, frames),
        f"    Inception, AlexNet and SyncNet as published, at the {result.peak:.0f} GFLOP/s of a large matrix product "
        f"here: {result.bound:.1f} s ({1000 * result.bound / frames:.1f} ms)",
    ]
    for side in result.theirs:
        if side.lacking:
            lines.append(f"  {side.name:<34} did not run: {side.lacking}")
            continue
        told = f"  {side.name:<34}{side.total:8.1f} s ({1000 * side.total / frames:7.1f} ms)  {side.how}"
        lines += [f"{told}; {side.note}" if side.note else told, *_parts(side, frames)]
    if result.theirs:
        lines += ["", *_verdict(result), f"peers {peers.RECORDED_WHERE}:"]
        lines += [f"  {part:<6} {cost:7.2f} ms a {item:<8} {work}" for part, work, cost, item in peers.RECORDED]
    return "\n".join(lines)


def _parts(side: Side, frames: int) -> list[str]:
    return [
        f"    {name:<32}{seconds:8.1f} s ({1000 * seconds / frames:7.1f} ms, {seconds / side.total:5.1%})"
        for name, seconds in side.seconds.items()
    ]


def _verdict(result: PassResult) -> list[str]:
    theirs = sum(side.total for side in result.theirs)
    if result.ratio is None:
        return [f"peers that ran: {theirs:.1f} s; not the full set, so there is no ratio"]
    lines = [f"all peers: {theirs:.1f} s of CPU time, {result.ratio:.2f} times ours"]
    if result.ratio_without_root is not None and result.root is not None:
        lines.append(
            f"  {result.root:.1f} s of them are pytorch-fid's command on statistics alone (its start and its root of a "
            f"2048x2048 matrix, however many pictures): without these {result.ratio_without_root:.2f} times ours"
        )
    return lines
