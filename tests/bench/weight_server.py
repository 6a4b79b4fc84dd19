"""A table of two toy weights and a server that has their file: whole, cut, wrong, slow, with and without ranges."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

BODY = np.random.default_rng(4).bytes(700_001)  # no multiple of a block
SHA256 = hashlib.sha256(BODY).hexdigest()


class Server:
    """Serves `body`. cut: bytes after which the connection ends; hold: bytes after which it falls silent, until None;
    ranges: whether it knows them; length: whether it says it; status: of an error; to: where it redirects.

    asked: the Range of every request.
    """

    def __init__(self) -> None:
        self.body, self.cut, self.ranges, self.status, self.to, self.length = BODY, None, True, 200, "", True
        self.hold: int | None = None
        self.asked: list[str | None] = []
        self.url = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.asked.append(wanted)
        if self.to:
            request.send_response(302)
            request.send_header("Location", self.to)
            request.end_headers()
            return
        if self.status != 200:
            request.send_error(self.status)
            return
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.ranges else 0
        if begin >= len(self.body):
            request.send_error(416)
            return
        rest = self.body[begin:]
        request.send_response(206 if begin else 200)
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{len(self.body) - 1}/{len(self.body)}")
        if self.length:
            request.send_header("Content-Length", str(len(rest)))
        request.end_headers()
        request.wfile.write(rest[: self.cut or self.hold])
        while self.hold is not None:
            time.sleep(0.01)


@contextmanager
def serving() -> Iterator[Server]:
    """A server on this machine, ended with the block."""
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.answer(self)

        def log_message(self, *args: object) -> None:
            """Silence."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{httpd.server_address[1]}/toy.bin"
    try:
        yield told
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@contextmanager
def table(folder: Path, url: str) -> Iterator[None]:
    """weights.toml holds `toy` (published sha256, at that address), `lone` (none known) and `wheel` (no address)."""
    import pytest

    from metrics import weights

    common = 'licence = "free as air"\norigin = "https://example.org/toys"\nneeded_by = ["psnr"]\nbundled_in = ""\n'
    rows = (("toy", SHA256, len(BODY), url), ("lone", "", 0, url), ("wheel", SHA256, len(BODY), ""))
    text = "".join(
        f'[[weights]]\nname = "{name}"\nfile = "{name}.bin"\nsha256 = "{sha256}"\nbytes = {size}\nurl = "{at}"\n'
        f'remedy = "pip install toys"\n{common}\n'
        for name, sha256, size, at in rows
    )
    path = folder / "toys.toml"
    path.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "_TABLE", path)
        patch.setenv("AVCT_BENCH_CACHE", str(folder / "cache"))
        patch.setenv("TORCH_HOME", str(folder / "torch"))
        patch.delenv("AVCT_BENCH_WEIGHTS", raising=False)
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            patch.delenv(name, raising=False)
        weights.entries.cache_clear()
        try:
            yield
        finally:
            weights.entries.cache_clear()
