"""The versions of the libraries that touch media, for a run's manifest: pixels depend on them."""

from __future__ import annotations

from importlib import metadata

import av


def library_versions() -> dict[str, str]:
    """Name to version: PyAV, the FFmpeg libraries inside its wheel (libavcodec, ...), and the other media readers."""
    versions = {"av": av.__version__}
    versions |= {name: ".".join(map(str, numbers)) for name, numbers in sorted(av.library_versions.items())}
    return versions | {name: metadata.version(name) for name in ("pillow", "soxr")}
