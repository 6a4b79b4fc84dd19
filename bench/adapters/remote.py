"""A command on another host: its working folder goes there over ssh, the command runs, and the folder comes back.

ssh is all that is needed on both sides, with tar, env and GNU timeout on the other one. ssh hands a string to the
other host's shell, so every argument is quoted for it (`shlex.join`); folders travel as tar archives through files, so
that nothing is piped between processes.
"""

from __future__ import annotations

import contextlib
import math
import os
import shlex
import tarfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.adapters.base import GenerationError
from bench.adapters.process import Finished, last_lines, run_process
from bench.errors import MissingError
from protocols.environment import Remote

_SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30")
_TRANSFER_S = 600.0
"""Seconds for one way of the working folder: a portrait and speech there, a video of minutes back, on a slow line."""
_GRACE_S = 5


def name_folder(remote: Remote) -> str:
    """A folder on the other host that nobody else has."""
    return f"{remote.folder.rstrip('/')}/avct-bench-{uuid.uuid4().hex}"


def run_remote(
    argv: Sequence[str],
    remote: Remote,
    *,
    there: str,
    folder: Path,
    cwd: str,
    variables: Mapping[str, str],
    timeout_s: float,
    log: Path,
) -> Finished:
    """Run `argv` in the folder `there`, a copy of `folder`, and bring back what it left. Raises GenerationError.

    The other host ends the command at the limit, also when the line is cut; the folder is removed from it at the end.
    """
    link = _Link(remote.host, folder, log)
    archive = folder / ".folder.tar"
    try:
        with tarfile.open(archive, "w") as packed:
            packed.add(folder, arcname=".", filter=lambda member: None if _ours(member, log) else member)
        link.must(["mkdir", "-p", there], "make a folder", limit=_TRANSFER_S)
        link.must(["tar", "-xf", "-", "-C", there], "receive the working folder", limit=_TRANSFER_S, feed=archive)
        extra = [f"{name}={value}" for name, value in sorted(variables.items())]
        ends = ["timeout", f"--kill-after={_GRACE_S}", str(math.ceil(timeout_s)), "env", *extra]
        line = f"cd {shlex.quote(cwd)} && exec {shlex.join([*ends, *argv])}"
        finished = link.call(line, limit=timeout_s + 2 * _GRACE_S)
        # 124 and 137 are what GNU timeout returns where it had to end the command.
        if finished.timed_out or (finished.code in (124, 137) and finished.seconds >= timeout_s):
            return Finished(finished.code, True, finished.seconds)
        if finished.code == 255:
            raise GenerationError(f"{remote.host} cannot be reached by ssh: {last_lines(log) or 'it said nothing'}")
        link.must(["tar", "-cf", "-", "-C", there, "."], "send the folder back", limit=_TRANSFER_S, into=archive)
        with tarfile.open(archive) as packed:
            packed.extractall(folder, [m for m in packed if not _ours(m, log)], filter="data")
        return finished
    except tarfile.TarError as error:
        raise GenerationError(f"what {remote.host} sent back is no archive ({error})") from None
    finally:
        archive.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            link.call(shlex.join(["rm", "-rf", there]), limit=_TRANSFER_S)


def remote_digests(remote: Remote, paths: Sequence[str], log: Path) -> list[tuple[str, int]]:
    """(sha256, bytes) of files on the other host, in order. Raises MissingError where one is not there."""
    said = log.with_suffix(".out")
    line = f"{shlex.join(['sha256sum', '--', *paths])} && {shlex.join(['stat', '-L', '-c', '%s', '--', *paths])}"
    finished = _Link(remote.host, log.parent, log).call(line, limit=_TRANSFER_S, into=said)
    lines = said.read_text(encoding="utf-8", errors="replace").splitlines()
    if finished.code != 0 or len(lines) != 2 * len(paths):
        raise MissingError(f"{remote.host}: {last_lines(log, count=1) or 'ssh failed'}")
    # sha256sum puts a backslash before the sum of a file whose name it had to escape.
    return [(line.lstrip("\\").split()[0], int(size)) for line, size in zip(lines, lines[len(paths) :], strict=False)]


def _ours(member: tarfile.TarInfo, log: Path) -> bool:
    """Whether an entry is the log or one of the notes beside it, which stay here."""
    name = member.name.removeprefix("./")
    return name != "." and "/" not in name and (name == log.name or name.startswith("."))


class _Link:
    """ssh to one host, with a log."""

    def __init__(self, host: str, folder: Path, log: Path) -> None:
        self._host, self._folder, self._log = host, folder, log

    def call(self, line: str, *, limit: float, feed: Path | None = None, into: Path | None = None) -> Finished:
        return run_process(
            [*_SSH, self._host, line],
            cwd=self._folder,
            environment=os.environ,
            timeout_s=limit,
            log=self._log,
            feed=feed,
            into=into,
        )

    def must(
        self, argv: Sequence[str], what: str, *, limit: float, feed: Path | None = None, into: Path | None = None
    ) -> None:
        ended = self.call(shlex.join(argv), limit=limit, feed=feed, into=into)
        if ended.timed_out or ended.code != 0:
            why = "it took too long" if ended.timed_out else last_lines(self._log) or f"exit code {ended.code}"
            raise GenerationError(f"{self._host} could not {what}: {why}")
