"""What a dataset file may say: where clips come from, who is seen in them, and what must be on the disk."""

from __future__ import annotations

from typing import Annotated, Any

from protocols.model import Model, Name, Sha256, hash_content, matching


class DatasetSpec(Model):
    """Where clips come from. `name` and `here` are filled in by the loader; `options` belong to the loader module.

    family: the name under which methods say that they were trained on it; several files may share one. splits: {part:
    patterns of the identities and speakers that belong to it}, "*" for any letters, for tests that do not say their
    part. identities: who is seen, where that is known whatever the part. hashes: {file: sha256} that must hold before
    anything is scored, from the data's folder, or from the dataset file's own where the name begins with "./".
    licence, homepage, paper, obtain: what a person without the data has to know: terms, where from, and how to lay
    it out.
    """

    name: str = ""
    here: str = ""
    title: str = ""
    loader: Annotated[str, matching(r"[a-z][a-z0-9_]*", "a module name")]
    revision: str = "1"
    family: Annotated[str, matching(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?|", "lower-case letters, digits and dashes")] = ""
    licence: str = ""
    homepage: str = ""
    paper: str = ""
    obtain: str = ""
    splits: dict[Name, list[Name]] = {}
    identities: list[str] = []
    hashes: dict[str, Sha256] = {}
    options: dict[str, Any] = {}

    def hash(self) -> str:
        """sha256 (hex) of what decides the clips."""
        return hash_content(self.model_dump(mode="json", exclude=_WORDS))


_WORDS = {"name", "here", "title", "family", "licence", "homepage", "paper", "obtain", "splits"}
"""What is said of a dataset and decides none of its clips."""
