"""Change a weight, a metric's version or code, or one pixel of an input: exactly the affected cells run again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.runner import source, weights
from bench.runner.how import How
from bench.runner.run import run
from bench.runner.source import looker_source, method_source, metric_source
from bench.runner.weights import lookers
from bench.store.journal import read_journal
from bench.store.rows import read_rows
from metrics import weights as tables
from metrics.registry import variants
from protocols.catalogue import load_method

METRIC = """
import os
from bench.io.digest import sha256_array
from metrics.clip import Result
from metrics.registry import Variant

def measure(clip):
    with open(os.environ["TOY_LOG"], "a") as log:
        log.write(f"measure NAME {sha256_array(clip.frames)}\\n")
    return Result(float(clip.frames[0].mean()), 1.0)

VARIANTS = (Variant(id="toy_NAME/plain@1", title="", formula="", unit="", direction="lower", target=None,
    bounds=(None, None), needs=NEEDS, weights=WEIGHTS, source="", equals="", blind_to="", legacy=False,
    measure=measure),)
"""
BACKEND = """
import os
import numpy as np
from bench.io.digest import sha256_array

class Marks:
    name, weights = "toy68", ("toy_eyes",)
    def detect(self, frames):
        with open(os.environ["TOY_LOG"], "a") as log:
            log.write(f"look toy68 {sha256_array(frames)}\\n")
        return np.zeros((len(frames), 68, 2))

def load():
    return Marks()
"""
NAMES = ("error", "bright", "hue", "net", "marks")
BASE = ("methods=['still','ground-truth']", "settings=[{name='f'}]", "axes.drivers=['one','two']")
CELLS = {f"{m}/{r}/{d}" for m in ("still", "ground-truth") for r in ("r0", "r1") for d in ("one", "two")}


class Bench:
    """A run folder, and what its next run makes and measures."""

    def __init__(self, place, out: Path) -> None:
        self.place, self.out, self.ids = place, out, {name: f"toy_{name}/plain@1" for name in NAMES}
        self._seen: dict[Path, tuple[int, int]] = {}

    def again(self) -> tuple[set[str], set[str], set[str]]:
        """Cells whose video was made, "<metric> <cell>" of what was measured, and cells that a network looked at."""
        metrics = f"metrics={list(self.ids.values())!r}"
        assert run(self.place.protocol(*BASE, metrics), out=self.out, how=How(workers=0)).exit_code == 0
        rows = read_rows(self.out / "rows.parquet")
        cells = {row["video_sha256"]: "/".join(row[n] for n in ("method", "reference", "driver")) for row in rows}
        calls = [call.split() for call in self.place.calls()]
        assert len(calls) == len({tuple(call) for call in calls}), "something was done twice"
        measured = {f"{name} {cells[pixels]}" for verb, name, pixels in calls if verb == "measure"}
        looked = {cells[pixels] for verb, _, pixels in calls if verb == "look" and pixels in cells}
        now = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (self.out / "videos").iterdir()}
        fresh = {path.stem for path, state in now.items() if self._seen.get(path) != state}
        self._seen = now
        entries = read_journal(self.out / "rows.jsonl")
        made = {"/".join(e["cell"][n] for n in ("method", "reference", "driver")) for e in entries if e["key"] in fresh}
        return made, measured, looked


def measured_on(cells: set[str], *names: str) -> set[str]:
    return {f"{name} {cell}" for cell in cells for name in names or NAMES}


def write_weight(folder: Path, name: str, content: bytes) -> None:
    """A weight file and the table that vouches for it; what this process remembers of it is forgotten."""
    (folder / f"{name}.bin").write_bytes(content)
    lines = []
    for path in sorted(folder.glob("*.bin")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f'[[weights]]\nname = "{path.stem}"\nfile = "{path.name}"\nsha256 = "{digest}"\nbytes = 0\n')
        lines.append('licence = ""\norigin = ""\nurl = ""\nneeded_by = []\nbundled_in = ""\nremedy = "none"\n')
    (folder / "table.toml").write_text("".join(lines))
    for cached in (tables.entries, weights.weight_sha256, weights.looker_weights):
        cached.cache_clear()


@pytest.fixture
def bench(place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, needs, rests_on in (("hue", (), ()), ("net", (), ("toy_net",)), ("marks", ("landmarks:toy68",), ())):
        text = METRIC.replace("NAME", name).replace("NEEDS", repr(needs)).replace("WEIGHTS", repr(rests_on))
        (place.root / f"metrics/toy_{name}.py").write_text(text)
    (place.root / "metrics/landmarks/toy68.py").write_text(BACKEND)
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv(tables.FOLDER_VARIABLE, str(folder))
    monkeypatch.setattr(tables, "_TABLE", folder / "table.toml")
    for name in ("toy_net", "toy_eyes"):
        write_weight(folder, name, b"first")
    made = Bench(place, tmp_path / "out")
    assert made.again() == (CELLS, measured_on(CELLS), CELLS)
    assert made.again() == (set(), set(), set())
    yield made
    for cached in (tables.entries, weights.weight_sha256, weights.looker_weights):
        cached.cache_clear()


def test_another_weight_file_counts_for_what_rests_on_it(bench, tmp_path: Path):
    write_weight(tmp_path / "weights", "toy_net", b"second")
    assert bench.again() == (set(), measured_on(CELLS, "net"), set())
    write_weight(tmp_path / "weights", "toy_eyes", b"second")
    assert bench.again() == (set(), measured_on(CELLS, "marks"), CELLS)
    write_weight(tmp_path / "weights", "toy_net", b"first")
    assert bench.again() == (set(), set(), set()), "the first file's values are known"


def test_another_version_or_other_code_of_a_metric_counts_for_it_alone(bench):
    path = bench.place.root / "metrics/toy_hue.py"
    path.write_text(path.read_text().replace("toy_hue/plain@1", "toy_hue/plain@2"))
    bench.ids["hue"] = "toy_hue/plain@2"
    assert bench.again() == (set(), measured_on(CELLS, "hue"), set())
    path = bench.place.root / "metrics/toy_net.py"
    path.write_text(path.read_text().replace("frames[0].mean()", "frames[1].mean()"))
    assert bench.again() == (set(), measured_on(CELLS, "net"), set())
    path = bench.place.root / "metrics/landmarks/toy68.py"
    path.write_text(path.read_text().replace("np.zeros", "np.ones"))
    assert bench.again() == (set(), measured_on(CELLS, "marks"), CELLS)


def test_a_pixel_of_a_portrait_counts_for_the_cells_of_that_reference(bench, edit_pixel: Callable[[str], None]):
    edit_pixel("r1")
    mine = {cell for cell in CELLS if "/r1/" in cell}
    assert bench.again() == (mine, measured_on(mine), mine)


def test_a_pixel_of_a_truth_counts_for_who_uses_the_truth(bench):
    (bench.place.root / "r1-two.retouched").touch()
    truth, still = {"ground-truth/r1/two"}, {"still/r1/two"}
    assert bench.again() == (truth, measured_on(truth) | measured_on(still, "error"), truth)


def test_another_weight_file_of_a_method_counts_for_that_method(place, tmp_path: Path):
    (tmp_path / "net.pt").write_bytes(b"first")
    method = place.root / "protocols/methods/echo.toml"
    method.write_text(f'{method.read_text()}[[weights]]\nname = "net"\npath = "{tmp_path / "net.pt"}"\n')
    few = ("methods=['echo','still']", "settings=[{name='f'}]", "axes.drivers=['one']", "axes.references=['r0']")
    first = run(place.protocol(*few), out=tmp_path / "out", how=How(workers=0))
    place.calls()
    (tmp_path / "net.pt").write_bytes(b"second")
    again = run(place.protocol(*few), out=tmp_path / "out", how=How(workers=0))
    # The same pixels from another key: made again, not measured again.
    assert (first.reused, again.reused, place.calls()) == (0, 1, ["generate"])


def test_every_metric_and_whoever_looks_for_it_has_a_source_of_its_own():
    found = {variant.id: metric_source(variant) for variant in variants().values()}
    files = {}
    for name, sha256 in found.items():
        files.setdefault(sha256, set()).add(name.split("/")[0])
    assert found["psnr/mean-of-frames@1"] != found["ssim/gauss11-rgb@1"]
    assert found["psnr/mean-of-frames@1"] == found["psnr/pooled@1"]
    assert len(files) > 20 and source.source_sha256("metrics") not in files
    kinds = {looker for variant in variants().values() for looker in lookers(variant)}
    assert len({looker_source(kind, name) for kind, name in kinds}) == len(kinds)
    made = {name: method_source(load_method(name)) for name in ("avct", "silence", "still", "ground-truth")}
    assert made["avct"] == made["silence"] != made["still"] == made["ground-truth"]
