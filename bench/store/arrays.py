"""Arrays kept under their key: what a network saw once, it need not see again."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from bench.store.files import make_folder, replace_file


def load_array(folder: Path, key: str, *, lazily: bool = False) -> np.ndarray | None:
    """The array of that key, or None where there is none or where the file is damaged: it is then made again.

    lazily: values stay on disk until they are used.
    """
    path = folder / f"{key}.npy"
    try:
        if lazily:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        return np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None


def keep_array(folder: Path, key: str, values: np.ndarray) -> None:
    """Store an array, whole or not at all. Raises StorageError."""
    make_folder(folder)
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    replace_file(folder / f"{key}.npy", buffer.getvalue())
