"""The checksums inside FFV1 packets, against packets that FFmpeg wrote."""

from __future__ import annotations

import av
import pytest
from painted import paint

from bench.io.encode import write_lossless
from bench.io.ffv1 import slices_whole


@pytest.fixture(scope="module")
def packet(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("ffv1") / "a.mkv"
    write_lossless(path, [paint(1234)])
    with av.open(str(path)) as container:
        return bytes(next(iter(container.demux(video=0))))


def test_a_whole_packet(packet):
    assert slices_whole(packet)


def test_any_flipped_bit_is_seen(packet):
    for at in range(len(packet)):
        damaged = bytearray(packet)
        damaged[at] ^= 1 << at % 8
        assert not slices_whole(bytes(damaged)), at


@pytest.mark.parametrize("cut", [1, 3, 7, 8, 20])
def test_missing_and_added_bytes_are_seen(packet, cut):
    for damaged in (packet[cut:], packet[:-cut], packet + bytes(cut), bytes(cut) + packet):
        assert not slices_whole(damaged)
