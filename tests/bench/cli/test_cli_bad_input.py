"""Whatever a user gets wrong: one clear line, the right exit code, nothing half made left behind."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, bench, write_face, write_phones, write_tone

from bench.io.audio import write_wav
from bench.io.encode import write_lossless
from bench.io.image import write_png


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> dict[str, Path]:
    """Good inputs, of which each test spoils one."""
    folder = tmp_path_factory.mktemp("given")
    return {
        "--image": write_face(folder / "face.png"),
        "--audio": write_tone(folder / "speech.wav", 0.6),
        "--phonemes": write_phones(folder / "phones.json", 0.6),
        "--checkpoint": tiny_checkpoint,
    }


def generate(given: dict[str, Path], out: Path, **changed: object):
    options = {**given, "--out": out, **{f"--{k}": v for k, v in changed.items()}}
    arguments = [text for key, value in options.items() if value is not None for text in (key, str(value))]
    return bench("generate", *arguments)


def test_good_input_makes_a_video(given: dict[str, Path], tmp_path: Path) -> None:
    from bench.io.probe import probe

    made = generate(given, tmp_path / "v.mp4")
    assert made.code == 0, made.err
    told = probe(tmp_path / "v.mp4")
    assert told.synthetic and told.run_id and told.has_audio and (told.width, told.height) == (64, 64)


def _empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def _text(path: Path) -> Path:
    path.write_text("this is no picture and no sound\n" * 20)
    return path


@pytest.mark.parametrize("option", ["image", "audio", "phonemes"])
@pytest.mark.parametrize("how", ["missing", "directory", "empty", "text"])
def test_files_that_are_not_what_they_should_be(given: dict[str, Path], tmp_path: Path, option: str, how: str) -> None:
    ending = {"image": ".png", "audio": ".wav", "phonemes": ".json"}[option]
    path = tmp_path / f"bad{ending}"
    if how == "directory":
        path.mkdir()
    elif how == "empty":
        _empty(path)
    elif how == "text":
        _text(path)
    ended = generate(given, tmp_path / "v.mp4", **{option: path})
    assert ended.code == (3 if how == "missing" else 2), ended.err
    assert "bad" in ended.line
    assert not (tmp_path / "v.mp4").exists() and not list(tmp_path.glob(".*"))


def test_truncated_audio(given: dict[str, Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.wav"
    cut.write_bytes(given["--audio"].read_bytes()[:9000])
    ended = generate(given, tmp_path / "v.mp4", audio=cut)
    assert ended.code == 2 and "cut.wav" in ended.line


def test_a_tenth_of_a_second(given: dict[str, Path], tmp_path: Path) -> None:
    ended = generate(given, tmp_path / "v.mp4", audio=write_tone(tmp_path / "short.wav", 0.1))
    assert ended.code == 2 and "0.10 s" in ended.line and "at least 0.2 s" in ended.line


def test_silence(given: dict[str, Path], tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.wav"
    write_wav(quiet, np.zeros(16_000, np.float32))
    ended = generate(given, tmp_path / "v.mp4", audio=quiet)
    assert ended.code == 2 and "silence" in ended.line


def test_no_face(given: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("dlib", reason="finding faces needs the extra `faces`")
    wall = tmp_path / "wall.png"
    write_png(wall, np.full((200, 200, 3), 90, np.uint8))
    ended = generate(given, tmp_path / "v.mp4", image=wall)
    assert ended.code == 2 and "no face" in ended.line and "wall.png" in ended.line


def test_a_portrait_that_is_not_square_is_cropped_not_squashed(given: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("dlib", reason="finding faces needs the extra `faces`")
    wide = write_face(tmp_path / "wide.png", width=420)
    options = {**given, "--image": wide, "--out": tmp_path / "v.mkv"}
    ended = bench("generate", *[x for pair in options.items() for x in pair], "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["cropped"] is True


def test_contradictions_and_wrong_words(given: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "v.mp4"
    both = generate(given, out, transcript="hello there")
    assert both.code == 2 and "both" in both.line
    blank = generate({**given, "--phonemes": None}, out, transcript="  ")
    assert blank.code == 2 and "--transcript: expected what is said" in blank.line
    assert generate(given, tmp_path / "v.gif").line.count(".mp4") == 1
    assert generate(given, out, precision="float8").code == 2
    assert generate(given, out, device="cuda:9").code == 2
    nowhere = generate(given, out, checkpoint=tmp_path / "gone.safetensors")
    assert nowhere.code == 3 and "gone" in nowhere.line


def test_output_that_cannot_be_written(given: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    ended = generate(given, tmp_path / "taken" / "v.mp4")
    assert ended.code == 2 and "taken" in ended.line
    (tmp_path / "folder.mp4").mkdir()
    assert generate(given, tmp_path / "folder.mp4").code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["run", "demmo"], 2, "demo"),
        (["run", "nowhere/x.toml"], 2, "x.toml"),
        (["validate", "demmo"], 2, "demo"),
        (["explain", "psnr/mean-of-frame"], 2, "psnr/mean-of-frames@1"),
        (["ls", "metrix"], 2, "metrics"),
        (["report", "nowhere"], 3, "nowhere"),
        (["score", "--videos", "nowhere"], 3, "nowhere"),
        (["score", "--videos", "pyproject.toml"], 2, "pyproject.toml"),
        (["train", "rendrer"], 2, "renderer"),
        (["train", "--steps", "renderer"], 2, "renderer=500"),
        (["train", "--identities", "1"], 2, "identities"),
        (["run", "demo", "--set", "sizes=3"], 2, "size"),
        (["run", "demo", "--set", "size=4"], 2, "size"),
        (["run", "demo", "--set", 'methods=["avtc"]'], 2, "avct"),
        (["run", "demo", "--set", 'metrics=["ssim/gauss-rgb@1"]'], 2, "ssim/gauss11-rgb@1"),
        (["run", "demo", "--set", 'axes.references=["test-03"]'], 2, "test-003"),
        (["demo", "--frobnicate"], 2, "frobnicate"),
        (["weights", "remove"], 2, "verify"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)
def test_wrong_names_suggest_right_ones(arguments: list[str], code: int, says: str, tmp_path: Path) -> None:
    if arguments[0] in ("run", "demo", "score", "train"):
        arguments = [*arguments, "--out", str(tmp_path / "out")]
    ended = bench(*arguments)
    assert ended.code == code, ended.err
    assert says in ended.line


def test_unknown_protocol_key_suggests(tmp_path: Path) -> None:
    text = (ROOT / "protocols" / "demo.toml").read_text()
    bad = tmp_path / "mine.toml"
    bad.write_text(text.replace('dataset = "puppets"', 'datset = "puppets"'))
    ended = bench("run", bad, "--out", tmp_path / "out")
    assert ended.code == 2 and "Did you mean dataset" in ended.line
    bad.write_text("id = [")
    assert bench("validate", bad).code == 2


def test_run_into_places_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x")
    ended = bench("run", "demo", "--out", blocked)
    assert ended.code == 2 and "file" in ended.line
    if os.geteuid() != 0:  # root may write everywhere
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o500)
        assert bench("run", "demo", "--out", locked / "run").code == 2


def test_videos_to_score_that_are_damaged(tmp_path: Path) -> None:
    """A damaged clip is a failure row; the others are scored, and the exit code says that some failed."""
    videos, truth = tmp_path / "mine", tmp_path / "truth"
    frames = np.random.default_rng(0).integers(0, 255, (6, 64, 64, 3), dtype=np.uint8)
    for folder in (videos, truth):
        folder.mkdir()
        for name in ("a", "b"):
            write_lossless(folder / f"{name}.mkv", frames)
    (videos / "b.mkv").write_bytes((videos / "b.mkv").read_bytes()[:3000])
    ended = bench("score", "--videos", videos, "--truth", truth, "--metrics", "psnr/pooled@1,ssim/gauss11-rgb@1",
                  "--out", tmp_path / "out", "--workers", "0")  # fmt: skip
    assert ended.code == 1, ended.err
    assert "Traceback" not in ended.err
    rows = [json.loads(x) for x in (tmp_path / "out" / "rows.jsonl").read_text().splitlines()]
    states = {row["cell"]["driver"]: {r["status"] for r in row["rows"]} for row in rows}
    assert states["b"] == {"failed"} and "failed" not in states["a"]


def test_empty_folder_to_score(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    ended = bench("score", "--videos", tmp_path / "none", "--out", tmp_path / "out")
    assert ended.code in (2, 3) and "none" in ended.line


@pytest.mark.parametrize(("width", "height", "says"), [(40, 40, "64x64"), (300, 20, "64x64")], ids=["small", "narrow"])
def test_portraits_of_the_wrong_size(
    given: dict[str, Path], tmp_path: Path, width: int, height: int, says: str
) -> None:
    path = tmp_path / "odd.png"
    write_png(path, np.full((height, width, 3), 120, np.uint8))
    ended = generate(given, tmp_path / "v.mp4", image=path)
    assert ended.code == 2 and says in ended.line and f"{width}x{height}" in ended.line


@pytest.mark.parametrize("mode", ["I;16", "L", "RGBA", "P", "CMYK"])
def test_pictures_of_other_types_are_read_or_refused_in_one_line(given: dict, tmp_path: Path, mode: str) -> None:
    from PIL import Image

    path = tmp_path / ("face.tiff" if mode == "CMYK" else "face.png")
    face = Image.open(given["--image"])
    (
        Image.fromarray(np.asarray(face.convert("L")).astype(np.uint16) * 257) if mode == "I;16" else face.convert(mode)
    ).save(path)
    ended = generate({**given, "--keypoints": Path("detector")}, tmp_path / "v.mkv", image=path)
    assert ended.code == 0 or (ended.code == 2 and path.name in ended.line), ended.err


def test_protocols_that_are_no_protocol(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    assert bench("run", tmp_path / "folder.toml", "--out", tmp_path / "o").code == 2
    for name, content in (("empty.toml", b""), ("binary.toml", b"\xff\xfe\0\1"), ("list.toml", b"id = 3\n")):
        (tmp_path / name).write_bytes(content)
        ended = bench("run", tmp_path / name, "--out", tmp_path / "o")
        assert ended.code == 2 and name in ended.line
    assert not (tmp_path / "o").exists()


def test_run_folders_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert bench("report", tmp_path / "none").code == 3
    (tmp_path / "file").write_text("x")
    assert bench("report", tmp_path / "file").code == 2
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "manifest.json").write_text("{")
    ended = bench("report", broken)
    assert ended.code in (2, 3) and "broken" in ended.line


def test_videos_of_another_size_and_length_are_rows_that_failed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder, shape in (("mine", (6, 64, 64, 3)), ("truth", (6, 64, 80, 3))):
        (tmp_path / folder).mkdir()
        write_lossless(tmp_path / folder / "a.mkv", rng.integers(0, 255, shape, dtype=np.uint8))
    ended = bench("score", "--videos", tmp_path / "mine", "--truth", tmp_path / "truth", "--metrics", "psnr/pooled@1",
                  "--out", tmp_path / "out", "--workers", "0")  # fmt: skip
    assert ended.code == 1 and "64x64" in ended.out and "80x64" in ended.out


def test_training_into_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    ended = bench("train", "speech", "--out", tmp_path / "taken", "--state", tmp_path / "taken",
                  "--steps", "speech=1", AVCT_BENCH_CACHE=str(tmp_path / "cache"))  # fmt: skip
    assert ended.code == 2 and "taken" in ended.line
