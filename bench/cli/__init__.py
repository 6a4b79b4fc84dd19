"""The command line: verbs in modules of their own, loaded when called, so that `--help` answers at once."""

from __future__ import annotations

from bench.cli.app import main

__all__ = ["main"]
