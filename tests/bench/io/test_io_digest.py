"""Hashes: equal for equal values, different for every difference that matters."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from bench.errors import MediaError, MissingError
from bench.io.digest import ArrayDigest, sha256_array, sha256_file, sha256_json
from bench.io.versions import library_versions


def test_file(tmp_path):
    path = tmp_path / "a.bin"
    for data in (b"", b"abc", bytes(range(256)) * 9000):
        path.write_bytes(data)
        assert sha256_file(path) == hashlib.sha256(data).hexdigest()
    with pytest.raises(MissingError, match="no such file"):
        sha256_file(tmp_path / "none")
    with pytest.raises(MediaError, match="got a directory"):
        sha256_file(tmp_path)


def test_layout_and_byte_order_do_not_matter():
    a = np.arange(24, dtype=np.int32).reshape(2, 3, 4)
    assert len({sha256_array(x) for x in (a, a.copy(order="F"), a.astype(">i4"), np.repeat(a, 2, 0)[::2])}) == 1


def test_everything_else_does():
    a = np.zeros((2, 6), np.uint8)
    alike = [a, a.reshape(6, 2), a.reshape(12), a.view(np.int8), a.view(np.uint16), a.astype(bool), a + 1, a[:1]]
    empty = [np.zeros((0, 6), np.uint8), np.zeros((6, 0), np.uint8), np.uint8(0)]
    variants = [*((x,) for x in alike + empty), (a, a), (a[:1], a[1:]), ()]
    assert len({sha256_array(*arrays) for arrays in variants}) == len(variants)


def test_a_stream_of_slices_is_its_array():
    a = np.random.default_rng(0).integers(0, 256, (7, 5, 4, 3), np.uint8)
    digest = ArrayDigest()
    for frame in a:
        digest.add(frame[:, :, :])
    digest.close(a.dtype, a.shape)
    assert digest.hexdigest() == sha256_array(a)


def test_the_value_is_fixed():
    # Stored results name clips by this value; a change of the rule would orphan them.
    assert sha256_array(np.arange(6, dtype=np.uint8).reshape(2, 3)) == (
        hashlib.sha256(bytes(range(6)) + b"uint8:2,3" + (9).to_bytes(4, "little")).hexdigest()
    )


def test_arrays_without_numbers_are_refused():
    with pytest.raises(TypeError, match="expected numbers"):
        sha256_array(np.array(["a"]))


def test_json():
    assert sha256_json({"b": [1, None], "a": "é"}) == hashlib.sha256('{"a":"é","b":[1,null]}'.encode()).hexdigest()
    assert sha256_json({"a": 1, "b": 2}) == sha256_json({"b": 2, "a": 1})
    assert sha256_json((1, 2)) == sha256_json([1, 2]) != sha256_json([2, 1])
    assert sha256_json(1) != sha256_json(1.0)
    with pytest.raises(ValueError, match="Out of range"):
        sha256_json({"a": float("nan")})
    with pytest.raises(TypeError, match="string keys"):
        sha256_json([{"a": {1: 2}}])


def test_versions_name_the_decoder():
    versions = library_versions()
    assert {"av", "libavcodec", "libavformat", "libswscale", "soxr", "pillow"} <= versions.keys()
    assert all(value and value[0].isdigit() for value in versions.values())
