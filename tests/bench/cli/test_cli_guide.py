"""`guide`: the manual is listed, shown as it is in a pipe, and names what exists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commands import bench

from bench.cli.app import app
from bench.cli.guide import guides, read_guide

NAMES = list(guides())
VERBS = {command.name for command in app.registered_commands}


def test_every_guide_is_listed_with_a_line() -> None:
    told = bench("guide")
    assert told.code == 0 and {"score-my-videos", "add-my-method", "add-a-metric", "add-a-protocol", "train-on-my-data",
                               "run-on-a-cluster", "read-the-page"} <= set(NAMES)  # fmt: skip
    listed = {entry["name"]: entry["about"] for entry in json.loads(bench("guide", "--json").out)}
    assert list(listed) == NAMES and all(name in told.out for name in NAMES)
    assert all(about.endswith(".") and 20 < len(about) < 160 for about in listed.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_guide_is_short_and_printed_without_notes_to_the_test(name: str) -> None:
    told = bench("guide", name)
    assert told.code == 0 and told.out == read_guide(name) and told.out.startswith("# ")
    assert "<!--" not in told.out and len(told.out.splitlines()) <= 120
    assert "## What goes wrong" in told.out and "`bench` stands for" in told.out
    assert json.loads(bench("guide", name, "--json").out)["text"] == told.out


@pytest.mark.parametrize("name", NAMES)
def test_a_guide_names_verbs_guides_and_options_that_exist(name: str) -> None:
    text = read_guide(name)
    assert set(re.findall(r"(?:^|`)bench ([a-z]+)", text, re.MULTILINE)) <= VERBS
    assert set(re.findall(r"bench guide ([a-z][a-z-]+)", text)) <= set(NAMES)
    assert set(re.findall(r"`((?:protocols|metrics)/[\w/-]+\.(?:toml|py))`", text)) <= {
        path for path in re.findall(r"`([\w/-]+\.\w+)`", text) if (Path(__file__).parents[3] / path).is_file()
    }


def test_an_unknown_guide_gets_a_suggestion() -> None:
    told = bench("guide", "score-my-video")
    assert told.code == 2 and "Did you mean score-my-videos" in told.line


def test_on_a_terminal_it_is_laid_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    from bench.cli.guide import guide

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    guide("read-the-page")
    said = capsys.readouterr().out
    assert "Read the page" in said and "```" not in said


def test_samples_in_a_place_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    told = bench("guide", "--samples", tmp_path / "file" / "try")
    assert told.code == 2 and "file" in told.line
