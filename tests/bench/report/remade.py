"""Tables and figures made again from rows alone, in a process that refuses torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[3]
_AGAIN = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision"):
            raise ImportError(f"{name} must not be imported")
sys.meta_path.insert(0, Refuse())
from pathlib import Path
from bench.report import write
write(Path(sys.argv[1]))
assert not {"torch", "torchvision"} & set(sys.modules)
"""


def remake(folder: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Every file of a small copy of a run before, and after all but its rows and manifest was deleted and made again.

    Contact sheets, and pictures of frames, are made of videos, which are not there: they are left as they are.
    """
    before = _bytes_of(folder)
    kept = ("manifest.json", "rows.parquet", "frames.jpg")
    for path in list(folder.rglob("*")):
        if path.is_file() and path.name not in kept and "sheet" not in path.name:
            path.unlink()
    ran = subprocess.run([sys.executable, "-c", _AGAIN, str(folder)], cwd=_ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return before, _bytes_of(folder)


def _bytes_of(folder: Path) -> dict[str, bytes]:
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    # a small copy has no page: neither the file that opens it nor the data beside it
    return {name: content for name, content in found.items() if name != "index.html" and not name.startswith("page/")}
