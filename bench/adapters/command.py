"""Any generator that is a program: its method file says how it is called and what counts as success."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.adapters.base import Generated, GenerationError, setting_fingerprint
from bench.adapters.environment import Place, check, launch
from bench.adapters.fit import cut_panel, fit_length, fit_size
from bench.adapters.inputs import write_inputs
from bench.adapters.process import Finished, last_lines, run_process
from bench.adapters.remote import name_folder, remote_digests, run_remote
from bench.adapters.template import expand, fill, rooted
from bench.adapters.tree import plant
from bench.errors import MediaError, MissingError, StorageError
from bench.io.decode import read_video
from bench.io.digest import sha256_file
from bench.io.encode import write_lossless
from bench.records import RATE, Job, Setting
from protocols.environment import Environment
from protocols.method import CommandMethod

_LOG = "log.txt"


@dataclass(frozen=True)
class _Work:
    """A job's private folder. values: placeholder -> text. there: the folder's path as the program knows it."""

    folder: Path
    there: str
    values: dict[str, str]
    device: str

    @property
    def output(self) -> Path:
        return self.folder / "output"


class CommandAdapter:
    """A method of kind "command". Success is a decodable video of the expected length; the exit code alone is not."""

    def __init__(self, spec: CommandMethod) -> None:
        self.name, self._spec = spec.name, spec
        self._hashes: dict[tuple[str, int, int], str] = {}
        self._remote: list[tuple[str, int]] | None = None

    def fingerprint(self, setting: Setting) -> dict[str, Any]:
        """Specification, weights, and the files of its code that the method file names or passes as arguments."""
        spec = self._spec
        for name in spec.homes:
            expand(f"${name}", spec)
        if spec.environment.remote:
            weights, code = self._describe_remote()
        else:
            for environment in [spec.environment, *(stage.environment for stage in spec.before if stage.environment)]:
                try:
                    check(environment, expand=self._rooted)
                except MissingError as error:
                    told = str(error)
                    raise MissingError(told if told.startswith("method ") else f"method {self.name}: {told}") from None
            weights = [self._describe(weight.name, Path(self._rooted(weight.path))) for weight in spec.weights]
            code = [self._describe(path.name, path) for path in self._code()]
        described = setting_fingerprint(setting, sensitive=spec.sensitive_to_setting)
        return {"method": spec.hash(), "weights": weights, "code": code, **described}

    def generate(self, job: Job, out: Path, *, run_id: str) -> Generated:
        """Run the program in a private folder, which is removed afterwards, and store its video at `out`."""
        self._check_length(job)
        try:
            # absolute, for the program is started elsewhere; mkdtemp itself makes it so from Python 3.12 on
            folder = Path(tempfile.mkdtemp(prefix="job-", dir=job.workdir or None)).absolute()
        except OSError as error:
            raise StorageError(f"{job.workdir}: no working folder can be made ({error.strerror})") from None
        try:
            start = time.perf_counter()
            work = self._place(job, folder)
            placed = time.perf_counter()
            found = self._run(work)
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

    def _place(self, job: Job, folder: Path) -> _Work:
        """Plant the tree, write inputs and configuration files."""
        spec = self._spec
        remote, tree, root = spec.environment.remote, spec.tree, folder / "tree"
        (folder / "output").mkdir()
        if tree is not None:
            plant(Path(self._rooted(tree.source)), root, tree)
        places = {name: root / path for name, path in tree.inputs.items()} if tree else {}
        values = write_inputs(job, folder, spec.input, needs=spec.inputs, places=places)
        values |= {"output": str(folder / "output"), "workdir": str(folder), "tree": str(root)}
        there = name_folder(remote) if remote else str(folder)
        values = {name: there + path.removeprefix(str(folder)) for name, path in values.items()}
        values |= {
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
        return _Work(folder, there, values, job.setting.device)

    def _run(self, work: _Work) -> Path:
        """The video that the program left, after the commands that come before it."""
        spec = self._spec
        left = spec.timeout_s
        for stage in spec.before:
            environment = stage.environment or spec.environment
            ended = self._start(stage.argv, environment, work, timeout_s=left)
            left -= ended.seconds
            found = self._take(work, stage.output, ended, what=f"file {stage.output} for {{{stage.gives}}}")
            given = work.folder / f"{stage.gives}{found.suffix}"
            found.rename(given)
            work.values[stage.gives] = work.there + str(given).removeprefix(str(work.folder))
        ended = self._start(spec.argv, spec.environment, work, timeout_s=left)
        return self._take(work, spec.output, ended, what=f"video {spec.output}")

    def _start(self, argv: list[str], environment: Environment, work: _Work, *, timeout_s: float) -> Finished:
        """Run one command to its end. Raises GenerationError where it cannot be started or reaches the limit."""
        spec, log = self._spec, work.folder / _LOG
        read = expand if environment.cwd else rooted
        filled = [fill(read(part, spec), work.values) for part in argv]
        variables = {name: fill(self._rooted(text), work.values) for name, text in environment.variables.items()}
        cwd = fill(self._rooted(environment.cwd), work.values) if environment.cwd else work.there
        try:
            if environment.remote:
                ended = run_remote(
                    filled,
                    environment.remote,
                    there=work.there,
                    folder=work.folder,
                    cwd=cwd,
                    variables=variables,
                    timeout_s=timeout_s,
                    log=log,
                )
            else:
                place = Place(Path(cwd), work.folder, variables, work.device, self._reads(Path(cwd)))
                made = launch(filled, environment, place, expand=self._rooted)
                ended = run_process(
                    made.argv,
                    cwd=made.cwd,
                    environment=made.environment,
                    timeout_s=timeout_s,
                    log=log,
                    container=made.container,
                )
        except OSError as error:
            place_told = "" if cwd == work.there else f" in {cwd}"
            raise GenerationError(f"{filled[0]} cannot be started{place_told} ({error.strerror})") from None
        if ended.timed_out:
            raise GenerationError(f"ended after the limit of {spec.timeout_s:g} s{_said(work)}")
        return ended

    def _take(self, work: _Work, pattern: str, ended: Finished, *, what: str) -> Path:
        """The one file that matches a glob below {output} or {tree}. GenerationError: none, several, exit code."""
        in_tree = pattern.startswith("{tree}/")
        root = work.folder / "tree" if in_tree else work.output
        found = sorted(path for path in root.glob(pattern.removeprefix("{tree}/")) if path.is_file())
        if len(found) != 1:
            names = ", ".join(path.name for path in found[:5])
            below = "" if in_tree else " below {output}"
            raise GenerationError(
                f"expected one {what}{below}, found {len(found)}"
                f"{f' ({names})' if names else ''}; exit code {ended.code}{_said(work)}"
            )
        if ended.code != 0:
            raise GenerationError(f"exit code {ended.code}{_said(work)}")
        return found[0]

    def _fitted(self, found: Path, job: Job) -> Iterator[np.ndarray]:
        """The frames of the program's video at the expected length and size, within what the method file forgives."""
        spec = self._spec
        try:
            frames = read_video(found, limit=job.frames + spec.frames_tolerance + 1)
        except (MediaError, MissingError) as error:
            raise GenerationError(str(error).replace(str(found), found.name)) from None
        if spec.panel:
            frames = cut_panel(frames, spec.panel.index, spec.panel.of)
        return fit_length(
            fit_size(frames, job.portrait.image.shape, allowed=spec.resize_output),
            job.frames,
            tolerance=spec.frames_tolerance,
            starts_at=spec.starts_at,
        )

    def _reads(self, cwd: Path) -> tuple[Path, ...]:
        """What a container must see besides the working folder."""
        spec = self._spec
        paths = [Path(spec.here), cwd, *(Path(self._rooted(weight.path)) for weight in spec.weights)]
        if spec.tree:
            paths.append(Path(self._rooted(spec.tree.source)))
        return tuple(path for path in paths if path.is_absolute())

    def _code(self) -> list[Path]:
        """Files whose content belongs to the method: `code` globs, and arguments that are files before it runs."""
        found: set[Path] = set()
        for pattern in self._spec.code:
            path = Path(fill(self._rooted(pattern), {"here": self._spec.here}))
            matches = sorted(match for match in Path(path.anchor).glob(str(path.relative_to(path.anchor))))
            if not matches:
                raise MissingError(f"method {self.name}: code: nothing matches {pattern}")
            found.update(match for match in matches if match.is_file())
        read = expand if self._spec.environment.cwd else rooted
        for part in self._spec.argv:
            path = Path(fill(read(part, self._spec), {"here": self._spec.here}))
            if path.is_absolute() and path.is_file():
                found.add(path)
        return sorted(found)

    def _rooted(self, text: str) -> str:
        return rooted(text, self._spec)

    def _describe(self, name: str, path: Path) -> dict[str, Any]:
        if not path.is_file():
            raise MissingError(f"method {self.name}: {name}: no such file: {path}")
        state = path.stat()
        key = (str(path), state.st_size, state.st_mtime_ns)
        if key not in self._hashes:
            self._hashes[key] = sha256_file(path)
        return {"name": name, "sha256": self._hashes[key], "bytes": state.st_size}

    def _describe_remote(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Weights and code as they lie on the other host; asked once. There, `code` names files, not patterns."""
        spec, remote = self._spec, self._spec.environment.remote
        assert remote is not None
        weights = [(weight.name, expand(weight.path, spec)) for weight in spec.weights]
        code = [(os.path.basename(path), path) for path in sorted(expand(path, spec) for path in spec.code)]
        if self._remote is None:
            with tempfile.TemporaryDirectory(prefix="avct-bench-") as folder:
                paths = [path for _, path in weights + code]
                try:
                    self._remote = remote_digests(remote, paths, Path(folder) / _LOG) if paths else []
                except (MissingError, OSError) as error:
                    raise MissingError(f"method {self.name}: {error}") from None
        told = [
            {"name": name, "sha256": sha256, "bytes": size}
            for (name, _), (sha256, size) in zip(weights + code, self._remote, strict=True)
        ]
        return told[: len(weights)], told[len(weights) :]


def _said(work: _Work) -> str:
    """What the program said last. Private folders differ from run to run; a reason must not."""
    said = last_lines(work.folder / _LOG).replace(work.there, "{workdir}").replace(str(work.folder), "{workdir}")
    return f"; it said last: {said}" if said else "; it said nothing"
