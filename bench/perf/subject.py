"""What is timed, as whoever times it sees it: scenarios know nothing of models, subjects nothing of clocks and samples.

A subject makes the same videos that users make. It is told when its stages begin by nobody: it tells a watch
(`avct.watch`). Every frame that it emits goes through a tap, so that some of them, chosen by a seed that it does not
know, can be held against the plain loop afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from avct.watch import UNWATCHED, Watch

Tap = Callable[[int, int, np.ndarray], None]
"""Told of every emitted frame: the request's number, the frame's number, the frame uint8 (S, S, 3). It must not keep
the array itself, whose memory may be used again."""


class Lacking(Exception):
    """A scenario that a subject cannot take part in, and why: the reason of a failed row."""


@dataclass(frozen=True)
class Request:
    """One video to be made, as files on disk. portrait: a picture. speech: a recording. phones: a phone file, or None
    where phones are to be heard. frames: how many frames it has. clip: its name in the protocol.

    truth: where the truth's lip opening is known, float (frames,) in per cent of the face's height. poses: a CSV of
    head poses (OpenFace's columns), or None where the setting's pose rule needs none.
    """

    number: int
    clip: str
    portrait: Path
    speech: Path
    phones: Path | None
    frames: int
    truth: np.ndarray | None = None
    poses: Path | None = None


class Crowd(Protocol):
    """Live talkers who are painted together. Sound goes in in pieces, frames come out when they are known."""

    def join(self, request: Request) -> int:
        """A new talker's number."""
        ...

    def hear(self, talker: int, samples: np.ndarray, *, last: bool = False) -> None:
        """Takes float32 (n,) mono at 16 kHz of what a talker says next; last: nothing follows."""
        ...

    def step(self) -> list[tuple[int, int, np.ndarray]]:
        """Paints what is known by now, at most one frame of each talker: (talker, frame's number, uint8 (S, S, 3))."""
        ...

    def leave(self, talker: int) -> None:
        """Forgets a talker."""
        ...

    @property
    def look_ahead(self) -> float:
        """Seconds of sound after a frame's own that a frame needs at most."""
        ...


class Subject(Protocol):
    """A method under a setting, ready to make requests. Whatever it lacks raises `Lacking`.

    excluded: stages that are no part of what a scenario times, by scenario, such as {"single-stream": ("encode",)}.
    """

    name: str
    requests: Sequence[Request]
    excluded: Mapping[str, Sequence[str]]

    def prepare(self) -> float:
        """Seconds that compiling took (0.0 where nothing is compiled); loads and compiles everything."""
        ...

    def synchronise(self) -> None:
        """Returns when the device has done all that it was told."""
        ...

    def stream(self, request: Request, *, watch: Watch = UNWATCHED) -> Iterator[np.ndarray]:
        """Frames uint8 (S, S, 3) one by one, each finished before the next begins, with no look-ahead beyond the
        declared one. The first `next` includes everything from the files on."""
        ...

    def make(self, request: Request, out: Path, *, tap: Tap | None = None, watch: Watch = UNWATCHED) -> int:
        """Frames of the file that was made, whole on disk when this returns."""
        ...

    def make_all(self, requests: Sequence[Request], folder: Path, *, tap: Tap | None = None) -> Iterator[int]:
        """Frames of every file, as files are finished, in any order and side by side."""
        ...

    def paint(self, request: Request) -> int:
        """Frames that were painted of a request whose score is ready (made ready on the first call): the networks
        alone, pictures stay on the device."""
        ...

    def crowd(self) -> Crowd:
        """Nobody yet."""
        ...

    def plain(self, request: Request, frames: Sequence[int]) -> np.ndarray:
        """Those frames uint8 (n, S, S, 3) by the float32 plain loop: what the emitted ones are held against."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """What a reader must know of it: sizes, weights, codec, phones, pose; and "faces", what its frames show:
        "painted" (puppets), "photographed" or "none" (of a network drawn from a seed), which the gate goes by."""
        ...
