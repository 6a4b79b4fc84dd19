"""What a dataset file may say: where clips come from, who is seen in them, and what must be on the disk."""

from __future__ import annotations

from typing import Annotated, Any

from protocols.model import Model, Sha256, hash_content, matching


class DatasetSpec(Model):
    """Where clips come from. `name` and `here` are filled in by the loader; `options` belong to the loader module.

    hashes: {file: sha256} that must hold before anything is scored. identities: who is seen, to check for overlap
    with a method's `trained_on`.
    """

    name: str = ""
    here: str = ""
    title: str = ""
    loader: Annotated[str, matching(r"[a-z][a-z0-9_]*", "a module name")]
    revision: str = "1"
    licence: str = ""
    identities: list[str] = []
    hashes: dict[str, Sha256] = {}
    options: dict[str, Any] = {}

    def hash(self) -> str:
        """sha256 (hex) of what decides the clips."""
        return hash_content(self.model_dump(mode="json", exclude={"name", "here", "title", "licence"}))
