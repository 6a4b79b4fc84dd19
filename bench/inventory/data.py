"""Every dataset that a protocol can name: whether it is on this disk, and whether what is there is it."""

from __future__ import annotations

from functools import partial

from bench.inventory.finding import Check, Finding

GROUP = "datasets"
SECONDS = 10.0
"""For one dataset: a million files on a network disk take longer to list, and `validate` has the time."""


def checks() -> tuple[list[Finding], tuple[Check, ...]]:
    """What is known at once (embedded, not set up), and what must be looked at: files that are, or should be, there."""
    from bench.datasets.catalogue import describe, lacking
    from bench.errors import BenchError
    from protocols.catalogue import listing

    known, others = [_corpus()], []
    for name in listing("datasets"):
        try:
            spec = describe(name)
        except BenchError as error:
            known.append(Finding(GROUP, name, "broken", str(error), "mend that file"))
            continue
        if spec.loader == "puppets":
            known.append(Finding(GROUP, name, "ok", f"embedded: {spec.title}"))
        elif lacking(spec):
            told = f"not set up: {spec.title}"
            advice = "how to get it, and which variable names its folder"
            known.append(Finding(GROUP, name, "missing", told, advice, f"run_bench.py explain {name}"))
        else:
            others.append(Check(name, partial(look_at_dataset, name), SECONDS))
    return known, tuple(others)


def _corpus() -> Finding:
    from bench.datasets.puppets.speech import recordings

    try:
        held = recordings()
    except Exception as error:  # whatever a damaged file raises
        return Finding(GROUP, "corpus", "broken", f"{type(error).__name__}: {error}", "install the package again")
    minutes = sum(recording.seconds for recording in held) / 60
    return Finding(GROUP, "corpus", "ok", f"embedded: {len(held)} recordings, {minutes:.1f} minutes of speech")


def look_at_dataset(name: str) -> Finding:
    """How many clips of a dataset are on the disk, and how many of its list or stated number are not."""
    from bench.datasets.catalogue import check_files, open_dataset
    from bench.errors import BenchError

    command = f"run_bench.py explain {name}"
    try:
        dataset = open_dataset(name)
        clips = len(dataset.references())
        wrong = check_files(dataset)
    except (BenchError, OSError) as error:
        return Finding(GROUP, name, "broken", str(error), "it cannot be opened; how it is laid out", command)
    gone = sum(line.startswith("clip ") for line in wrong)
    here = clips - gone
    if not here:
        return Finding(GROUP, name, "broken", f"none of its {clips} clips is there", "how it is laid out", command)
    if wrong:
        told = f"{here} clips here; {wrong[0]}"
        return Finding(GROUP, name, "missing", told, "clips that are not here become failed rows", command)
    return Finding(GROUP, name, "ok", f"{here} clips here")
