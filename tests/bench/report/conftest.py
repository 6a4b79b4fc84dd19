"""One report, written once, that tests of the files and of the page in a browser look at."""

from __future__ import annotations

import pytest
from report_run import HOSTILE, make_hostile_run

from bench.report import Report, write


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of three methods on three clips under two settings; one method's name and the title are markup."""
    assert "<script>" in HOSTILE
    return write(make_hostile_run(tmp_path_factory.mktemp("written") / "run", videos=True))
