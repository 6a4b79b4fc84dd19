"""Sound: the right samples, at the right time, from every format; loss is an error."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import av
import numpy as np
import pytest
import soundfile
import soxr
from painted import film, sound_file

from bench.errors import MediaError
from bench.io.audio import read_audio, write_wav

RATE = 16_000


def noise(count: int, seed: int = 0) -> np.ndarray:
    """int16 (1, N), white."""
    return np.random.default_rng(seed).integers(-(2**15), 2**15, (1, count)).astype(np.int16)


def sine(seconds: float, rate: int, hertz: float = 440.0) -> np.ndarray:
    """int16 (1, N)."""
    time = np.arange(int(seconds * rate)) / rate
    return np.rint(12_000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)[None]


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mkv", "pcm_s16be")])
def test_16_bit_is_divided_by_its_full_scale(tmp_path, name, codec):
    samples = noise(9_000)
    heard = read_audio(sound_file(tmp_path / name, samples, rate=RATE, codec=codec, kind="s16"))
    assert heard.dtype == np.float32 and heard.shape == (9_000,)
    assert (heard == samples[0] / np.float32(2**15)).all()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_sample_format_has_the_same_scale(tmp_path, subtype):
    values = np.random.default_rng(1).uniform(-1, 1, 5_000)
    soundfile.write(tmp_path / "a.wav", values, RATE, subtype=subtype)
    bits = {"PCM_U8": 8, "PCM_16": 16}.get(subtype, 24)
    assert np.abs(read_audio(tmp_path / "a.wav") - values).max() <= 2.0 ** (1 - bits)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_flac_of_16_and_24_bits(tmp_path, subtype):
    values = np.random.default_rng(2).uniform(-1, 1, 5_000)
    soundfile.write(tmp_path / "a.flac", values, RATE, subtype=subtype)
    assert np.abs(read_audio(tmp_path / "a.flac") - values).max() <= (2.0**-15 if subtype == "PCM_16" else 2.0**-22)


def test_channels_are_averaged_in_float(tmp_path):
    left, right = noise(4_000, 3)[0], noise(4_000, 4)[0]
    both = np.stack([left, right], 1).reshape(1, -1)
    heard = read_audio(sound_file(tmp_path / "a.wav", both, rate=RATE, codec="pcm_s16le", kind="s16", layout="stereo"))
    # Odd sums need half a step of 16 bits: an integer average would lose it.
    assert (heard == ((left.astype(float) + right) / 2 / 2**15).astype(np.float32)).all()
    six = np.random.default_rng(5).uniform(-1, 1, (3_000, 6)).astype(np.float32)
    soundfile.write(tmp_path / "six.wav", six, RATE, subtype="FLOAT")
    assert np.abs(read_audio(tmp_path / "six.wav") - six.mean(1)).max() < 1e-6


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_resampling_in_a_stream_equals_soxr_at_once(tmp_path, rate):
    samples = noise(3 * rate, rate) // 2
    heard = read_audio(sound_file(tmp_path / "a.wav", samples, rate=rate, codec="pcm_s16le", kind="s16"))
    once = soxr.resample(samples[0] / np.float32(2**15), rate, RATE, quality="HQ")
    assert heard.dtype == np.float32 and len(heard) == len(once) == 3 * RATE
    assert np.abs(heard - once).max() < 1e-6


def test_other_rates_may_be_asked_for(tmp_path):
    path = sound_file(tmp_path / "a.wav", sine(1, 48_000), rate=48_000, codec="pcm_s16le", kind="s16")
    assert len(read_audio(path, rate=22_050)) == 22_050
    assert (read_audio(path, rate=48_000) == sine(1, 48_000)[0] / np.float32(2**15)).all()
    with pytest.raises(ValueError, match="positive sample rate"):
        read_audio(path, rate=0)


LOSSY = [("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.ogg", "libopus"), ("a.mp4", "aac"), ("a.mkv", "aac")]


@pytest.mark.parametrize(("name", "codec"), LOSSY)
def test_compressed_sound_keeps_level_and_time(tmp_path, name, codec):
    samples = sine(2, 48_000)
    samples[0, :48_000] = 0  # silence, then a tone from 1 s on
    heard = read_audio(sound_file(tmp_path / name, samples, rate=48_000, codec=codec, kind="s16"))
    assert abs(len(heard) - 2 * RATE) < 0.05 * RATE
    onset = int(np.argmax(np.abs(heard) > 0.12))
    assert abs(onset - RATE) < 0.005 * RATE
    power = (heard[int(1.2 * RATE) : int(1.8 * RATE)] ** 2).mean()
    assert power**0.5 == pytest.approx(12_000 / 2**15 / 2**0.5, rel=0.05)


def click(at: float, seconds: float, rate: int = 48_000) -> np.ndarray:
    samples = np.zeros((1, int(seconds * rate)), np.int16)
    start = int(at * rate)
    samples[0, start : start + 400] = 20_000 * np.sin(np.arange(400) * 0.5)
    return samples


def onset_of(samples: np.ndarray) -> float:
    return int(np.argmax(np.abs(samples) > 0.3)) / RATE


@pytest.mark.parametrize("codec", ["pcm_s16le", "aac"])
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
@pytest.mark.parametrize(("picture", "sound"), [(0, 0), (0, 200), (500, 0), (500, 200), (200, 500)])
def test_sample_zero_is_the_first_frame(tmp_path, name, codec, picture, sound):
    path = film(
        tmp_path / name,
        50,
        stamps=[picture + 40 * k for k in range(50)],
        time_base=Fraction(1, 1000),
        tone=click(0.7, 2),
        tone_start=48 * sound,
        tone_codec=codec,
    )
    heard = read_audio(path)
    assert onset_of(heard) == pytest.approx(0.7 + (sound - picture) / 1000, abs=0.0015)
    assert len(heard) / RATE == pytest.approx(2 + (sound - picture) / 1000, abs=0.03)


def test_a_sound_file_begins_at_its_first_sample(tmp_path):
    path = tmp_path / "a.mka"
    with av.open(str(path), "w", format="matroska") as container:
        put(container, container.add_stream("pcm_s16le", rate=48_000, layout="mono"), [(5.0, click(0.25, 1))])
    assert onset_of(read_audio(path)) == pytest.approx(0.25, abs=0.001)


def put(container, stream, pieces) -> None:
    """Mux blocks of samples at times in seconds."""
    for time, samples in pieces:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, int(48_000 * time), Fraction(1, 48_000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


@pytest.mark.parametrize(("hole", "filled"), [(1.5, True), (0.2, True), (0.02, False)])
def test_a_hole_in_the_sound_becomes_silence(tmp_path, hole, filled):
    path = tmp_path / "a.mka"
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        quiet = np.zeros((1, 24_000), np.int16)
        put(container, stream, [(0, quiet), (0.5 + hole, click(0.1, 0.5))])
    heard = read_audio(path)
    assert onset_of(heard) == pytest.approx(0.6 + (hole if filled else 0), abs=0.001)
    assert len(heard) == pytest.approx(RATE * (1 + (hole if filled else 0)), abs=2)


def test_a_hole_before_the_first_frame_is_cut_with_the_rest(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        for k in range(25):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts, frame.time_base = 50 + k, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        put(container, audio, [(0, np.zeros((1, 24_000), np.int16)), (1.5, click(1.0, 1.5))])
    # Picture from 2 s, sound 0..0.5 and 1.5..3 s: the click at 2.5 s is heard 0.5 s after the first frame.
    heard = read_audio(path)
    assert onset_of(heard) == pytest.approx(0.5, abs=0.001) and len(heard) == RATE


def test_timestamps_hours_apart_are_an_error(tmp_path):
    path = tmp_path / "a.mka"
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        put(container, stream, [(0, click(0.1, 0.5)), (9000, click(0.1, 0.5))])
    with pytest.raises(MediaError, match=r"a\.mka: expected continuous sound, got a hole of 8999 s"):
        read_audio(path)


def test_long_stereo_needs_little_more_than_its_result(tmp_path):
    seconds = 60
    both = np.zeros((seconds * 48_000, 2), np.float32)
    soundfile.write(tmp_path / "a.flac", both, 48_000)
    del both
    read_audio(sound_file(tmp_path / "b.wav", sine(0.1, RATE), rate=RATE, codec="pcm_s16le", kind="s16"))
    tracemalloc.start()
    heard = read_audio(tmp_path / "a.flac")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(heard) == seconds * RATE
    assert peak < 3 * heard.nbytes  # the source is 6 times the result as 16-bit stereo at 48 kHz and 12 times as floats


CUT = [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.ogg", "libopus")]


@pytest.mark.parametrize("part", [0.3, 0.7, 0.999])
@pytest.mark.parametrize(("name", "codec"), CUT)
def test_a_truncated_file_is_one_line(tmp_path, name, codec, part):
    path = sound_file(tmp_path / name, sine(2, 48_000), rate=48_000, codec=codec, kind="s16")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(MediaError) as caught:
        read_audio(path)
    assert name in str(caught.value) and "\n" not in str(caught.value)


BREAKS = [("a.aac", "aac", "cannot be decoded"), ("a.flv", "pcm_s16le", "is damaged or truncated")]


@pytest.mark.parametrize(("name", "codec", "words"), BREAKS)
def test_a_packet_that_breaks_off_is_an_error(tmp_path, name, codec, words):
    # Neither kind declares a length: the broken packet at the end is the only sign.
    path = sound_file(tmp_path / name, noise(88_200), rate=44_100, codec=codec, kind="s16")
    with av.open(str(path)) as container:
        block = [bytes(packet) for packet in container.demux(audio=0) if packet.size][40]
    data = path.read_bytes()
    path.write_bytes(data[: data.find(block) + len(block) - 4])
    with pytest.raises(MediaError, match=f"{name}: sound {words} after sample"):
        read_audio(path)


def test_a_sample_rate_that_changes_is_an_error(tmp_path):
    parts = [
        sound_file(tmp_path / f"{rate}.aac", sine(1, rate), rate=rate, codec="aac", kind="s16").read_bytes()
        for rate in (44_100, 48_000)
    ]
    (tmp_path / "a.aac").write_bytes(b"".join(parts))
    with pytest.raises(MediaError, match="sample rate changes from 44100 to 48000 Hz"):
        read_audio(tmp_path / "a.aac")


@pytest.mark.parametrize(("name", "codec"), [("a.aiff", "pcm_s16be"), ("a.au", "pcm_s16be"), ("a.caf", "pcm_s16le")])
def test_other_uncompressed_files_that_break_off(tmp_path, name, codec):
    path = sound_file(tmp_path / name, noise(88_200), rate=44_100, codec=codec, kind="s16")
    assert len(read_audio(path)) == 32_000
    path.write_bytes(path.read_bytes()[:-50_001])
    with pytest.raises(MediaError, match="truncated"):
        read_audio(path)


def test_flac_cut_between_two_frames(tmp_path):
    path = sound_file(tmp_path / "a.flac", noise(40_000), rate=RATE, codec="flac", kind="s16")
    with av.open(str(path)) as container:
        last = [bytes(packet) for packet in container.demux(audio=0) if packet.size][-1]
    path.write_bytes(path.read_bytes()[: -len(last)])
    with pytest.raises(MediaError, match="truncated: the header declares 40000 samples, the file has"):
        read_audio(path)


def test_a_wav_written_into_a_pipe_declares_no_length(tmp_path):
    path = sound_file(tmp_path / "a.wav", sine(1, RATE), rate=RATE, codec="pcm_s16le", kind="s16")
    data = bytearray(path.read_bytes())
    data[4:8] = b"\xff\xff\xff\xff"
    at = data.find(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert len(read_audio(path)) == RATE


def test_no_audio_stream_and_no_samples(tmp_path):
    with pytest.raises(MediaError, match=r"expected an audio stream, the file has none \(it has: video\)"):
        read_audio(film(tmp_path / "a.mp4", 5))
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), RATE)
    with pytest.raises(MediaError, match=r"empty\.wav: (expected sound|not a video or audio file)"):
        read_audio(tmp_path / "empty.wav")


def test_wav_round_trip(tmp_path):
    exact = noise(7_001)[0].astype(np.float32) / 2**15
    for bits in (16, 32):
        write_wav(tmp_path / "a.wav", exact, bits=bits)
        assert (read_audio(tmp_path / "a.wav") == exact).all()
        back, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
        assert rate == RATE and (back == exact).all()
    free = np.random.default_rng(0).normal(0, 1, 5_001).astype(np.float32)
    write_wav(tmp_path / "a.wav", free, bits=32, rate=22_050)
    assert (read_audio(tmp_path / "a.wav", rate=22_050) == free).all()
    write_wav(tmp_path / "a.wav", free)  # beyond full scale: clipped, not wrapped
    assert np.abs(read_audio(tmp_path / "a.wav") - np.clip(free, -1, 1)).max() <= 2.0**-15
    with pytest.raises(ValueError, match="16 or 32 bits"):
        write_wav(tmp_path / "a.wav", free, bits=24)
