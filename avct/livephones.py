"""Phones of speech that is still being said: pocketsphinx's search for phones, asked ever again for what is sure.

A front end: networks and training never import it. The search goes on from block to block, which costs what one pass
costs (5 % of one core); what lies further back than `SETTLED` is taken as it then looks. On 21 s of the corpus, 86 % of
10 ms steps agree with the search over the whole recording, and 57.8 against 60.0 % with the phones that were said.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from avct.align import SHIFT
from avct.errors import MissingWeights
from avct.phonemes import IDS
from avct.recogniser import RATE, to_pcm

SETTLED = 0.2
"""Seconds of sound after a phone before it is believed. Half of it loses 2 % of the time, more gains nothing."""
BLOCK = 1280
"""Samples that are heard at once: what is found does not depend on the pieces that the sound comes in."""
_PAUSE, _SOON, _LATE = 0.15, 15.0, 30.0
"""An utterance, whose memory grows (9 MB a minute), ends in a pause of 0.15 s after 15 s, else after 30 s."""
_FRAME = 0.010  # seconds of one pocketsphinx frame
_LEVEL = 0.7  # the recogniser's sound is scaled as offline, for an expected peak


class LivePhones:
    """Phones (symbol, start s, end s), contiguous from 0, of samples that come in pieces. Raises MissingWeights without
    pocketsphinx. level: peak that speech is expected to reach, full scale being 1.
    """

    ahead = SETTLED + BLOCK / RATE - SHIFT + 0.005
    """Seconds of sound after a moment that must have come before its phone is known, at most; 5 ms are for rounding."""

    def __init__(self, *, level: float = 0.35) -> None:
        try:
            from pocketsphinx import Decoder, get_model_path
        except ImportError:
            raise MissingWeights("phones from sound need the package pocketsphinx; or give phones") from None
        model = get_model_path("en-us/en-us-phone.lm.bin")
        self._decoder: Any = Decoder(loglevel="FATAL", allphone=model, lw=2.0, beam=1e-20, pbeam=1e-20)
        self._level, self._held, self._heard = level, np.zeros(0, np.float32), 0
        self._begun = 0.0  # seconds at which the utterance began
        self._told = 0.0  # seconds up to which phones were told
        self._decoder.start_utt()

    def hear(self, samples: np.ndarray) -> list[tuple[str, float, float]]:
        """Phones that are settled by now and were not told before, of the next samples float (n,)."""
        self._held = np.concatenate([self._held, np.asarray(samples, np.float32)])
        told = []
        while len(self._held) >= BLOCK:
            told += self._block(self._held[:BLOCK])
            self._held = self._held[BLOCK:]
        return told

    def finish(self) -> list[tuple[str, float, float]]:
        """The phones that remain, to the end of the sound."""
        if len(self._held):
            self._listen(self._held)
        return self._end()

    def _block(self, samples: np.ndarray) -> list[tuple[str, float, float]]:
        self._listen(samples)
        lasted, found = self._heard / RATE - self._begun, self._found()
        pause = found[-1][2] - found[-1][1] if found and found[-1][0] == "SIL" else 0.0
        if lasted >= _LATE or (lasted >= _SOON and pause >= _PAUSE):
            told = self._end()
            self._begun = self._heard / RATE
            self._decoder.start_utt()
            return told
        return self._tell(found, self._heard / RATE - SETTLED)

    def _listen(self, samples: np.ndarray) -> None:
        pcm = to_pcm(np.clip(samples, -self._level / _LEVEL, self._level / _LEVEL), self._level)
        self._decoder.process_raw(pcm, no_search=False, full_utt=False)
        self._heard += len(samples)

    def _end(self) -> list[tuple[str, float, float]]:
        """The utterance's phones that were not told, the last of which lasts to its end: a window of 25 ms is lost."""
        self._decoder.end_utt()
        end, found = self._heard / RATE, self._found() or [("SIL", self._begun, 0.0)]
        symbol, start, _ = found[-1]
        return self._tell([*found[:-1], (symbol, start, end)], end)

    def _found(self) -> list[tuple[str, float, float]]:
        """Phones of the utterance as they look now, at their times in the whole."""
        segments = [(s.word, s.start_frame * _FRAME, (s.end_frame + 1) * _FRAME) for s in self._decoder.seg() or []]
        begun = self._begun
        return [(name if name in IDS else "SIL", begun + start, begun + end) for name, start, end in segments]

    def _tell(self, found: list[tuple[str, float, float]], until: float) -> list[tuple[str, float, float]]:
        """What of the phones lies between what was told and `until`; the 20 ms shift is added when it is told."""
        told = []
        for symbol, start, end in found:
            start, end = max(start, self._told), min(end, until)
            if end > start + 1e-6:
                first = start + SHIFT if start > 0 else 0.0
                told.append((symbol, first, end + SHIFT))
                self._told = end
        return told
