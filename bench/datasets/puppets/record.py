"""`python -m bench.datasets.puppets.record --out DIR`: makes the corpus's speech from `sentences.toml` with espeak-ng.

Run once; what it made is shipped as `speech_data/`, so that nobody needs espeak-ng to use the corpus. It writes one
FLAC (16 bit, 16 kHz, mono) a recording, and `phones.json` with who says what and when each phone starts and ends.
The same versions of espeak-ng, soxr, numpy and libsndfile on the same platform give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.datasets.puppets.espeak import Utterance, utter
from bench.datasets.puppets.timing import SILENCE, phones
from bench.errors import BenchError, ConfigError, StorageError
from bench.records import RATE

LEAD = 0.22
"""Seconds of silence before the first phone and after the last."""
LOUDNESS = 0.05
"""Root mean square of every recording between its silences (-26 dB of full scale), for headroom and small files."""
NOISE = 1.5
"""Standard deviation, in steps of 16 bits, of the noise under everything (-87 dB of full scale). Without it silence
is exactly zero, and a feature that takes a logarithm has a value there that no microphone ever gives."""
_FADE = 0.005
"""Seconds over which a voice's last echo fades, where espeak-ng cuts it off."""


@dataclass(frozen=True)
class Line:
    """One recording to make: a voice says a sentence. rate: words a minute; pitch: 0..99."""

    id: str
    voice: str
    split: str
    sentence: str
    text: str
    variant: str
    pitch: int
    rate: int


def script() -> Iterator[Line]:
    """Every recording that `sentences.toml` asks for, voice by voice."""
    plan = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text(encoding="utf-8"))
    for voice, role in plan["voices"].items():
        split, rates = role["split"], role["rates"]
        sentences = plan["sentences"][split]
        names = list(sentences)
        for turn, name in enumerate(names[names.index(role["first"]) : names.index(role["last"]) + 1]):
            yield Line(
                id=f"{voice}-{name}",
                voice=voice,
                split=split,
                sentence=name,
                text=sentences[name],
                variant=role["variant"],
                pitch=role["pitch"],
                rate=rates[turn % len(rates)],
            )


def master(utterance: Utterance, name: str) -> tuple[np.ndarray, list[tuple[str, float, float]]]:
    """The finished recording of an utterance: int16 (N,) at 16 kHz, and its phones from 0 to its end in seconds.

    name: seeds the noise floor.
    """
    import soxr

    spoken = phones(utterance)
    wave = soxr.resample(utterance.samples / 32768.0, utterance.rate, RATE, quality="VHQ")
    fade = min(round(_FADE * RATE), len(wave))
    wave[len(wave) - fade :] *= np.linspace(1.0, 0.0, fade)
    first, last = spoken[0][1], spoken[-1][2]
    offset = round((LEAD - first) * RATE)
    length = offset + round((last + LEAD) * RATE)
    samples = np.zeros(length)
    samples[offset : offset + len(wave)] = wave[: length - offset]
    samples *= LOUDNESS / np.sqrt(np.mean(wave[max(round(first * RATE), 0) : round(last * RATE)] ** 2))
    noise = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
    steps = np.rint(samples * 32768.0 + NOISE * noise.standard_normal(length))
    if np.abs(steps).max() > 32767:
        raise ConfigError(f"clips at a root mean square of {LOUDNESS}: lower LOUDNESS in record.py")
    timed = [(symbol, start + offset / RATE, end + offset / RATE) for symbol, start, end in spoken]
    before, after = (SILENCE, 0.0, timed[0][1]), (SILENCE, timed[-1][2], length / RATE)
    return steps.astype(np.int16), [before, *timed, after]


def record(line: Line, folder: Path) -> tuple[str, dict]:
    """Engine and catalogue entry of one recording, whose FLAC is then in `folder`."""
    import soundfile

    utterance = utter(line.text, variant=line.variant, pitch=line.pitch, rate=line.rate)
    try:
        samples, timed = master(utterance, line.id)
    except ConfigError as error:
        raise ConfigError(f"{line.id} ({line.text!r}): {error}") from None
    soundfile.write(folder / f"{line.id}.flac", samples, RATE, subtype="PCM_16", compression_level=1.0)
    return utterance.engine, {
        "id": line.id,
        "voice": line.voice,
        "split": line.split,
        "sentence": line.sentence,
        "text": line.text,
        "rate": line.rate,
        "samples": len(samples),
        "sha256": hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest(),
        "phones": [[symbol, round(start, 4), round(end, 4)] for symbol, start, end in timed],
    }


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 after everything was recorded, else the error's own."""
    parser = argparse.ArgumentParser(prog="python -m bench.datasets.puppets.record", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the FLAC files and phones.json")
    folder = parser.parse_args(arguments).out
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            made = [record(line, folder) for line in script()]
            entries = ",\n".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for _, entry in made)
            head = json.dumps({"engine": made[0][0], "sample_rate": RATE})[1:-1]
            catalogue = folder / "phones.json"
            catalogue.write_text(f'{{{head}, "recordings": [\n{entries}\n]}}\n', encoding="utf-8")
        except OSError as error:
            raise StorageError(f"cannot write recordings to {folder}: {error.strerror or error}") from None
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    size = sum(path.stat().st_size for path in folder.iterdir())
    seconds = sum(entry["samples"] for _, entry in made) / RATE
    print(f"{len(made)} recordings, {seconds:.0f} s, {size / 1e6:.2f} MB in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
