"""Audio features of speech that is still being said: the rows of `avct.audio`, some frames after their sound.

Offline, four things are known of the whole recording before its first frame is made: mean and peak of the samples, the
voice (`avct.vector_tokens.Voice`), and the pitch, which WORLD's Harvest tracks forwards and backwards. Here sound is
heard in blocks of a few frames, whatever the pieces that it comes in, and
- mean, peak and voice are those of what was heard so far, mixed with what is typical for the first second of speech,
  unless they are known from an earlier recording (`study`);
- pitch is tracked with 0.14 s (Harvest) or 0.26 s (DIO) before a block and 0.1 s after it; DIO takes a tenth of the
  time;
- the pitch of an unvoiced stretch is bridged to the next voice only where that is within those 0.1 s, else held.
With a `Recording` of the very sound that is heard, rows are those of the whole recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from typing import NamedTuple

import numpy as np

from avct.audio import HIGHEST, HOP, LOWEST, RATE, WINDOW, features, frame_rows, lengthen, spectral_rows, tracker
from avct.config import AUDIO_COLUMNS, AUDIO_ROWS
from avct.errors import AvctError
from avct.vector_tokens import QUIETEST, Voice, voice_of

FPS = 25
FRAME = RATE // FPS
"""Samples of one frame."""
BLOCKS = {"harvest": 5, "dio": 2}
"""Frames that are heard at once. Context is tracked anew for each block: of one core, a second of sound takes Harvest
0.32 s at five frames, DIO 0.02 s at two."""
BEFORE = {"harvest": 14, "dio": 26}
"""Rows of context before a block. With a block and AFTER they are 44, the most that fit into the trackers' smaller
transforms: one row more takes Harvest 80 ms instead of 64 and DIO 3.1 instead of 1.2, 70 rows take Harvest 129. On 11 s
of the corpus 99.1 % of Harvest's voiced flags are then those of the whole recording and 1.5 % of voiced rows are off by
over a semitone (with 40 rows before, 99.1 and 1.7 %); DIO's are all the same (with 8 rows, 99.7 % of the flags)."""
AFTER = 10
"""Rows of context after a block."""
LEVEL = 0.25
"""Peak that speech is expected to reach at least, full scale being 1: the quietest of 27 corpus recordings has .256."""
_TYPICAL = Voice(
    np.array([-0.9, -8.7, 7.7, -19.8, -9.2, -7.0, -19.7, 2.1, -2.7, 0.9, -7.3, -4.4]),
    np.array(
        [-9.3, -7.7, -6.9, -6.5, -6.1, -6.0, -6.4, -6.9, -7.2, -7.2, -7.0, -6.6, -6.6, -6.9, -7.0, -6.3, -5.9, -5.6]
        + [-5.4, -5.5, -6.0, -7.0, -7.8, -8.2, -7.9, -7.8]
    ),
    132.0,
)
"""Mean voice of 27 training recordings of the corpus (geometric mean of the pitch)."""
_WEIGHT = 100.0  # rows of speech that the typical voice counts for: one second
_STEPS = 120  # steps to an octave of the pitch histogram: a tenth of a semitone


@dataclass(frozen=True)
class Recording:
    """What features are measured against: mean and peak of the samples, the voice, and, where it is the recording that
    will be heard, its pitch and voiced flags float64 (4 T, 2)."""

    mean: float
    peak: float
    voice: Voice
    pitch: np.ndarray | None = None


class Frame(NamedTuple):
    """One frame's sound: unnormalised rows float32 (4, 41) and the voice that they are to be measured against."""

    rows: np.ndarray
    voice: Voice


def study(samples: np.ndarray, *, same: bool = False) -> Recording:
    """What is to be known of a recording float (N,) at 16 kHz, N >= 640.

    same: the very sound will be heard, so that its pitch is worth keeping; else the recording is an earlier one of the
    same voice and microphone.
    """
    frames = len(samples) // FRAME
    if frames < 1:
        raise AvctError(f"samples must last for a frame (40 ms, {FRAME} samples at 16 kHz) to be studied")
    lasting = lengthen(samples[: frames * FRAME], frames).astype(np.float64)
    rows = features(lasting)
    centred = lasting - lasting.mean()
    voice = voice_of(frame_rows(rows, frames))
    return Recording(float(lasting.mean()), float(np.abs(centred).max()), voice, rows[:, 39:] if same else None)


class Listener:
    """Frames' sound, of samples that come in pieces of any length; frames do not depend on where the pieces end.

    pitch: the tracker, "harvest" (what the paper's weights were trained with) or "dio". known: of an earlier recording,
    or of this one. level: as LEVEL, where nothing is known. block: frames that are heard at once. ahead: frames of
    sound after a frame's own that must have come before it is heard, at most.
    """

    def __init__(self, *, pitch: str = "harvest", known: Recording | None = None, level: float = LEVEL) -> None:
        if pitch not in BLOCKS:
            raise AvctError(f"pitch: expected one of {', '.join(BLOCKS)}, got {pitch!r}")
        if not 0 < level <= 1:
            raise AvctError(f"level: expected a peak above 0 and up to 1 (full scale), got {level}")
        self.block, self._before = BLOCKS[pitch], BEFORE[pitch]
        self.ahead = self.block - 1 + -(-AFTER // AUDIO_ROWS)
        self._known, self._running = known, None if known is not None else _Running(level)
        self._samples, self._first = np.zeros(0), 0  # held samples and the number of the first of them
        self._frame = 0
        self._voiced: tuple[int, float] | None = None
        self._tracks = None if known is not None and known.pitch is not None else tracker(pitch)

    def hear(self, samples: np.ndarray) -> None:
        """Takes the next samples, float (n,) mono at 16 kHz. AvctError for what is no sound."""
        check_samples(samples)
        self._samples = np.concatenate([self._samples, samples])

    def frames(self) -> Iterator[Frame]:
        """Frames that can be heard by now, block by block."""
        while self._first + len(self._samples) >= (self._frame + self.block) * FRAME + AFTER * HOP:
            yield from self._heard(self.block)

    def finish(self) -> Iterator[Frame]:
        """The frames that remain; what does not fill a frame is left, as it is offline."""
        yield from self.frames()
        total = (self._first + len(self._samples)) // FRAME
        if total == self._frame:
            return
        # offline, the last windows reach into silence
        ended = lengthen(np.zeros(total * FRAME), total)
        self._samples = self._samples[: total * FRAME - self._first]
        self._samples = np.concatenate([self._samples, np.zeros(len(ended) - total * FRAME)])
        while self._frame < total:
            yield from self._heard(min(self.block, total - self._frame))

    def _heard(self, frames: int) -> Iterator[Frame]:
        first, stop = self._frame * AUDIO_ROWS, (self._frame + frames) * AUDIO_ROWS
        horizon = min((stop + AFTER) * HOP, self._first + len(self._samples))
        if self._running is not None:
            self._running.hear(self._between(self._running.heard, horizon))
        state = self._known or self._running.recording()
        scale = 1 / state.peak if state.peak > 0 else 1.0
        # one row more at the start: the first sample of a piece is not emphasised
        extra = min(1, first)
        piece = (self._between((first - extra) * HOP, (stop - 1) * HOP + WINDOW) - state.mean) * scale
        rows = np.zeros((stop - first, AUDIO_COLUMNS))
        rows[:, :39] = spectral_rows(piece)[extra:]
        if self._tracks is None:
            rows[:, 39:] = state.pitch[first:stop]
        else:
            begun = max(0, first - self._before)
            track = self._tracks((self._between(begun * HOP, horizon) - state.mean) * scale)
            rows[:, 39:] = self._bridged(track[first - begun :], first, stop)
        if self._running is not None:
            self._running.learn(rows, state.peak)
        voice = state.voice if self._running is None else self._running.recording().voice
        self._frame += frames
        self._drop(max(0, self._frame * AUDIO_ROWS - self._before - 1) * HOP)
        for part in rows.reshape(frames, AUDIO_ROWS, AUDIO_COLUMNS).astype(np.float32):
            yield Frame(part, voice)

    def _bridged(self, track: np.ndarray, first: int, stop: int) -> np.ndarray:
        """Pitch and flags (stop - first, 2) of a track (n,) that begins at row `first` and may be longer."""
        places = first + np.flatnonzero(track > 0)
        values = track[places - first]
        if self._voiced is not None:
            places, values = np.append(self._voiced[0], places), np.append(self._voiced[1], values)
        count = stop - first
        flags = np.zeros(count)
        flags[: len(track)] = track[:count] > 0
        pitch = np.interp(np.arange(first, stop), places, values) if len(places) else np.zeros(count)
        own = places < stop
        if own.any():
            self._voiced = int(places[own][-1]), float(values[own][-1])
        return np.column_stack([pitch, flags])

    def _between(self, first: int, stop: int) -> np.ndarray:
        return self._samples[first - self._first : stop - self._first]

    def _drop(self, first: int) -> None:
        """Forgets the samples before number `first`."""
        kept = first if self._running is None else min(first, self._running.heard)
        # most of them at a time: a long piece would otherwise be copied for every block of it
        if kept - self._first > len(self._samples) // 2:
            self._samples = self._samples[kept - self._first :].copy()
            self._first = kept


def check_samples(samples: np.ndarray) -> None:
    """Nothing; raises AvctError unless samples are finite float (n,)."""
    if not isinstance(samples, np.ndarray) or samples.ndim != 1 or samples.dtype.kind != "f":
        got = f"{samples.dtype} {samples.shape}" if isinstance(samples, np.ndarray) else type(samples).__name__
        raise AvctError(f"samples must be float (n,) mono at 16 kHz, got {got}")
    if not np.isfinite(samples).all():
        raise AvctError(f"samples must be finite, number {int(np.argmin(np.isfinite(samples)))} is not")


class _Running:
    """Mean, peak and voice of what was heard so far, in memory that does not grow.

    Rows are summed by their energy, in steps of one: which of them count as speech depends on the loudest, which may be
    still to come.
    """

    def __init__(self, level: float) -> None:
        self.heard, self._level = 0, level
        self._sum, self._low, self._high = 0.0, 0.0, 0.0
        self._sums: dict[int, np.ndarray] = {}
        self._pitch = np.zeros(round(_STEPS * log(HIGHEST / LOWEST, 2)) + 1)

    def hear(self, samples: np.ndarray) -> None:
        self.heard += len(samples)
        self._sum += float(samples.sum())
        self._low = min(self._low, float(samples.min(initial=0)))
        self._high = max(self._high, float(samples.max(initial=0)))

    def learn(self, rows: np.ndarray, peak: float) -> None:
        """Takes rows (n, 41) of samples that were divided by `peak`."""
        louder = 2 * log(peak)
        for row in rows:
            energy = max(row[0], QUIETEST) + louder
            # count, cepstra, bands of the samples as they came
            values = np.concatenate([[1.0], row[1:13], np.maximum(row[13:39], QUIETEST) + louder])
            step = int(energy // 1)
            self._sums[step] = self._sums.get(step, 0) + values
        for pitch in rows[rows[:, 40] > 0.5, 39]:
            self._pitch[round(_STEPS * log(max(pitch, LOWEST) / LOWEST, 2))] += 1

    def recording(self) -> Recording:
        mean = self._sum / self.heard if self.heard else 0.0
        peak = max(self._level, self._high - mean, mean - self._low)
        louder, loudest = 2 * log(peak), max(self._sums, default=0)
        total = np.concatenate([[1.0], _TYPICAL.cepstra, _TYPICAL.bands + louder]) * _WEIGHT
        total = total + sum(values for step, values in self._sums.items() if step > loudest - 8)
        means = total[1:] / total[0]
        return Recording(mean, peak, Voice(means[:12], means[12:] - louder, self._median()))

    def _median(self) -> float:
        typical = round(_STEPS * log(_TYPICAL.pitch / LOWEST, 2))
        counts = self._pitch.copy()
        counts[typical] += _WEIGHT
        middle = int(np.searchsorted(counts.cumsum(), counts.sum() / 2))
        return float(LOWEST * 2 ** (middle / _STEPS))
