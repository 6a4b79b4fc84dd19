"""The generator's engine against the plain loop, both in one run on this machine.

    python -m bench.perf.engine
    python -m bench.perf.engine --threads 2
    python -m bench.perf.engine --configuration landmark --precision bfloat16 --json

What counts with one thread is its CPU time: a machine that others share stretches the clock but not that (by much).
With more it is the clock, and the frames a second that both ways give on those cores. Both ways take turns, so that
whatever disturbs one disturbs the other, and medians are reported. The paper's configuration is measured at full size
with weights drawn from a seed: speed does not depend on what was learnt.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from avct.inference import Score
    from avct.model import Model


@dataclass(frozen=True)
class Comparison:
    """One configuration's times, in milliseconds for each frame unless said otherwise: of CPU time where threads is 1,
    else of the clock.

    plain, engine: medians over the rounds. ratio: median over the rounds of plain / engine. once: of the engine, for
    a portrait and not for a frame (left out of `engine`). prepare: of the engine, for a model. stages: name to time,
    of either way. difference: largest of any value in 0..1 of the frames that both ways painted; contrast: standard
    deviation of those values, without which a difference says nothing.
    """

    configuration: str
    precision: str
    frames: int
    batch: int
    rounds: int
    threads: int
    plain: float
    engine: float
    ratio: float
    once: float
    prepare: float
    stages: dict[str, dict[str, float]]
    difference: float
    contrast: float


def compare(
    model: Model,
    score: Score,
    *,
    batch: int = 8,
    rounds: int = 5,
    plain_frames: int = 1,
    precision: str = "float32",
    threads: int = 1,
) -> Comparison:
    """Both ways in turns over a score: `plain_frames` frames by the plain loop, all of them by the engine."""
    import torch

    from avct import plain
    from avct.engine import prepare
    from avct.inference import predictions

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        engine, preparing = _timed(lambda: prepare(model, precision=precision))
        # once each without counting: libraries choose and lay out their kernels at first sight
        painted = torch.cat(list(predictions(engine, score, batch=batch)))
        loop = plain.predictions(model, score)
        wanted = torch.stack([next(loop) for _ in range(plain_frames)])
        slow, fast, once = [], [], []
        for _ in range(rounds):
            loop = plain.predictions(model, score)
            _, took = _timed(lambda loop=loop: [next(loop) for _ in range(plain_frames)])
            slow.append(took / plain_frames)
            met = _meeting(engine, score)
            _, took = _timed(lambda: list(predictions(engine, score, batch=batch)))
            fast.append((took - met) / len(score.phonemes))
            once.append(met)
        stages = {"plain": _plain_stages(model, score), "engine": _engine_stages(engine, score, batch)}
    finally:
        torch.set_num_threads(before)
    return Comparison(
        configuration=model.kind,
        precision=precision,
        frames=len(score.phonemes),
        batch=batch,
        rounds=rounds,
        threads=threads,
        plain=statistics.median(slow),
        engine=statistics.median(fast),
        ratio=statistics.median(a / b for a, b in zip(slow, fast, strict=True)),
        once=statistics.median(once),
        prepare=preparing,
        stages=stages,
        difference=float((painted[:plain_frames] - wanted).abs().max()),
        contrast=float(wanted.std()),
    )


def drawn(model: Model, seed: int) -> Model:
    """The model in eval mode with weights and statistics from a seed, so that its frames are nowhere flat."""
    import torch

    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=source))
            elif tensor.is_floating_point() and not name.endswith(("pos_table", "down.weight", "down_pose.weight")):
                # every layer keeps its input's size; norms stay near 1, biases and means near 0
                spread = tensor[0].numel() ** -0.5 if tensor.dim() > 1 else 0.1
                centre = 1.0 if tensor.dim() == 1 and name.endswith("weight") else 0.0
                tensor.copy_(centre + spread * torch.randn(tensor.shape, generator=source))
        if model.kind == "faithful":  # keypoints inside the picture, Jacobians that can be inverted
            for head in (model.ph2kp.kp, model.ph2kp.jacobian, model.kp_detector.jacobian):
                head.weight.mul_(0.1)
            for head in (model.kp_detector.jacobian, model.ph2kp.jacobian):
                head.bias.copy_(torch.eye(2).flatten().repeat(len(head.bias) // 4))
    return model.eval()


def noise(model: Model, frames: int, seed: int) -> Score:
    """A score for the model that means nothing."""
    from avct.inference import FRONTAL, Score

    rng, size = np.random.default_rng(seed), model.config.image_size
    poses = FRONTAL + rng.normal(0, 0.05, (frames, 6))
    # patches: in a picture whose pixels are all strangers a warp would magnify every rounding
    image = rng.integers(0, 256, (size // 8, size // 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    sound = rng.normal(0, 2, (frames, 4, 41))
    return Score(image, rng.integers(0, 41, frames), sound, poses.astype(np.float32), FRONTAL)


def report(found: Comparison) -> str:
    """The comparison in lines for a terminal."""
    lines = [
        f"{found.configuration}, {found.precision}, batches of {found.batch}, medians of {found.rounds} rounds, "
        + ("CPU time of one thread" if found.threads == 1 else f"by the clock with {found.threads} threads"),
        f"plain loop {found.plain:8.1f} ms a frame{_rate(found, found.plain)}",
        f"engine     {found.engine:8.1f} ms a frame{_rate(found, found.engine)}, {found.once:.0f} ms once a "
        f"portrait, {found.prepare:.0f} ms once a model",
        f"ratio      {found.ratio:8.2f}",
        f"largest difference {found.difference:.1e} of values in 0..1 (standard deviation {found.contrast:.2f})",
    ]
    for way, stages in found.stages.items():
        lines.append(f"stages of the {'plain loop' if way == 'plain' else way}:")
        lines += [f"  {name:<34} {took:8.1f}" for name, took in stages.items()]
    return "\n".join(lines)


def _rate(found: Comparison, took: float) -> str:
    return "" if found.threads == 1 else f" ({1000 / took:.2f} frames/s)"


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and the milliseconds that it took: of this thread's CPU time where torch has no other
    thread, else of the clock."""
    import torch

    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    began = clock()
    given = work()
    return given, (clock() - began) * 1000


def _median(work: Callable[[], Any], share: int = 1) -> float:
    """Milliseconds of three runs after one that does not count, for each of `share` frames."""
    work()
    return statistics.median(_timed(work)[1] for _ in range(3)) / share


def _meeting(engine: Any, score: Score) -> float:
    import torch

    with torch.inference_mode():
        return _timed(lambda: engine.meet(score.image, pose=score.portrait_pose))[1]


def _plain_stages(model: Model, score: Score) -> dict[str, float]:
    """Times of the parts of one frame of the plain loop."""
    import torch

    from avct import plain
    from avct.geometry import Keypoints

    with torch.inference_mode():
        image = torch.from_numpy(score.image).permute(2, 0, 1)[None].float() / 255
        driving, source = next(plain.driving(model, score))
        encoded, generator = model.generator.encode(image), model.generator
        alone = _median(lambda: next(plain.driving(model, score)))
        detector = _median(lambda: model.kp_detector(image))
        motion = _median(
            lambda: generator.dense_motion_network.estimate(encoded.small, Keypoints(*source), Keypoints(*driving))
        )
        whole = _median(lambda: generator.render(encoded, source, driving))
        return {
            "keypoint detector": detector,
            "window of tokens, transformer": alone - detector,
            "generator: portrait": _median(lambda: generator.encode(image)),
            "generator: dense motion": motion,
            "generator: painting": whole - motion,
        }


def _engine_stages(engine: Any, score: Score, batch: int) -> dict[str, float]:
    """Times of the parts of the engine for each frame, in batches."""
    import torch

    from avct.geometry import Keypoints

    count = min(len(score.phonemes), 32)
    with torch.inference_mode():
        sitter = engine.meet(score.image, pose=score.portrait_pose)
        phonemes, rows, poses = score.phonemes[:count], engine.tune(score.audio)[:count], score.poses[:count]
        said = engine.say(phonemes, poses)
        windows = said[:, None].expand(-1, engine.window, -1)
        spoken = engine.decode(windows, windows)
        first = Keypoints(*(None if part is None else part[:1] for part in spoken))
        driving = engine.follow(sitter, spoken, first)
        driving = Keypoints(*(None if part is None else part[:batch] for part in driving))
        network, small, share = engine.generator.dense_motion_network, sitter.encoded.small, len(driving.value)
        motion = _median(lambda: network.estimate(small, sitter.source, driving), share)
        return {
            "tokens of phones and poses": _median(lambda: engine.say(phonemes, poses), count),
            "tokens of sound": _median(lambda: engine.hear(rows, sitter), count),
            "transformer": _median(lambda: engine.decode(windows, windows), count),
            "dense motion": motion,
            "painting": _median(lambda: engine.paint(sitter, driving), share) - motion,
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the comparison and prints it; exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.perf.engine", description=__doc__.split("\n")[0])
    parser.add_argument("--configuration", choices=("faithful", "landmark"), default="faithful")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--frames", type=int, default=16, help="frames that the engine makes in a round")
    parser.add_argument("--plain-frames", type=int, default=2, help="frames that the plain loop makes in a round")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of torch; with more than 1 the clock counts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="as JSON")
    asked = parser.parse_args(arguments)
    if (
        min(asked.frames, asked.plain_frames, asked.batch, asked.rounds, asked.threads) < 1
        or asked.plain_frames > asked.frames
    ):
        parser.error("expected 1 or more frames, batch, rounds and threads, and no more plain frames than frames")
    from avct import checkpoint
    from avct.model import FaithfulModel

    model = drawn(FaithfulModel(), asked.seed) if asked.configuration == "faithful" else checkpoint.load()
    found = compare(
        model,
        noise(model, asked.frames, asked.seed),
        batch=asked.batch,
        rounds=asked.rounds,
        plain_frames=asked.plain_frames,
        precision=asked.precision,
        threads=asked.threads,
    )
    print(json.dumps(asdict(found), indent=1) if asked.json else report(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
