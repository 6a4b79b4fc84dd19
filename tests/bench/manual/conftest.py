"""The program `bench` for the guides, and what all of them may share: rendered takes and found phones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from warm import Desk, serving


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with a running server."""
    folder = tmp_path_factory.mktemp("desk")
    with serving(folder) as programs:
        yield Desk(programs, folder / "cache")
