"""Importing is light: torch waits for the networks, the signal libraries for their functions."""

from __future__ import annotations

import subprocess
import sys

import pytest

SIGNALS = "cv2 pyworld python_speech_features librosa scipy"


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("avct, avct.errors", f"torch numpy {SIGNALS}"),
        ("avct.config, avct.audio, avct.phonemes, avct.posebox", f"torch {SIGNALS}"),
        ("avct.keypoints, avct.generator, avct.audio2kp, avct.transfer", SIGNALS),
    ],
)
def test_import_loads_nothing_heavy(modules: str, heavy: str) -> None:
    code = f"import sys, {modules}; print(*[n for n in {heavy.split()!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == ""
