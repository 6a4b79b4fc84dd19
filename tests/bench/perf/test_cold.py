"""Cold starts: a process of its own, its parts, and what becomes of one that breaks off."""

from __future__ import annotations

from pathlib import Path

import pytest
from clip_files import face, write_clips

from bench.errors import MediaError
from bench.perf.cold import PARTS, measure_starts
from bench.perf.subject import Lacking, Request
from bench.records import Setting

SETTING = Setting("test", size=64, pose="still")


@pytest.fixture(scope="module")
def request_of_a_clip(tmp_path_factory: pytest.TempPathFactory) -> Request:
    portrait, speech, phones = write_clips(tmp_path_factory.mktemp("clips"), (8,))[0]
    return Request(0, "clip", portrait, speech, phones, 8)


@pytest.mark.slow
def test_a_start_is_the_sum_of_its_parts(tiny_checkpoint: Path, tmp_path: Path) -> None:
    portrait, speech, phones = write_clips(tmp_path, (8,), face=face())[0]
    request = Request(0, "clip", portrait, speech, phones, 8)
    method = tmp_path / "tiny.toml"
    method.write_text(f'kind = "builtin"\nbuiltin = "avct"\nweights = "{tiny_checkpoint}"\n')
    found = measure_starts(str(method), SETTING, request, repeats=1, timeout_s=200)
    assert found.warm is None and len(found.empty.seconds) == 1
    assert sum(found.empty.parts[name] for name in PARTS) == pytest.approx(found.empty.median)
    assert min(found.empty.parts.values()) > 0


def test_what_cannot_start_says_why(tmp_path: Path, request_of_a_clip: Request, monkeypatch) -> None:
    import bench.perf.cold as cold

    monkeypatch.setattr(cold.sys, "executable", "false")
    with pytest.raises(MediaError, match="cold start of still: exit code 1"):
        measure_starts("still", SETTING, request_of_a_clip, repeats=1)
    answer = tmp_path / "says.sh"
    answer.write_text('#!/bin/sh\necho \'{"lacking": "still makes whole clips, not frames"}\'\n')
    answer.chmod(0o755)
    monkeypatch.setattr(cold.sys, "executable", str(answer))
    with pytest.raises(Lacking, match="whole clips"):
        measure_starts("still", SETTING, request_of_a_clip, repeats=1)
    answer.write_text("#!/bin/sh\nsleep 20\n")
    with pytest.raises(MediaError, match=r"limit of 0\.2 s"):
        measure_starts("still", SETTING, request_of_a_clip, repeats=1, timeout_s=0.2)


def test_a_warm_start_finds_what_the_last_one_compiled(request_of_a_clip: Request, tmp_path: Path, monkeypatch) -> None:
    import bench.perf.cold as cold

    note = tmp_path / "caches.txt"
    answer = tmp_path / "says.sh"
    answer.write_text(
        f'#!/bin/sh\necho "$TORCHINDUCTOR_CACHE_DIR" >> {note}\necho \'{{"imports": 1e9, "load": 2e9, '
        f'"first_frame": 3e9}}\'\n'
    )
    answer.chmod(0o755)
    monkeypatch.setattr(cold.sys, "executable", str(answer))
    from dataclasses import replace

    found = measure_starts("avct", replace(SETTING, compile="default"), request_of_a_clip, repeats=2)
    first, second, third, fourth = note.read_text().split()
    assert first != second and second == third == fourth
    assert found.warm is not None and found.warm.parts["load"] == 1e9
