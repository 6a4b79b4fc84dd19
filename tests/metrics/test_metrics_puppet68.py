"""The corpus's judge on one puppet's portrait; how it reads speech is tested with its training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets.puppets.corpus import rest_portrait
from metrics.errors import MetricError, MissingWeights
from metrics.landmarks import puppet68
from metrics.landmarks.puppet68 import Puppet68
from metrics.landmarks.scheme68 import MIRROR


@pytest.fixture(scope="module")
def judge() -> Puppet68:
    return puppet68.load()


@pytest.fixture(scope="module")
def puppet() -> tuple[np.ndarray, np.ndarray]:
    """uint8 (256, 256, 3) and its exact landmarks (68, 2) of an identity that the judge never met."""
    shown = rest_portrait("test-003")
    return shown.image, np.asarray(shown.landmarks, np.float64)


def error(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.linalg.norm(found - exact, axis=-1).mean())


def test_a_strangers_landmarks(judge: Puppet68, puppet: tuple[np.ndarray, np.ndarray]) -> None:
    image, exact = puppet
    found = judge.detect(image[None])
    assert found.shape == (1, 68, 2) and found.dtype == np.float64 and np.isfinite(found).all()
    assert error(found[0], exact) < 2 and error(found[0, 48:], exact[48:]) < 1


def test_it_looks_at_the_picture(judge: Puppet68, puppet: tuple[np.ndarray, np.ndarray]) -> None:
    """A mirrored and a shifted puppet: landmarks follow."""
    image, exact = puppet
    mirrored = exact[list(MIRROR)] * (-1, 1) + (255, 0)
    assert error(judge.detect(image[None, :, ::-1].copy())[0], mirrored) < 2.5
    shifted = np.pad(image, ((0, 0), (6, 0), (0, 0)), mode="edge")[:, :256]
    assert error(judge.detect(shifted[None])[0], exact + (6, 0)) < 2.5


def test_landmarks_are_pixels_of_the_frame_whatever_its_size(
    judge: Puppet68, puppet: tuple[np.ndarray, np.ndarray]
) -> None:
    image, exact = puppet
    small = image.reshape(128, 2, 128, 2, 3).mean((1, 3)).round().astype(np.uint8)
    assert error(judge.detect(small[None])[0], (exact - 0.5) / 2) < 1.5


def test_frames_do_not_sway_one_another(judge: Puppet68, puppet: tuple[np.ndarray, np.ndarray]) -> None:
    image, _ = puppet
    frames = np.stack([np.roll(image, k, 1) for k in range(35)])  # more than one batch
    together = judge.detect(frames)
    assert together.shape == (35, 68, 2)
    for t in (0, 17, 34):
        assert judge.detect(frames[t : t + 1])[0] == pytest.approx(together[t], abs=1e-3)
    assert judge.detect(frames[:0]).shape == (0, 68, 2)


def test_wrong_input_is_refused(judge: Puppet68, puppet: tuple[np.ndarray, np.ndarray]) -> None:
    image, _ = puppet
    for bad in (image, image[None, :200], image[None] / 255, image[None, ..., :2]):
        with pytest.raises(MetricError, match=r"puppet68: expected uint8 frames \(T, S, S, 3\), got "):
            judge.detect(bad)


def test_another_file_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVCT_BENCH_WEIGHTS", str(tmp_path))
    (tmp_path / "puppet68.safetensors").write_bytes(b"another judge")
    with pytest.raises(MetricError, match=r"expected the sha256 that weights\.toml states for puppet68"):
        puppet68.load.__wrapped__()


def test_without_its_file_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path))
    with pytest.raises(MissingWeights, match="they ship with the package: install avct-bench again"):
        puppet68.load.__wrapped__()
