"""The shipped method files: what each must say, and what is refused in one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from protocols import catalogue
from protocols.errors import ProtocolError
from protocols.method import CommandMethod

PROGRAMS = [n for n in catalogue.listing("methods") if isinstance(catalogue.load_method(n), CommandMethod)]
KNOWN = {
    *("hdtf", "voxceleb1", "voxceleb2", "mead", "grid", "lrw", "lrs2", "lrs3", "crema-d", "vfhq", "celebv-hq"),
    *("puppets", "celebv-text", "ravdess", "aahq", "obama"),
}
"""Names of training sets, so that no file has a spelling of its own."""


def program(name: str) -> CommandMethod:
    spec = catalogue.load_method(name)
    assert isinstance(spec, CommandMethod)
    return spec


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_described_in_full(name: str):
    spec = program(name)
    for text in (spec.title, spec.source, spec.licence, spec.checked):
        assert text
    assert spec.caveats and spec.trained_on and spec.weights and spec.code and spec.homes
    assert "https://github.com/" in spec.source and "arXiv" in spec.source
    # Nobody has run these programs here; a file must not sound as if somebody had.
    assert "never run here" in spec.checked and "as remembered" in spec.checked
    assert {entry.partition(":")[0].partition("/")[0] for entry in spec.trained_on} <= KNOWN
    assert len({weight.name for weight in spec.weights}) == len(spec.weights)
    assert "." in Path(spec.output).suffix and spec.input.square is not None


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_variable_that_is_used_is_explained(name: str):
    path = catalogue.listing("methods")[name]
    used = set(re.findall(r"\$([A-Z_0-9]+)", path.read_text()))
    assert used == set(program(name).homes)
    assert all(told.startswith("a checkout of https://") for told in program(name).homes.values())


@pytest.mark.parametrize("name", PROGRAMS)
def test_weights_and_code_lie_in_the_programs_folder(name: str):
    spec = program(name)
    for path in [*(weight.path for weight in spec.weights), *spec.code]:
        assert re.match(r"\$[A-Z_0-9]+_HOME/", path)
    for environment in [spec.environment, *(stage.environment for stage in spec.before if stage.environment)]:
        assert environment.cwd and environment.venv


@pytest.mark.parametrize("name", sorted(set(catalogue.listing("methods")) - set(PROGRAMS)))
def test_what_we_trained_says_so(name: str):
    spec = catalogue.load_method(name)
    untrained = spec.builtin in ("ground-truth", "still", "avct-full")  # type: ignore[union-attr]
    assert spec.trained_on == ([] if untrained else ["puppets:train"])


BASE = """
kind = "command"
argv = ["python", "run.py", "{portrait}", "{audio}", "{output}/x.mp4"]
"""
TREE = '[tree]\nsource = "$X_HOME"\n'
STAGE = '[[before]]\nargv = ["make", "{audio}"]\ngives = "driving"\noutput = "*.mp4"\n'


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(ProtocolError) as error:
        catalogue.load_method(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('[tree]\nfresh = ["a"]', "tree.source: expected a value, got nothing"),
        (TREE + 'fresh = ["../a"]', "tree.fresh.0: expected a path inside the folder"),
        (TREE + 'fresh = ["/a"]', "tree.fresh.0: expected a path inside the folder"),
        (TREE + 'fresh = ["a"]\nkeep = ["ab/c"]', "tree.keep: ab/c is in no folder of tree.fresh"),
        (TREE + 'inputs = { sound = "a.wav" }', "tree.inputs"),
        (TREE + 'inputs = { audio = "/a.wav" }', "expected a path inside the folder"),
        (TREE + 'fersh = ["a"]', "tree.fersh: unknown key. Did you mean fresh"),
        (STAGE.replace("driving", "portrait"), "before.0.gives: {portrait} is taken"),
        (STAGE + STAGE, "before.1.gives: {driving} is taken"),
        (STAGE.replace("{audio}", "{driving}"), "before.0.argv names the unknown placeholder {driving}"),
        (STAGE + '[files]\na = "{driving}"', "files.a names the unknown placeholder {driving}"),
        (STAGE + 'environment = { remote = { host = "h" } }', "a stage of `before` cannot have a remote environment"),
        (TREE + '[environment]\nremote = { host = "h" }', "a remote environment goes with neither a tree nor"),
        ('[files]\na = "{tree}"', "files.a names the unknown placeholder {tree}"),
        ('[environment]\ncwd = "{thee}"', "environment.cwd names the unknown placeholder {thee}; known: {portrait}"),
        ('[input]\nportrait = "gif"', "input.portrait: expected 'png' or 'jpg', got 'gif'"),
        ("[panel]\nindex = 3\nof = 3", "panel: expected an index below 3, got 3"),
        ('[homes]\nX_HOME = ""', "homes.X_HOME: expected a name of at least one printable character"),
    ],
)
def test_mistakes_of_programs(tmp_path: Path, more: str, expected: str):
    assert expected in refused(tmp_path, BASE + more)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('trained_on = ["HDTF"]', 'trained_on.0: expected a data set such as "hdtf"'),
        ('trained_on = ["hdtf train"]', 'trained_on.0: expected a data set such as "hdtf"'),
        ('output = "{tree}/*.mp4"', "output must be a glob below {output}"),
        ('output = "../*.mp4"', "output must be a glob below {output}"),
        ("starts_at = -1", "starts_at: expected greater than or equal to 0, got -1"),
    ],
)
def test_mistakes_at_the_top(tmp_path: Path, line: str, expected: str):
    assert expected in refused(tmp_path, f"{line}\n{BASE}")


def test_what_is_said_about_a_program_does_not_decide_its_videos(tmp_path: Path):
    (tmp_path / "a.toml").write_text(BASE)
    prose = 'licence = "MIT"\ncaveats = ["slow"]\nchecked = "no"\ntrained_on = ["hdtf:train", "mead/M003"]\n'
    (tmp_path / "b.toml").write_text(prose + BASE + '[homes]\nX_HOME = "a checkout"\n')
    (tmp_path / "c.toml").write_text("starts_at = 2\n" + BASE)
    one, two, three = (catalogue.load_method(tmp_path / f"{name}.toml").hash() for name in "abc")
    assert one == two != three


def test_only_inputs_that_are_named_are_wanted(tmp_path: Path):
    (tmp_path / "a.toml").write_text(
        BASE + TREE + 'inputs = { phonemes = "p.json" }\n' + STAGE.replace("audio", "pose")
    )
    spec = catalogue.load_method(tmp_path / "a.toml")
    assert isinstance(spec, CommandMethod)
    assert spec.inputs == {"portrait", "audio", "phonemes", "pose"} and spec.follows_pose
