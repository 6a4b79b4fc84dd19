"""Many scores at once: each one's frames as it alone, whoever it shares batches with."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_models import BUILDERS, score

from avct.engine import prepare
from avct.ensemble import Piece, perform_all
from avct.inference import perform

LENGTHS = (13, 5, 1, 9)


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize(("abreast", "fill"), [(1, False), (3, False), (1, True), (3, True)])
def test_frames_are_those_of_each_score_alone(kind: str, abreast: int, fill: bool) -> None:
    engine = prepare(BUILDERS[kind]())
    scores = [score(engine.model, frames, seed) for seed, frames in enumerate(LENGTHS)]
    found: dict[int, list[np.ndarray]] = {}
    sizes = []
    for pieces in perform_all(engine, enumerate(scores), batch=4, abreast=abreast, fill=fill):
        sizes.append(sum(len(piece.frames) for piece in pieces))
        for piece in pieces:
            assert piece.first == sum(map(len, found.get(piece.key, [])))
            found.setdefault(piece.key, []).append(piece.frames)
            assert piece.last == (piece.first + len(piece.frames) == LENGTHS[piece.key])
    for key, told in enumerate(scores):
        alone = np.concatenate(list(perform(engine, told, batch=4)))
        together = np.concatenate(found[key])
        # a batch of other portraits rounds otherwise
        assert np.abs(together.astype(int) - alone).max() <= (1 if fill else 0)
    assert sizes == [4] * 7 if fill else len(sizes) == 4 + 2 + 1 + 3


def test_a_score_that_nobody_wants_any_more_is_left() -> None:
    engine = prepare(BUILDERS["landmark"]())
    scores = [score(engine.model, 12, seed) for seed in range(2)]
    dropped: set[object] = set()
    told: list[Piece] = []
    for pieces in perform_all(engine, enumerate(scores), batch=4, abreast=2, wanted=lambda key: key not in dropped):
        told += pieces
        dropped.add(0)
    assert [piece.key for piece in told] == [0, 1, 1, 1]


def test_scores_are_taken_up_as_they_are_needed() -> None:
    engine = prepare(BUILDERS["landmark"]())
    taken, ended = [], 0

    def coming():
        for key in range(8):
            taken.append(key)
            yield key, score(engine.model, 6, key)

    for pieces in perform_all(engine, coming(), batch=4, abreast=2):
        ended += sum(piece.last for piece in pieces)
        assert len(taken) - ended <= 3
    assert ended == 8
    assert not list(perform_all(engine, iter(()), batch=4))
