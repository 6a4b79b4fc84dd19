"""Recipes: every one that is shipped is sound, mistakes are one line, and stages rest on one another."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_avct_landmark import tiny
from toy_shards import write_shards

from avct.checkpoint import load, save
from avct.config import to_dict
from avct.errors import AvctError
from avct.model import LandmarkModel
from avct.shards import ShardClip, Shards, ShardWriter
from avct.training.finetune import FinetuneRecipe
from avct.training.recipe import Recipe, names, read
from avct.training.speech import SpeechRecipe
from avct.training.stages import Training
from avct.training.sync import SyncRecipe

SPEECH = SpeechRecipe(steps=4, sequences=2, sequence=6)
FINETUNE = FinetuneRecipe(steps=2, sequences=1, length=5, sync=0.0, precision="float32")


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return write_shards(tmp_path_factory.mktemp("shards"))


def toy(stages: dict, **fields: object) -> Recipe:
    return Recipe("toy", "toy", "landmark", to_dict(tiny()), stages, **fields)  # type: ignore[arg-type]


def test_every_shipped_recipe_is_sound() -> None:
    assert {"puppet256", "lite256", "faithful256", "paper", "ablation-base", "ablation-single"} <= set(names())
    for name in names():
        recipe = read(name)
        assert recipe.title and recipe.stages and recipe.as_dict()["stages"]
    assert read("paper").stages["renderer"].batch * read("paper").stages["renderer"].accumulate == 36
    base = read("ablation-base")
    for name in ("single", "no-phonemes", "no-audio", "absolute", "window1", "window5", "window21"):
        other = read(f"ablation-{name}")
        changed = (replace(other.stages["speech"], speakers=()) != base.stages["speech"]) + (other.sizes != base.sizes)
        changed += other.stages["speech"].speakers != ()
        assert changed == 1 and other.parts == base.parts, name


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("configuration = 'landmark'\nparts = 'shipped'\nstores = ['nose']\n[stages.speech]\n", "stores takes a list"),
        ("configuration = 'landmark'\nstores = ['speech']\n[stages.speech]\n", 'expected parts = "shipped"'),
        ("configuration = 'landmark'\n[stages.speach]\n", "have no stage 'speach'"),
        ("configuration = 'landmark'\n[stages.speech]\nstep = 3\n", "did you mean 'steps'"),
        ("configuration = 'landmark'\n[stages.speech]\nsteps = 'many'\n", "stages.speech.steps: expected int"),
        ("configuration = 'landmark'\n[stages.speech]\nspeakers = [1]\n", "expected a list of strings"),
        ("configuration = 'small'\n", "configuration must be one of"),
        ("configuration = 'landmark'\nseeds = 1\n", "did you mean 'seed'"),
        ("configuration = 'landmark'\n", "expected tables"),
        (
            "configuration = 'faithful'\n[sizes.detector]\nkeypoints = 0\n[stages.renderer]\n",
            "keypoints must be above 0",
        ),
        ("configuration = 'landmark'\n[cast]\nidentities = 'all'\n[stages.speech]\n", "cast takes whole numbers"),
        ("configuration = 'landmark'\nexpert = 'big'\n[stages.speech]\n", "expert must be"),
        ("configuration", "cannot be read as TOML"),
    ],
)
def test_mistakes_in_a_recipe_are_one_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(AvctError, match=line) as error:
        read(str(path))
    assert "\n" not in str(error.value) and "mine.toml" in str(error.value)
    with pytest.raises(AvctError, match="did you mean 'puppet256'"):
        read("pupet256")


def test_stages_are_taken_up_where_they_stopped_and_end_in_a_checkpoint(shards: Shards, tmp_path: Path) -> None:
    recipe = toy({"speech": SPEECH, "finetune": FINETUNE})
    asked = []

    def supply(kind: str) -> Shards:
        asked.append(kind)
        return shards

    rows = []
    first = Training(recipe, supply, tmp_path)
    with pytest.raises(AvctError, match="finetune goes on from a finished speech"):
        first.run(("finetune",), note=lambda *row: rows.append(row))
    first.run(("speech",), note=lambda *row: rows.append(row))
    assert first.checkpoint(tmp_path / "toy.safetensors", {}) is None  # finetune is lacking
    again = Training(recipe, supply, tmp_path)
    again.run(("speech", "finetune"), note=lambda *row: rows.append(row))
    assert asked == ["spoken", "talking"] and [stage for stage, _ in rows] == ["speech", "finetune"]
    path = again.checkpoint(tmp_path / "toy.safetensors", {"data": "toy"})
    assert path is not None
    held = load(path).state_dict()
    assert all(torch.equal(v, held[k]) for k, v in again.model.state_dict().items())
    with pytest.raises(AvctError, match="no stage 'polish'"):
        again.run(("polish",), note=lambda *_: None)


def test_fine_tuning_with_sync_wants_a_finished_expert(shards: Shards, tmp_path: Path) -> None:
    stages = {"speech": SPEECH, "sync": SyncRecipe(), "finetune": replace(FINETUNE, sync=0.3)}
    with pytest.raises(AvctError, match="goes on from a finished sync"):
        Training(toy(stages), lambda _: shards, tmp_path).require_ready(("speech", "finetune"))


@pytest.mark.parametrize("own", [True, False])
def test_fine_tuning_keeps_a_share_of_the_weights_before_it(own: bool, shards: Shards, tmp_path: Path) -> None:
    """Whether the weights before are the recipe's own or another checkpoint's, and again when it is taken up later."""
    torch.manual_seed(3)
    save(tmp_path / "whole.safetensors", LandmarkModel(tiny()), {})
    ends = {}
    for kept in (0.0, 0.25):
        stages = {"speech": SPEECH} if own else {}
        recipe = toy({**stages, "finetune": replace(FINETUNE, kept=kept)}, parts=str(tmp_path / "whole.safetensors"))
        training = Training(recipe, lambda _: shards, tmp_path / f"state{kept}")
        before = {k: v.clone() for k, v in training.model.speech.state_dict().items()}
        if own:
            training.run(("speech",), note=lambda *_: None)
            before = {k: v.clone() for k, v in training.model.speech.state_dict().items()}
        training.run(("finetune",), note=lambda *_: None)
        ends[kept] = {k: v.clone() for k, v in training.model.speech.state_dict().items()}
        again = Training(recipe, lambda _: shards, tmp_path / f"state{kept}")
        assert again.take("finetune")
        assert all(torch.equal(v, ends[kept][k]) for k, v in again.model.speech.state_dict().items())
    weights = [k for k, v in before.items() if v.is_floating_point()]
    assert any(not torch.equal(ends[0.0][k], before[k]) for k in weights)
    for k in weights:
        torch.testing.assert_close(ends[0.25][k], 0.75 * ends[0.0][k] + 0.25 * before[k], rtol=0, atol=1e-6)


def test_an_ablation_takes_what_it_does_not_train_from_a_checkpoint(shards: Shards, tmp_path: Path) -> None:
    torch.manual_seed(3)
    other = LandmarkModel(tiny())
    save(tmp_path / "whole.safetensors", other, {})
    recipe = toy({"speech": SPEECH}, parts=str(tmp_path / "whole.safetensors"), seed=1)
    training = Training(recipe, lambda _: shards, tmp_path / "state")
    began = {k: v.clone() for k, v in training.model.speech.state_dict().items()}
    assert not all(torch.equal(v, began[k]) for k, v in other.speech.state_dict().items())  # nothing learnt before
    training.run(("speech",), note=lambda *_: None)
    own, theirs = training.model.state_dict(), other.state_dict()
    kept = {k.split(".")[0] for k in own if torch.equal(own[k], theirs[k])}
    changed = {k.split(".")[0] for k in own if not torch.equal(own[k], theirs[k])}
    assert {"generator", "kp_detector"} <= kept and changed == {"speech"}


@pytest.mark.slow
def test_the_papers_scale_takes_steps(tmp_path: Path) -> None:
    """Full widths and 256x256 pixels: one step of every stage on a clip of noise, one pair instead of 36."""
    paper = read("paper")
    short = {
        "renderer": replace(paper.stages["renderer"], steps=1, batch=1, accumulate=1, perceptual="edges"),
        "speech": replace(paper.stages["speech"], steps=1, sequences=1, length=2, accumulate=1),
        "sync": replace(paper.stages["sync"], steps=1, sequences=2, frames=10, accumulate=1),
        "finetune": replace(paper.stages["finetune"], steps=1, sequences=1, length=2, accumulate=1, sync=0.0),
        "pose": replace(paper.stages["pose"], steps=1, sequences=2, length=12, starts=1, accumulate=1),
    }
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (14, 256, 256, 3), np.uint8)
    marks = np.tile(rng.uniform(60, 200, (1, 68, 2)), (14, 1, 1)).astype(np.float32)
    pose = np.tile(np.array([0, 0, 0, 0, 0, 300], np.float32), (14, 1))
    audio = rng.normal(0, 1, (14, 4, 41)).astype(np.float32)
    writer = ShardWriter(tmp_path / "data", about={})
    writer.add(ShardClip("c", "w", 256, frames, marks, pose, np.zeros(14, np.int64), audio))
    writer.close()
    training = Training(replace(paper, stages=short), lambda _: Shards(tmp_path / "data"), tmp_path / "state")
    losses = []
    training.run(tuple(short), note=lambda stage, row: losses.append((stage, row["total"])))
    assert [stage for stage, _ in losses] == list(short) and all(np.isfinite(v) for _, v in losses)
    assert sum(p.numel() for p in training.model.ph2kp.parameters()) == 49_323_113


def test_curves_are_written_where_tensorboard_is_and_asked_for_where_not(tmp_path: Path) -> None:
    import importlib.util

    from avct.errors import MissingWeights
    from avct.training.board import tensorboard

    if importlib.util.find_spec("tensorboard") is None:
        with pytest.raises(MissingWeights, match="extra `tensorboard`"):
            tensorboard(tmp_path)
        return
    tensorboard(tmp_path)("speech", {"step": 5, "total": 0.25})
    (written,) = tmp_path.iterdir()
    assert b"speech/total" in written.read_bytes()


def test_training_needs_torch_numpy_and_safetensors_alone(shards: Shards, tmp_path: Path) -> None:
    """A bare GPU machine: everything that reads sound, faces or films, and all our other rooms, cannot be imported."""
    code = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[2])!r}]
barred = '''av cv2 dlib face_recognition_models librosa soundfile soxr pocketsphinx pyworld python_speech_features
scipy skimage PIL pandas pyarrow matplotlib pydantic rich typer jinja2 bench metrics protocols'''.split()
sys.modules.update(dict.fromkeys(barred))
from dataclasses import replace
from pathlib import Path
from avct.config import to_dict
from avct.shards import Shards
from avct.training.finetune import FinetuneRecipe
from avct.training.recipe import Recipe, read
from avct.training.stages import Training
from test_avct_landmark import tiny
full = read('puppet256')
stages = {{k: replace(v, steps=1) for k, v in full.stages.items() if k in ('detector', 'renderer', 'speech')}}
stages['finetune'] = FinetuneRecipe(steps=1, sequences=1, length=5, sync=0.0)
recipe = Recipe('bare', 'bare', 'landmark', to_dict(tiny()), stages)
training = Training(recipe, lambda kind: Shards(Path({str(shards.folder)!r})), Path({str(tmp_path)!r}))
training.run(tuple(stages), note=lambda *_: None)
print(training.checkpoint(Path({str(tmp_path)!r}) / 'bare.safetensors', {{}}).name)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout.strip().endswith("bare.safetensors"), done.stderr[-600:]
