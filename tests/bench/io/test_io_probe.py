"""What a file says of itself, and one clear line for each file that cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from painted import HEIGHT, WIDTH, film

from bench.errors import MediaError, MissingError
from bench.io.audio import read_audio
from bench.io.decode import read_video
from bench.io.image import read_image
from bench.io.probe import probe

TONE = np.zeros((1, 24_000), np.int16)


def test_everything_it_says(tmp_path):
    path = film(tmp_path / "a.mp4", 50, rate=50, tone=TONE, tone_codec="aac", rotation=(90, False, False))
    info = probe(str(path))
    assert (info.width, info.height, info.rotation, info.mirrored) == (HEIGHT, WIDTH, 90, False)
    assert (info.fps, info.frames, info.duration, info.start) == (Fraction(50), 50, 1.0, 0)
    assert (info.codec, info.pixel_format) == ("h264", "yuv420p")
    assert (info.colour_range, info.colour_space, info.sample_aspect) == ("tv", "unspecified", 1)
    assert (info.has_audio, info.sample_rate) == (True, 48_000)
    assert (info.synthetic, info.run_id) == (False, None)
    assert info.metadata["major_brand"] == "isom"
    assert info.path == path


def test_what_matroska_does_not_declare_is_none(tmp_path):
    info = probe(film(tmp_path / "a.mkv", 30, rate=Fraction(30_000, 1001), stamps=None))
    assert info.frames is None and info.fps == Fraction(30_000, 1001)
    assert info.duration == pytest.approx(1.001, abs=0.002)
    assert (info.has_audio, info.sample_rate) == (False, None)


def test_the_first_frames_time_is_its_start(tmp_path):
    stamps = [200 + 40 * k for k in range(10)]
    assert probe(film(tmp_path / "a.mkv", 10, stamps=stamps, time_base=Fraction(1, 1000))).start == Fraction(1, 5)


def test_a_tag_that_is_not_utf8_harms_nothing(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        container.metadata["comment"] = "QQQQ"
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(WIDTH, HEIGHT, "yuv420p")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"QQQQ", b"\xff\xfe\xe9\xe8"))
    assert probe(path).width == WIDTH and "comment" in probe(path).metadata


def no_frames(path: Path) -> Path:
    """A Matroska file whose header announces video, and that holds not one frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
        container.start_encoding()
    return path


def only_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(TONE, format="s16", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


BROKEN = {
    "missing": (lambda t: t / "none.mp4", "no such file"),
    "under a file": (lambda t: write(t / "f", b"x") / "none.mp4", "no such file"),
    "directory": (lambda t: t, "expected a file, got a directory"),
    "empty": (lambda t: write(t / "a.mp4", b""), "got an empty one (0 bytes)"),
    "text": (lambda t: write(t / "a.mp4", b"this is not a video\n" * 50), "not a video or audio file"),
    "one byte": (lambda t: write(t / "a.mp4", b"\0"), "not a video or audio file"),
    "text by its own name": (lambda t: write(t / "a.txt", b"hello\n" * 200), "not a video or audio file"),
    "list of files": (lambda t: write(t / "a.mp4", b"ffconcat version 1.0\nfile /etc/hosts\n"), "not a video or audio"),
    "playlist": (
        lambda t: write(t / "a.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hosts\n"),
        "not a video or audio file",
    ),
    "pipe": (lambda t: fifo(t / "a.mp4"), "got a device, pipe or socket"),
    "nul in the name": (lambda t: t / "a\0.mp4", "cannot be read"),
}


@pytest.mark.parametrize("reader", [probe, read_video, read_audio, read_image])
@pytest.mark.parametrize("case", BROKEN)
def test_files_that_cannot_be_used(tmp_path, reader, case):
    make, words = BROKEN[case]
    path = make(tmp_path)
    if reader is read_image:
        words = words.replace("a video or audio file", "an image").replace("a video or audio", "an image")
    kind = MissingError if words == "no such file" else MediaError
    with pytest.raises(kind) as caught:
        reader(path)
    assert words in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("reader", [probe, read_video])
def test_no_video_stream_and_no_frames(tmp_path, reader):
    with pytest.raises(MediaError, match=r"expected a video stream, the file has none \(it has: audio\)"):
        reader(only_sound(tmp_path / "a.wav"))
    with pytest.raises(MediaError, match=r"has none that can be decoded|not a video or audio file"):
        reader(no_frames(tmp_path / "a.mkv"))


def test_an_image_is_no_video(tmp_path):
    path = film(tmp_path / "a.png", 1, codec="png", pixel_format="rgb24", container_options={"update": "1"})
    with pytest.raises(MediaError, match="not a video or audio file"):
        probe(path)


@pytest.fixture
def stranger():
    """Makes the process one that may read only what everyone may; root is set back afterwards."""
    before = os.geteuid()
    yield lambda: os.seteuid(65_534) if before == 0 else None
    if before == 0:
        os.seteuid(0)


def test_no_permission(tmp_path, stranger):
    path = film(tmp_path / "a.mp4", 3)
    path.chmod(0)
    stranger()
    with pytest.raises(MediaError, match=r"a\.mp4: cannot be read \(Permission denied\)"):
        probe(path)


def test_a_name_that_looks_like_a_protocol(tmp_path, monkeypatch):
    film(tmp_path / "plain.mp4", 3)
    (tmp_path / "plain.mp4").rename(tmp_path / "http:%02d.mp4")
    monkeypatch.chdir(tmp_path)
    assert probe("http:%02d.mp4").frames == 3


def test_ffmpeg_says_nothing_of_its_own(tmp_path):
    path = film(tmp_path / "a.mp4", 30, options={"bf": "0"})
    data = bytearray(path.read_bytes())
    data[600:1400] = bytes(800)
    path.write_bytes(data)
    code = (
        "import sys\nfrom bench.errors import MediaError\nfrom bench.io.decode import read_video\n"
        "from bench.io.encode import write_browser\nimport numpy as np\n"
        "write_browser(sys.argv[2], [np.zeros((64, 64, 3), np.uint8)] * 3, samples=np.zeros(900, np.float32))\n"
        "try:\n    read_video(sys.argv[1])\nexcept MediaError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(tmp_path / "b.mp4")], capture_output=True, text=True, check=True
    )
    assert done.stderr == "" and done.stdout.count("\n") == 1 and "a.mp4" in done.stdout


@pytest.mark.parametrize("module", ["bench.io", "bench.io.digest", "bench.io.cadence", "bench.io.provenance"])
def test_light_modules_stay_light(module):
    heavy = ["av", "torch", "cv2", "librosa", "soxr", "PIL"] + ([] if module != "bench.io" else ["numpy"])
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
