"""Every metric by id, found by looking: a metric is one file that nobody registers.

A file is a metric's when it assigns a tuple `VARIANTS` at its top level: ours in this folder, and users' in
`DIR/metrics/*.py` for each DIR of the environment variable AVCT_BENCH_PATH (separated as PATH is).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from metrics.clip import Clip, Result
from metrics.errors import MetricError, UnknownVariant
from metrics.extension import folders, import_file, python_files, read_source, say

DIRECTIONS = ("higher", "lower", "target")
PLAIN_NEEDS = ("truth", "samples", "truth_samples", "phones")
NAMED_NEEDS = ("landmarks", "truth_landmarks", "faces", "truth_faces", "features", "truth_features")

_HERE = Path(__file__).resolve().parent
_ID = re.compile(r"([a-z0-9_]+)/([A-Za-z0-9._-]+)@([0-9]+)")
# Looked for in the text, so that a module that is no metric is never imported by a listing.
_MARK = re.compile(r"^VARIANTS\s*[:=]", re.MULTILINE)


@dataclass(frozen=True)
class Corpus:
    """How the clips of a corpus become one number: the variant's `measure` then only says what a clip brings.

    features: the extractor whose vectors of video and truth are compared. summarise: blocks float32 (N, D), a clip
    each and none of them with NaN, into statistics; the blocks may be read again and again, and their order is fixed
    by the caller. merge: statistics of several parts into those of all, in that order. distance: of the video's and
    the truth's statistics, a finite float, or a str that says why there is none. Least numbers of frames (or windows)
    and clips on either side, below which there is no value.
    """

    features: str
    summarise: Callable[[Sequence[np.ndarray]], Any]
    merge: Callable[[Sequence[Any]], Any]
    distance: Callable[[Any, Any], float | str]
    least_frames: int = 100
    least_clips: int = 1


@dataclass(frozen=True)
class Variant:
    """A metric with every choice made, and its card.

    id: "family/variant@version"; a changed constant is a new version. direction: "higher", "lower", or "target" (best
    at `target`; a target of None only describes). bounds: lowest and highest value possible, None where open. needs:
    beyond frames: "truth", "samples", "truth_samples", "phones", "landmarks:<backend>", "faces:<detector>",
    "features:<extractor>" and the last three with "truth_" before them.
    weights: names in weights.toml. equals: the paper or code whose number it equals. blind_to: what it does not see.
    corpus: for a metric of all clips together (FID): how they are pooled. promises: degradations of the validity
    report (`results/metric-validity`) in which the value gets worse with every step, "name" each.
    """

    id: str
    title: str
    formula: str
    unit: str
    direction: str
    target: float | None
    bounds: tuple[float | None, float | None]
    needs: tuple[str, ...]
    weights: tuple[str, ...]
    source: str
    equals: str
    blind_to: str
    legacy: bool
    measure: Callable[[Clip], Result]
    corpus: Corpus | None = None
    promises: tuple[str, ...] = field(default=())

    @property
    def family(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]

    def as_dict(self) -> dict[str, Any]:
        """The card as JSON-ready data, in declaration order, without the callable."""
        kept = [f.name for f in fields(self) if f.name not in ("measure", "corpus")]
        out: dict[str, Any] = {name: getattr(self, name) for name in kept}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in out.items()} | {"scope": self.scope}

    @property
    def scope(self) -> str:
        """ "clip" for a value each clip has, "corpus" for one that all clips have together."""
        return "clip" if self.corpus is None else "corpus"


def variants() -> dict[str, Variant]:
    """Every variant by id, sorted. Raises MetricError, naming the file, for a file that cannot be used."""
    return dict(_collect(_stamps())[0])


def home(id: str) -> Path | None:
    """The file that defines the variant of that full id, None where none does."""
    return _collect(_stamps())[1].get(id)


def get(id: str) -> Variant:
    """The variant of that full id. Raises UnknownVariant with near names."""
    known = variants()
    if id in known:
        return known[id]
    same = [v.id for v in known.values() if id in (_unversioned(v), v.family)]
    raise UnknownVariant(f"unknown metric {id!r}.{_suggest(id, same or _names(known), given=bool(same))}")


def find(text: str) -> list[Variant]:
    """Variants by full id, by "family/variant" (every version), or by family, sorted. Raises UnknownVariant."""
    known = variants()
    found = [v for v in known.values() if text in (v.id, _unversioned(v), v.family)]
    if not found:
        raise UnknownVariant(f"unknown metric {text!r}.{_suggest(text, _names(known), given=False)}")
    return found


def evaluate(id: str, clip: Clip) -> Result:
    """The result of the variant of that id on a clip. Raises UnknownVariant, or MetricError for what the clip lacks."""
    variant = get(id)
    for need in variant.needs:
        kind, _, backend = need.partition(":")
        held = getattr(clip, kind)
        if held is None or (backend and backend not in held):
            raise MetricError(f"{id} needs {need.replace(':', ' by ')}, which the clip does not hold")
    return variant.measure(clip)


def _unversioned(variant: Variant) -> str:
    return variant.id.partition("@")[0]


def _names(known: dict[str, Variant]) -> list[str]:
    return [*known, *{v.family for v in known.values()}]


def _suggest(text: str, names: list[str], *, given: bool) -> str:
    near = names if given else difflib.get_close_matches(text, names, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else " `ls metrics` lists what there is."


def _stamps() -> tuple[tuple[str, int, int], ...]:
    """Users' metric files as (path, time of change, bytes): while these stay, so does what was found."""
    found = [(path, path.stat()) for folder in folders("metrics") for path in python_files(folder)]
    return tuple((str(path), state.st_mtime_ns, state.st_size) for path, state in found)


@lru_cache(maxsize=8)
def _collect(stamps: tuple[tuple[str, int, int], ...]) -> tuple[dict[str, Variant], dict[str, Path]]:
    found: dict[str, Variant] = {}
    homes: dict[str, Path] = {}
    for path in [*python_files(_HERE), *(Path(stamp[0]) for stamp in stamps)]:
        if not _MARK.search(read_source(path)):
            continue
        for variant in _read(path):
            if variant.id in homes:
                raise MetricError(f"metric {variant.id!r} is defined twice: {homes[variant.id]} and {path}")
            found[variant.id], homes[variant.id] = variant, path
    return dict(sorted(found.items())), homes


def _read(path: Path) -> tuple[Variant, ...]:
    try:
        held = getattr(import_file(path), "VARIANTS", None)
    except Exception as error:
        raise MetricError(f"{path}: cannot be imported: {say(error)}") from error
    if not isinstance(held, tuple) or not all(isinstance(item, Variant) for item in held):
        raise MetricError(f"{path}: expected VARIANTS to be a tuple of metrics.registry.Variant")
    for variant in held:
        _check(variant, path)
    return held


def _check(variant: Variant, path: Path) -> None:
    if not _ID.fullmatch(variant.id):
        raise MetricError(f'{path}: expected an id such as "psnr/mean-of-frames@1", got {variant.id!r}')
    if variant.direction not in DIRECTIONS:
        raise MetricError(
            f"{path}: {variant.id}: expected direction {' or '.join(DIRECTIONS)}, got {variant.direction!r}"
        )
    if variant.target is not None and variant.direction != "target":
        raise MetricError(f"{path}: {variant.id}: a target goes with direction 'target' only")
    for need in variant.needs:
        kind, colon, backend = need.partition(":")
        if need not in PLAIN_NEEDS and not (kind in NAMED_NEEDS and colon and backend):
            known = ", ".join([*PLAIN_NEEDS, *(f"{kind}:<name>" for kind in NAMED_NEEDS)])
            raise MetricError(f"{path}: {variant.id}: unknown need {need!r}; known: {known}")
