"""Ten minutes of speech: memory does not grow with the frames."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, write_face, write_phones, write_tone

pytestmark = pytest.mark.slow

# The pitch tracker is the one part replaced: it works in chunks of a minute (tests/avct/test_avct_audio.py) and would
# take a minute and a half here.
PROGRAM = """
import json, resource, sys
import numpy as np
import avct.audio
from bench.cli import main
avct.audio._harvest = lambda signal: np.full(len(signal) // 160 + 1, 120.0)
code = main(sys.argv[1:])
print(json.dumps({"code": code, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def peak(folder: Path, seconds: float, checkpoint: Path) -> float:
    """Peak memory in MB of a process that makes a video of such length."""
    out = folder / "v.mkv"
    given = {
        "--image": write_face(folder / "face.png"),
        "--audio": write_tone(folder / "speech.wav", seconds),
        "--phonemes": write_phones(folder / "phones.json", seconds),
        "--checkpoint": checkpoint,
        "--keypoints": "detector",
        "--batch": "32",
        "--out": out,
    }
    arguments = [str(x) for pair in given.items() for x in pair]
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, "generate", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
        check=True,
    )
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["code"] == 0, ran.stderr
    assert f"{int(seconds * 25)} frames" in ran.stdout
    return told["peak_mb"]


def test_ten_minutes_need_little_more_memory_than_twenty_seconds(tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Sound in double precision and its features may grow, by 270 MB here; frames (184 MB more here) may not."""
    short, long = (peak(tmp_path, seconds, tiny_checkpoint) for seconds in (20, 600))
    assert long < short + 360, (short, long)
