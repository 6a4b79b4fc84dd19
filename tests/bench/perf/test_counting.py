"""Work of a frame: figures by hand on single layers, and the published table on the paper's networks at full size."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from avct import checkpoint
from avct.engine import prepare
from avct.model import FaithfulModel
from bench.perf.counting import Work, count_engine, count_plain, tally
from bench.perf.engine import noise


def test_a_convolution_reads_its_picture_and_weights_once() -> None:
    x, weight = torch.rand(2, 3, 8, 8), torch.rand(5, 3, 3, 3)
    work, out = tally(lambda: F.conv2d(x, weight, padding=1))
    assert out.shape == (2, 5, 8, 8) and work.counted == 2 * out.numel() * 27 and not work.added
    assert work.bytes == 4 * (x.numel() + weight.numel() + out.numel())
    with torch.inference_mode():
        assert tally(lambda: F.conv2d(x, weight, padding=1))[0] == work
    half, _ = tally(lambda: F.conv2d(x.bfloat16(), weight.bfloat16(), padding=1))
    assert half.counted == work.counted and half.bytes == work.bytes / 2


def test_what_the_counter_passes_over_is_added_by_name() -> None:
    picture, places = torch.rand(1, 4, 8, 8), torch.zeros(3, 8, 8, 2)
    work, out = tally(lambda: F.grid_sample(picture.expand(3, -1, -1, -1), places, align_corners=False))
    assert work.counted == 0 and work.added == {"warp": 7 * out.numel() + 20 * 3 * 64}
    assert work.bytes == 4 * (picture.numel() + places.numel() + out.numel()), "a repeated picture is read once"
    cubic, _ = tally(lambda: F.grid_sample(picture, places[:1], mode="bicubic", align_corners=False))
    assert cubic.added["warp"] == 31 * 256 + 20 * 64
    work, _ = tally(lambda: F.interpolate(picture, scale_factor=2.0, mode="bilinear", align_corners=False))
    assert work.added == {"resize": 7 * 4 * 256}
    assert tally(lambda: F.avg_pool2d(picture, 2))[0].added == {"pool": 256}
    work, _ = tally(lambda: (picture + 1).relu().softmax(1).view(-1)[::2].contiguous())
    assert work.added == {"normalise": 5 * 256, "pointwise": 512}
    assert work.bytes == 4 * 512, "elementwise operations and copies ride along"


def test_products_into_given_memory_count_once() -> None:
    a, b, out = torch.rand(4, 5), torch.rand(5, 6), torch.empty(4, 6)
    work, _ = tally(lambda: torch.mm(a, b, out=out))
    assert work.counted == 2 * 4 * 5 * 6 and work.bytes == 4 * (20 + 30 + 24)


def test_works_add_and_are_shared() -> None:
    both = Work(2.0, {"warp": 4.0}, 6.0) + Work(4.0, {"warp": 1.0, "pool": 3.0}, 2.0)
    assert both == Work(6.0, {"pool": 3.0, "warp": 5.0}, 8.0) and both.flops == 14.0
    assert both.shared(2) == Work(3.0, {"pool": 1.5, "warp": 2.5}, 4.0)


def test_the_plain_loop_at_full_size_costs_what_the_table_says() -> None:
    """GFLOP of THROUGHPUT.md, section 2, counted on the public networks: within 3 % of each."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(allow_non_fake_inputs=True):  # tensors without numbers: nothing is computed
        full = FaithfulModel().eval()
        score = noise(full, 2, 0)
        found = count_plain(full, score)
        giga = {name: work.counted / 1e9 for name, work in found.items()}
        assert sum(giga.values()) == pytest.approx(120.5, rel=0.01)
        image = torch.zeros(1, 3, 256, 256)
        detector, encoder = (
            tally(lambda part=part: part(image))[0].counted / 1e9 for part in (full.kp_detector, full.generator.encode)
        )
        assert detector == pytest.approx(2.62, rel=0.03) and encoder == pytest.approx(20.56, rel=0.001)
        assert giga["motion"] == pytest.approx(10.56, rel=0.03)
        assert giga["render"] + encoder == pytest.approx(107.35, rel=0.001)
        assert giga["portrait"] == pytest.approx(detector + encoder)
        # a frame's tokens made once, not in eleven windows
        rows = torch.zeros(1, 4, 41)
        side, width = full.config.audio2kp.pose_size, full.config.audio2kp.transformer.width
        net, seen = full.ph2kp, full.kp_detector(image).feature_map
        tokens, _ = tally(
            lambda: (
                net.encoder_tokens(torch.zeros(1, dtype=torch.long), torch.zeros(1, side, side)),
                net.decoder_tokens(rows, seen),
            )
        )
        window = torch.zeros(1, net.config.window, width)
        joined, _ = tally(lambda: net.decode(window, window))
        lean = (tokens.counted + joined.counted) / 1e9
        assert 10.56 / lean == pytest.approx(5.7, rel=0.03)
        assert lean + giga["render"] == pytest.approx(88.6, rel=0.001)
        assert found["copy"].bytes == 2 * 256 * 256 * 3 and found["encode"].bytes == 256 * 256 * 3


def test_an_engine_does_less_than_the_plain_loop() -> None:
    model = checkpoint.load()
    score, engine = noise(model, 4, 0), prepare(model)
    lean, plain = count_engine(engine, score, batch=2), count_plain(model, score)
    assert set(lean) == set(plain) == {"portrait", "motion", "render", "copy", "encode"}
    for name in ("portrait", "motion", "render"):
        assert 0 < lean[name].flops < plain[name].flops and 0 < lean[name].bytes < plain[name].bytes
    assert lean["render"].added["levels"] == 3 * 256 * 256 * 3
    alone = count_engine(engine, score, batch=1)
    assert alone["render"].flops == pytest.approx(lean["render"].flops, rel=0.02)
    assert alone["render"].bytes > lean["render"].bytes, "weights are read once a batch"
