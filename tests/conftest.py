"""What every test gets: as many threads as its process may use, and modules that are compiled once."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
THREADS = max(1, (os.cpu_count() or 1) // WORKERS)
if WORKERS > 1:  # before torch is loaded here or in processes of ours: threads that wait for one another only spin
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, str(THREADS))


def pytest_configure(config: pytest.Config) -> None:
    """Where Python is told to keep no bytecode beside modules, it keeps it in pytest's cache.

    Containers say so, and their installers leave none: then each of the processes that tests start compiles torch and
    the rest anew, which takes four times as long as importing them.
    """
    if sys.dont_write_bytecode and hasattr(config, "cache"):
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(config.cache.mkdir("bytecode"))
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        sys.dont_write_bytecode = False


def pytest_unconfigure(config: pytest.Config) -> None:
    """Of modules that tests wrote nothing is kept: their folders have new names each time."""
    if sys.pycache_prefix is not None and not hasattr(config, "workerinput"):
        written = Path(tempfile.gettempdir()).resolve()
        for folder in Path(sys.pycache_prefix, *written.parts[1:]).glob("pytest-of-*"):
            shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no process is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)  # stable: within a file, and among files, the order stays


@pytest.fixture(autouse=True)
def _threads_of_its_own() -> Iterator[None]:
    """`--workers 0` works in the test's own process and leaves torch with a worker's threads."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None and WORKERS > 1 and torch.get_num_threads() != THREADS:
        torch.set_num_threads(THREADS)
