"""The whole metric pass: its values are those of metrics one by one, its sums are right, a missing peer is a line."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.perf import drawn, passes, peers
from bench.perf.meter import REST, START, Meter, apart
from bench.perf.pairs import Pair, write_pairs
from bench.perf.pass_result import GFLOP, PassResult, Side, show
from bench.perf.passes import IDS
from bench.perf.peers import PEERS, Lacking, Peer, Told
from metrics.clip import Clip

FRAMES = 3


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("weights")
    drawn.write(home)
    return home


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    (pair,) = write_pairs(tmp_path_factory.mktemp("clips"), puppets=1, films=0, frames=FRAMES)
    return pair


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_the_pass_gives_what_metrics_give_one_by_one(home: Path, pair: Pair, tmp_path: Path) -> None:
    from bench.io.audio import read_sound
    from bench.io.decode import read_video
    from metrics.features import extractor
    from metrics.landmarks import backend
    from metrics.registry import evaluate

    pytest.importorskip("dlib", reason="dlib is not installed: no landmarks")
    frames, truth = read_video(pair.video), read_video(pair.truth)
    assert frames.shape == truth.shape == (FRAMES, 256, 256, 3) and not np.array_equal(frames, truth)
    with drawn.networks(home):
        outcomes, features = passes.walk([pair], tmp_path, Meter())
        found = outcomes[f"a/{pair.name}"]
        assert set(found) == {id for ids in IDS.values() for id in ids}
        clip = Clip(
            frames=frames,
            truth=truth,
            samples=read_sound(pair.video),
            landmarks={"dlib68": backend("dlib68").detect(frames)},
            truth_landmarks={"dlib68": backend("dlib68").detect(truth)},
            faces={"hog": np.empty((0, 6))},
        )
        for part in ("psnr", "ssim", "lpips", "lmd"):
            (id,) = IDS[part]
            assert found[id]["status"] == "ok" and found[id]["value"] == pytest.approx(evaluate(id, clip).value)
        for id in IDS["sync"]:  # so short a clip has none, in both
            assert found[id]["value"] is evaluate(id, clip).value is None
        network = extractor("inception_pytorchfid")
        for side, shown in (("video", frames), ("truth", truth)):
            assert np.concatenate(features[side]) == pytest.approx(network.extract(shown), rel=1e-4, abs=1e-4)


def test_networks_drawn_from_a_seed_are_gone_afterwards(home: Path) -> None:
    from metrics import lpips_distance, weights

    plain = weights.load_state
    with drawn.networks(home):
        first, again = (lpips_distance.load_state("alexnet") for _ in range(2))
        assert all((first[name] == again[name]).all() for name in first)
        assert weights.load_state is not plain
    assert weights.load_state is lpips_distance.load_state is plain


def test_parts_add_up_and_the_rest_is_named() -> None:
    meter = Meter()
    with meter.part("a"):
        burn(0.05)
    with meter.part("b"):
        burn(0.1)
    with meter.part("a"):
        burn(0.05)
    burn(0.1)
    seconds = meter.close()
    assert next(iter(seconds)) == START and set(seconds) == {START, "a", "b", REST}
    assert seconds["a"] == pytest.approx(0.1, abs=0.05) and seconds["b"] == pytest.approx(0.1, abs=0.05)
    assert seconds[REST] == pytest.approx(0.1, abs=0.05)


def test_a_process_of_its_own_counts_its_children(tmp_path: Path) -> None:
    before = dict(os.environ)
    seconds = apart(_with_a_child, tmp_path, threads=1)
    assert seconds["child"] > 0.2 and seconds[START] > 0 and dict(os.environ) == before
    with pytest.raises(Lacking, match="failed: no"):
        apart(_with_a_child, tmp_path, "raise SystemExit('no')", threads=1)


def _with_a_child(work: Path, code: str = "import time\nwhile time.process_time() < .25: pass") -> dict[str, float]:
    meter = Meter()
    with meter.part("child"):
        peers._command(["-c", code], work, work)
    return meter.close()


def side(name: str, covers: tuple[str, ...] = (), lacking: str | None = None, **seconds: float) -> Side:
    return Side(name, seconds, covers, "how", "", lacking)


def result(**changes: object) -> PassResult:
    told = {
        "clips": ("a", "b"),
        "frames": 250,
        "side": 256,
        "threads": 1,
        "rounds": 1,
        "quick": False,
        "wall": 50.0,
        "ours": side("avct-bench", tuple(IDS), start=4.0, decode=1.0, fid=35.0),
        "theirs": (side("p", ("psnr", "ssim"), start=10.0, psnr=20.0), side("q", ("fid",), fid=130.0)),
        "root": 40.0,
        "peak": 100.0,
        "machine": {"cores": "2"},
    }
    return PassResult(**{**told, **changes})


def test_figures_follow_from_the_parts() -> None:
    made = result()
    assert made.frames_per_second == 5.0 and made.ours.total == 40.0
    assert made.ratio == pytest.approx(4.0) and made.ratio_without_root == pytest.approx(3.0)
    assert made.bound == pytest.approx(2.5 * sum(GFLOP.values()))
    held = json.loads(json.dumps(made.as_dict()))
    assert held["ratio"] == 4.0 and held["cpu_theirs"] == 160.0 and held["theirs"][0]["seconds"]["psnr"] == 20.0
    text = show(made)
    assert "4.00 times ours" in text and "3.00 times ours" in text and "recorded on another machine" in text
    elsewhere = held["recorded_elsewhere"]
    assert "PEER_SPEED.md" in elsewhere["where"] and {f["part"] for f in elsewhere["figures"]} <= set(IDS)


def test_without_a_peer_there_is_no_ratio_and_its_reason_is_a_line() -> None:
    made = result(theirs=(side("p", ("psnr",), psnr=20.0), side("q", ("fid",), "it is not installed")))
    assert made.ratio is None is made.ratio_without_root and made.as_dict()["ratio"] is None
    lines = show(made).splitlines()
    assert any("q" in line and "did not run: it is not installed" in line for line in lines)
    assert not any("times ours" in line for line in lines)


def test_the_command_takes_turns_and_survives_a_peer_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    stand_ins: dict[Callable, Callable] = {
        passes._alone: lambda *_: (Told({START: 1.0, "fid": 2.0, REST: 0.1}), 4.0, 80.0),
        **{peer.work: lambda *_, n=peer.name: Told({START: 1.0, n: 2.0, REST: 0.0}) for peer in PEERS[1:]},
    }

    def here(work: Callable, *given: object, threads: int) -> object:
        order.append(work.__name__)
        if work is PEERS[0].work:
            raise Lacking("it breaks")
        return stand_ins[work](*given)

    monkeypatch.setattr(passes, "apart", here)
    monkeypatch.setattr(passes, "write_pairs", lambda *_, **__: [Pair("a", Path("a"), Path("b"), 125)])
    monkeypatch.setattr(drawn, "write", lambda *_, **__: None)
    monkeypatch.setattr(peers, "missing", lambda peer: "not here" if peer.name == "dlib" else None)
    made = passes.measure(quick=True, rounds=2)
    lacking = {one.name: one.lacking for one in made.theirs}
    assert lacking.pop("scikit-image") == "it breaks" and lacking.pop("dlib") == "not here"
    assert set(lacking.values()) == {None} and made.ratio is None and made.quick and made.root is None
    assert order.count("_alone") == 2 and order[0] == "_alone" and order.count("_pixels") == 1 and "_lmd" not in order
    assert next(iter(made.ours.seconds)) == START and list(made.ours.seconds)[-1] == REST


def test_every_part_of_the_set_has_a_peer_and_a_package_that_lacks_is_told() -> None:
    assert [part for peer in PEERS for part in peer.parts] == list(IDS)
    nobody = Peer("x", ("psnr",), "", ("numpy", "no_such_package"), lambda *_: Told({}))
    assert peers.missing(nobody) == "no_such_package not installed"


def test_a_truth_is_stored_and_seen_once_for_all_methods(home: Path, tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "clips", puppets=1, films=0, methods=2, frames=6)
    assert [pair.method for pair in pairs] == ["a", "b"] and pairs[0].truth == pairs[1].truth
    assert pairs[0].video.read_bytes() != pairs[1].video.read_bytes()
    looked: list[int] = []
    with drawn.networks(home), pytest.MonkeyPatch.context() as patched:
        from metrics.features import extractor

        network = extractor("inception_pytorchfid")
        plain = type(network).extract

        def look(self: object, shown: np.ndarray, *rest: object) -> np.ndarray:
            looked.append(len(shown))
            return plain(self, shown, *rest)

        patched.setattr(type(network), "extract", look)
        patched.setattr(passes, "IDS", {"fid": IDS["fid"]})
        _, features = passes.walk(pairs, tmp_path, Meter())
    assert sum(looked) == 3 * 6  # two videos and one truth
    assert np.array_equal(features["truth"][0], features["truth"][1])
