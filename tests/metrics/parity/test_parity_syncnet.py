"""SyncNet beside syncnet_python on fresh random inputs: network, distances, whole reading, crops, tracks, detector."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from seeded_weights import seeded_state, shapes_of

from metrics import lse, syncnet
from metrics.clip import Clip
from metrics.face_track import crops, tracks
from metrics.faces import s3fd
from metrics.mfcc import mfcc
from metrics.sync_reading import read_padded
from metrics.syncnet import SyncNet, build_network

pytestmark = pytest.mark.parity
pytest.importorskip("syncnet_python", reason="syncnet-python is not installed")


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    network = build_network()
    network.load_state_dict(seeded_state(shapes_of(network), 11))
    return network


def off(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max() / np.sqrt(np.square(theirs).mean()))


def test_the_networks_vectors(rng: np.random.Generator, network: torch.nn.Module) -> None:
    frames = rng.integers(0, 256, (10, 224, 224, 3)).astype(np.uint8)
    rows = rng.normal(0, 8, (40, 13))
    fast = SyncNet(network)
    bgr = torch.from_numpy(frames[..., ::-1].copy()).float().permute(3, 0, 1, 2)
    heard = torch.from_numpy(rows.T.copy()).float()
    with torch.inference_mode():
        lips = network.forward_lip(torch.stack([bgr[:, k : k + 5] for k in range(6)])).numpy()
        sound = network.forward_aud(torch.stack([heard[None, :, 4 * k : 4 * k + 20] for k in range(6)])).numpy()
    assert off(fast.see(lambda a, b: frames[a:b], 6), lips) < 1e-4
    assert off(fast.hear(rows, 6), sound) < 1e-4


@pytest.mark.parametrize("windows", [1, 14, 70])
def test_distances_over_shifts(windows: int, rng: np.random.Generator) -> None:
    calc_pdist = syncnet.part("SyncNetInstance").calc_pdist
    lips, sound = (rng.normal(0, 1, (windows, 64)).astype(np.float32) for _ in range(2))
    theirs = torch.stack(calc_pdist(torch.from_numpy(lips), torch.from_numpy(sound), vshift=15), 1).mean(1).numpy()
    assert read_padded(lips, sound).means == pytest.approx(theirs, rel=1e-5)


def test_a_whole_reading(
    rng: np.random.Generator, network: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package reads pictures and a wave file from a folder: ours is given what it reads there."""
    import cv2
    from scipy.io import wavfile

    blocks = rng.integers(0, 256, (30, 14, 14, 3)).astype(np.uint8)
    sound = rng.normal(0, 2000, 30 * 640 + 77).astype(np.int16)
    for t, picture in enumerate(blocks.repeat(16, 1).repeat(16, 2)):
        cv2.imwrite(str(tmp_path / f"{t:06d}.jpg"), picture)
    wavfile.write(tmp_path / "audio.wav", 16_000, sound)
    instance = syncnet.part("SyncNetInstance").SyncNetInstance(network, device="cpu")
    with np.printoptions(), torch.inference_mode():
        options = SimpleNamespace(tmp_dir=str(tmp_path), batch_size=20, vshift=15)
        offset, confidence, distance = instance.evaluate(options)
    frames = np.stack([cv2.imread(str(path))[..., ::-1] for path in sorted(tmp_path.glob("*.jpg"))])
    monkeypatch.setattr(syncnet, "load", lambda: SyncNet(network))
    of = Clip(np.ascontiguousarray(frames), samples=(sound / 32768).astype(np.float32))
    told = {
        family: lse.measure_cropped(of, family, least=25)
        for family in ("sync_offset", "sync_confidence", "sync_distance")
    }
    assert told["sync_offset"].value == offset
    assert told["sync_distance"].value == pytest.approx(distance, rel=1e-4)
    # the difference of two numbers that are some hundred times as large
    assert told["sync_confidence"].value == pytest.approx(confidence, rel=1e-3, abs=1e-5 * distance)


def test_cepstra(rng: np.random.Generator) -> None:
    from python_speech_features import mfcc as theirs

    sound = rng.integers(-32768, 32768, 47_123).astype(np.int16)
    assert mfcc(sound) == pytest.approx(theirs(sound, 16_000), abs=1e-6)


def package_tracks(faces: np.ndarray, **change: int) -> list[dict]:
    pipeline = pytest.importorskip("syncnet_python.syncnet_pipeline", reason="its pipeline cannot be imported")
    found: list[list[dict]] = [[] for _ in range(int(faces[:, 0].max()) + 1)]
    for t, *box, score in faces:
        found[int(t)].append({"frame": int(t), "bbox": box, "conf": score})
    settings = pipeline.PipelineConfig(**{"min_track": 5, "min_face_size": 10, **change})
    return pipeline.SyncNetPipeline._track(SimpleNamespace(cfg=settings, _iou=pipeline.SyncNetPipeline._iou), found)


def test_tracks_of_one_face(rng: np.random.Generator) -> None:
    seen = np.sort(rng.choice(120, 60, replace=False)).astype(float)
    middle = 100 + 0.4 * seen[:, None] + rng.normal(0, 1, (60, 2))
    half = rng.uniform(28, 32, (60, 1))
    faces = np.hstack([seen[:, None], middle - half, middle + half, np.ones((60, 1))])
    ours = sorted((t for t in tracks(faces) if t.found > 5), key=lambda t: t.first)
    theirs = package_tracks(faces)
    assert [(t.first, len(t)) for t in ours] == [(int(t["frame"][0]), len(t["frame"])) for t in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.boxes == pytest.approx(other["bbox"], abs=1e-9)


def test_crops_of_a_track(rng: np.random.Generator) -> None:
    import cv2
    from scipy.signal import medfilt

    frames = rng.integers(0, 256, (30, 120, 150, 3)).astype(np.uint8)
    middle = np.array([70.0, 55.0]) + rng.uniform(-3, 3, (30, 2)).cumsum(0)
    half = rng.uniform(32, 36, (30, 1))
    faces = np.hstack([np.arange(30.0)[:, None], middle - half, middle + half * (1, 1.2), np.ones((30, 1))])
    (track,) = tracks(faces)
    ours = crops(frames, track, 224)(0, 30)
    left, top, right, bottom = track.boxes.T
    s, x, y = (
        medfilt(v, 13) for v in (np.maximum(bottom - top, right - left) / 2, (left + right) / 2, (top + bottom) / 2)
    )
    for t in range(30):
        # the published formula: the whole frame padded, then cut at whole numbers
        pad = int(s[t] * 1.8)
        large = cv2.copyMakeBorder(frames[t], pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=(110, 110, 110))
        my, mx = y[t] + pad, x[t] + pad
        part = large[int(my - s[t]) : int(my + s[t] * 1.8), int(mx - s[t] * 1.4) : int(mx + s[t] * 1.4)]
        assert np.array_equal(ours[t], cv2.resize(part, (224, 224)))


def test_the_detector(rng: np.random.Generator) -> None:
    network = s3fd.build_network()
    state = seeded_state(shapes_of(network), int(rng.integers(1000)))
    for name in state:
        if name.startswith("conf") and name.endswith("weight"):
            state[name] *= 0.1  # random scores near 0 and 1 are ties
    network.load_state_dict(state)
    theirs = syncnet.part("detectors.s3fd").S3FD(network, device="cpu")
    image = rng.integers(0, 256, (300, 244, 3)).astype(np.uint8)
    want = theirs.detect_faces(image, conf_th=0.9, scales=[0.25])
    found = np.array([(*box, score) for box, score in s3fd.S3fd(network).faces(image)]).reshape(-1, 5)
    assert found == pytest.approx(want, rel=1e-6, abs=1e-3)
