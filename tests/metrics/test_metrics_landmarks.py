"""Landmark backends by name: ours, a user's, and what goes wrong; and the scheme of 68 points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metrics.errors import MetricError, MissingWeights
from metrics.landmarks import BACKENDS, GIVEN, LEGACY_BACKENDS, backend, backends
from metrics.landmarks.scheme68 import MIRROR, MOUTH, OUTER_EYES
from metrics.registry import variants

OWN = """
from __future__ import annotations
from dataclasses import dataclass
import numpy as np

@dataclass(frozen=True)
class Corner:
    name: str = "corner68"
    weights: tuple[str, ...] = ()

    def detect(self, frames):
        return np.zeros((len(frames), 68, 2))

def load():
    return Corner()
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a user's own backends."""
    monkeypatch.setenv("AVCT_BENCH_PATH", str(tmp_path))
    folder = tmp_path / "metrics" / "landmarks"
    folder.mkdir(parents=True)
    return folder


def test_ours() -> None:
    assert set(backends()) == set(BACKENDS) - set(GIVEN) == {"dlib68", "puppet68", "yunet68"}
    assert set(LEGACY_BACKENDS) <= set(backends())
    assert backend("puppet68").name == "puppet68" and backend("puppet68").weights == BACKENDS["puppet68"]
    assert backend("puppet68") is backend("puppet68")


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(MetricError, match=r"unknown landmark backend 'pupet'\. Did you mean puppet68 or"):
        backend("pupet")
    with pytest.raises(MetricError, match=r"Did you mean dlib68 or puppet68 or yunet68\?"):
        backend("zzzz")
    for name in ("scheme68", "predictor68", "file", "exact"):
        with pytest.raises(MetricError, match=f"unknown landmark backend '{name}'"):
            backend(name)


def test_landmarks_from_a_file_have_variants_but_no_legacy_ones() -> None:
    found = variants()
    for name in ("yunet68", "file"):
        assert {f"lmd/mouth20-centred-px-{name}@1", f"lip_opening_r/{name}@1"} <= set(found)
        assert not [id for id in found if "legacy" in id and id.endswith(f"{name}@1")]
        assert found[f"lmd/face68-iod-{name}@1"].weights == BACKENDS[name]
    assert [id for id in found if id.startswith("lmd/legacy") and id.endswith("-dlib68@1")]


def test_a_users_own(own: Path) -> None:
    (own / "corner68.py").write_text(OWN)
    (own / "tables.py").write_text("raise SystemError('no backend: never run')\n")
    assert list(backends()) == ["corner68", "dlib68", "puppet68", "yunet68"]
    assert backend("corner68").detect(np.zeros((2, 4, 4, 3), np.uint8)).shape == (2, 68, 2)


def test_a_name_taken_twice_names_both_files(own: Path) -> None:
    path = own / "dlib68.py"
    path.write_text(OWN)
    with pytest.raises(MetricError, match="landmark backend 'dlib68' is defined twice") as caught:
        backends()
    assert str(caught.value).endswith(f"dlib68.py and {path}")


@pytest.mark.parametrize(
    ("text", "kind", "match"),
    [
        ("import no_such_package\ndef load(): pass\n", MissingWeights, "needs what is not here: ModuleNotFoundError"),
        ("def load():\n    import no_such_package\n", MissingWeights, "No module named 'no_such_package'"),
        ("def load():\n    raise OSError('a\\nb')\n", MetricError, "cannot be loaded: OSError: a b"),
        ("def load(:\n", MetricError, "cannot be loaded: SyntaxError"),
        (
            "from metrics.errors import MissingWeights\ndef load():\n    raise MissingWeights('fetch x.pt')\n",
            MissingWeights,
            "^fetch x.pt$",
        ),
    ],
)
def test_one_that_cannot_be_loaded_says_so_in_one_line(own: Path, text: str, kind: type, match: str) -> None:
    (own / "broken68.py").write_text(text)
    with pytest.raises(MetricError, match=match) as caught:
        backend("broken68")
    assert type(caught.value) is kind and "\n" not in str(caught.value)


def test_a_mirror_of_a_mirror_is_the_face() -> None:
    mirror = np.array(MIRROR)
    assert sorted(MIRROR) == list(range(68)) and np.array_equal(mirror[mirror], np.arange(68))
    assert mirror[OUTER_EYES[0]] == OUTER_EYES[1] and set(mirror[list(MOUTH)]) == set(MOUTH)
    assert [p for p in range(68) if mirror[p] == p] == [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]
