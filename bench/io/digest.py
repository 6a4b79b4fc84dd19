"""Hashes that name things: of a file's bytes, of arrays, of plain data.

An array's hash covers its values, its dtype and its shape, never its memory layout or the file it came from. So the
hash that `bench.io.encode` gives for the frames it wrote is the hash of the same frames read back.
"""

from __future__ import annotations

import hashlib
import json
from os import PathLike
from typing import Any

import numpy as np

from bench.io.files import check_file

_CHUNK = 1 << 20


class ArrayDigest:
    """A running sha256 of an array that arrives in slices along its first axis (a video, frame by frame).

    The values come first and dtype and shape last, because the length of a stream is known only at its end. The
    trailer's own length closes it, so one can be read from the end in only one way and two different arrays, or two
    different lists of arrays, never give the same bytes.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, values: np.ndarray) -> None:
        """Take the next values, in C order, little endian."""
        values = np.asarray(values)
        if values.dtype.byteorder == ">" or (values.dtype.byteorder == "=" and not np.little_endian):
            values = values.astype(values.dtype.newbyteorder("<"))
        self._hash.update(np.ascontiguousarray(values).data.cast("B") if values.size else b"")

    def close(self, dtype: np.dtype, shape: tuple[int, ...]) -> None:
        """End one array; another may follow."""
        trailer = f"{np.dtype(dtype).name}:{','.join(map(str, shape))}".encode()
        self._hash.update(trailer + len(trailer).to_bytes(4, "little"))

    def hexdigest(self) -> str:
        """The sha256 of all arrays closed so far, as 64 hexadecimal digits."""
        return self._hash.hexdigest()


def sha256_file(path: str | PathLike[str]) -> str:
    """The sha256 of a file's bytes, as 64 hexadecimal digits. Raises MissingError or MediaError (directory)."""
    checked = check_file(path, empty=True)
    with open(checked, "rb") as file:
        digest = hashlib.sha256()
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


def sha256_array(*arrays: np.ndarray) -> str:
    """The sha256 of one or more arrays: values, dtype and shape, whatever their strides and byte order."""
    digest = ArrayDigest()
    for array in arrays:
        array = np.asarray(array)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"expected numbers to hash, got dtype {array.dtype}")
        digest.add(array)
        digest.close(array.dtype, array.shape)
    return digest.hexdigest()


def sha256_json(value: Any) -> str:
    """The sha256 of plain data (dict with string keys, list, str, int, float, bool, None), independent of key order.

    A tuple equals a list; 1 and 1.0 differ. NaN and infinity have no JSON form and raise ValueError.
    """
    _require_string_keys(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _require_string_keys(value: Any) -> None:
    # json.dumps would turn the keys 1 and "1" into the same text: two different values, one hash.
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"expected string keys to hash, got {key!r}")
            _require_string_keys(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _require_string_keys(inner)
