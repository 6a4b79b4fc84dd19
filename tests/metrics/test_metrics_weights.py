"""Weight files: what is said of them, where they are looked for, and whether they are intact."""

from __future__ import annotations

import fnmatch
import os
import pickle
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from metrics.errors import MetricError, MissingWeights
from metrics.faces import detectors
from metrics.features import extractors
from metrics.landmarks import BACKENDS, backends
from metrics.registry import variants
from metrics.weights import (
    Weight,
    _torch_hub,
    entries,
    entry,
    find,
    load_state,
    locate,
    locate_intact,
    verify,
)

SHIPPED = "puppet68"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weight is found: wheels are hidden and the cache is empty. The folder that AVCT_BENCH_WEIGHTS names."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("AVCT_BENCH_WEIGHTS", str(tmp_path / "given"))
    (tmp_path / "given").mkdir()
    return tmp_path / "given"


@pytest.mark.parametrize("weight", entries(), ids=lambda w: w.name)
def test_what_is_said_is_complete(weight: Weight) -> None:
    assert re.fullmatch("([0-9a-f]{64})?", weight.sha256) and weight.bytes >= 0
    assert weight.sha256 or weight.name == "arcface_r50"  # the only one that nobody publishes a sha256 of
    assert bool(weight.sha256) == bool(weight.bytes)
    assert weight.file and weight.licence and weight.origin and weight.needed_by
    assert weight.url.startswith("https://") or not weight.url
    assert re.search(r"run_bench\.py (weights (fetch|add)|train) [\w -]+$|pip install \S+$", weight.way), weight.way
    prefix = re.search("-([0-9a-f]{8})[.]pth$", weight.file)  # torch hub's names begin the sha256
    assert prefix is None or weight.sha256.startswith(prefix[1])


def test_every_weight_is_needed_by_what_there_is() -> None:
    known = [
        *(f"landmarks:{name}" for name in backends()),
        *(f"faces:{name}" for name in detectors()),
        *(f"features:{name}" for name in extractors()),
        *variants(),
    ]
    strange = [
        (weight.name, need) for weight in entries() for need in weight.needed_by if not fnmatch.filter(known, need)
    ]
    assert not strange


def test_every_variants_weights_name_it_and_no_other() -> None:
    """Who rests on a file is said there: the variant, or what it looks through."""
    for variant in variants().values():
        looks = [need.removeprefix("truth_") for need in variant.needs if ":" in need]
        named = {
            weight.name
            for weight in entries()
            if any(fnmatch.fnmatchcase(of, need) for of in (variant.id, *looks) for need in weight.needed_by)
        }
        assert named == set(variant.weights), variant.id


def test_names_are_unique_and_backends_weights_are_listed() -> None:
    names = [weight.name for weight in entries()]
    assert len(set(names)) == len(names)
    for backend, needed in BACKENDS.items():
        assert set(needed) == {w.name for w in entries() if f"landmarks:{backend}" in w.needed_by}


def test_the_shipped_file_is_intact_and_as_long_as_said() -> None:
    assert verify(SHIPPED) == "intact" and locate(SHIPPED).stat().st_size == entry(SHIPPED).bytes
    assert locate_intact(SHIPPED) == locate(SHIPPED) == find(SHIPPED)


@pytest.mark.parametrize("weight", entries(), ids=lambda w: w.name)
def test_files_that_are_here_are_intact(weight: Weight) -> None:
    if find(weight.name) is None:
        pytest.skip(f"{weight.file} is not here: {weight.remedy}")
    assert verify(weight.name) == "intact" and find(weight.name).stat().st_size == weight.bytes


def test_an_unknown_name_gets_a_suggestion() -> None:
    for ask in (entry, find, locate, verify):
        with pytest.raises(MetricError, match=r"unknown weights 'pupet68'\. Did you mean puppet68"):
            ask("pupet68")


@pytest.mark.parametrize("weight", entries(), ids=lambda w: w.name)
def test_missing_says_what_to_do(weight: Weight, nowhere: Path) -> None:
    assert find(weight.name) is None and verify(weight.name) == "missing"
    for ask in (locate, locate_intact, load_state):
        with pytest.raises(MissingWeights, match="are not here: ") as caught:
            ask(weight.name)
        said = str(caught.value)
        assert said.startswith(f"weights {weight.name} ({weight.file}") and said.endswith(weight.way)
        assert "\n" not in said


def test_a_damaged_file_is_not_used(nowhere: Path) -> None:
    real = Path(__file__).parents[2] / "metrics" / "weights_data" / entry(SHIPPED).file
    copy = nowhere / real.name
    data = bytearray(real.read_bytes())
    copy.write_bytes(data)
    assert verify(SHIPPED) == "intact" and locate_intact(SHIPPED) == copy
    data[-1] ^= 1  # one bit
    copy.write_bytes(data)
    assert verify(SHIPPED) == "damaged" and locate(SHIPPED) == copy
    with pytest.raises(MetricError, match=r"expected the sha256 that weights\.toml states for puppet68") as caught:
        locate_intact(SHIPPED)
    assert str(caught.value).startswith(str(copy))
    copy.write_bytes(b"")
    assert verify(SHIPPED) == "damaged"


def test_folders_are_searched_in_the_stated_order(
    nowhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second, wheel = tmp_path / "second", tmp_path / "wheel"
    monkeypatch.setenv("AVCT_BENCH_WEIGHTS", f"{nowhere}{os.pathsep}{os.pathsep}{second}")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: SimpleNamespace(submodule_search_locations=[wheel]))
    hub, own = tmp_path / "torch" / "hub" / "checkpoints", tmp_path / "cache" / "weights"
    for place in (hub, own, wheel / "models", second, nowhere):  # each that is added comes before all those
        place.mkdir(parents=True, exist_ok=True)
        (place / entry("dlib68").file).write_bytes(b"x")
        assert find("dlib68") == place / entry("dlib68").file
    monkeypatch.delenv("AVCT_BENCH_WEIGHTS")
    assert find("dlib68") == wheel / "models" / entry("dlib68").file


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"TORCH_HOME": "/t"}, "/t/hub/checkpoints"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/torch/hub/checkpoints"),
        ({"HOME": "/h"}, "/h/.cache/torch/hub/checkpoints"),
    ],
)
def test_torch_hubs_cache_is_where_torch_has_it(
    variables: dict[str, str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(_torch_hub()) == place == str(Path(torch.hub.get_dir()) / "checkpoints")


def test_a_folder_with_the_files_name_is_no_file(nowhere: Path) -> None:
    (nowhere / entry(SHIPPED).file).mkdir()
    assert verify(SHIPPED) == "missing"


class Trap:
    """Whoever unpickles it without care makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.mark), "w")


@pytest.fixture
def lone(nowhere: Path, tmp_path: Path) -> Path:
    """Where the weight lies whose sha256 nobody publishes; call `vouch` once it is written."""
    (tmp_path / "cache" / "weights").mkdir(parents=True)
    return nowhere / entry("arcface_r50").file


def vouch(path: Path, tmp_path: Path) -> None:
    import hashlib

    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "cache" / "weights" / "pins.toml").write_text(f'arcface_r50 = "{sha256}"\n')


def test_an_unpublished_weight_counts_once_it_is_vouched_for(lone: Path, tmp_path: Path) -> None:
    lone.write_bytes(b"x")
    assert verify("arcface_r50") == "unverified"
    with pytest.raises(MissingWeights, match=r"^weights arcface_r50 .* if you trust .*: run_bench\.py weights add arc"):
        load_state("arcface_r50")
    vouch(lone, tmp_path)
    assert verify("arcface_r50") == "pinned" and locate_intact("arcface_r50") == lone


@pytest.mark.parametrize("legacy", [False, True])
def test_tensors_are_read_all_of_them(lone: Path, tmp_path: Path, legacy: bool) -> None:
    torch = pytest.importorskip("torch")
    held = {"a.weight": torch.arange(6.0).reshape(2, 3), "b.num_batches_tracked": torch.tensor(3)}
    torch.save(held, lone, _use_new_zipfile_serialization=not legacy)
    vouch(lone, tmp_path)
    read = load_state("arcface_r50")
    assert list(read) == list(held) and all(torch.equal(read[name], held[name]) for name in held)


def test_safetensors_are_read_as_well() -> None:
    torch = pytest.importorskip("torch")
    assert all(isinstance(value, torch.Tensor) for value in load_state(SHIPPED).values())


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("form", ["pickle", "torch", "nested", "script", "noise", "empty"])
def test_a_foreign_pickle_is_refused_and_nothing_of_it_runs(lone: Path, tmp_path: Path, form: str) -> None:
    torch = pytest.importorskip("torch")
    mark = tmp_path / "ran"
    if form == "pickle":
        lone.write_bytes(pickle.dumps(Trap(mark)))
    elif form == "torch":
        torch.save(Trap(mark), lone)
    elif form == "nested":
        torch.save({"a": torch.ones(2), "b": Trap(mark)}, lone, _use_new_zipfile_serialization=False)
    elif form == "script":
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(lone))
    else:
        lone.write_bytes(b"\x00\xff noise" if form == "noise" else b"")
    vouch(lone, tmp_path)
    with pytest.raises(MetricError, match=r"cannot be read as tensors alone .*; nothing of it was run") as caught:
        load_state("arcface_r50")
    assert str(caught.value).startswith(str(lone)) and "\n" not in str(caught.value) and not mark.exists()


@pytest.mark.parametrize(
    ("held", "said"),
    [({"epoch": 3}, "got int at 'epoch'"), ([1], "got list"), ({}, "got dict"), ({1: 2}, "got int at 1")],
)
def test_what_is_no_state_is_refused(lone: Path, tmp_path: Path, held: object, said: str) -> None:
    torch = pytest.importorskip("torch")
    torch.save(held, lone)
    vouch(lone, tmp_path)
    with pytest.raises(MetricError, match=f"expected tensors by name, {said}"):
        load_state("arcface_r50")
