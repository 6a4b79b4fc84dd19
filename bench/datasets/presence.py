"""Whether the files on this disk are those that a dataset should have: which are missing, how many, how long, the same.

Each answer is a list of lines, empty where nothing is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.datasets.layout import Film, Layout
from bench.errors import BenchError
from bench.io.digest import sha256_file
from bench.io.probe import probe


def missing_problems(films: Sequence[Film]) -> list[str]:
    """How many clips are not on this disk, and each of them."""
    missing = [film for film in films if film.file is None]
    if not missing:
        return []
    total = f"{len(missing)} of {len(films)} clips are not on this disk"
    return [total, *(f"clip {film.name} is not on this disk (looked for {film.looked})" for film in missing)]


def count_problems(films: Sequence[Film], layout: Layout) -> list[str]:
    """Parts that have another number of clips than the layout says."""
    found = Counter(film.split for film in films)
    return [
        f"split {part or '(none)'}: expected {layout.count[part]} clips, found {count}"
        for part, count in sorted(found.items())
        if layout.count.get(part, count) != count
    ]


def film_problems(film: Film, *, tolerance: float) -> list[str]:
    """What is wrong with one clip's file. tolerance: seconds that its length may differ from the stated one.

    A file that was cut must be as long as its clip; an uncut one must hold it.
    """
    if film.file is None:
        return []
    problems = []
    try:
        stated = film.end is not None or film.seconds is not None
        length = probe(film.file).duration if stated else None
        if length is None:
            pass  # nobody says how long it is, or the container does not, and to decode it all is a run's work
        elif film.end is not None and length < film.end - tolerance:
            problems.append(
                f"{film.file}: expected at least {film.end:g} s, which clip {film.name} needs; got {length:.2f} s"
            )
        elif film.end is None and film.seconds is not None and abs(length - film.seconds) > tolerance:
            expected = f"{film.seconds:g} s (give or take {tolerance:g})"
            problems.append(f"{film.file}: expected {expected} of clip {film.name}, got {length:.2f} s")
        if film.sha256 is not None and (got := sha256_file(film.file)) != film.sha256:
            problems.append(f"{film.file}: expected sha256 {film.sha256}, got {got}")
    except BenchError as error:
        problems.append(str(error))
    return problems
