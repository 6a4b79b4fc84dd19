"""Runs the command line as a user does: its exit code, its output, its one line of error."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bench.cli import main

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The error line; fails the test where there is a traceback or more than one line."""
        assert "Traceback" not in self.err + self.out, self.err
        lines = [x for x in self.err.splitlines() if x.strip().startswith("error:")]
        assert len(lines) == 1, f"expected one error line, got: {self.err!r}"
        return lines[0]


def bench(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> Outcome:
    """`run_bench.py arguments…` in this process: everything but the interpreter's start, which would take seconds."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(cwd or ROOT)
        for name, value in variables.items():
            patch.setenv(name, value)
        code = main([str(a) for a in arguments])
    return Outcome(code, out.getvalue(), err.getvalue())


def spawn(*arguments: str | Path, **variables: str) -> subprocess.Popen[str]:
    """`run_bench.py arguments…` as a process of its own, in a group of its own, as a shell starts it."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "run_bench.py"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
        start_new_session=True,
    )


def write_tone(path: Path, seconds: float, *, level: float = 0.2) -> Path:
    """A WAV of a buzzing 120 Hz tone."""
    from bench.io.audio import write_wav

    t = np.arange(round(seconds * 16_000)) / 16_000
    buzz = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 12)) * level
    write_wav(path, np.clip(buzz, -0.9, 0.9).astype(np.float32))
    return path


def write_phones(path: Path, seconds: float) -> Path:
    """Official phoneme JSON of alternating sounds."""
    import json

    phones, at, k = [{"ph": "SIL", "bg": 0, "ed": 10}], 10, 0
    while at + 12 < seconds * 100:
        phones.append({"ph": ("M", "AA", "B", "IY")[k % 4], "bg": at, "ed": at + 12})
        at, k = at + 12, k + 1
    phones.append({"ph": "SIL", "bg": at, "ed": int(seconds * 100)})
    path.write_text(json.dumps([{"word": "x", "phones": phones}]))
    return path


def write_face(path: Path, *, width: int = 256, height: int = 256) -> Path:
    """The photograph of the corpus (public domain) as a file, cropped square or placed in a larger picture."""
    from bench.datasets.puppets.corpus import rest_portrait
    from bench.io.image import write_png

    face = rest_portrait("astronaut").image
    canvas = np.full((max(height, 256), max(width, 256), 3), 128, np.uint8)
    y, x = (canvas.shape[0] - 256) // 2, (canvas.shape[1] - 256) // 2
    canvas[y : y + 256, x : x + 256] = face
    write_png(path, canvas)
    return path
