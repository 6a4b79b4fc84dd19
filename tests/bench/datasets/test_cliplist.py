"""Datasets by a list: cut and uncut files, and every way in which the files can differ from the list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets.films import open_dataset
from bench.errors import ConfigError, MissingError
from bench.io.digest import sha256_file

HEAD = "clip,identity,start,end,split,sha256,seconds"


def listed(root: Path, *rows: str, head: str = HEAD, **options):
    (root / "list.csv").write_text("# made for a test\n" + "\n".join((head, *rows)) + "\n", encoding="utf-8")
    films = root / "films"
    films.mkdir(exist_ok=True)
    return open_dataset({"path": str(films), "list": str(root / "list.csv"), "tolerance": 0.1, **options})


def test_what_is_as_listed_has_no_problem(kit, tmp_path: Path):
    cut = kit.put(tmp_path / "films/one/a_0.mp4")
    kit.put(tmp_path / "films/b.mp4", "long")
    data = listed(
        tmp_path,
        f"a_0,ann,10,10.6,test,{sha256_file(cut)},",
        "b_0,bob,1.2,1.8,test,,",
        files=["{clip}"],
        uncut=["{identity}", "b"],
    )
    assert data.check(thorough=True) == []
    assert data.references() == ["a_0", "b_0"] and data.speakers() == ["ann", "bob"]
    # The film of bob repeats the clip of ann: its third turn begins at 1.2 s.
    assert len(data.take("b_0", "b_0").frames) == 15
    assert np.abs(data.take("b_0", "b_0").frames.astype(int) - data.take("a_0", "a_0").frames).mean() < 3
    spans = [clip["span"] for clip in data.clips()]
    assert spans == [[10.0, 10.6], [1.2, 1.8]]


def test_what_is_not_as_listed_is_said_in_a_line_each(kit, tmp_path: Path):
    kit.tree(tmp_path / "films", ["short.mp4", "other.mp4", "extra.mp4", "carl_uncut.mp4"])
    (tmp_path / "films/broken.mp4").write_bytes(b"no video")
    data = listed(
        tmp_path,
        "short,ann,,,test,,0.9",
        f"other,ann,,,test,{'0' * 64},0.6",
        "gone,bob,,,test,,",
        "broken,bob,,,test,,1",
        "late,carl,3,4,train,,",
        uncut=["{identity}_uncut"],
        count={"test": 5, "train": 1},
    )
    problems = data.check(thorough=True)
    assert data.check() == problems[:3]
    assert problems[:3] == [
        "1 of 5 clips are not on this disk",
        "clip gone is not on this disk (looked for gone or bob_uncut)",
        "split test: expected 5 clips, found 4",
    ]
    expected = [
        "expected 0.9 s (give or take 0.1) of clip short, got 0.60 s",
        f"other.mp4: expected sha256 {'0' * 64}, got",
        "broken.mp4",
        "expected at least 4 s, which clip late needs; got 0.60 s",
        "1 videos below",
    ]
    for words in expected:
        assert sum(words in line for line in problems) == 1, words
    assert all("\n" not in line for line in problems)


def test_a_missing_clip_fails_alone(kit, tmp_path: Path):
    kit.put(tmp_path / "films/a.mp4")
    data = listed(tmp_path, "a,ann,,,test,,", "gone,bob,,,test,,")
    assert data.references() == ["a", "gone"] and data.portrait("a").image.shape == (128, 128, 3)
    for ask in (data.portrait, data.speech):
        with pytest.raises(MissingError, match=r"films: clip gone is not on this disk \(looked for gone\)"):
            ask("gone")


def test_a_column_names_the_file(kit, tmp_path: Path):
    kit.put(tmp_path / "films/x/1.mp4")
    kit.put(tmp_path / "films/y/1.mp4")
    data = listed(tmp_path, "a,x/1.mp4,ann", head="clip,file,identity")
    assert data.speech("a").speaker == "ann"
    with pytest.raises(ConfigError, match="two files may be clip a"):
        listed(tmp_path, "a,1.mp4,ann", head="clip,file,identity")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clip,start\na,1\n", "expected a column 'identity', got clip, start"),
        ("", "expected a column 'clip', got none"),
        ("clip,identity\n", "expected at least one clip, got none"),
        ("clip,identity\na,ann\na,bob\n", "row 2: clip 'a' is listed twice"),
        ("clip,identity\na\n", "row 1: expected 2 cells, got 1"),
        ("clip,identity\na,ann,3\n", "row 1: expected 2 cells, got 3"),
        ("clip,identity\na,\n", "row 1: identity: expected a name, got nothing"),
        ("clip,identity,start\na,ann,one\n", "row 1: start: expected seconds, got 'one'"),
        ("clip,identity,start,end\na,ann,2,1\n", "row 1: expected start < end, got 2 and 1"),
        ("clip,identity,sha256\na,ann,123\n", "row 1: sha256: expected 64 hexadecimal digits, got '123'"),
    ],
)
def test_a_list_that_is_wrong(tmp_path: Path, text: str, expected: str):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(ConfigError) as caught:
        open_dataset({"path": str(tmp_path), "list": str(tmp_path / "list.csv")})
    assert "list.csv" in str(caught.value) and expected in str(caught.value) and "\n" not in str(caught.value)


def test_a_list_that_is_not_there(tmp_path: Path):
    with pytest.raises(MissingError, match=r"list\.csv: no such file; expected a list of clips"):
        open_dataset({"path": str(tmp_path), "list": str(tmp_path / "list.csv")})
