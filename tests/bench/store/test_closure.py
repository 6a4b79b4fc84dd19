"""What a module rests on: imports followed wherever they are written, and nothing that is not imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.places import ROOT
from bench.store.closure import closure, closure_sha256

FILES = {
    "house/__init__.py": "",
    "house/roof.py": '"""Above."""\nfrom house import beam\nfrom house.wall import HEIGHT\n',
    "house/beam.py": "def carry():\n    import house.nail\n",
    "house/nail.py": "NAIL = 1\n",
    "house/wall.py": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.door import Door\nHEIGHT = 2\n"
    ),
    "house/door.py": "class Door: ...\n",
    "house/cellar/__init__.py": "from house import wall\ndef descend():\n    from house import door\n",
    "house/cellar/wine.py": "import street.lamp\n",
    "street/lamp.py": "",
}


@pytest.fixture
def built(tmp_path: Path):
    """A fresh copy of the little tree with some files changed: files are read once a process."""
    count = iter(range(100))

    def build(**changes: str) -> Path:
        root = tmp_path / str(next(count))
        for name, text in {**FILES, **{f"house/{name}.py": text for name, text in changes.items()}}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root

    return build


def named(root: Path, module: str, *within: str) -> set[str]:
    return {path.relative_to(root).as_posix() for path in closure([module], within or ("house",), root)}


def test_imports_are_followed_into_functions_but_not_for_type_checkers(built):
    house = {f"house/{name}.py" for name in ("__init__", "roof", "beam", "nail", "wall")}
    assert named(built(), "house.roof") == house


def test_of_a_package_on_the_way_only_what_it_imports_at_once_counts(built):
    root = built()
    on_the_way = {"house/__init__.py", "house/wall.py", "house/cellar/__init__.py", "house/cellar/wine.py"}
    assert named(root, "house.cellar.wine") == on_the_way
    assert named(root, "house.cellar") == on_the_way - {"house/cellar/wine.py"} | {"house/door.py"}
    assert named(root, "house.cellar.wine", "house", "street") == on_the_way | {"street/lamp.py"}


def test_an_edit_reaches_those_that_rest_on_it_alone(built):
    def hashes(root: Path) -> dict[str, str]:
        return {name: closure_sha256((f"house.{name}",), ("house",), root) for name in ("roof", "beam", "wall", "door")}

    before = hashes(built())

    def changed(**edits: str) -> set[str]:
        return {name for name, sha256 in hashes(built(**edits)).items() if sha256 != before[name]}

    assert changed() == set()
    assert changed(nail="NAIL = 2\n") == {"roof", "beam"}
    assert changed(door="class Door: size = 1\n") == {"door"}
    assert changed(roof=FILES["house/roof.py"].replace("Above", "Überall")) == set(), "a docstring decides nothing"
    assert changed(roof=FILES["house/roof.py"] + "# why\n") == {"roof"}
    with pytest.raises(FileNotFoundError, match=r"no module house\.attic"):
        closure_sha256(("house.attic",), ("house",), built())


def test_our_metrics_and_adapters_rest_on_what_they_use():
    ours = ("bench.adapters", "bench.io", "avct")
    psnr, ssim = (named(ROOT, f"metrics.{name}", "metrics") for name in ("psnr", "ssim"))
    assert "metrics/psnr.py" in psnr - ssim and "metrics/ssim.py" in ssim - psnr
    assert "metrics/similarity.py" in ssim - psnr and "metrics/greyscale.py" in psnr & ssim
    assert {"metrics/landmarks/dlib68.py", "metrics/faces/hog.py"} <= named(ROOT, "metrics.landmarks.dlib68", "metrics")
    avct, command, builtin = (named(ROOT, f"bench.adapters.{name}", *ours) for name in ("avct", "command", "builtin"))
    assert all("bench/io/encode.py" in one for one in (avct, command, builtin))
    assert {"avct/inference.py", "avct/generator.py", "avct/audio2pose.py"} <= avct
    assert "bench/adapters/command.py" in command - avct - builtin
    assert not [name for name in avct if name.startswith(("avct/training", "avct/recipes"))]
    assert not [name for name in command | builtin if name.startswith("avct/")]
