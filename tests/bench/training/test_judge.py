"""The corpus's judge of lips on true frames of identities, sentences and voices that it never met."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.datasets.puppets.corpus import Puppets
from bench.training.judge import read_true_frames
from bench.training.stages import Plan
from metrics.landmarks.puppet68 import build_network, load
from metrics.weights import locate


@pytest.fixture(scope="module")
def takes() -> list:
    data = Puppets("test")
    said = [("test-004", "heldout-a-te05"), ("test-011", "heldout-b-te03"), ("test-019", "heldout-a-te12"),
            ("test-026", "heldout-b-te18")]  # fmt: skip
    return [data.take(*pair) for pair in said]


def test_shipped_judge_reads_lips_of_strangers(takes: list) -> None:
    found = read_true_frames(load()._network, takes)
    assert found["r_mean"] >= 0.99 and found["r_min"] >= 0.97
    assert 0.9 < found["slope"] < 1.1 and abs(found["bias_px"]) < 0.5 and found["mouth_error_px"] < 1.5


def test_the_card_states_what_was_measured_over_all_held_out_identities() -> None:
    card = json.loads(Path(locate("puppet68")).with_suffix(".json").read_text())
    told = card["true_frames_of_held_out_identities"]
    assert told["clips"] >= 24 and told["r_mean"] >= 0.99
    assert card["recipe"]["steps"] == Plan().length("judge")


def test_an_untrained_judge_would_not_pass(takes: list) -> None:
    """The measure is one that a bad judge fails."""
    import torch

    torch.manual_seed(0)
    found = read_true_frames(build_network(), takes[:2])
    assert not found["r_mean"] > 0.9 and found["mouth_error_px"] > 5
