"""What lies beside a film and belongs to it: phones, a transcript, landmarks; and who is in it, by a rule.

For `x.mp4` these are `x.json` (phones in AVCT's official form) or `x.TextGrid` (Praat), else `x.txt` (what is said),
and `x.landmarks.npz`, `x.landmarks.npy` or `x_dlib68.npz` (one array (T, 68, 2) of pixels, for its frames at 25 fps).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import ConfigError, MediaError, MissingError
from bench.footage.film import SOUNDS

PHONES = (".json", ".TextGrid", ".textgrid")
_LANDMARKS = (".landmarks.npz", ".landmarks.npy", "_dlib68.npz")


@dataclass(frozen=True)
class Beside:
    """Files beside a film, each None where it is not there."""

    phones: Path | None
    transcript: Path | None
    landmarks: Path | None
    sound: Path | None

    def files(self) -> list[Path]:
        """Those that are there."""
        return [path for path in (self.phones, self.transcript, self.landmarks, self.sound) if path is not None]


def beside(film: Path) -> Beside:
    """The files that belong to a film."""

    def first(endings: tuple[str, ...]) -> Path | None:
        return next((path for e in endings if (path := film.with_name(film.stem + e)).is_file()), None)

    return Beside(first(PHONES), first((".txt",)), first(_LANDMARKS), first(SOUNDS))


def read_transcript(path: Path) -> str:
    """The words in a text file. Raises MediaError for one that is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MediaError(f"{path}: expected a text file in UTF-8 ({error})") from None


def read_landmarks(path: Path) -> np.ndarray:
    """Landmarks float64 (T, 68, 2) of a file with one array; NaN where there is no face. Raises MediaError."""
    try:
        held = np.load(path, allow_pickle=False)
        arrays = [held] if isinstance(held, np.ndarray) else [held[name] for name in held.files]
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise MediaError(f"{path}: expected landmarks as a NumPy file ({error})") from None
    if len(arrays) != 1 or arrays[0].ndim != 3 or arrays[0].shape[1:] != (68, 2) or arrays[0].dtype.kind not in "fiu":
        got = ", ".join(f"{array.dtype} {array.shape}" for array in arrays) or "nothing"
        raise MediaError(f"{path}: expected one array (T, 68, 2) of numbers, got {got}")
    return arrays[0].astype(np.float64)


def identities(films: Mapping[str, Path], rule: str) -> dict[str, str]:
    """Film -> who is in it. films: name -> file, a name being its path below the folder without the ending.

    rule: "folder" (the first folder of the name, so `id00012/abc/00001` is id00012; a film that lies in no folder is
    its own), "stem" (every file is someone else, by its name's last part) or a CSV file with the columns `clip` and
    `identity`, where a clip is such a name or its last part. All pieces of a film are one identity: a film in which
    several people speak in turn has to be parted by its user first. Raises ConfigError (unknown rule, bad file, a film
    that the file does not name) and MissingError (no such file).
    """
    if rule == "folder":
        return {name: name.partition("/")[0] for name in films}
    if rule == "stem":
        return {name: name.rpartition("/")[2] for name in films}
    path = Path(rule)
    if path.suffix.lower() != ".csv":
        raise ConfigError(f"--identities: expected folder, stem or a .csv file, got {rule!r}")
    known = _read_identities(path)
    found = {name: known.get(name, known.get(name.rpartition("/")[2])) for name in films}
    lacking = [name for name, who in found.items() if who is None]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise ConfigError(f"{path}: expected an identity for every film, none is given for {lacking[0]}{more}")
    return {name: who for name, who in found.items() if who is not None}


def _read_identities(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise MissingError(f"{path}: no such file of identities")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        return {row["clip"].strip(): row["identity"].strip() for row in rows if row["identity"].strip()}
    except (KeyError, AttributeError, TypeError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: expected the columns clip and identity ({type(error).__name__} {error})") from None
