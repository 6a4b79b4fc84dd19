"""Every block of every guide is carried out in order, as a reader would, and prints what the guide says it prints."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from blocks import KINDS, carry_out, compare, lacking, read_blocks, write_file
from warm import ROOT, Desk

from bench.cli.guide import guides
from bench.cli.samples import write_samples
from bench.io.audio import read_audio
from bench.io.decode import read_video
from bench.io.image import read_image

sys.path.append(str(Path(__file__).parents[1] / "executors"))  # where the Slurm of one node is
from one_node_slurm import lacking as lacking_slurm
from one_node_slurm import one_node

pytestmark = pytest.mark.slow
FILES = {name: Path(str(file)) for name, file in guides().items()}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What a guide has started, ended after it."""
    with ExitStack() as held:
        yield held


@pytest.mark.parametrize("name", FILES)
def test_a_guide_does_what_it_says(name: str, desk: Desk, tmp_path: Path, stack: ExitStack) -> None:
    place = tmp_path / "place"
    place.mkdir()
    variables = {"AVCT_BENCH_CACHE": str(desk.cache), "AVCT_BENCH_PATH": "", "RAY_ADDRESS": "", "PYTHONPATH": str(ROOT)}
    skipped: list[str] = []
    said = None
    for block in read_blocks(FILES[name]):
        assert block.kind in KINDS, f"line {block.line}: nobody knows how to carry out {block.kind!r}"
        if block.kind in ("toml", "python"):
            write_file(block, place)
        elif block.kind == "sh":
            reason = next((why for need in block.needs if (why := _lacking(need))), None)
            if reason:
                skipped.append(f"{name}.md, line {block.line}: {reason}")
                said = None
                continue
            if "slurm" in block.needs:
                variables["SLURM_CONF"] = stack.enter_context(one_node(tmp_path / "slurm"))
            said = carry_out(block, place, programs=desk.programs, variables=variables)
        elif block.kind == "text" and said is not None:
            compare(block, said)
    if skipped:
        pytest.skip("; ".join(skipped))


def test_samples_are_a_portrait_a_speech_and_a_film_of_each(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(desk.cache))  # the guides have rendered them
    files = write_samples(tmp_path)
    assert len(files) == 8 and all(file.is_file() for file in files)
    for name in ("anna", "ben"):
        shown, sound = read_video(tmp_path / f"originals/{name}.mkv"), read_audio(tmp_path / f"speech/{name}.wav")
        assert (read_image(tmp_path / f"portraits/{name}.png") == shown[0]).all()
        assert abs(len(shown) * 640 - len(sound)) <= 640
        assert (tmp_path / f"originals/{name}.txt").read_text().strip().endswith((".", "?"))


def _lacking(need: str) -> str | None:
    if need != "slurm":
        return lacking(need)
    if lacking_slurm() is None:
        import importlib.util

        return None if importlib.util.find_spec("submitit") else "submitit is not installed (extra `slurm`)"
    return lacking_slurm()
