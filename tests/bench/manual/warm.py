"""`bench` for the guides' blocks without its start: a process that has imported everything forks for each command.

A guide is some five commands, and each would spend seconds on importing torch. Commands come over a socket with their
standard streams, folder and environment, so that pipes, `cd` and exit codes are the shell's own. Run as a program it
is the server; imported, it is what starts one.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
CLIENT = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.connect({socket!r})
    said = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(link, [len(said).to_bytes(4, "big")], [0, 1, 2])
    link.sendall(said)
    sys.exit(int(link.recv(8) or b"70"))
"""


@dataclass(frozen=True)
class Desk:
    """Where guides are carried out. programs: the folder that holds `bench`. cache: AVCT_BENCH_CACHE of all guides."""

    programs: Path
    cache: Path


@contextmanager
def serving(folder: Path) -> Iterator[Path]:
    """A folder for PATH that holds the program `bench`, while the block lasts."""
    path = folder / "bench.socket"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen([sys.executable, __file__, str(path)], env=environment, stdin=subprocess.DEVNULL)
    (folder / "bin").mkdir()
    program = folder / "bin" / "bench"
    program.write_text(f"#!{sys.executable} -SE\n{CLIENT.format(socket=str(path))}")
    program.chmod(0o755)
    try:
        deadline = time.monotonic() + 120
        while not path.exists():
            assert server.poll() is None and time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)
        yield program.parent
    finally:
        server.terminate()
        server.wait()


def serve(path: str) -> None:
    """Forks for every command, one at a time, until it is ended."""
    import importlib
    import pkgutil

    import torch

    import bench
    from bench.cli import main
    from metrics.errors import MetricError
    from metrics.landmarks import backend

    for module in pkgutil.walk_packages(bench.__path__, "bench."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    importlib.import_module("matplotlib.pyplot")
    with contextlib.suppress(MetricError):
        backend("dlib68")
    torch.set_num_threads(1)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{path}.new")
    listener.listen()
    os.rename(f"{path}.new", path)
    while True:
        link, _ = listener.accept()
        head, streams, _, _ = socket.recv_fds(link, 4, 3)
        length, said = int.from_bytes(head, "big"), b""
        while len(said) < length:
            said += link.recv(length - len(said))
        child = os.fork()
        if child == 0:
            listener.close()
            link.close()
            os._exit(_carry_out(main, streams, *json.loads(said)))
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        link.sendall(str(os.waitstatus_to_exitcode(status) % 256).encode())
        link.close()


def _carry_out(main, streams: list[int], argv: list[str], folder: str, environment: dict[str, str]) -> int:
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    code = 70
    try:
        code = main(argv)
    except BaseException:
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    serve(sys.argv[1])
