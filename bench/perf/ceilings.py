"""The two ceilings of a device: the fastest matrix product in each precision and the fastest copy in its own memory.

    python -m bench.perf.ceilings --device cuda
    python -m bench.perf.ceilings --quick

No stage can be faster than whichever of them it needs more of (Williams, Waterman, Patterson 2009, "Roofline"). Both
are rates that were reached on this very device, not those of its data sheet: the best of several repetitions over
several sizes, square matrices and blocks far larger than any cache. They are kept in the cache, by the device's name,
its threads and the versions of what computed them; the short form (under 3 s) is kept apart.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import ConfigError
from bench.io.digest import sha256_json
from bench.places import cache_folder
from bench.store.device import usable_cores
from bench.store.files import json_bytes, make_folder, replace_file

PRECISIONS = {"cpu": ("float32", "bfloat16"), "cuda": ("float32", "tf32", "bfloat16", "float16")}
"""Those whose products are measured, by the kind of device."""
SIDES = {"cpu": (1024, 2048), "cuda": (4096, 8192)}
_QUICK_SIDES = {"cpu": (512,), "cuda": (4096,)}
"""Of square matrices: large enough for a device's peak, each product some milliseconds."""
BLOCKS = {"cpu": (256 << 20,), "cuda": (1 << 30, 4 << 30)}
_QUICK_BLOCKS = {"cpu": (64 << 20,), "cuda": (1 << 30,)}
"""Bytes that are copied at once."""
SECONDS, QUICK = 1.0, 0.25
"""How long one size is repeated, in the full and in the short form."""
_WARM = 2
"""Repetitions that do not count: kernels are chosen and clocks rise."""


@dataclass(frozen=True)
class Ceilings:
    """What a device reached. products: precision -> FLOP/s, 2 for a multiplication and its addition. copy: bytes read
    and written, each counted, in a second. threads: of the processor; on a GPU those that drive it."""

    device: str
    name: str
    threads: int
    versions: dict[str, str]
    quick: bool
    products: dict[str, float]
    copy: float


def ceilings(device: str, *, quick: bool = False, folder: Path | None = None) -> Ceilings:
    """Those of a device ("cpu", "cuda", "cuda:N") with torch's present number of threads: from the cache (or `folder`),
    or measured now. The full form serves the short one too. ConfigError for a device that is not here."""
    about = describe(device)
    home = folder or cache_folder() / "ceilings"
    for short in (False, True) if quick else (False,):
        path = home / f"{sha256_json({**about, 'quick': short})[:24]}.json"
        held = _read(path, {**about, "quick": short})
        if held is not None:
            return held
    found = measure(device, quick=quick)
    make_folder(home)
    replace_file(path, json_bytes(asdict(found)))
    return found


def describe(device: str) -> dict[str, Any]:
    """What ceilings depend on: kind and name of the device, threads, versions. ConfigError where it is not here."""
    import torch

    kind = device.partition(":")[0]
    if kind not in PRECISIONS:
        raise ConfigError(f"--device: expected cpu, cuda or cuda:N, got {device!r}")
    versions = {"torch": torch.__version__}
    if kind == "cpu":
        from bench.store.device import describe_device

        name = str(describe_device(())["cpu"] or "unknown processor")
    else:
        if not torch.cuda.is_available():
            raise ConfigError(f"--device: {device!r} cannot be used (PyTorch finds no CUDA device)")
        try:
            name = torch.cuda.get_device_name(torch.device(device))
        except (RuntimeError, AssertionError) as error:
            raise ConfigError(f"--device: {device!r} cannot be used ({str(error).splitlines()[0]})") from None
        versions |= {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}
    return {"device": kind, "name": name, "threads": torch.get_num_threads(), "versions": versions}


def measure(device: str, *, quick: bool = False) -> Ceilings:
    """Those of a device, measured now."""
    import torch

    about, seconds = describe(device), QUICK if quick else SECONDS
    kind, place = about["device"], torch.device(device)
    sides, blocks = (_QUICK_SIDES, _QUICK_BLOCKS) if quick else (SIDES, BLOCKS)
    products = {
        name: max(_product_rate(name, side, place, seconds) for side in sides[kind]) for name in PRECISIONS[kind]
    }
    copy = max(_copy_rate(block, place, seconds) for block in blocks[kind])
    return Ceilings(**about, quick=quick, products=products, copy=copy)


def report(found: Ceilings) -> str:
    """The ceilings in lines for a terminal."""
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    lines = [f"{found.name}, {found.threads} threads, {versions}{', short form' if found.quick else ''}"]
    lines += [f"matrix product {name:<9} {rate / 1e9:12,.1f} GFLOP/s" for name, rate in found.products.items()]
    return "\n".join([*lines, f"copy                     {found.copy / 1e9:12,.1f} GB/s, read and written"])


def best_time(work: Callable[[], object], seconds: float, device: Any) -> float:
    """The least of the seconds that one `work` took, repeated for so long: by a GPU's events, else by the clock."""
    import torch

    for _ in range(_WARM):
        work()
    took: list[float] = []
    if device.type != "cuda":
        until = time.perf_counter() + seconds
        while not took or time.perf_counter() < until:
            began = time.perf_counter()
            work()
            took.append(time.perf_counter() - began)
        return min(took)
    with torch.cuda.device(device):
        torch.cuda.synchronize(device)
        until = time.perf_counter() + seconds
        while not took or time.perf_counter() < until:
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            work()
            end.record()
            end.synchronize()
            took.append(begin.elapsed_time(end) / 1000)
    return min(took)


def _product_rate(precision: str, side: int, device: Any, seconds: float) -> float:
    """FLOP/s of products of square matrices."""
    import torch

    dtype = torch.float32 if precision == "tf32" else getattr(torch, precision)
    a, b = (torch.rand(side, side, device=device).sub_(0.5).to(dtype) for _ in range(2))
    out = torch.empty(side, side, device=device, dtype=dtype)
    kept = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    try:
        return 2 * side**3 / best_time(lambda: torch.mm(a, b, out=out), seconds, device)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = kept


def _copy_rate(size: int, device: Any, seconds: float) -> float:
    """Bytes read and written in a second, of a block in the device's memory; a block that fits into no memory: 0."""
    import torch

    try:
        source = torch.ones(size // 4, device=device)
        target = torch.empty_like(source)
    except (torch.OutOfMemoryError, MemoryError):
        return 0.0
    return 2 * size / best_time(lambda: target.copy_(source), seconds, device)


def _read(path: Path, about: dict[str, Any]) -> Ceilings | None:
    """What is kept there, if it is about that."""
    try:
        held = Ceilings(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return held if all(getattr(held, name) == value for name, value in about.items()) else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the ceilings, measured where they are not known yet; exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.perf.ceilings", description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="of torch; default: one a core")
    parser.add_argument("--quick", action="store_true", help="under 3 seconds")
    parser.add_argument("--json", action="store_true", help="as JSON")
    asked = parser.parse_args(arguments)
    threads = usable_cores() if asked.threads is None else asked.threads
    if threads < 1:
        parser.error(f"--threads: expected 1 or more, got {threads}")
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = ceilings(asked.device, quick=asked.quick)
    except ConfigError as error:
        parser.error(str(error))
    finally:
        torch.set_num_threads(before)
    print(json.dumps(asdict(found), indent=1) if asked.json else report(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
