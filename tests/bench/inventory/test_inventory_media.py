"""Codecs, recogniser and detectors are really used: here they work, and each fault that is put in is found."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import bench.io.decode
from bench.inventory import media
from bench.inventory.finding import Check, perform


def test_codecs_give_back_what_they_were_given() -> None:
    for look in (media.look_at_libraries, media.look_at_lossless, media.look_at_browser, media.look_at_pitch):
        found = look()
        assert found.state == "ok" and found.found and not found.advice, found


def test_other_pixels_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    read = bench.io.decode.read_video
    monkeypatch.setattr(bench.io.decode, "read_video", lambda path: read(path) ^ 1)
    assert media.look_at_lossless().state == "broken" and media.look_at_browser().state == "ok"
    monkeypatch.setattr(bench.io.decode, "read_video", lambda path: 255 - read(path))
    assert media.look_at_browser().state == "broken"
    monkeypatch.setattr(bench.io.decode, "read_video", lambda path: read(path)[:-1])
    assert "gave 4 frames" in media.look_at_browser().found


def test_an_encoder_that_is_not_there_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("no codec libx264")

    monkeypatch.setattr("bench.io.encode.write_browser", refuse)
    (found,) = perform(media.GROUP, Check("browser video", media.look_at_browser))
    assert (found.state, found.found) == ("broken", "ValueError: no codec libx264")


def test_pitch_that_is_wrong_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyworld

    monkeypatch.setattr(pyworld, "harvest", lambda samples, rate: (np.full(60, 75.0), None))
    assert media.look_at_pitch().found == "WORLD hears 75 Hz in a tone of 150"


def test_phones_with_and_without_the_recogniser(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    assert media.look_at_phones().state == "ok"
    monkeypatch.setattr("avct.recogniser.Ear.phones", lambda self, pcm: [])
    assert media.look_at_phones().state == "broken"
    monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", None)
    found = media.look_at_phones()
    assert found.state == "missing" and found.command == "pip install pocketsphinx"


class Blind:
    """A landmark backend that finds nothing."""

    def detect(self, frames: np.ndarray) -> np.ndarray:
        return np.full((len(frames), 68, 2), np.nan)


def test_detectors_are_shown_a_face(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dlib", reason="dlib is not installed (extra `faces`)")
    assert media.look_at_dlib().state == "ok"
    monkeypatch.setattr("metrics.landmarks.backend", lambda name: Blind())
    found = media.look_at_dlib()
    assert found.state == "broken" and "sees no face" in found.found and found.command == media.FACES


def test_detectors_that_are_not_here_say_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from metrics.errors import MissingWeights

    def lack(name: str) -> None:
        raise MissingWeights("weights yunet (0.3 MB) are not here: get it, then run_bench.py weights add yunet FILE")

    monkeypatch.setattr("metrics.landmarks.backend", lack)
    found = media.look_at_yunet()
    assert (found.state, found.found) == ("missing", "weights yunet (0.3 MB) are not here")
    assert found.command == "get it, then run_bench.py weights add yunet FILE"
    monkeypatch.undo()
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "dlib" else find(name, *rest))
    from metrics.landmarks import dlib68

    monkeypatch.setattr("metrics.landmarks.backend", lambda name: dlib68.load.__wrapped__())
    found = media.look_at_dlib()
    assert (found.state, found.found, found.command) == ("missing", "dlib is not installed", media.FACES)
