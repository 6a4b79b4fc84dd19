"""The gate: what is broken is refused for the right reason, and what is true passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.perf import gate, readers
from bench.perf.sample import Keeper
from bench.perf.subject import Lacking, Request
from bench.store.speeds import FidelityRow, SpeedRow

FRAMES = 26
SEED = 4
Change = Callable[[np.ndarray], np.ndarray]


@dataclass
class Shown:
    """A subject whose plain loop has made its frames already, {request number: uint8 (T, S, S, 3)}."""

    made: Mapping[int, np.ndarray]
    faces: str = "none"
    truth: np.ndarray | None = None
    asked: list[tuple[int, list[int]]] = field(default_factory=list)

    @property
    def requests(self) -> list[Request]:
        nowhere = Path("nowhere")
        return [
            Request(number, f"clip-{number}", nowhere, nowhere, None, len(frames), self.truth)
            for number, frames in self.made.items()
        ]

    def plain(self, request: Request, frames: Sequence[int]) -> np.ndarray:
        self.asked.append((request.number, list(frames)))
        return self.made[request.number][list(frames)]

    def describe(self) -> dict[str, Any]:
        return {"faces": self.faces}


def emit(subject: Shown, change: Change = lambda frames: frames, **sizes: int) -> FidelityRow:
    """The row of a run in which every request was made, its frames changed."""
    keeper = Keeper(subject.requests, seed=SEED, **sizes)
    for number, frames in subject.made.items():
        for frame, picture in enumerate(change(frames)):
            keeper(number, frame, picture)
    return gate.judge(keeper.frames, subject, speed="m/s/offline", seed=SEED, reached=keeper.reached, **sizes)


def drawn(frames: int, *, side: int = 96, seed: int = 0) -> np.ndarray:
    """Frames uint8 of a smooth random picture that wanders and breathes."""
    import cv2

    rng = np.random.default_rng(seed)
    wide = cv2.GaussianBlur(rng.uniform(0, 255, (2 * side, 2 * side, 3)).astype(np.float32), (0, 0), 3)
    wide = 128 + (wide - wide.mean()) * 40 / wide.std()
    at = 0.35 * np.arange(frames)
    moved = []
    for x, y in zip(6 * np.sin(at), 5 * np.cos(1.3 * at), strict=True):
        there = np.array([[1, 0, x - side / 2], [0, 1, y - side / 2]])
        moved.append(cv2.warpAffine(wide, there, (side, side), flags=cv2.INTER_CUBIC))
    return np.clip(np.rint(moved), 10, 245).astype(np.uint8)


def shifted(frames: np.ndarray, pixels: float) -> np.ndarray:
    import cv2

    there, size = np.array([[1, 0, pixels], [0, 1, 0.0]]), frames.shape[2:0:-1]
    return np.stack([cv2.warpAffine(f, there, size, flags=cv2.INTER_CUBIC, borderMode=1) for f in frames])


def corrupted(frames: np.ndarray, at: int) -> np.ndarray:
    out = frames.copy()
    out[at, : out.shape[1] // 2] = 0
    return out


@pytest.fixture(scope="module")
def wanderer() -> Shown:
    return Shown({0: drawn(64)})


@pytest.fixture(scope="module")
def talker() -> tuple[Shown, Mapping[str, np.ndarray]]:
    """The shipped network saying a sentence: what its plain loop makes, and what faster ways make, broken or not."""
    import torch

    from avct import audio, checkpoint, inference, plain
    from avct.engine import prepare
    from avct.geometry import Keypoints
    from avct.phonemes import from_seconds, ids_at_25fps
    from bench.datasets.puppets import speech
    from bench.datasets.puppets.corpus import rest_portrait

    model, portrait = checkpoint.load(), rest_portrait("test-000")
    said = speech.speech("trainer-tr001")
    ids = ids_at_25fps(from_seconds([(phone.symbol, phone.start, phone.end) for phone in said.phones or ()]))
    pose = np.asarray(portrait.pose, np.float32)
    score = inference.Score(
        image=portrait.image,
        phonemes=np.array(ids[:FRAMES]),
        audio=audio.frame_rows(audio.features(said.samples[:24_000], f0="dio"), FRAMES),
        poses=np.repeat(pose[None], FRAMES, 0),
        portrait_pose=pose,
        landmarks=portrait.landmarks,
    )
    engine = prepare(model)
    made = np.concatenate([engine.levels(painted[None]) for painted in plain.predictions(model, score)])
    ways = {
        name: np.concatenate(list(inference.perform(prepare(model, precision=name), score)))
        for name in ("float32", "bfloat16")
    }
    with torch.inference_mode():
        _, driving = inference.speech_keypoints(engine, score)
        sitter = engine.meet(score.image, pose=pose, landmarks=portrait.landmarks)

        def paint(value: torch.Tensor) -> np.ndarray:
            return np.concatenate([engine.levels(engine.paint(sitter, Keypoints(some))) for some in value.split(8)])

        frozen = driving.value.clone()
        frozen[:, :6] = frozen[:1, :6]  # lips as in the first frame; jaw and head go on
        ways["frozen"] = paint(frozen)
        motion = engine.generator.dense_motion_network
        exact = motion.candidates
        motion.candidates = lambda *given: exact(*(_halved(one) for one in given)).float()
        ways["half"] = paint(driving.value)
    return Shown({0: made}, "painted"), ways


def _halved(given: Any) -> Any:
    return given.bfloat16() if hasattr(given, "bfloat16") else given._replace(value=given.value.bfloat16())


def refused(row: FidelityRow, *words: str) -> None:
    """The row did not pass, for these reasons and no others."""
    assert not row.passed and len(row.reasons) == len(words), row.reasons
    for reason, word in zip(row.reasons, words, strict=True):
        assert word in reason, row.reasons


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_true_engine_passes(talker, precision: str) -> None:
    subject, ways = talker
    row = emit(subject, lambda _: ways[precision])
    assert row.passed and not row.reasons and row.frames == FRAMES
    assert row.reader == "puppet68 and patches" and row.drift < 0.02 and abs(row.r_change) < 1e-3
    assert row.exact or row.psnr_worst > 60
    assert any(line.startswith("LSE-C") for line in row.unmeasured) == (row.lse_c_change is None)
    assert any(line.startswith("LPIPS") for line in row.unmeasured) == (row.lpips is None)


def test_keypoints_of_the_frame_before_are_refused(talker) -> None:
    subject, ways = talker
    row = emit(subject, lambda _: ways["float32"][[0, *range(FRAMES - 1)]])
    refused(row, "px by patches", "px by puppet68", "correlation of the lip opening")
    assert row.psnr_mean > gate_mean(), "pictures alone would let it pass"


def test_a_frozen_mouth_is_refused(talker) -> None:
    subject, ways = talker
    row = emit(subject, lambda _: ways["frozen"])
    assert any("px by puppet68" in reason for reason in row.reasons) and not row.passed
    assert any("lip" in reason for reason in row.reasons)


def test_a_flow_in_half_precision_is_refused(talker) -> None:
    """Painters may be in half precision, places may not: a pixel of 256 is lost in 8 bits."""
    subject, ways = talker
    row = emit(subject, lambda _: ways["half"])
    assert not row.passed and "keypoint drift" in row.reasons[0] and row.psnr_mean > gate_mean()


def test_half_a_pixel_is_refused(talker) -> None:
    subject, ways = talker
    row = emit(subject, lambda _: shifted(ways["float32"], 0.5))
    assert not row.passed and any("keypoint drift" in reason for reason in row.reasons)


def test_colours_off_by_three_levels_are_refused(talker) -> None:
    subject, ways = talker
    refused(emit(subject, lambda _: (ways["float32"].clip(0, 252) + 3).astype(np.uint8)), "dB on average")


def test_a_mouth_is_held_against_the_truth_where_it_is_known(talker) -> None:
    subject, ways = talker
    points = readers.landmarks("puppet68", subject.made[0])
    from metrics.lip_opening import curves

    own = curves(points, points).ours
    told = replace(subject, truth=own)
    assert emit(told, lambda _: ways["bfloat16"]).passed
    refused(emit(told, lambda _: ways["float32"][[0, *range(FRAMES - 1)]]), "patches", "puppet68", "plain", "truth")
    still = emit(replace(subject, truth=np.full(FRAMES, 3.0)), lambda _: ways["float32"])
    assert still.passed and any("the truth, which stands still" in line for line in still.unmeasured)


def gate_mean() -> float:
    from bench.perf.bars import MEAN

    return MEAN


def test_identical_frames_are_exact_and_have_no_decibels(wanderer: Shown) -> None:
    row = emit(wanderer)
    assert row.passed and row.exact and row.psnr_mean is None and row.psnr_worst is None and row.drift == 0
    assert row.reader == "patches" and row.r_change == pytest.approx(0, abs=1e-12)
    assert any(line.startswith("lip opening") for line in row.unmeasured)


def test_one_corrupt_frame_among_64_is_refused_and_named(wanderer: Shown) -> None:
    row = emit(wanderer, lambda frames: corrupted(frames, 40))
    assert not row.passed and any("worst frame (request 0, frame 40)" in reason for reason in row.reasons)
    assert row.psnr_mean == row.psnr_worst, "exact frames do not pay for it"


def test_a_tail_that_repeats_frames_is_refused() -> None:
    """Long clips of which little is looked at: their last frames are."""
    subject = Shown({number: drawn(90, seed=number) for number in range(3)})

    def padded(frames: np.ndarray) -> np.ndarray:
        return np.concatenate([frames[:-2], frames[-4:-2]])

    row = emit(subject, padded, run=30, count=8)
    assert not row.passed and any("frame 89)" in reason for reason in row.reasons), row.reasons


def test_frames_that_do_not_move_pass_nothing() -> None:
    still = np.repeat(drawn(1), 30, 0)
    refused(emit(Shown({0: still})), "stand still")


def test_movement_that_stops_is_refused(wanderer: Shown) -> None:
    row = emit(wanderer, lambda frames: frames[[*range(63), 62]])
    assert not row.passed and any("keypoint drift" in reason for reason in row.reasons)
    least = readers.movement(wanderer.made[0], np.repeat(wanderer.made[0][:1], 64, 0))
    assert least == 0.0


def test_flat_frames_cannot_be_placed() -> None:
    levels = (100 + 30 * np.sin(np.arange(30))).astype(np.uint8)
    flat = np.broadcast_to(levels[:, None, None, None], (30, 64, 64, 3)).copy()
    refused(emit(Shown({0: flat})), "patches find no detail in 30 frames")


def test_lacking_frames_shapes_and_numbers_are_refused(wanderer: Shown) -> None:
    given = {(0, t): frame for t, frame in enumerate(wanderer.made[0])}

    def told(changed: Mapping[Any, np.ndarray]) -> FidelityRow:
        return gate.judge(changed, wanderer, speed="m", seed=SEED)

    refused(told({place: frame for place, frame in given.items() if place[1] != 7}), "1 of the chosen frames")
    refused(told(given | {(0, 3): given[0, 3][:50]}), "expected the plain loop's shape (96, 96, 3), got (50, 96, 3)")
    broken = given[0, 3].astype(np.float32)
    broken[0, 0] = np.nan
    refused(told(given | {(0, 3): broken}), "expected uint8, got float32 with values that are not numbers")
    refused(told({}), "no frames on end")
    few = told({place: frame for place, frame in given.items() if place[1] < 9})
    assert not few.passed and any("9 frames to compare, expected at least 25" in reason for reason in few.reasons)
    assert any("movement could not be measured" in reason for reason in few.reasons)


def test_a_run_that_was_cut_off_is_judged_by_what_it_emitted(wanderer: Shown) -> None:
    keeper = Keeper(wanderer.requests, seed=SEED)
    for frame in range(30):
        keeper(0, frame, wanderer.made[0][frame])
    assert gate.judge(keeper.frames, wanderer, speed="m", seed=SEED, reached=keeper.reached).passed
    assert not gate.judge(keeper.frames, wanderer, speed="m", seed=SEED).passed, "said to have been made to its end"


def test_a_face_in_one_version_only_is_refused(talker, monkeypatch: pytest.MonkeyPatch) -> None:
    subject, _ = talker
    found = readers.landmarks("puppet68", subject.made[0])
    blind = found.copy()
    blind[5] = np.nan
    answers = [blind, found]
    monkeypatch.setattr(readers, "landmarks", lambda name, frames: answers[0] if len(answers) == 1 else answers.pop(0))
    refused(
        emit(subject), "puppet68 finds a face in one version only of 1 frames, the first of them request 0, frame 5"
    )
    answers[:] = [blind]
    row = emit(subject)
    assert row.passed and any("in 1 frames without a face" in line for line in row.unmeasured)
    answers[:] = [np.full_like(found, np.nan)]
    row = emit(subject)
    assert any("a face in 0 frames on end" in line for line in row.unmeasured)


def test_a_reader_that_is_not_here_is_replaced_and_named(wanderer: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "landmarks", lambda name, frames: "it needs dlib")
    given = {(0, t): frame for t, frame in enumerate(wanderer.made[0])}
    row = gate.judge(given, wanderer, speed="m", seed=SEED, reader="dlib68")
    assert row.passed and row.reader == "patches" and any("it needs dlib" in line for line in row.unmeasured)


def test_without_a_plain_loop_nothing_is_verified(wanderer: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(request: Request, frames: Sequence[int]) -> np.ndarray:
        raise Lacking("it is run by command")

    monkeypatch.setattr(wanderer, "plain", lacking, raising=False)
    refused(emit(wanderer), "no plain loop to hold frames against: it is run by command")


def test_a_verdict_sets_status_reason_and_gate(wanderer: Shown) -> None:
    speed = SpeedRow("m/s/offline", "throughput@2", "m", "offline", {}, "full", "unverified", reason="not judged yet")
    good = emit(wanderer)
    bad = emit(wanderer, lambda frames: corrupted(frames, 40))
    told = gate.verdict(speed, good)
    assert (told.status, told.reason, told.gate) == ("ok", "", "m/s/offline/fidelity")
    told = gate.verdict(speed, bad)
    assert told.status == "unverified" and "worst frame" in told.reason and told.gate == bad.id
    assert gate.verdict(speed, None).status == "unverified"
    assert gate.verdict(speed, None, reason="nothing was emitted").reason == "nothing was emitted"
    assert gate.verdict(speed, replace(good, speed="other")).status == "unverified"
    failed = replace(speed, status="failed", reason="no memory")
    assert gate.verdict(failed, good) is failed
