"""A tracker is one file that nobody registers: dropped in, it is known, checked and used."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from bench.errors import ConfigError
from bench.trackers import check, names, parse_options, send_run

OWN = '''
"""Sends to a JSON file."""

import json

from bench.trackers.base import Sent, check_options


def check(options):
    check_options("notebook", options, ("title",))


def send(feed, folder, *, options):
    folder.mkdir(parents=True, exist_ok=True)
    held = {"/".join(entry.path): dict(entry.scalars) for entry in feed.entries}
    (folder / "notes.json").write_text(json.dumps({"name": feed.name, "title": options["title"], "runs": held}))
    return Sent(str(folder / "notes.json"), "cat", True)
'''


@pytest.fixture
def dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own with a tracker, and a file beside it that is none."""
    (tmp_path / "own" / "trackers").mkdir(parents=True)
    (tmp_path / "own" / "trackers" / "notebook.py").write_text(OWN)
    (tmp_path / "own" / "trackers" / "words.py").write_text("WORDS = ()\n")
    monkeypatch.setenv("AVCT_BENCH_PATH", str(tmp_path / "own"))
    return tmp_path / "own"


def test_ours_are_known_without_it() -> None:
    assert names() == ["mlflow", "tensorboard"]


def test_a_tracker_dropped_in_is_listed_and_used(dropped: Path, run: Path, tmp_path: Path) -> None:
    assert names() == ["mlflow", "notebook", "tensorboard"]
    sent = send_run(run, "notebook", options={"title": "mine"}, out=tmp_path / "there", name="first")
    held = json.loads(Path(sent.place).read_text())
    assert held["name"] == "first" and held["title"] == "mine" and held["runs"]["avct/f32"]["cells/run"] == 3
    with pytest.raises(
        ConfigError, match=r"--option titel: tracker 'notebook' has no such option\. Did you mean title"
    ):
        check("notebook", {"titel": "x"})


def test_one_that_cannot_be_loaded_and_one_whose_name_is_taken_are_one_line(dropped: Path) -> None:
    (dropped / "trackers" / "notebook.py").write_text("import nothing_of_that_name\n" + OWN.lstrip())
    with pytest.raises(ConfigError, match=r"tracker 'notebook' .* cannot be loaded: ModuleNotFoundError"):
        check("notebook", {})
    (dropped / "trackers" / "mlflow.py").write_text(OWN)
    with pytest.raises(ConfigError, match="tracker 'mlflow' is defined twice"):
        names()


def test_an_unknown_tracker_is_answered_with_a_near_one() -> None:
    with pytest.raises(ConfigError, match=r"unknown tracker 'tensorbord'\. Did you mean tensorboard"):
        check("tensorbord", {})


@pytest.mark.parametrize(
    ("tracker", "package"), [("tensorboard", "tensorboard"), ("mlflow", "mlflow-skinny")], ids=["tensorboard", "mlflow"]
)
def test_an_extra_that_is_not_installed_is_one_line(
    tracker: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None)
    with pytest.raises(ConfigError) as caught:
        check(tracker, {})
    assert f"tracker '{tracker}' needs the package {package} (extra `{tracker}`)" in str(caught.value)
    assert caught.value.exit_code == 2


def test_options_are_of_the_form_key_value() -> None:
    assert parse_options(["uri=http://host?a=b", " experiment = lips "]) == {
        "uri": "http://host?a=b", "experiment": "lips",
    }  # fmt: skip
    with pytest.raises(ConfigError, match="expected key=value, got 'uri'"):
        parse_options(["uri"])
