"""Phones found on the way: the same whatever the pieces, whole, near those of the whole recording."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from avct import livephones
from avct.phonemes import IDS, from_seconds, ids_at_25fps

pytest.importorskip("pocketsphinx", reason="phones from sound need pocketsphinx")


def said() -> tuple[np.ndarray, list[int]]:
    """Two sentences of the corpus, float32, and their phones at 25 fps."""
    from bench.datasets.puppets import speech

    parts = [speech.speech(name) for name in ("heldout-a-te01", "heldout-a-te02")]
    ids: list[int] = []
    samples = []
    for part in parts:
        frames = len(part.samples) // 640
        found = ids_at_25fps(from_seconds([(p.symbol, p.start, p.end) for p in part.phones]))[:frames]
        ids += found + [IDS["SIL"]] * (frames - len(found))
        samples.append(part.samples[: frames * 640])
    return np.concatenate(samples), ids


def find(samples: np.ndarray, cuts: list[int]) -> list[tuple[str, float, float]]:
    ear, found = livephones.LivePhones(), []
    for part in np.split(samples, cuts):
        heard = (ear._heard + len(ear._held) + len(part)) / 16_000
        some = ear.hear(part)
        assert all(end <= heard - livephones.SETTLED + livephones.SHIFT + 1e-6 for _, _, end in some)
        found += some
    return found + ear.finish()


def test_phones_are_whole_and_do_not_depend_on_the_pieces() -> None:
    samples, ids = said()
    whole = find(samples, [])
    assert whole == find(samples, [1, 700, 5000, 5001, 30_000])
    # without gaps from the start to the end
    assert whole[0][1] == 0 and abs(whole[-1][2] - len(samples) / 16_000) < 0.05
    assert all(a[2] == pytest.approx(b[1]) for a, b in pairwise(whole))
    found = ids_at_25fps(from_seconds(whole))[: len(ids)]
    # phone by phone without words: more than half of the time right
    assert np.mean([a == b for a, b in zip(found, ids, strict=False)]) > 0.5


def test_utterances_end_so_that_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(livephones, "_SOON", 1.0)
    monkeypatch.setattr(livephones, "_LATE", 1.4)
    samples, ids = said()
    whole = find(samples, [])
    assert all(a[2] == pytest.approx(b[1]) for a, b in pairwise(whole))
    found = ids_at_25fps(from_seconds(whole))[: len(ids)]
    assert np.mean([a == b for a, b in zip(found, ids, strict=False)]) > 0.4


def test_silence_and_nothing_have_an_answer() -> None:
    assert {name for name, _, _ in find(np.zeros(16_000, np.float32), [])} == {"SIL"}
    assert find(np.zeros(0, np.float32), []) == []
    # louder than expected: clipped, not wrapped around
    samples, _ = said()
    loud = find(4 * samples[:16_000], [])
    assert len(loud) > 3
