"""Decoding: every frame, in order, whatever the container; loss and damage are errors."""

from __future__ import annotations

import io
import itertools
import tracemalloc
from fractions import Fraction

import av
import numpy as np
import pytest
from painted import HEIGHT, WIDTH, film, numbers, paint, read
from PIL import Image

from bench.errors import MediaError, MissingError
from bench.io.audio import read_audio
from bench.io.decode import frames, read_video
from bench.io.encode import write_lossless

COUNT = 40
KINDS = {
    "b-frames.mp4": {},
    "faststart.mp4": {"container_options": {"movflags": "+faststart"}},
    "fragments.mp4": {"container_options": {"movflags": "+frag_keyframe+empty_moov"}, "options": {"g": "10"}},
    "open.mkv": {"options": {"bf": "4"}},
    "h264.avi": {},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "stream.ts": {},
    "raw.h264": {},
    "mjpeg.mov": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"cpu-used": "8"}},
    "vp8-hidden-frames.webm": {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "10"}},
    "ffv1.mkv": {"codec": "ffv1", "pixel_format": "bgr0"},
}


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_in_order(tmp_path, name):
    path = film(tmp_path / name, COUNT, **KINDS[name])
    assert numbers(frames(path)) == list(range(COUNT))
    assert numbers(frames(path, fps=None)) == list(range(COUNT))


def test_read_video_is_frames_stacked(tmp_path):
    path = film(tmp_path / "a.mkv", 150, options={"preset": "ultrafast"})
    clip = read_video(path)
    assert clip.dtype == np.uint8 and clip.shape == (150, HEIGHT, WIDTH, 3) and clip.flags.c_contiguous
    assert numbers(clip) == list(range(150))
    assert all((a == b).all() for a, b in zip(clip, frames(path), strict=True))
    assert numbers(read_video(path, limit=7)) == list(range(7))
    assert len(read_video(path, limit=1000)) == 150
    with pytest.raises(ValueError, match="at least one frame"):
        read_video(path, limit=0)


def test_a_repeated_frame_is_its_own_array(tmp_path):
    path = film(tmp_path / "a.mkv", 10, rate=12)
    seen = []
    for image in frames(path):
        seen.append(read(image))
        image[:] = 0
    assert len(seen) > 10 and set(seen) == set(range(10))


def test_memory_does_not_grow_with_the_clip(tmp_path):
    path = film(tmp_path / "a.mp4", 400, options={"preset": "ultrafast"})
    next(frames(path))  # first-use caches
    tracemalloc.start()
    for _ in frames(path):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * HEIGHT * WIDTH * 3


def test_an_edit_list_that_drops_the_head_is_followed(tmp_path):
    # Patch the edit list's media time, as a cut without re-encoding does: playing starts at frame 12.
    path = film(tmp_path / "a.mp4", 40, options={"bf": "0", "g": "40"}, time_base=Fraction(1, 25))
    data = bytearray(path.read_bytes())
    at = data.find(b"elst")
    assert at > 0
    scale = 12_800
    data[at + 16 : at + 20] = int(12 * scale / 25 + int.from_bytes(data[at + 16 : at + 20], "big")).to_bytes(4, "big")
    path.write_bytes(data)
    assert numbers(frames(path)) == list(range(12, 40))


def test_the_first_of_two_video_streams_is_read(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("ffv1", rate=25) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
        for index in range(5):
            for order, stream in enumerate(streams):
                image = paint(1000 * (order + 1) + index)
                frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="bgr0")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    assert numbers(frames(path)) == [1000 + k for k in range(5)]


def test_cover_art_is_not_video(tmp_path):
    cover, path = io.BytesIO(), tmp_path / "song.mkv"
    Image.fromarray(paint(1)).save(cover, "JPEG")
    with av.open(str(path), "w") as container:
        container.add_attachment("cover.jpg", "image/jpeg", cover.getvalue())
        stream = container.add_stream("flac", rate=16_000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), format="s16", layout="mono")
        sound.sample_rate, sound.pts = 16_000, 0
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1  # FFmpeg does list the picture as video
    with pytest.raises(MediaError, match="expected a video stream, the file has none"):
        frames(path).__next__()
    assert len(read_audio(path)) == 1600


@pytest.mark.parametrize("name", [name for name in KINDS if not name.endswith("h264")])
@pytest.mark.parametrize("part", [0.2, 0.6, 0.95, 0.9999])
def test_a_truncated_file_is_one_line(tmp_path, name, part):
    path = film(tmp_path / name, COUNT, **KINDS[name])
    data = path.read_bytes()
    path.write_bytes(data[: min(int(len(data) * part), len(data) - 1)])
    with pytest.raises(MediaError) as caught:
        for _ in frames(path):
            pass
    assert "\n" not in str(caught.value) and name in str(caught.value)


def test_a_lossless_clip_that_lost_frames_is_an_error(tmp_path):
    path = tmp_path / "a.mkv"
    write_lossless(path, (paint(k) for k in range(30)))
    blocks = packets(path)
    for lost, words in (
        (0, "missing at the beginning"),
        (13, "frames are missing before frame 13"),
        (29, "until 1.200 s, it ends at 1.160 s"),
    ):
        data = bytearray(path.read_bytes())
        # Call the block (SimpleBlock, 0xA3, size, 4 bytes of header) a Void: the file is as long, the frame is gone.
        size = len(blocks[lost]) + 4
        length = bytes([0x80 | size]) if size < 0x7F else (0x4000 | size).to_bytes(2, "big")
        at = data.find(blocks[lost]) - 4 - len(length) - 1
        assert data[at : at + 1 + len(length)] == b"\xa3" + length
        data[at] = 0xEC
        other = tmp_path / f"lost{lost}.mkv"
        other.write_bytes(data)
        with pytest.raises(MediaError, match=words):
            for _ in frames(other):
                pass


@pytest.mark.parametrize("ours", [True, False])
def test_a_flipped_bit_in_lossless_video_is_an_error(tmp_path, ours):
    path = tmp_path / "a.mkv"
    if ours:
        write_lossless(path, (paint(k) for k in range(20)))
    else:
        film(path, 20, codec="ffv1", pixel_format="bgr0", options={"level": "3", "slicecrc": "1", "slices": "4"})
    data, block = bytearray(path.read_bytes()), packets(path)[11]
    data[data.find(block) + len(block) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(MediaError, match=r"damaged near frame 1[01] \(a checksum"):
        list(frames(path))


def test_ffv1_without_checksums_is_read(tmp_path):
    path = film(tmp_path / "a.mkv", 8, codec="ffv1", pixel_format="bgr0", options={"level": "3", "slicecrc": "0"})
    assert numbers(frames(path)) == list(range(8))


def test_a_picture_that_the_decoder_drops_is_an_error(tmp_path):
    quiet = {"x265-params": "log-level=none:keyint=1"}
    path = film(tmp_path / "a.mp4", COUNT, codec="libx265", options=quiet)
    data, block = bytearray(path.read_bytes()), packets(path)[20]
    unit = at = data.find(block)
    # Every unit of the packet becomes filler (HEVC type 38): legal, and shows nothing. Its neighbours are key frames.
    while unit < at + len(block):
        data[unit + 4] = 38 << 1
        unit += 4 + int.from_bytes(data[unit : unit + 4], "big")
    path.write_bytes(data)
    with pytest.raises(MediaError, match=f"expected {COUNT} frames, got {COUNT - 1}: the file is damaged"):
        list(frames(path))


def test_pictures_before_the_first_that_can_be_shown_are_not_missed(tmp_path):
    """A clip cut at an open group of pictures: the pictures before the cut's key frame, in time, need what was cut."""
    quiet = {"x265-params": "log-level=none:keyint=12:min-keyint=12:open-gop=1:bframes=3:scenecut=0"}
    whole = film(tmp_path / "whole.mp4", COUNT, codec="libx265", options=quiet)
    path = tmp_path / "cut.mkv"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        keys = [place for place, packet in enumerate(packets) if packet.is_keyframe]
        kept = packets[keys[1] :]
        leading = sum(packet.pts < kept[0].pts for packet in kept)
        for packet in kept:
            packet.stream = stream
            target.mux(packet)
    assert leading > 0
    seen = numbers(frames(path, fps=None))
    assert seen == list(range(COUNT - len(kept) + leading, COUNT))


def test_time_that_runs_backwards_is_an_error(tmp_path):
    path = film(tmp_path / "a.mkv", 20, codec="ffv1", pixel_format="bgr0")
    data, block = bytearray(path.read_bytes()), packets(path)[10]
    at = data.find(block) - 3  # a block's time, two bytes in milliseconds, and its flags stand before its data
    assert data[at : at + 2] == (400).to_bytes(2, "big")
    data[at : at + 2] = (100).to_bytes(2, "big")
    path.write_bytes(data)
    with pytest.raises(MediaError, match=r"frame 10 is stamped 0\.260 s before the frame it follows"):
        list(frames(path))


def test_a_packet_that_breaks_off_is_an_error(tmp_path):
    # FLV declares no length: the half packet at the end is the only sign.
    path = film(tmp_path / "a.flv", COUNT)
    data, block = path.read_bytes(), packets(path)[30]
    path.write_bytes(data[: data.find(block) + len(block) // 2])
    with pytest.raises(MediaError, match="damaged or truncated near frame"):
        list(frames(path))


def test_damage_inside_h264_is_an_error(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (COUNT, HEIGHT, WIDTH, 3), np.uint8)
    path = film(tmp_path / "a.mp4", COUNT, options={"bf": "0"}, images=noise)
    whole, block = path.read_bytes(), packets(path)[20]
    at, messages = whole.find(block), []
    for first in range(20, len(block) - 20, len(block) // 20):
        data = bytearray(whole)
        for k in range(first, first + 12):
            data[at + k] ^= 0xA5
        path.write_bytes(data)
        try:
            seen = list(frames(path))
        except MediaError as error:
            messages.append(str(error))
        else:
            # Some bytes decode to another legal picture, which nothing can tell; no frame may be lost then.
            assert len(seen) == COUNT
    # FFmpeg fills what it cannot decode with other pixels, marks the frame and says nothing more.
    assert sum("is damaged" in message for message in messages) > 10
    assert not any("\n" in message for message in messages)
    data = bytearray(whole)
    data[at : at + len(block)] = bytes(len(block))
    path.write_bytes(data)
    with pytest.raises(MediaError, match="cannot be decoded near frame"):
        list(frames(path))


def packets(path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def test_frames_that_change_size_are_an_error(tmp_path):
    small = film(tmp_path / "s.h264", 5, options={"g": "1"})
    large_images = [np.zeros((128, 128, 3), np.uint8)] * 5
    with av.open(str(tmp_path / "l.h264"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 128
        stream.pix_fmt = "yuv420p"
        for image in large_images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    both = tmp_path / "both.h264"
    both.write_bytes(small.read_bytes() + (tmp_path / "l.h264").read_bytes())
    with pytest.raises(MediaError, match="frame size changes from 96x64 to 128x128"):
        list(frames(both))


def test_frames_complains_at_the_call_and_not_at_the_first_frame(tmp_path):
    with pytest.raises(MissingError, match=r"none\.mp4: no such file"):
        frames(tmp_path / "none.mp4")
    with pytest.raises(MediaError, match="got a directory"):
        frames(tmp_path)


def test_stopping_early_closes_the_file(tmp_path):
    path = film(tmp_path / "a.mp4", 30)
    stream = frames(path)
    assert numbers(itertools.islice(stream, 3)) == [0, 1, 2]
    stream.close()
    path.unlink()
