"""What every test gets: as many threads as its process may use, whatever the test before it asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
THREADS = max(1, (os.cpu_count() or 1) // WORKERS)
if WORKERS > 1:  # before torch is loaded here or in processes of ours: threads that wait for one another only spin
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, str(THREADS))


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
