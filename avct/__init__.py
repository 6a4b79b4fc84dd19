"""AVCT: a portrait and speech become a talking face (Wang et al., AAAI 2022).

Importing the package loads no network; what is exported is loaded when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avct.crowd import Crowd
    from avct.talker import Talker

__all__ = ["Crowd", "Talker"]


def __getattr__(name: str) -> Any:
    """An exported name. Raises AttributeError for another."""
    if name == "Talker":
        from avct.talker import Talker

        return Talker
    if name == "Crowd":
        from avct.crowd import Crowd

        return Crowd
    raise AttributeError(f"module 'avct' has no attribute {name!r}")
