"""Writing: lossless is lossless, equal input gives equal bytes, a file appears whole or not at all."""

from __future__ import annotations

import itertools
import resource
import threading
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from painted import HEIGHT, WIDTH, numbers, paint

from bench.errors import MediaError, StorageError
from bench.io.audio import read_audio, write_wav
from bench.io.decode import frames, read_video
from bench.io.digest import sha256_array
from bench.io.encode import LosslessWriter, write_browser, write_lossless
from bench.io.image import write_png
from bench.io.probe import probe
from bench.io.provenance import run_of

NOISE = np.random.default_rng(7).integers(0, 256, (12, 64, 64, 3), np.uint8)
TONE = (0.3 * np.sin(np.arange(16_000 * 2) * 0.11)).astype(np.float32)


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (2, 2), (2, 300)])
def test_lossless_is_exact(tmp_path, size):
    clip = np.random.default_rng(1).integers(0, 256, (9, *size, 3), np.uint8)
    path = tmp_path / "a.mkv"
    written = write_lossless(path, clip)
    back = read_video(path)
    assert back.shape == clip.shape and (back == clip).all()
    assert (written.path, written.frames) == (path, 9)
    assert written.sha256 == sha256_array(clip) == sha256_array(back)


def test_all_colours_pass_unchanged(tmp_path):
    # Every pair of red and green, and blue with them: a colour conversion would merge some of these.
    values = np.arange(256, dtype=np.uint8)
    clip = np.stack(
        [np.stack(np.broadcast_arrays(values[:, None], values[None], np.uint8(b)), -1) for b in (0, 77, 255)]
    )
    write_lossless(tmp_path / "a.mkv", clip)
    assert (read_video(tmp_path / "a.mkv") == clip).all()


def test_the_hash_is_of_the_pixels_not_of_the_file(tmp_path):
    plain = write_lossless(tmp_path / "a.mkv", NOISE)
    other = write_lossless(tmp_path / "b.mkv", iter(NOISE), samples=TONE, run_id="r2", tags={"title": "x"}, fps=50)
    assert plain.sha256 == other.sha256 == write_browser(tmp_path / "c.mp4", NOISE).sha256
    assert write_lossless(tmp_path / "d.mkv", NOISE[:11]).sha256 != plain.sha256
    strided = NOISE[:, ::-1, ::-1]
    assert write_lossless(tmp_path / "e.mkv", strided).sha256 == sha256_array(strided.copy())


@pytest.mark.parametrize("writer", [write_lossless, write_browser])
def test_equal_input_gives_equal_bytes(tmp_path, writer):
    paths = [tmp_path / "a" / "x.bin", tmp_path / "b" / "y.bin"]
    for path in paths:
        path.parent.mkdir()
        writer(path, NOISE, samples=TONE, run_id="run-7")
    assert paths[0].read_bytes() == paths[1].read_bytes()
    # No FFmpeg version in the container either, so another FFmpeg gives the same lossless file.
    assert b"Lavc" not in paths[0].read_bytes()


@pytest.mark.parametrize(("writer", "name"), [(write_lossless, "a.mkv"), (write_browser, "a.mp4")])
def test_generated_files_say_that_they_are_synthetic(tmp_path, writer, name):
    path = tmp_path / name
    writer(path, NOISE, run_id="2026-11_a:b.7+x")
    info = probe(path)
    assert info.synthetic and info.run_id == "2026-11_a:b.7+x"
    assert "Synthetic talking-face video made by AVCT Bench" in info.metadata["comment"]
    writer(path, NOISE)
    assert (probe(path).synthetic, probe(path).run_id) == (True, None)
    writer(path, NOISE, synthetic=False, run_id="r")
    assert (probe(path).synthetic, probe(path).run_id) == (False, None)
    assert run_of({"comment": "run_id=r"}) is None
    with pytest.raises(MediaError, match="expected a run id"):
        writer(path, NOISE, run_id="two words")


def test_further_tags_are_kept(tmp_path):
    write_lossless(tmp_path / "a.mkv", NOISE, tags={"cell": "k-12", "title": "a b"})
    assert {"cell": "k-12", "title": "a b"}.items() <= probe(tmp_path / "a.mkv").metadata.items()


def test_lossless_sound_is_exact_and_starts_with_the_picture(tmp_path):
    write_lossless(tmp_path / "a.mkv", NOISE, samples=TONE)
    assert (read_audio(tmp_path / "a.mkv") == TONE).all()
    short = TONE[:1234]
    write_lossless(tmp_path / "b.mkv", NOISE, samples=short)
    assert (read_audio(tmp_path / "b.mkv") == short).all()


def test_browser_copy_plays_picture_and_sound_in_step(tmp_path):
    clip = [paint(k) for k in range(50)]
    tone = np.zeros(32_000, np.float32)
    tone[16_000:16_400] = 0.6 * np.sin(np.arange(400) * 0.5)
    path = tmp_path / "a.mp4"
    assert write_browser(path, clip, samples=tone).frames == 50
    assert numbers(frames(path)) == list(range(50))
    info = probe(path)
    assert (info.codec, info.pixel_format, info.fps, info.sample_rate) == ("h264", "yuv420p", 25, 16_000)
    heard = read_audio(path)
    assert abs(int(np.argmax(np.abs(heard) > 0.3)) - 16_000) < 40 and len(heard) >= 32_000
    data = path.read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")  # index first: plays before it is loaded


def test_odd_sizes_are_padded_for_the_browser(tmp_path):
    image = np.full((65, 97, 3), 120, np.uint8)
    image[:, -1], image[-1] = 250, 10
    write_browser(tmp_path / "a.mp4", [image] * 3, crf=1)
    shown = read_video(tmp_path / "a.mp4")[1]
    assert shown.shape == (66, 98, 3)
    assert np.abs(shown[20, -1].astype(int) - 250).max() < 12 and np.abs(shown[-1, 20].astype(int) - 10).max() < 12


@pytest.mark.parametrize("fps", [24, 50, Fraction(30_000, 1001)])
def test_other_rates(tmp_path, fps):
    clip = [paint(k) for k in range(40)]
    for path, writer in ((tmp_path / "a.mkv", write_lossless), (tmp_path / "a.mp4", write_browser)):
        writer(path, clip, fps=fps)
        assert probe(path).fps == fps
        assert numbers(frames(path, fps=None)) == list(range(40)) == numbers(frames(path, fps=fps))


def test_memory_does_not_grow_with_the_clip(tmp_path):
    write_lossless(tmp_path / "a.mkv", NOISE)  # first-use caches
    tracemalloc.start()
    written = write_lossless(tmp_path / "a.mkv", (paint(k % 4096) for k in range(400)), samples=TONE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert written.frames == 400 and peak < 12 * HEIGHT * WIDTH * 3


@pytest.mark.parametrize("writer", [write_lossless, write_browser])
@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError, OSError])
@pytest.mark.parametrize("after", [0, 5])
def test_a_failure_leaves_nothing_behind(tmp_path, writer, failure, after):
    def breaking():
        yield from NOISE[:after]
        raise failure("stop")

    path = tmp_path / "a.mkv"
    path.write_bytes(b"before")
    # The generator's own error passes unchanged, even where it is of the system's kind.
    with pytest.raises(failure, match="stop"):
        writer(path, breaking(), samples=TONE)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mkv"] and path.read_bytes() == b"before"


def test_the_file_has_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "a.mkv"
    with LosslessWriter(path) as writer:
        writer.add(NOISE[0])
        assert not path.exists()
        with pytest.raises(RuntimeError, match="not finished"):
            _ = writer.written
    assert path.exists() and writer.written.frames == 1
    assert len(list(tmp_path.iterdir())) == 1


WRONG = {
    "no frames": ([], "expected at least one frame to write, got none"),
    "float": ([np.zeros((8, 8, 3))], r"expected frame 0 as uint8 \(H, W, 3\), got float64 \(8, 8, 3\)"),
    "grey": ([np.zeros((8, 8), np.uint8)], r"got uint8 \(8, 8\)"),
    "four channels": ([np.zeros((8, 8, 4), np.uint8)], r"got uint8 \(8, 8, 4\)"),
    "no array": ([None], "got NoneType"),
    "no pixels": ([np.zeros((0, 8, 3), np.uint8)], "at least 2x2 pixels"),
    "one pixel": ([np.zeros((1, 1, 3), np.uint8)], "at least 2x2 pixels"),
    "another size": ([NOISE[0], NOISE[0][:32]], r"expected frame 1 as \(64, 64, 3\), got \(32, 64, 3\)"),
}


@pytest.mark.parametrize("writer", [write_lossless, write_browser])
@pytest.mark.parametrize("case", WRONG)
def test_wrong_frames_are_one_line(tmp_path, writer, case):
    clip, words = WRONG[case]
    with pytest.raises(MediaError, match=words) as caught:
        writer(tmp_path / "a.mkv", clip)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "samples",
    [np.zeros(5), np.zeros((5, 1), np.float32), np.zeros(0, np.float32), np.full(5, np.nan, np.float32), [0.0]],
)
def test_wrong_samples_are_one_line(tmp_path, samples):
    for write in (lambda p: write_lossless(p, NOISE, samples=samples), lambda p: write_wav(p, samples)):
        with pytest.raises(MediaError, match="expected"):
            write(tmp_path / "a.bin")
    assert not list(tmp_path.iterdir())


def test_wrong_settings_are_refused(tmp_path):
    with pytest.raises(ValueError, match="crf from 0 to 51"):
        write_browser(tmp_path / "a.mp4", NOISE, crf=60)
    with pytest.raises(ValueError, match="positive frame rate"):
        write_lossless(tmp_path / "a.mkv", NOISE, fps=0)


WRITERS = {
    "lossless": lambda path: write_lossless(path, NOISE, samples=TONE),
    "browser": lambda path: write_browser(path, NOISE, samples=TONE),
    "wav": lambda path: write_wav(path, TONE),
    "png": lambda path: write_png(path, NOISE[0]),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_places_that_cannot_be_written(tmp_path, kind):
    with pytest.raises(StorageError, match="expected a file to write, it is a directory"):
        WRITERS[kind](tmp_path)
    with pytest.raises(StorageError, match="its folder does not exist"):
        WRITERS[kind](tmp_path / "none" / "a.mkv")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="its folder does not exist"):
        WRITERS[kind](tmp_path / "file" / "a.mkv")


@pytest.mark.parametrize("kind", WRITERS)
def test_a_folder_without_permission(tmp_path, kind):
    # /proc refuses new files to everyone, root included.
    with pytest.raises(StorageError, match=r"/proc/a\.bin: cannot be written") as caught:
        WRITERS[kind]("/proc/a.bin")
    assert "\n" not in str(caught.value)


@pytest.fixture
def room(request):
    """Sets how many bytes a file may have: the system then refuses to let it grow, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("share", [0.001, 0.3, 0.7, 0.95, 0.999])
@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk(tmp_path, room, kind, share):
    target = tmp_path / "a.bin"
    WRITERS[kind](target)
    before = target.read_bytes()
    room(max(int(len(before) * share), 1))
    with pytest.raises(StorageError, match="cannot be written") as caught:
        WRITERS[kind](target)
    room(resource.RLIM_INFINITY)
    assert str(caught.value).startswith(f"{target}: cannot be written") and "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"] and target.read_bytes() == before


def test_an_end_that_ffmpeg_does_not_report(tmp_path, monkeypatch):
    # The last bytes are written while the container closes, where FFmpeg drops the error: simulate their loss.
    from bench.io import writer

    def short(path):
        return path.stat().st_size + 10

    monkeypatch.setattr(writer, "declared_size", short)
    with pytest.raises(StorageError, match=r"cannot be written \(only \d+ of \d+ bytes arrived\)"):
        write_lossless(tmp_path / "a.mkv", NOISE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("writer", [write_lossless, write_browser])
def test_frames_are_encoded_while_the_next_are_made(tmp_path, writer):
    """Memory may be used again at once, few frames wait, and an encoder that fails stops whoever makes the frames."""
    memory, made = np.empty((48, 64, 3), np.uint8), []

    def source(last):
        for value in range(last):
            memory[:] = value
            made.append(threading.current_thread())
            yield memory
        yield np.zeros((4, 4, 3), np.uint8)  # of another size: refused
        for _ in range(1000):
            made.append(threading.current_thread())
            yield memory

    with pytest.raises(MediaError, match="expected frame 9"):
        writer(tmp_path / "a.mkv", source(9))
    assert len(made) <= 9 + 8 and set(made) == {threading.current_thread()}
    assert not list(tmp_path.iterdir()) and "encoder" not in {t.name for t in threading.enumerate()}
    write_lossless(tmp_path / "b.mkv", itertools.islice(source(9), 9))
    assert read_video(tmp_path / "b.mkv")[:, 0, 0, 0].tolist() == list(range(9))


def test_whoever_makes_the_frames_may_fail(tmp_path):
    def source():
        yield from NOISE[:3]
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        write_lossless(tmp_path / "a.mkv", source())
    assert not list(tmp_path.iterdir()) and "encoder" not in {t.name for t in threading.enumerate()}
