"""S3FD around a stand-in for its network: scale, colours, edges, overlap; frames of any size; weights as data only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from seeded_weights import seeded_state, shapes_of

from metrics.clip import Clip
from metrics.errors import MissingWeights
from metrics.faces import s3fd
from metrics.faces.s3fd import S3fd


class Given(torch.nn.Module):
    """In the network's place: what it is to find, and what it was shown."""

    def __init__(self, *found: tuple[float, ...]) -> None:
        super().__init__()
        self.found, self.shown = found, torch.empty(0)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        self.shown = picture
        out = torch.zeros(1, 2, 10, 5)
        for k, one in enumerate(self.found):
            out[0, 1, k] = torch.tensor(one)
        return out


def test_boxes_are_in_pixels_of_the_frame() -> None:
    network = Given((0.99, 0.25, 0.1, 0.5, 0.4), (0.95, 0.6, 0.6, 0.9, 0.9), (0.9, 0.0, 0.0, 0.1, 0.1))
    frames = np.zeros((2, 200, 160, 3), np.uint8)
    frames[..., 0] = 255
    found = S3fd(network).find(frames)
    assert found.shape == (4, 6) and found[:, 0].tolist() == [0, 0, 1, 1]
    assert found[0, 1:] == pytest.approx([40, 20, 80, 80, 0.99], abs=1e-4)
    assert network.shown.shape == (1, 3, 50, 40)
    assert network.shown[0, :, 0, 0].tolist() == [255 - 123, -117, -104]
    Clip(frames, faces={"s3fd": found})  # accepts it


def test_of_two_that_overlap_the_surer_stays() -> None:
    network = Given((0.99, 0.1, 0.1, 0.5, 0.5), (0.98, 0.15, 0.1, 0.55, 0.5), (0.97, 0.48, 0.48, 0.9, 0.9))
    found = S3fd(network).faces(np.zeros((200, 200, 3), np.uint8))
    assert [round(score, 2) for _, score in found] == [0.99, 0.97]


def test_frames_of_any_size_are_looked_at_or_have_no_face() -> None:
    network = s3fd.build_network()
    network.load_state_dict(seeded_state(shapes_of(network), 5))
    for size in ((1, 1), (108, 400), (111, 111), (112, 112), (113, 127), (130, 129)):
        found = S3fd(network).find(np.zeros((1, *size, 3), np.uint8))
        assert found.shape[1] == 6 and (min(size) >= 111 or len(found) == 0)


def test_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path))
    with pytest.raises(MissingWeights, match="sfd_face"):
        s3fd.load.__wrapped__()
    network = s3fd.build_network()
    torch.save(seeded_state(shapes_of(network), 4), tmp_path / "sfd_face.pth")
    monkeypatch.setattr("metrics.weights.locate_intact", lambda name: tmp_path / "sfd_face.pth")
    assert s3fd.load.__wrapped__().name == "s3fd"
