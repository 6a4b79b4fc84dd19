"""The fenced blocks of a guide, in order, and how each is carried out."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"(?:^<!-- needs (?P<needs>[\w, ]+) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
_NAMED = re.compile(r"# (?P<file>[\w./-]+\.(toml|py))\n")
KINDS = {"sh", "toml", "python", "text", ""}


@dataclass(frozen=True)
class Block:
    """A fenced block. kind: of KINDS. needs: what must be here for it. line: where it begins in the file."""

    kind: str
    text: str
    needs: tuple[str, ...]
    line: int


def read_blocks(path: Path) -> list[Block]:
    """Every fenced block of a Markdown file, in order."""
    text = path.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        needs = tuple(word.strip() for word in (match["needs"] or "").split(",") if word.strip())
        found.append(Block(match["kind"], match["text"], needs, text[: match.start("kind")].count("\n") + 1))
    assert text.count("\n```") + text.startswith("```") == 2 * len(found), f"{path.name}: a block is not closed"
    return found


def lacking(need: str) -> str | None:
    """Why a block that needs something cannot be carried out here; None where it can."""
    modules = {"ray": "ray", "dlib": "dlib", "phones": "pocketsphinx", "tensorboard": "tensorboard"}
    if need in modules:
        return None if importlib.util.find_spec(modules[need]) else f"{modules[need]} is not installed"
    raise AssertionError(f"a guide needs {need!r}, which nobody knows how to look for")


def write_file(block: Block, folder: Path) -> Path:
    """Writes a toml or python block to the file that its first line names, below a folder."""
    named = _NAMED.match(block.text)
    assert named, f"line {block.line}: the first line of a {block.kind} block names its file"
    path = folder / named["file"]
    assert path.resolve().is_relative_to(folder.resolve())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")
    return path


def carry_out(block: Block, folder: Path, *, programs: Path, variables: dict[str, str]) -> str:
    """What a sh block prints, both streams together. The folder that it ends in is kept for the next block."""
    place, state = folder / ".place", folder / ".state"
    begin = f"cd {place.read_text()!r}; . {state}" if place.exists() else f"cd {folder}"
    script = f"{begin}\n{block.text}\npwd > {place}; truncate -s -1 {place}; export -p > {state}\n"
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    ran = subprocess.run(
        ["bash", "-e", "-c", script], capture_output=True, text=True, timeout=600,
        env={**os.environ, "PATH": path, "COLUMNS": "150", **variables},
    )  # fmt: skip
    assert ran.returncode == 0, (
        f"line {block.line}:\n{block.text}\nended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
    )
    return ran.stdout + ran.stderr


def compare(block: Block, said: str) -> None:
    """Fails for a line of a text block that the output lacks; "…" stands for anything, a blank for any blanks."""
    flat = [" ".join(line.split()) for line in said.splitlines()]
    for line in block.text.splitlines():
        if not line.strip() or line.strip() == "…":
            continue
        pattern = re.compile(".*".join(re.escape(" ".join(part.split())) for part in line.split("…")))
        assert any(pattern.search(given) for given in flat), f"line {block.line}: {line!r} is not in\n{said}"
