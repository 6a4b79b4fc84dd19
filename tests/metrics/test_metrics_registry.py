"""Metrics are found by looking: ours, users' files, and what goes wrong with either; every card is complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from metrics.errors import MetricError, UnknownVariant
from metrics.landmarks import GIVEN
from metrics.registry import Variant, evaluate, find, get, variants
from metrics.weights import entries

ROOT = Path(__file__).parents[2]
TEMPLATE = """
from __future__ import annotations
from dataclasses import dataclass
from metrics.clip import Clip, Result
from metrics.registry import Variant

@dataclass(frozen=True)
class Setting:
    level: float = 7.0

def measure(clip):
    return Result(Setting().level, 1.0)

VARIANTS = (Variant(id={id!r}, title="T", formula="F", unit="1", direction={direction!r}, target={target!r},
    bounds=(None, None), needs={needs!r}, weights=(), source="S", equals="E", blind_to="B", legacy=False,
    measure=measure),)
"""


def write(folder: Path, name: str = "mine", **chosen: object) -> Path:
    """A metric file in a folder of one's own."""
    values = {"id": "mine/plain@1", "direction": "lower", "target": None, "needs": (), **chosen}
    path = folder / "metrics" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.format(**values), encoding="utf-8")
    return path


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own on AVCT_BENCH_PATH."""
    monkeypatch.setenv("AVCT_BENCH_PATH", str(tmp_path))
    return tmp_path


def fails(match: str) -> str:
    """The one line with which discovery fails."""
    with pytest.raises(MetricError, match=match) as caught:
        variants()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_families_asked_for_are_there() -> None:
    found = variants()
    assert list(found) == sorted(found) and all(id == v.id for id, v in found.items())
    families = {v.family for v in found.values()}
    assert families >= {
        "psnr", "ssim", "lmd", "lip_opening_r", "lip_opening_slope", "lip_opening_bias", "lip_opening_std", "sharpness",
        "sync_offset", "sync_distance", "sync_confidence",
    }  # fmt: skip
    for backend in ("puppet68", "dlib68"):
        for name in ("lmd/mouth20-centred-px", "lmd/face68-centred-px"):
            assert f"{name}-{backend}@1" in found
        assert f"lip_opening_r/{backend}@1" in found


@pytest.mark.parametrize("variant", variants().values(), ids=lambda v: v.id)
def test_cards_are_complete(variant: Variant) -> None:
    for name in ("title", "formula", "unit", "source", "equals", "blind_to"):
        text = getattr(variant, name)
        assert isinstance(text, str) and text.strip() == text and text and "\n" not in text, name
    assert variant.direction in ("higher", "lower", "target") and isinstance(variant.legacy, bool)
    assert variant.legacy == variant.id.partition("/")[2].startswith("legacy-")
    low, high = variant.bounds
    assert low is None or high is None or low < high
    assert variant.target is None or (
        (low is None or low <= variant.target) and (high is None or variant.target <= high)
    )
    assert set(variant.weights) <= {entry.name for entry in entries()}
    for need in variant.needs:
        kind, _, backend = need.partition(":")
        if kind.endswith("landmarks") and backend != "exact":
            assert backend in variant.id and (variant.weights or backend in GIVEN)
    card = variant.as_dict()
    assert "measure" not in card and json.loads(json.dumps(card)) == card and card["id"] == variant.id


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(UnknownVariant, match=r"unknown metric 'psnr/mean-of-frame@1'\. Did you mean psnr/mean-of"):
        get("psnr/mean-of-frame@1")
    with pytest.raises(UnknownVariant, match=r"Did you mean psnr/pooled@1\?"):
        get("psnr/pooled")
    with pytest.raises(UnknownVariant, match="psnr/mean-of-frames@1 or psnr/mouthbox"):
        get("psnr")
    with pytest.raises(UnknownVariant, match="Did you mean ssim"):
        find("sim")
    with pytest.raises(UnknownVariant, match="`ls metrics` lists what there is"):
        find("qqqqqqqq")


def test_find_by_id_by_variant_and_by_family() -> None:
    assert [v.id for v in find("psnr/pooled@1")] == [v.id for v in find("psnr/pooled")] == ["psnr/pooled@1"]
    assert [v.id for v in find("psnr")] == [id for id in variants() if id.startswith("psnr/")]


def test_a_file_of_ones_own(own: Path, golden_clip: object) -> None:
    assert "mine/plain@1" not in variants()
    path = write(own)
    assert get("mine/plain@1").title == "T" and evaluate("mine/plain@1", golden_clip).value == 7.0
    path.write_text(path.read_text().replace("7.0", "11.5"), encoding="utf-8")
    assert evaluate("mine/plain@1", golden_clip).value == 11.5
    path.unlink()
    assert "mine/plain@1" not in variants()


def test_several_folders_and_what_is_no_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write(one)
    write(two, id="other/plain@1")
    write(two, "_hidden", id="hidden/plain@1")
    (two / "metrics" / "tables.py").write_text("raise SystemError('a module that is no metric is never run')\n")
    (two / "metrics" / "folder.py").mkdir()
    monkeypatch.setenv("AVCT_BENCH_PATH", os.pathsep.join([str(one), "", str(two), str(one), str(tmp_path / "none")]))
    found = variants()
    assert {"mine/plain@1", "other/plain@1"} <= set(found) and "hidden/plain@1" not in found


def test_our_own_folder_on_the_path_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(variants())
    monkeypatch.setenv("AVCT_BENCH_PATH", str(ROOT))
    assert list(variants()) == before


def test_an_id_defined_twice_names_both_files(own: Path) -> None:
    one, two = write(own, "a"), write(own, "b")
    assert fails("metric 'mine/plain@1' is defined twice") == f"metric 'mine/plain@1' is defined twice: {one} and {two}"
    two.unlink()
    write(own, "b", id="psnr/pooled@1")
    assert str(ROOT / "metrics" / "psnr.py") in fails("'psnr/pooled@1' is defined twice")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("VARIANTS = (", "cannot be imported: SyntaxError"),
        ("import no_such_package\nVARIANTS = ()", "cannot be imported: ModuleNotFoundError: No module named 'no_such"),
        ("raise ValueError('one\\ntwo')\nVARIANTS = ()", "cannot be imported: ValueError: one two"),
        ("VARIANTS = [1]", "expected VARIANTS to be a tuple of metrics.registry.Variant"),
        ("VARIANTS = (1,)", "expected VARIANTS to be a tuple"),
        ("if False:\n    pass\nVARIANTS: tuple\n", "expected VARIANTS to be a tuple"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(own: Path, text: str, match: str) -> None:
    path = write(own)
    path.write_text(text)
    assert str(path) in fails(match)


def test_a_file_that_is_no_text_is_named(own: Path) -> None:
    path = write(own)
    path.write_bytes(b"VARIANTS = '\xff\xfe'")
    assert str(path) in fails("expected a readable file of UTF-8 text")


@pytest.mark.parametrize(
    ("chosen", "match"),
    [
        ({"id": "plain"}, "expected an id such as \"psnr/mean-of-frames@1\", got 'plain'"),
        ({"id": "mine/plain"}, "expected an id such as"),
        ({"id": "Mine/plain@1"}, "expected an id such as"),
        ({"direction": "up"}, "expected direction higher or lower or target, got 'up'"),
        ({"target": 1.0}, "a target goes with direction 'target' only"),
        ({"needs": ("sound",)}, "unknown need 'sound'; known: truth, samples"),
        ({"needs": ("landmarks",)}, "unknown need 'landmarks'"),
        ({"needs": ("landmarks:",)}, "unknown need 'landmarks:'"),
        ({"needs": ("truth:dlib68",)}, "unknown need 'truth:dlib68'"),
    ],
)
def test_a_card_that_cannot_be_right_is_refused(own: Path, chosen: dict[str, object], match: str) -> None:
    path = write(own, **chosen)
    assert str(path) in fails(match)


def test_listing_loads_nothing_heavy() -> None:
    script = (
        "import sys; from metrics.registry import variants; from metrics.landmarks import backends; "
        "from metrics.faces import detectors; from metrics.features import extractors; "
        "variants(); backends(); detectors(); extractors(); print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"torch", "torchvision", "cv2", "av", "dlib", "librosa", "pandas", "matplotlib", "skimage", "scipy", "PIL"}
    assert "metrics" in ran.stdout.split() and not heavy & set(ran.stdout.split())
