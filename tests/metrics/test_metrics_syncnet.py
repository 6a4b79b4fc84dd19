"""SyncNet's network in its faster form against golden vectors; its weights, its batches, and its quiet import."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from seeded_weights import seeded_state, shapes_of, state_sha256

from metrics import syncnet
from metrics.errors import MetricError, MissingWeights
from metrics.mfcc import mfcc
from metrics.sync_reading import read_padded
from metrics.syncnet import SyncNet, build_network, window_count

SEED = 303


@pytest.fixture(scope="module")
def seeded() -> torch.nn.Module:
    network = build_network()
    network.load_state_dict(seeded_state(shapes_of(network), SEED))
    return network


@pytest.fixture(scope="module")
def fast(seeded: torch.nn.Module) -> SyncNet:
    return SyncNet(seeded)


def off(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference over the root mean square."""
    return float(np.abs(ours - theirs).max() / np.sqrt(np.square(theirs).mean()))


def test_golden_vectors_of_faces_and_sound(read_golden: Callable, seeded: torch.nn.Module, fast: SyncNet) -> None:
    expected, arrays = read_golden("syncnet")
    assert expected["seed"] == SEED and state_sha256(seeded.state_dict()) == expected["state_sha256"]
    if "frames_bgr_uint8" in arrays:
        frames = arrays["frames_bgr_uint8"]
    else:
        frames = arrays["blocks_bgr_uint8"].repeat(8, 1).repeat(8, 2)
    rgb, sound = frames[..., ::-1], arrays["audio_int16_16k"]
    windows = window_count(len(rgb), len(sound))
    assert windows == expected["n_windows"]
    lips, heard = fast.see(lambda a, b: rgb[a:b], windows), fast.hear(mfcc(sound), windows)
    want_lips, want_sound = arrays["expected_lip_embed"], arrays["expected_aud_embed"]
    assert off(lips[:, : want_lips.shape[1]], want_lips) < 1e-4
    assert off(heard[:, : want_sound.shape[1]], want_sound) < 1e-4
    told, want = read_padded(lips, heard, reach=3), expected["small_clip_vshift3"]
    assert told.offset == want["offset"]
    assert told.distance == pytest.approx(want["min_dist"], rel=1e-4)
    assert told.confidence == pytest.approx(want["conf"], rel=1e-3)
    assert told.means == pytest.approx(np.array(want["mdist"]), rel=1e-4)


def test_batches_change_nothing(fast: SyncNet, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = np.random.default_rng(2).integers(0, 256, (9, 224, 224, 3)).astype(np.uint8)
    rows = np.random.default_rng(3).normal(0, 5, (36, 13))
    whole = fast.see(lambda a, b: frames[a:b], 5), fast.hear(rows, 5)
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(syncnet, "_BATCH", 2)
    parts = fast.see(lambda a, b: asked.append((a, b)) or frames[a:b], 5), fast.hear(rows, 5)
    assert asked == [(0, 6), (2, 8), (4, 9)]
    for a, b in zip(whole, parts, strict=True):
        assert a.dtype == np.float32 and a.shape == (5, 1024) and off(a, b) < 1e-5


@pytest.mark.parametrize(
    ("frames", "samples", "windows"),
    [(125, 80_000, 120), (125, 64_000, 95), (100, 90_000, 95), (6, 6 * 640 - 1, 0), (5, 99_999, 0), (6, 3840, 1)],
)
def test_how_many_windows(frames: int, samples: int, windows: int) -> None:
    assert window_count(frames, samples) == windows


def test_what_does_not_fit_is_said(fast: SyncNet) -> None:
    with pytest.raises(MetricError, match=r"expected uint8 faces \(5, 224, 224, 3\), got uint8 \(4, 224, 224, 3\)"):
        fast.see(lambda a, b: np.zeros((4, 224, 224, 3), np.uint8), 1)
    with pytest.raises(MetricError, match="expected 24 rows of cepstra, got 23"):
        fast.hear(np.zeros((23, 13)), 2)


def test_the_packages_own_start_is_not_run() -> None:
    code = (
        "import numpy, sys; before = numpy.get_printoptions(); from metrics import syncnet; syncnet.build_network(); "
        "assert numpy.get_printoptions() == before; "
        "bad = [m for m in sys.modules if m in ('scenedetect', 'ffmpeg', 'pandas', 'cv2', 'syncnet_python')]; "
        "assert not bad, bad"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_weights_are_loaded_as_data_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metrics.weights.locate_intact", lambda name: tmp_path / "syncnet_v2.model")
    network = build_network()
    torch.save(seeded_state(shapes_of(network), 4), tmp_path / "syncnet_v2.model")
    assert isinstance(syncnet.load.__wrapped__(), SyncNet)

    class Trap:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "sprung",))

    with (tmp_path / "syncnet_v2.model").open("wb") as file:
        pickle.dump({"weight": Trap()}, file, protocol=2)
    with pytest.raises(MetricError, match="cannot be read as tensors alone"):
        syncnet.load.__wrapped__()
    assert not (tmp_path / "sprung").exists()


def test_another_file_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVCT_BENCH_WEIGHTS", str(tmp_path))
    (tmp_path / "syncnet_v2.model").write_bytes(b"another network")
    with pytest.raises(MetricError, match="sha256"):
        syncnet.load.__wrapped__()


def test_without_the_package_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingWeights, match="syncnet-python"):
        syncnet.part("SyncNetModel")
