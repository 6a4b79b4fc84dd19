"""Where the shipped checkpoint lies: apart, so that asking for it loads no network."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).parent / "weights" / "puppet256.safetensors"
"""The checkpoint that comes with the package: configuration `landmark`, trained on the embedded corpus."""
