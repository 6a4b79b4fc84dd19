"""Measurement of one video in memory: needs, landmarks found once, and metrics that break alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.records import Phone
from bench.runner import sightings as sight_module
from bench.runner.keys import measurement_key
from bench.runner.measure import Material, measure
from bench.runner.prepare import Digests
from bench.runner.sightings import SightingStore
from metrics.clip import Clip, Result
from metrics.errors import MetricError, MissingWeights
from metrics.registry import Variant

FRAMES = np.arange(4 * 8 * 8 * 3, dtype=np.uint8).reshape(4, 8, 8, 3)
FULL = Material(
    frames=FRAMES,
    frames_sha256="a" * 64,
    truth=FRAMES[::-1],
    truth_sha256="b" * 64,
    samples=np.ones(2560, np.float32),
    truth_samples=np.zeros(2560, np.float32),
    truth_points=np.full((4, 68, 2), 3.0),
    phones=(Phone("AA", 0.0, 0.16),),
)


def variant(name: str, call, *needs: str) -> Variant:
    about = dict.fromkeys(("title", "formula", "unit", "source", "equals", "blind_to"), "")
    return Variant(
        id=f"{name}/x@1", direction="lower", target=None, bounds=(None, None), needs=needs, weights=(), legacy=False,
        measure=call, **about,
    )  # fmt: skip


def mean(clip: Clip) -> Result:
    return Result(float(clip.frames.mean()), 1.0)


class Counter:
    """A landmark backend that counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, found: np.ndarray | None = None) -> None:
        self.asked: list[tuple[str, int]] = []
        self._found = found
        monkeypatch.setattr(sight_module, "_detect", self.detect)
        monkeypatch.setattr(sight_module, "looker_weights", lambda kind, name: {name: "1"})

    def detect(self, name: str, frames: np.ndarray) -> np.ndarray:
        self.asked.append((name, int(frames[0, 0, 0, 0])))
        if name == "absent":
            raise MissingWeights("install the extra `faces`")
        if name == "broken":
            raise RuntimeError("segments")
        return np.full((len(frames), 68, 2), float(frames[0, 0, 0, 0]))


def test_each_need_reaches_the_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Counter(monkeypatch)
    seen: list[Clip] = []

    def look(clip: Clip) -> Result:
        seen.append(clip)
        return Result(
            1.0, 0.75, per_frame=np.arange(4.0), series={"z": np.ones(4), "a": np.array([1, np.nan, np.inf, 2])}
        )

    needs = (
        "truth",
        "samples",
        "truth_samples",
        "phones",
        "landmarks:net",
        "truth_landmarks:net",
        "truth_landmarks:exact",
    )
    outcomes, seconds = measure(FULL, [variant("look", look, *needs)], SightingStore(tmp_path))
    assert outcomes["look/x@1"] == {
        "value": 1.0,
        "coverage": 0.75,
        "status": "ok",
        "stage": None,
        "reason": None,
        "per_frame": [0.0, 1.0, 2.0, 3.0],
        "series": {"a": [1.0, None, None, 2.0], "z": [1.0, 1.0, 1.0, 1.0]},
        "notes": {},
    }
    (clip,) = seen
    assert clip.fps == 25.0 and clip.phones == (("AA", 0.0, 0.16),) and clip.samples.sum() == 2560
    assert set(clip.landmarks) == {"net"} and set(clip.truth_landmarks) == {"net", "exact"}
    assert (
        clip.landmarks["net"][0, 0, 0] == FRAMES[0, 0, 0, 0]
        and clip.truth_landmarks["net"][0, 0, 0] == FRAMES[3, 0, 0, 0]
    )
    assert {"landmarks:net", "truth_landmarks:net", "look/x@1"} <= set(seconds)


@pytest.mark.parametrize(
    ("need", "change", "expected"),
    [
        ("truth", {"truth": None, "truth_sha256": None}, "needs truth (there is no truth for this clip)"),
        ("truth_samples", {"truth_samples": None}, "needs truth samples (there is no truth"),
        ("samples", {"samples": None}, "needs samples"),
        ("phones", {"phones": None}, "needs phones"),
        ("truth_landmarks:exact", {"truth_points": None}, "needs exact landmarks"),
        ("truth_landmarks:net", {"truth": None, "truth_sha256": None}, "needs truth ("),
        ("landmarks:absent", {}, "install the extra `faces`"),
    ],
)
def test_what_is_not_there_makes_a_metric_unavailable_and_no_other(tmp_path, monkeypatch, need, change, expected):
    Counter(monkeypatch)
    variants = [variant("asks", mean, need), variant("plain", mean)]
    outcomes, _ = measure(replace(FULL, **change), variants, SightingStore(tmp_path))
    assert outcomes["asks/x@1"]["status"] == "unavailable" and outcomes["asks/x@1"]["stage"] is None
    assert outcomes["asks/x@1"]["reason"].startswith(expected) and outcomes["plain/x@1"]["status"] == "ok"


def raising(error: Exception):
    def call(clip: Clip) -> Result:
        raise error

    return call


@pytest.mark.parametrize(
    ("call", "needs", "status", "reason"),
    [
        (raising(MetricError("expected square frames")), (), "failed", "expected square frames"),
        (raising(ValueError("odd\nline")), (), "failed", "ValueError: odd line (traceback "),
        (raising(MissingWeights("get them")), (), "unavailable", "get them"),
        (mean, ("landmarks:broken",), "failed", "landmarks:broken: RuntimeError: segments"),
        (mean, ("moonlight",), "failed", "moonlight: unknown need"),
        (lambda clip: Result(None, 0.5, reason="constant"), (), "undefined", "constant"),
        (lambda clip: Result(None, 0.5), (), "undefined", "the formula has no value here"),
        (lambda clip: Result(float("nan"), 1.0), (), "undefined", "the value is nan"),
        (lambda clip: Result(1.0, 1.5), (), "failed", "expected a coverage from 0 to 1, got 1.5"),
        (
            lambda clip: Result(1.0, 1.0, per_frame=np.ones(3)),
            (),
            "failed",
            "expected per_frame of shape (4,), got (3,)",
        ),
        (lambda clip: Result("high", 1.0), (), "failed", "ValueError"),
    ],
)
def test_statuses(tmp_path, monkeypatch, call, needs, status, reason):
    Counter(monkeypatch)
    variants = [variant("odd", call, *needs), variant("plain", mean)]
    outcomes, _ = measure(FULL, variants, SightingStore(tmp_path))
    found = outcomes["odd/x@1"]
    assert (found["status"], found["value"]) == (status, None) and found["reason"].startswith(reason)
    assert found["stage"] == ("measure" if status == "failed" else None)
    assert outcomes["plain/x@1"]["status"] == "ok"


def test_a_backend_sees_a_video_once_in_memory_and_once_for_all_on_disk(tmp_path, monkeypatch):
    counter = Counter(monkeypatch)
    store = SightingStore(tmp_path)
    both = [variant(name, mean, "landmarks:net", "truth_landmarks:net") for name in ("one", "two", "three")]
    measure(FULL, both, store)
    measure(FULL, both, store)
    measure(replace(FULL, truth=FRAMES, truth_sha256="a" * 64), both, store)  # the truth itself as the video
    assert len(counter.asked) == 2
    measure(FULL, both, SightingStore(tmp_path))
    assert len(counter.asked) == 2
    measure(FULL, both, SightingStore(tmp_path / "other"))
    assert len(counter.asked) == 4
    measure(FULL, [variant("four", mean, "landmarks:absent"), variant("five", mean, "landmarks:absent")], store)
    assert len(counter.asked) == 5


def test_a_measurement_key_follows_what_the_variant_needs_and_nothing_else():
    digests = Digests(4, "p", "pp", "s", "ph", "po", "t", "tp", "ts", "o")

    def key(*needs: str, basis: str = "b", video: str = "v", **changes) -> str:
        return measurement_key(needs, video, replace(digests, **changes), basis={"source": basis})

    plain = key()
    everything = {
        "truth": "2",
        "truth_points": "2",
        "speech": "2",
        "phones": "2",
        "portrait": "2",
        "other": "2",
        "pose": "2",
    }
    assert key(**everything) == plain != key(video="w")
    for need, name in [
        ("truth", "truth"),
        ("truth_landmarks:net", "truth"),
        ("truth_landmarks:exact", "truth_points"),
        ("samples", "speech"),
        ("truth_samples", "truth_speech"),
        ("phones", "phones"),
    ]:
        assert key(need, **{name: "2"}) != key(need), need
    assert key(basis="c") != plain
