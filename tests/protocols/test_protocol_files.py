"""Protocol, method and dataset files: what is refused and how it is said, hashes, overrides, discovery."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocols import catalogue
from protocols.errors import ProtocolError
from protocols.validation import override

PROTOCOL = """
id = "small@2"
title = "A title"
dataset = "puppets"
metrics = ["psnr/mean-of-frames@1"]
methods = ["still"]
[axes]
drivers_per_speaker = 1
[[settings]]
name = "a"
[statistics]
level = 0.9
"""


def write(folder: Path, text: str, name: str = "small.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ProtocolError) as error:
        catalogue.load(write(folder, text))
    assert "\n" not in str(error.value) and "small.toml" in str(error.value)
    return str(error.value)


def test_defaults_are_filled_and_the_model_is_frozen(tmp_path: Path):
    protocol = catalogue.load(write(tmp_path, PROTOCOL))
    assert (protocol.name, protocol.size, protocol.pose, protocol.axes.seeds) == ("small", 256, "truth", [0])
    assert protocol.as_dict()["statistics"] == {
        "resamples": 2000,
        "level": 0.9,
        "seed": 0,
        "cluster": "clip",
        "fewest": 5,
    }
    with pytest.raises(ValueError, match="frozen"):
        protocol.size = 3


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "drivers_per_speaker",
            "drivers_per_speeker",
            "axes.drivers_per_speeker: unknown key. Did you mean drivers_per",
        ),
        ("level = 0.9", "levle = 0.9", "statistics.levle: unknown key. Did you mean level"),
        ('name = "a"', 'name = "a"\nprecison = "x"', "settings.0.precison: unknown key. Did you mean precision?"),
        ('id = "small@2"', 'id = "small"', "id: expected name@version such as \"demo@1\", got 'small'"),
        ("level = 0.9", "level = 1.5", "statistics.level: expected less than 1, got 1.5"),
        ("level = 0.9", 'level = "0.9"', "statistics.level: expected a valid number, got '0.9'"),
        (
            'name = "a"',
            'name = "a"\nprecision = "half"',
            "precision: expected 'float32', 'tf32', 'bfloat16' or 'float16', got 'half'",
        ),
        ('name = "a"', 'name = "a"\ndevice = "gpu"', "settings.0.device: expected"),
        ('methods = ["still"]', 'methods = ["still", "still"]', "methods: 'still' is listed twice"),
        ('methods = ["still"]', "methods = []", "methods: expected"),
        ('dataset = "puppets"\n', "", "dataset: expected a value, got nothing"),
        ("mean-of-frames@1", "mean-of-frames", "family/variant@version"),
        ("drivers_per_speaker = 1", 'drivers_per_speaker = 1\ndrivers = ["d"]', "not both"),
        ('id = "small@2"', "id = ", "expected TOML, got:"),
    ],
)
def test_a_mistake_is_one_line_that_names_file_key_and_values(tmp_path: Path, before: str, after: str, expected: str):
    assert before in PROTOCOL
    assert expected in refused(tmp_path, PROTOCOL.replace(before, after))


def test_hash_follows_meaning(tmp_path: Path):
    first = catalogue.load(write(tmp_path, PROTOCOL)).hash()
    moved = 'methods = ["still"]\n# a comment\n' + PROTOCOL.replace('methods = ["still"]\n', "").replace("A title", "B")
    assert catalogue.load(write(tmp_path, moved)).hash() == first
    spelled_out = PROTOCOL.replace('dataset = "puppets"', 'dataset = "puppets"\nsize = 256')
    assert catalogue.load(write(tmp_path, spelled_out)).hash() == first
    for before, after in [("level = 0.9", "level = 0.8"), ("@2", "@3"), ("speaker = 1", "speaker = 2")]:
        assert catalogue.load(write(tmp_path, PROTOCOL.replace(before, after))).hash() != first


def test_overrides(tmp_path: Path):
    path = write(tmp_path, PROTOCOL)
    made = catalogue.load(path, overrides=["axes.seeds=[0, 1]", "settings.0.batch=4", "pose=still", "size = 64"])
    assert (made.axes.seeds, made.settings[0].batch, made.pose, made.size) == ([0, 1], 4, "still", 64)
    assert catalogue.load(path).size == 256
    for wrong, expected in [
        ("axes.sedes=[1]", "axes.sedes: unknown key. Did you mean seeds"),
        ("settings.3.batch=4", "expected an index below 1, got '3'"),
        ("size", "expected key.path=value, got 'size'"),
        ("id.x=1", "id holds a plain value"),
    ]:
        with pytest.raises(ProtocolError, match=expected.replace(".", r"\.")):
            catalogue.load(path, overrides=[wrong])


def test_an_override_leaves_the_original_alone():
    content = {"a": {"b": [1, 2]}}
    assert override(content, ["a.b.0=5", "c.d=x y"]) == {"a": {"b": [5, 2]}, "c": {"d": "x y"}}
    assert content == {"a": {"b": [1, 2]}}


def test_what_is_shipped_loads():
    assert "demo" in catalogue.listing("protocols")
    for name in catalogue.listing("protocols"):
        protocol = catalogue.load(name)
        catalogue.load_dataset(protocol.dataset)
        for method in protocol.methods:
            assert catalogue.load_method(method).name == method
    for name in catalogue.listing("methods"):
        catalogue.load_method(name)
    for name in catalogue.listing("datasets"):
        catalogue.load_dataset(name)


def test_one_file_on_the_path_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(catalogue.PATH_VARIABLE, str(tmp_path))
    write(tmp_path, PROTOCOL, "protocols/mine.toml")
    write(tmp_path, 'kind = "builtin"\nbuiltin = "still"', "protocols/methods/calm.toml")
    write(tmp_path, 'loader = "folder"', "protocols/datasets/clips.toml")
    assert catalogue.load("mine").name == "small"
    assert catalogue.load_method("calm").here == str(tmp_path / "protocols/methods")
    assert catalogue.load_dataset("clips").name == "clips"
    with pytest.raises(ProtocolError, match=r"unknown method 'clam'\. Did you mean calm"):
        catalogue.load_method("clam")
    write(tmp_path, PROTOCOL, "protocols/demo.toml")
    with pytest.raises(ProtocolError, match=r"'demo' is defined twice: .*demo.toml and .*demo.toml"):
        catalogue.listing("protocols")


def test_a_path_that_is_not_there(tmp_path: Path):
    with pytest.raises(ProtocolError, match=r"none\.toml: no such protocol file"):
        catalogue.load(tmp_path / "none.toml")


COMMAND = """
kind = "command"
argv = ["python3", "{here}/run.py", "--image", "{portrait}", "--out", "{output}/x.mp4"]
[files]
"config.yaml" = "audio: {audio}  # {{kept}}"
"""


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("{portrait}", "{potrait}", "argv names the unknown placeholder {potrait}"),
        ("{audio}", "{sound}", "files.config.yaml names the unknown placeholder {sound}"),
        ('"config.yaml"', '"../config.yaml"', "must stay inside the working folder"),
        ("[files]", 'output = "/tmp/*.mp4"\n[files]', "output must be a glob below"),
        ("[files]", "timeout = 3\n[files]", "timeout: unknown key. Did you mean timeout_s"),
        ("[files]", "[input]\nsquere = 3\n[files]", "input.squere: unknown key. Did you mean square"),
        ('kind = "command"', 'kind = "comand"', "kind: expected one of builtin, command, got 'comand'"),
        ('kind = "command"', 'kind = "command"\nname = "x"', "name: unknown key"),
    ],
)
def test_method_mistakes(tmp_path: Path, before: str, after: str, expected: str):
    catalogue.load_method(write(tmp_path, COMMAND, "m.toml"))
    with pytest.raises(ProtocolError) as error:
        catalogue.load_method(write(tmp_path, COMMAND.replace(before, after), "m.toml"))
    assert expected in str(error.value)


def test_a_methods_hash_ignores_its_name_and_place(tmp_path: Path):
    one = catalogue.load_method(write(tmp_path, COMMAND, "a/one.toml"))
    two = catalogue.load_method(write(tmp_path, 'title = "T"\ntrained_on = ["x"]\n' + COMMAND, "b/two.toml"))
    other = catalogue.load_method(write(tmp_path, COMMAND.replace("--image", "--img"), "a/three.toml"))
    assert one.hash() == two.hash() != other.hash()
