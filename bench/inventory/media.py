"""Video, sound and faces: each library is really used once, on what the package brings."""

from __future__ import annotations

import importlib.metadata
import tempfile
from pathlib import Path

import numpy as np

from bench.inventory.finding import Check, Finding

GROUP = "media"
FACES = "pip install 'avct-bench[faces]'"


def checks() -> tuple[Check, ...]:
    """What is looked at."""
    return (
        Check("ffmpeg", look_at_libraries),
        Check("lossless video", look_at_lossless),
        Check("browser video", look_at_browser),
        Check("pitch", look_at_pitch),
        Check("phones", look_at_phones),
        Check("faces", look_at_dlib),
        Check("yunet", look_at_yunet),
    )


def look_at_libraries() -> Finding:
    """The versions of the FFmpeg libraries inside PyAV's wheel."""
    from bench.io.versions import library_versions

    held = library_versions()
    shown = [f"{name} {held[name]}" for name in ("libavcodec", "libavformat", "libswscale")]
    return Finding(GROUP, "ffmpeg", "ok", f"PyAV {held['av']} with {', '.join(shown)}")


def _scene() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    frames = np.repeat(np.repeat(rng.integers(40, 200, (5, 16, 16, 3), np.uint8), 4, 1), 4, 2)
    return frames, (0.2 * np.sin(np.arange(5 * 640) / 20)).astype(np.float32)


def look_at_lossless() -> Finding:
    """Whether FFV1 gives pixels back exactly: all that is scored is stored in it."""
    from bench.io.audio import read_audio
    from bench.io.decode import read_video
    from bench.io.encode import write_lossless

    frames, samples = _scene()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scene.mkv")
        write_lossless(path, frames, samples=samples)
        exact = np.array_equal(read_video(path), frames) and np.array_equal(read_audio(path), samples)
    if not exact:
        return Finding(GROUP, "lossless video", "broken", "FFV1 gave other pixels or sound back", "install av again")
    return Finding(GROUP, "lossless video", "ok", "FFV1 and PCM in Matroska, given back exactly")


def look_at_browser() -> Finding:
    """Whether H.264 and AAC can be written, which the page's videos and `generate` need."""
    from bench.io.decode import read_video
    from bench.io.encode import write_browser

    frames, samples = _scene()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scene.mp4")
        write_browser(path, frames, samples=samples)
        back = read_video(path)
    error = float(np.abs(back.astype(float) - frames).mean()) if back.shape == frames.shape else 255.0
    if error > 20:
        told = f"H.264 gave {back.shape[0]} frames with a mean error of {error:.0f} levels back"
        return Finding(GROUP, "browser video", "broken", told, "install av again")
    return Finding(GROUP, "browser video", "ok", "H.264 and AAC in MP4, written and read")


def look_at_pitch() -> Finding:
    """Whether WORLD finds the pitch of a tone: the generator's sound features hold it."""
    import pyworld

    tone = sum(np.sin(2 * np.pi * 150 * k * np.arange(4800) / 16_000) / k for k in range(1, 8))
    pitch, _ = pyworld.harvest(np.asarray(tone, np.float64), 16_000)
    middle = float(np.median(pitch))
    if not 140 < middle < 160:
        told = f"WORLD hears {middle:.0f} Hz in a tone of 150"
        return Finding(GROUP, "pitch", "broken", told, "install pyworld-prebuilt again")
    return Finding(GROUP, "pitch", "ok", "WORLD hears a tone of 150 Hz")


def look_at_phones() -> Finding:
    """Whether the recogniser loads: it finds the phones of speech that comes without them."""
    from avct.errors import MissingWeights
    from avct.recogniser import Ear

    try:
        heard = Ear().phones(bytes(2 * 4800))
    except MissingWeights as error:
        return Finding(GROUP, "phones", "missing", str(error), "install it", "pip install pocketsphinx")
    if not heard:
        return Finding(GROUP, "phones", "broken", "nothing is heard, not even silence", "install pocketsphinx again")
    version = importlib.metadata.version("pocketsphinx")
    return Finding(GROUP, "phones", "ok", f"pocketsphinx {version} hears US English")


def look_at_dlib() -> Finding:
    """Whether dlib loads and finds the face of the embedded photograph."""
    return _find("faces", "dlib68", "crop, prepare, and landmarks of real clips need it")


def look_at_yunet() -> Finding:
    """Whether YuNet, a faster detector, loads and finds the same face."""
    return _find("yunet", "yunet68", "only metrics that name it need it")


def _face() -> np.ndarray:
    """uint8 (256, 256, 3) RGB of the corpus's one photograph; its package is not imported, which takes a second."""
    import importlib.util

    from bench.io.image import read_image

    spec = importlib.util.find_spec("skimage")
    assert spec is not None and spec.origin is not None
    return np.ascontiguousarray(read_image(Path(spec.origin).parent / "data" / "astronaut.png")[:256, 96:352])


def _find(what: str, backend: str, needed: str) -> Finding:
    from metrics.errors import MissingWeights
    from metrics.landmarks import backend as load

    try:
        points = load(backend).detect(_face()[None])
    except MissingWeights as error:
        words, _, command = str(error).rpartition(": ")
        if "pip install" in str(error):
            words, command = "dlib is not installed", FACES
        return Finding(GROUP, what, "missing", words, needed, command)
    if not np.isfinite(points).all():
        told = f"{backend} sees no face in the embedded photograph"
        return Finding(GROUP, what, "broken", told, "install them again", FACES)
    return Finding(GROUP, what, "ok", f"{backend} finds the face of the embedded photograph")
