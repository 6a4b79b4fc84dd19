"""espeak-ng through ctypes: text to samples and phoneme events, one fresh process a recording.

Only `record` uses it, with the extra `speech`; whoever plays the shipped recordings needs none of it. espeak-ng draws
noise from libc's `rand` (some synthesisers) and from a generator of its own (breath), which it seeds with the time of
day, and it keeps filter state from one call to the next. A process that sets both seeds and speaks once always gives
the same samples.
"""

from __future__ import annotations

import ctypes
import multiprocessing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import ConfigError, MissingError

# Constants of espeak-ng's public header speak_lib.h.
_RETRIEVAL = 1
_PHONEME_EVENTS, _DONT_EXIT = 0x0001, 0x8000
_RATE, _VOLUME, _PITCH = 1, 2, 3
_UTF8 = 1
_EVENT_END_OF_LIST, _EVENT_PHONEME = 0, 7
_SEED = 1
_LOUDNESS = 60
"""Percent of espeak-ng's own level: at 100 several variants run into the rails of 16 bits."""
_TIME_LIMIT = 60
"""Seconds for one sentence, which takes about a tenth of one; more means that the engine hangs."""


class _Name(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_void_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Name),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class Utterance:
    """What espeak-ng said. samples: int16 (N,) at `rate` Hz. events: (first sample, phoneme mnemonic), in order."""

    samples: np.ndarray
    rate: int
    events: tuple[tuple[int, str], ...]
    engine: str


def utter(text: str, *, variant: str, pitch: int, rate: int) -> Utterance:
    """The utterance that a fresh process makes of `text` in American English.

    variant: one of espeak-ng's voice variants. pitch: 0..99. rate: words a minute.
    Raises MissingError without the extra `speech`, ConfigError for a variant that espeak-ng does not know.
    """
    try:
        import espeakng_loader
    except ImportError:
        raise MissingError("recording speech needs espeak-ng: install avct-bench[speech]") from None
    library, data = str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path())
    if not (Path(data) / "voices" / "!v" / variant).is_file():  # espeak-ng would speak without it and say nothing
        raise ConfigError(f"espeak-ng has no voice variant {variant!r}")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        work = pool.apply_async(_utter_here, (library, data, text, f"en-us+{variant}", pitch, rate))
        try:
            return work.get(_TIME_LIMIT)
        except multiprocessing.TimeoutError:
            raise ConfigError(f"espeak-ng did not finish {text!r} within {_TIME_LIMIT} s") from None


def _utter_here(library: str, data: str, text: str, voice: str, pitch: int, rate: int) -> Utterance:
    """The utterance, made in this process; identical from run to run only if nothing was said here before."""
    espeak = ctypes.CDLL(library)
    espeak.espeak_Info.restype = ctypes.c_char_p
    chunks: list[np.ndarray] = []
    events: list[tuple[int, str]] = []

    def take(wave, count, event):
        if wave and count > 0:
            chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        position = 0
        while event[position].type != _EVENT_END_OF_LIST:
            if event[position].type == _EVENT_PHONEME:
                name = bytes(event[position].id.string).split(b"\0")[0].decode("utf-8")
                events.append((event[position].sample, name))
            position += 1
        return 0

    callback = _Callback(take)  # held here: ctypes does not keep it alive
    sample_rate = espeak.espeak_Initialize(_RETRIEVAL, 0, data.encode(), _PHONEME_EVENTS | _DONT_EXIT)
    if sample_rate <= 0:
        raise ConfigError(f"espeak-ng does not start: expected its data in {data}")
    espeak.espeak_SetSynthCallback(callback)
    if espeak.espeak_SetVoiceByName(voice.encode()) != 0:
        raise ConfigError(f"espeak-ng does not take the voice {voice!r}")
    for parameter, value in ((_RATE, rate), (_VOLUME, _LOUDNESS), (_PITCH, pitch)):
        espeak.espeak_SetParameter(parameter, value, 0)
    ctypes.CDLL(None).srand(_SEED)
    espeak.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))  # after espeak_Initialize, which seeds with the time
    spoken = text.encode("utf-8") + b"\0"
    espeak.espeak_Synth(spoken, len(spoken), 0, 1, 0, _UTF8, None, None)
    espeak.espeak_Synchronize()
    version = espeak.espeak_Info(None).decode("ascii")
    return Utterance(np.concatenate(chunks), sample_rate, tuple(events), f"espeak-ng {version}")
