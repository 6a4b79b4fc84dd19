"""Any generator that is a program: its method file says how it is called and what counts as success."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.adapters.base import Generated, GenerationError, setting_fingerprint
from bench.adapters.fit import fit_length, fit_size
from bench.adapters.inputs import write_inputs
from bench.adapters.process import last_lines, run_process
from bench.errors import MediaError, MissingError, StorageError
from bench.io.decode import read_video
from bench.io.digest import sha256_file
from bench.io.encode import write_lossless
from bench.records import RATE, Job, Setting
from protocols.method import PLACEHOLDER, CommandMethod

_VARIABLE = re.compile(r"\$([A-Z_][A-Z0-9_]*)")
_INPUTS = frozenset({"portrait", "audio", "phonemes", "pose"})


class CommandAdapter:
    """A method of kind "command". Success is a decodable video of the expected length; the exit code alone is not."""

    def __init__(self, spec: CommandMethod) -> None:
        self.name, self._spec = spec.name, spec
        self._hashes: dict[tuple[str, int, int], str] = {}

    def fingerprint(self, setting: Setting) -> dict[str, Any]:
        """Specification, weights, and the files of its code that the method file names or passes as arguments."""
        spec = self._spec
        weights = [self._describe(weight.name, Path(self._expand(weight.path))) for weight in spec.weights]
        return {
            "method": spec.hash(),
            "weights": weights,
            "code": [self._describe(path.name, path) for path in self._code()],
            **setting_fingerprint(setting, sensitive=spec.sensitive_to_setting),
        }

    def generate(self, job: Job, out: Path, *, run_id: str) -> Generated:
        """Run the program in a private folder, which is removed afterwards, and store its video at `out`."""
        self._check_length(job)
        try:
            folder = Path(tempfile.mkdtemp(prefix="job-", dir=job.workdir or None))
        except OSError as error:
            raise StorageError(f"{job.workdir}: no working folder can be made ({error.strerror})") from None
        try:
            start = time.perf_counter()
            values = self._place(job, folder)
            placed = time.perf_counter()
            found = self._run(values, folder)
            ran = time.perf_counter()
            frames = self._fitted(found, job)
            written = write_lossless(out, frames, samples=job.speech.samples, run_id=run_id)
            stored = time.perf_counter()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        seconds = {"inputs": placed - start, "process": ran - placed, "encode": stored - ran}
        return Generated(written.path, written.frames, written.sha256, seconds)

    def _check_length(self, job: Job) -> None:
        contract, seconds = self._spec.input, len(job.speech.samples) / RATE
        longest = contract.max_seconds
        if seconds < contract.min_seconds or (longest is not None and seconds > longest):
            upper = "any length" if longest is None else f"{longest:g} s"
            raise GenerationError(
                f"takes speech of {contract.min_seconds:g} s to {upper}, this driver's is {seconds:.2f} s"
            )

    def _place(self, job: Job, folder: Path) -> dict[str, str]:
        """Write inputs and configuration files; placeholder -> value."""
        spec = self._spec
        output = folder / "output"
        output.mkdir()
        texts = [*spec.argv, *spec.files.values(), *spec.environment.variables.values()]
        named = {name for text in texts for name in PLACEHOLDER.findall(text)}
        contract = spec.input
        values = write_inputs(job, folder, square=contract.square, rate=contract.rate, needs=_INPUTS & named)
        values |= {
            "output": str(output),
            "workdir": str(folder),
            "here": spec.here,
            "frames": str(job.frames),
            "seed": str(job.seed),
            "device": job.setting.device,
            "precision": job.setting.precision,
            "batch": str(job.setting.batch),
        }
        for name, text in spec.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(fill(text, values), encoding="utf-8")
        return values

    def _run(self, values: Mapping[str, str], folder: Path) -> Path:
        """The video that the program left below {output}."""
        spec, log = self._spec, folder / "log.txt"
        argv = [fill(self._expand(part), values) for part in spec.argv]
        extra = {name: fill(self._expand(text), values) for name, text in spec.environment.variables.items()}
        cwd = Path(fill(self._expand(spec.environment.cwd), values)) if spec.environment.cwd else folder
        try:
            ended = run_process(argv, cwd=cwd, environment={**os.environ, **extra}, timeout_s=spec.timeout_s, log=log)
        except OSError as error:
            place = "" if cwd == folder else f" in {cwd}"
            raise GenerationError(f"{argv[0]} cannot be started{place} ({error.strerror})") from None
        # Private folders differ from run to run; a reason must not.
        said = last_lines(log).replace(str(folder), "{workdir}")
        said = f"; it said last: {said}" if said else "; it said nothing"
        if ended.timed_out:
            raise GenerationError(f"ended after the limit of {spec.timeout_s:g} s{said}")
        found = sorted(path for path in Path(values["output"]).glob(spec.output) if path.is_file())
        if len(found) != 1:
            names = ", ".join(path.name for path in found[:5])
            raise GenerationError(
                f"expected one video {spec.output} below {{output}}, found {len(found)}"
                f"{f' ({names})' if names else ''}; exit code {ended.code}{said}"
            )
        if ended.code != 0:
            raise GenerationError(f"exit code {ended.code}{said}")
        return found[0]

    def _fitted(self, found: Path, job: Job) -> Iterator[np.ndarray]:
        """The frames of the program's video at the expected length and size, within what the method file forgives."""
        try:
            frames = read_video(found, limit=job.frames + self._spec.frames_tolerance + 1)
        except (MediaError, MissingError) as error:
            raise GenerationError(str(error).replace(str(found), found.name)) from None
        return fit_length(
            fit_size(frames, job.portrait.image.shape, allowed=self._spec.resize_output),
            job.frames,
            tolerance=self._spec.frames_tolerance,
        )

    def _code(self) -> list[Path]:
        """Files whose content belongs to the method: `code` globs, and arguments that are files before it runs."""
        found: set[Path] = set()
        for pattern in self._spec.code:
            path = Path(fill(self._expand(pattern), {"here": self._spec.here}))
            matches = sorted(match for match in Path(path.anchor).glob(str(path.relative_to(path.anchor))))
            if not matches:
                raise MissingError(f"method {self.name}: code: nothing matches {pattern}")
            found.update(match for match in matches if match.is_file())
        for part in self._spec.argv:
            path = Path(fill(self._expand(part), {"here": self._spec.here}))
            if path.is_absolute() and path.is_file():
                found.add(path)
        return sorted(found)

    def _expand(self, text: str) -> str:
        """The text with $VARIABLES and a leading ~ replaced, and relative `./` taken from the method file's folder."""

        def value(match: re.Match[str]) -> str:
            if match.group(1) not in os.environ:
                raise MissingError(f"method {self.name}: set the environment variable {match.group(1)} (in {text!r})")
            return os.environ[match.group(1)]

        out = os.path.expanduser(_VARIABLE.sub(value, text))
        return os.path.join(self._spec.here, out[2:]) if out.startswith("./") else out

    def _describe(self, name: str, path: Path) -> dict[str, Any]:
        if not path.is_file():
            raise MissingError(f"method {self.name}: {name}: no such file: {path}")
        state = path.stat()
        key = (str(path), state.st_size, state.st_mtime_ns)
        if key not in self._hashes:
            self._hashes[key] = sha256_file(path)
        return {"name": name, "sha256": self._hashes[key], "bytes": state.st_size}


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with {placeholders} that `values` knows replaced, and doubled braces made single."""
    parts = re.split(r"(\{\{|\}\})", text)
    filled = [
        part[0] if part in ("{{", "}}") else PLACEHOLDER.sub(lambda m: values.get(m.group(1), m.group(0)), part)
        for part in parts
    ]
    return "".join(filled)
