"""Runs the toy protocol in a process that tests can kill: drive.py OUT WORKERS [OVERRIDE ...]."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.errors import BenchError
from bench.runner.expand import load
from bench.runner.how import How
from bench.runner.run import run

if __name__ == "__main__":
    try:
        result = run(load("toy", overrides=sys.argv[3:]), out=Path(sys.argv[1]), how=How(workers=int(sys.argv[2])))
    except BenchError as error:
        print(error)
        sys.exit(error.exit_code)
    print(result.reason)
    sys.exit(result.exit_code)
