"""Finds and loads data files by name or path: protocols, methods and datasets, ours and those on AVCT_BENCH_PATH.

Adding one is adding one file: `DIR/protocols/<name>.toml`, `DIR/protocols/methods/<name>.toml` or
`DIR/protocols/datasets/<name>.toml` for a DIR of the variable AVCT_BENCH_PATH (separated as PATH is). Nothing is
registered.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from protocols.dataset import DatasetSpec
from protocols.errors import ProtocolError
from protocols.method import BuiltinMethod, CommandMethod, MethodBase
from protocols.schema import Protocol
from protocols.validation import nearest, override, validate

Kind = Literal["protocols", "methods", "datasets"]
Standing = Literal["as shipped", "changed", "own"]
PATH_VARIABLE = "AVCT_BENCH_PATH"
_KINDS: dict[str, type[MethodBase]] = {"builtin": BuiltinMethod, "command": CommandMethod}


def roots() -> list[Path]:
    """Folders that hold protocol files: ours first, then `protocols/` of every folder on AVCT_BENCH_PATH."""
    extra = [Path(entry).expanduser() for entry in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if entry]
    return [Path(__file__).resolve().parent, *(folder / "protocols" for folder in extra)]


def listing(kind: Kind) -> dict[str, Path]:
    """Name -> file of every data file of one kind, sorted by name. Two files of one name are an error."""
    found: dict[str, Path] = {}
    for root in roots():
        for path in sorted((root if kind == "protocols" else root / kind).glob("*.toml")):
            if path.stem in found and not path.samefile(found[path.stem]):
                raise ProtocolError(f"{kind[:-1]} {path.stem!r} is defined twice: {found[path.stem]} and {path}")
            found[path.stem] = path
    return dict(sorted(found.items()))


def load(name: str | Path, *, overrides: Sequence[str] = ()) -> Protocol:
    """The protocol of that stem or path, checked and frozen. overrides: "axes.seeds=[0, 1]" and so on."""
    path = _find("protocols", name)
    return validate(Protocol, override(_read(path), overrides), str(path))


def standing(protocol: Protocol) -> Standing:
    """How a protocol stands to the shipped one of its id: "as shipped", "changed" (say by --set), or "own"."""
    known = recorded_versions()["protocols"].get(protocol.id)
    if known is None:
        return "own"
    return "as shipped" if known["hash"] == protocol.hash() else "changed"


def recorded_versions() -> dict[str, Any]:
    """What `versions.json` holds: {"protocols": {id: {"hash", "dataset"}}, "defaults": {"Model.key": default}}."""
    return json.loads((Path(__file__).parent / "versions.json").read_text(encoding="utf-8"))


def load_method(name: str | Path) -> BuiltinMethod | CommandMethod:
    """The method of that stem or path."""
    path = _find("methods", name)
    content = _placed(_read(path), path)
    kind = content.get("kind")
    if kind not in _KINDS:
        raise ProtocolError(f"{path}: kind: expected one of {', '.join(sorted(_KINDS))}, got {kind!r}")
    return validate(_KINDS[kind], content, str(path))  # type: ignore[return-value]


def load_dataset(name: str | Path) -> DatasetSpec:
    """The dataset description of that stem or path."""
    path = _find("datasets", name)
    return validate(DatasetSpec, _placed(_read(path), path), str(path))


def _find(kind: Kind, name: str | Path) -> Path:
    text = os.fspath(name)
    if text.endswith(".toml") or os.sep in text:
        path = Path(text).expanduser()
        if path.is_file():
            return path.resolve()
        raise ProtocolError(f"{path}: no such {kind[:-1]} file")
    known = listing(kind)
    if text not in known:
        raise ProtocolError(f"unknown {kind[:-1]} {text!r}.{nearest(text, list(known))}")
    return known[text]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{path}: expected TOML, got: {error}") from None
    except OSError as error:
        raise ProtocolError(f"{path}: cannot be read: {error.strerror}") from None


def _placed(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """The content with the file's own name and folder, which the file itself may not state."""
    for key in ("name", "here"):
        if key in content:
            raise ProtocolError(f"{path}: {key}: unknown key; the file's own name and place are used")
    return {**content, "name": path.stem, "here": str(path.parent)}
