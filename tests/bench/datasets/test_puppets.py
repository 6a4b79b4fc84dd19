"""The embedded corpus: splits, exact truth, determinism, photographs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from bench.datasets.puppets import corpus, speech
from bench.datasets.puppets.canvas import MARGIN, SCALE, SIZE
from bench.datasets.puppets.identity import HAIR_STYLES, sample
from bench.datasets.puppets.portrait import Layers
from bench.datasets.puppets.rig import Look, Rig
from bench.datasets.puppets.skeleton import Moment, Skeleton
from bench.datasets.puppets.styles import STYLES
from bench.datasets.puppets.visemes import TARGETS, controls
from bench.errors import ConfigError
from bench.io.digest import sha256_array
from bench.records import RATE, Phone, Speech

REST = np.array(TARGETS["rest"])
OPEN = np.array(TARGETS["AA"])


@pytest.fixture(scope="module")
def rig() -> Rig:
    return corpus.rig("test-000")


def test_counts_and_splits_are_disjoint() -> None:
    members = corpus.members().values()
    by_split = {s: [m for m in members if m.split == s] for s in ("train", "validation", "test")}
    assert len([m for m in by_split["train"] if m.name != "trainer"]) >= 100
    assert len([m for m in by_split["test"] if m.seed is not None]) >= 24
    assert len({m.style.name for m in by_split["train"]} - {"trainer"}) >= 6
    seeds = [m.seed for m in members if m.seed is not None]
    assert len(seeds) == len(set(seeds))
    recordings = speech.recordings()
    for what in ("voice", "sentence", "text"):
        groups = [{getattr(r, what) for r in recordings if r.split == s} for s in ("train", "validation", "test")]
        assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2]), what
    assert len({r.sentence for r in recordings if r.split == "test"}) >= 20
    assert len(speech.voices("test")) >= 2
    assert len([r for r in recordings if r.voice == "trainer"]) >= 80


def test_training_cast_uses_training_people_and_voices_only() -> None:
    from bench.training.prepare import spoken_cast, train_names

    held = {r.id: r for r in speech.recordings()}
    for name, recording in spoken_cast():
        assert corpus.member(name).split == "train"
        assert held[recording].split == "train"
    assert {corpus.member(n).split for n in train_names()} == {"train"}


def test_people_differ_in_looks() -> None:
    people = [sample(seed) for seed in range(3000, 3028)]
    assert len({p.hair_style for p in people}) >= 8
    assert {p.hair_style for p in people} <= set(HAIR_STYLES)
    light = [p.skin.mean() for p in people]
    assert max(light) - min(light) > 90
    assert {p.glasses for p in people} > {"none"}
    ages = [p.age for p in people]
    assert min(ages) < 0.2 and max(ages) > 0.7


@pytest.mark.parametrize("degrees", [(0, 0, 0), (3, 12, 2), (-8, -12, -5), (5, 15, 0)])
def test_landmarks_are_where_the_texture_goes(degrees: tuple[float, float, float]) -> None:
    """White dots painted at landmarks are found at the landmarks of the rendered frame."""
    landmarks = sample(3001).landmarks
    checked = [17, 21, 22, 26, 27, 30, 33, 36, 39, 42, 45, 48, 54, 8, 5, 11]
    for some in (checked[::2], checked[1::2]):  # neighbours apart, so that dots do not touch
        texture = np.zeros((SIZE, SIZE, 4), np.uint8)
        texture[..., 3] = 255
        ys, xs = np.mgrid[0:SIZE, 0:SIZE]
        for i in some:
            x, y = (landmarks[i] + MARGIN + 0.5) * SCALE - 0.5
            texture[np.hypot(xs - x, ys - y) < 3.0, :3] = 255
        room = np.zeros((SIZE, SIZE, 3), np.uint8)
        dotted = Rig(
            Layers(room, None, None, texture),
            Skeleton(landmarks, age=0.3),
            Look(np.full(3, 220.0), 0, np.full(3, 150.0)),
        )
        shown = dotted.render(Moment(REST, np.array(degrees)))
        gy, gx = np.mgrid[0:256, 0:256]
        for i in some:
            at = shown.landmarks[i]
            near = shown.image[..., 0] * (np.hypot(gx - at[0], gy - at[1]) < 4)
            centre = np.array([(gx * near).sum(), (gy * near).sum()]) / max(near.sum(), 1)
            assert near.max() > 150, f"landmark {i} is not in the picture"
            # a dot is bent by the triangles around its vertex, so its centre may lie off by a fraction of its radius
            assert np.linalg.norm(centre - at) < 0.75, f"landmark {i}: dot at {centre}, landmark at {at}"


def test_pose_is_the_rotation_that_was_asked_for(rig: Rig) -> None:
    shown = rig.render(Moment(REST, np.array([4.0, 12.0, -3.0]), np.array([5.0, -3.0])))
    np.testing.assert_allclose(np.rad2deg(shown.pose[:3]), [4, 12, -3], atol=1e-4)
    still = rig.render(Moment(REST)).pose
    assert shown.pose[5] == still[5] > 100  # millimetres in front of the camera
    for seen in (shown, rig.render(Moment(REST))):
        projected = seen.pose[3:5] / seen.pose[5] * (700 / 3) + 128
        np.testing.assert_allclose(projected, seen.landmarks[27], atol=1.5)


def test_mouth_opens_dark_and_toothed_and_closes(rig: Rig) -> None:
    shut, wide = rig.render(Moment(np.array(TARGETS["bilabial"]))), rig.render(Moment(OPEN))

    def gap(lm: np.ndarray) -> float:
        return float(np.linalg.norm(lm[66] - lm[62]))

    assert gap(shut.landmarks) < 0.6
    assert gap(wide.landmarks) > 8
    middle = (wide.landmarks[62] + wide.landmarks[66]) / 2
    x, y = np.rint(middle).astype(int)
    cavity = wide.image[y - 1 : y + 3, x - 3 : x + 4].mean()
    skin = wide.image[int(wide.landmarks[30, 1]) - 12, int(wide.landmarks[30, 0])].mean()
    assert cavity < 0.7 * skin
    top = wide.landmarks[62] + [0, 2.5]
    teeth = wide.image[int(top[1]), int(top[0]) - 3 : int(top[0]) + 4].mean()
    assert teeth > 1.3 * cavity


def test_blink_brings_the_lids_together(rig: Rig) -> None:
    awake, asleep = rig.render(Moment(REST)).landmarks, rig.render(Moment(REST, blink=1.0)).landmarks

    def opening(lm: np.ndarray) -> float:
        return float(lm[[40, 41, 46, 47], 1].mean() - lm[[37, 38, 43, 44], 1].mean())

    assert opening(asleep) < 0.25 * opening(awake)


@pytest.mark.parametrize("symbol", ["M", "B", "P"])
def test_bilabials_close_in_every_style(symbol: str) -> None:
    phones = [
        Phone("SIL", 0, 0.2),
        Phone("AA", 0.2, 0.5),
        Phone(symbol, 0.5, 0.545),
        Phone("AA", 0.545, 0.9),
        Phone("SIL", 0.9, 1.1),
    ]
    samples = np.random.default_rng(0).normal(0, 0.1, int(1.1 * RATE)).astype(np.float32)
    for style in STYLES:
        c = controls(phones, samples, style)
        assert len(c) == 27
        around = c[int((0.46 - style.lead) * 25) : int((0.62 - style.lead) * 25) + 1]
        assert around[:, 4].max() > 0.6, style.name
        assert around[:, 0].min() < 0.25 * c[:, 0].max(), style.name


def test_styles_change_what_the_lips_do() -> None:
    said = speech.speech("heldout-a-te01")
    jaws = {s.name: controls(said.phones, said.samples, s)[:, 0].std() for s in STYLES}
    assert jaws["lively"] > 1.3 * jaws["soft"]
    widths = {s.name: controls(said.phones, said.samples, s)[:, 1] for s in STYLES}
    assert widths["rounded"].min() < widths["wide"].min()


def test_take_has_exact_labels_beside_every_frame() -> None:
    data = corpus.Puppets("test")
    take = corpus.perform("test-002", data.speech("heldout-b-te03"))
    frames = len(take.frames)
    assert take.frames.shape == (frames, 256, 256, 3) and take.frames.dtype == np.uint8
    assert take.landmarks.shape == (frames, 68, 2) and take.pose.shape == (frames, 6)
    assert frames == int(len(take.speech.samples) / RATE * 25 + 1e-6)
    marks, pose = corpus.perform_labels("test-002", take.speech)
    np.testing.assert_array_equal(marks, take.landmarks)
    np.testing.assert_array_equal(pose, take.pose)
    assert np.abs(np.diff(take.landmarks[:, 30], axis=0)).max() < 4  # heads do not jump


def test_cached_take_is_the_take(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.datasets.puppets import cache

    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path))
    said = speech.speech("heldout-a-te08")
    first = cache.cached_take("test-004", said)
    monkeypatch.setattr(cache, "perform", lambda *_: pytest.fail("rendered again"))
    again = cache.cached_take("test-004", said)
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.landmarks, again.landmarks)
    video = next(tmp_path.rglob("*.mkv"))
    video.write_bytes(video.read_bytes()[:2000])
    monkeypatch.setattr(cache, "perform", lambda *_: first)
    np.testing.assert_array_equal(cache.cached_take("test-004", said).frames, first.frames)


_SCRIPT = """
from bench.datasets.puppets import corpus
from bench.io.digest import sha256_array
p = corpus.rest_portrait("test-005")
print(sha256_array(p.image, p.landmarks, p.pose))
"""


def test_same_bytes_in_every_process() -> None:
    here = corpus.rest_portrait("test-005")
    there = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True).stdout.strip()
    assert there == sha256_array(here.image, here.landmarks, here.pose)


def test_photograph_speaks() -> None:
    shown = corpus.rest_portrait(corpus.PHOTOGRAPH)
    assert shown.photograph and shown.image.std() > 30
    wide = corpus.rig(corpus.PHOTOGRAPH).render(Moment(OPEN))
    assert np.linalg.norm(wide.landmarks[66] - wide.landmarks[62]) > 7


def test_unknown_names_suggest() -> None:
    with pytest.raises(ConfigError, match="test-003"):
        corpus.member("test-03")
    with pytest.raises(ConfigError, match="heldout-a"):
        corpus.Puppets("test").drivers("heldout")
    with pytest.raises(ConfigError, match="train, validation, test"):
        corpus.Puppets("tests")
    with pytest.raises(ConfigError, match="no phones"):
        corpus.perform("test-000", Speech("x", "y", np.zeros(16000, np.float32)))


def test_zoomed_faces_keep_labels_and_poses_together() -> None:
    """The pose's box and the landmarks move with the picture, and the dark pupil lies where its landmarks say."""
    from avct.posebox import project

    plain, near = corpus.Puppets().portrait("test-003"), corpus.Puppets(scale=1.25).portrait("test-003")
    middle = np.array([127.5, 142.0])
    np.testing.assert_allclose(near.landmarks, middle + 1.25 * (plain.landmarks - middle), atol=1e-3)
    away = (project(plain.pose).mean(0) - 0.5 - middle) * 1.25, project(near.pose).mean(0) - 0.5 - middle
    np.testing.assert_allclose(*away, atol=2.0)  # perspective: a nearer head is not a mere enlargement
    for held in (plain, near):
        x, y = np.rint(held.landmarks[36:42].mean(0)).astype(int)
        assert held.image[y - 1 : y + 2, x - 1 : x + 2].mean() < 110
    assert corpus.Puppets(mouth="AE").portrait("test-003").landmarks[66, 1] > plain.landmarks[66, 1] + 5
    with pytest.raises(ConfigError, match="scale must be"):
        corpus.Puppets(scale=9.0)
    with pytest.raises(ConfigError, match="no mouth shape 'wide'"):
        corpus.Puppets(mouth="wide")
