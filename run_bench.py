"""AVCT Bench from a checkout: `python run_bench.py --help`. Installed, the same command is called `avct-bench`."""

from __future__ import annotations

import sys

from bench.cli import main

if __name__ == "__main__":
    sys.exit(main())
