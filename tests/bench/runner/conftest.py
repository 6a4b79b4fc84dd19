"""A tiny benchmark in a folder on AVCT_BENCH_PATH: a dataset, metrics, methods and a protocol, none registered.

Dataset `toy`: 32x32 pictures `faces/<reference>.png`, three drivers of 8 to 10 frames, exact landmarks, pose, phones.
Metrics and the command method append a line to `calls.log` whenever they really run.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.io.image import write_png
from bench.runner.expand import load
from protocols.schema import Protocol

DATASET = """
from pathlib import Path
import numpy as np
from bench.errors import MissingError
from bench.io.image import read_image
from bench.records import Phone, Portrait, Speech, Take

LENGTHS = {"one": 8, "two": 10, "three": 9}

class Toy:
    name, revision = "toy", "1"
    def __init__(self, path, untold=()):
        self.path, self.untold = Path(path), untold
    def speakers(self): return ["ann", "bob"]
    def identities(self, references): return {name: name for name in references}
    def references(self): return sorted(p.stem for p in self.path.glob("*.png"))
    def drivers(self, speaker): return {"ann": ["one", "two"], "bob": ["three"]}[speaker]
    def speech(self, driver):
        n = LENGTHS[driver]
        time = np.arange(n * 640) / 16000
        samples = (0.3 * np.sin(2 * np.pi * (200 + 50 * len(driver)) * time)).astype(np.float32)
        phones = (Phone("SIL", 0.0, 0.08), Phone("AA", 0.08, n / 25))
        return Speech(driver, "bob" if driver == "three" else "ann", samples, phones, driver)
    def portrait(self, reference):
        pose = np.zeros(6, np.float32)
        return Portrait(reference, read_image(self.path / f"{reference}.png"), np.zeros((68, 2), np.float32), pose)
    def take(self, reference, driver):
        if reference in self.untold:
            raise MissingError(f"no take of {reference}")
        n = LENGTHS[driver]
        base = read_image(self.path / f"{reference}.png").astype(int)
        frames = np.stack([np.clip(base + 3 * t, 0, 255).astype(np.uint8) for t in range(n)])
        if (self.path.parent / f"{reference}-{driver}.retouched").exists():
            frames[-1, 0, 0, 0] ^= 1
        points = np.full((n, 68, 2), 16, np.float32)
        return Take(frames, self.speech(driver), points, np.zeros((n, 6), np.float32))

def open_dataset(options):
    return Toy(**options)
"""

METRICS = """
import os
import numpy as np
from bench.io.digest import sha256_array
from metrics.clip import Result
from metrics.registry import Variant

def note(name, clip):
    with open(os.environ["TOY_LOG"], "a") as log:
        log.write(f"measure {name} {sha256_array(clip.frames)}\\n")

def error(clip):
    note("error", clip)
    curve = ((clip.frames.astype(float) - clip.truth) ** 2).mean((1, 2, 3))
    return Result(float(curve.mean()), 1.0, per_frame=curve, series={"root": np.sqrt(curve)})

def bright(clip):
    note("bright", clip)
    return Result(float(clip.frames.mean()), 1.0)

def picky(clip):
    note("picky", clip)
    if clip.frames.shape[0] == 10:
        raise RuntimeError("ten is too many")
    if clip.frames.shape[0] == 9:
        return Result(None, 0.5, reason="nine has no value")
    return Result(float("inf"), 1.0)

def make(id, measure, *needs):
    return Variant(id=id, title=id, formula="", unit="", direction="lower", target=None, bounds=(None, None),
        needs=needs, weights=(), source="", equals="", blind_to="", legacy=False, measure=measure)

VARIANTS = (make("toy_error/plain@1", error, "truth"), make("toy_bright/plain@1", bright),
    make("toy_picky/plain@1", picky, "samples"), make("toy_deaf/plain@1", bright, "landmarks:nobody68"))
"""

BACKEND = """
from metrics.errors import MissingWeights

def load():
    raise MissingWeights("weights nobody68 are not here")
"""

SCRIPT = """
import os, sys, time
import numpy as np
from bench.io.encode import write_lossless
from bench.io.image import read_image
portrait, frames, seed, output = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
with open(os.environ["TOY_LOG"], "a") as log:
    log.write("generate\\n")
image = read_image(portrait).astype(int)
if "--slow" in sys.argv:
    time.sleep(0.3)
write_lossless(output + "/made.mkv", [np.clip(image + 2 * t + seed, 0, 255).astype(np.uint8) for t in range(frames)])
"""

PROTOCOL = """
id = "toy@1"
dataset = "toy"
size = 32
metrics = ["toy_error/plain@1", "toy_bright/plain@1"]
methods = ["ground-truth", "still", "echo"]
[[settings]]
name = "first"
[[settings]]
name = "second"
batch = 2
"""


class Place:
    """The folder, and ways to add to it and to read what happened."""

    def __init__(self, root: Path) -> None:
        self.root, self.log = root, root / "calls.log"
        for name in ("datasets", "metrics/landmarks", "protocols/methods", "protocols/datasets", "faces"):
            (root / name).mkdir(parents=True)
        generator = np.random.default_rng(3)
        for reference in ("r0", "r1"):
            write_png(root / "faces" / f"{reference}.png", generator.integers(0, 200, (32, 32, 3), dtype=np.uint8))
        (root / "datasets/toy.py").write_text(DATASET)
        (root / "metrics/toy.py").write_text(METRICS)
        (root / "metrics/landmarks/nobody68.py").write_text(BACKEND)
        (root / "echo.py").write_text(SCRIPT)
        (root / "protocols/toy.toml").write_text(PROTOCOL)
        self.add_dataset("toy")
        self.add_method("echo", script="echo.py", sensitive_to_setting=False)

    def add_dataset(self, name: str, **options: str) -> None:
        lines = [f"{key} = {value}" for key, value in {"path": "'../../faces'", **options}.items()]
        head = 'loader = "toy"\n[options]\n'
        path = self.root / f"protocols/datasets/{name}.toml"
        path.write_text(head + "\n".join(lines).replace("'../../faces'", f"'{self.root / 'faces'}'"))

    def add_method(self, name: str, *, script: str, extra: str = "", sensitive_to_setting: bool = True) -> None:
        argv = [sys.executable, str(self.root / script), "{portrait}", "{frames}", "{seed}", "{output}"]
        argv += extra.split()
        text = f'kind = "command"\nargv = {argv!r}\noutput = "*.mkv"\ntimeout_s = 20\n'
        text += f"sensitive_to_setting = {str(sensitive_to_setting).lower()}\n"
        (self.root / f"protocols/methods/{name}.toml").write_text(text)

    def add_failing_method(self, name: str) -> None:
        text = 'kind = "command"\nargv = ["false"]\nsensitive_to_setting = false\n'
        (self.root / f"protocols/methods/{name}.toml").write_text(text)

    def protocol(self, *overrides: str) -> Protocol:
        return load("toy", overrides=overrides)

    def calls(self) -> list[str]:
        """What ran since the last question, sorted: "generate" and "measure <metric> <pixels' sha256>"."""
        lines = self.log.read_text().split("\n")[:-1] if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return sorted(lines)

    def drive(self, out: Path, *overrides: str, workers: int = 1) -> subprocess.Popen[str]:
        """A run in a process of its own."""
        script = Path(__file__).with_name("drive.py")
        command = [sys.executable, str(script), str(out), str(workers), *overrides]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    root = tmp_path / "place"
    made = Place(root)
    monkeypatch.setenv("AVCT_BENCH_PATH", str(root))
    monkeypatch.setenv("TOY_LOG", str(made.log))
    return made


@pytest.fixture
def edit_pixel(place: Place) -> Callable[[str], None]:
    """Change one pixel of a reference's picture by one."""
    from bench.io.image import read_image

    def edit(reference: str) -> None:
        path = place.root / "faces" / f"{reference}.png"
        image = read_image(path)
        image[0, 0, 0] += 1
        write_png(path, image)

    return edit
