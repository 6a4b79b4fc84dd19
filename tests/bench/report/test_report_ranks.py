"""Critical-difference diagrams: ranks over clips, who is joined, and that failing never helps."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_frames import make_ranks
from report_run import PSNR, make_entries, make_protocol, make_run

from bench.frames import draw_ranks, load
from bench.report.figures.ranks import describe_ranks, find_diagrams
from bench.report.folder import read_run
from bench.report.frames.ranks import frame_ranks
from bench.report.tables.cards import find_cards

METHODS = ["ground-truth", "still", "loudness", "avct"]
CLIPS = {"ann": [f"a{number}" for number in range(8)]}


def ranked(folder: Path, values: dict[str, list[float | None]]):
    """The ranks and contests of eight clips with these values of PSNR, a failed cell where there is none."""
    axes = {"drivers": CLIPS, "references": ["face"], "seeds": [0], "pairs": "all"}
    protocol = make_protocol(metrics=[PSNR], methods=METHODS, axes=axes)
    entries = make_entries(protocol)
    for entry in entries:
        method, place = entry["cell"]["method"], CLIPS["ann"].index(entry["cell"]["driver"])
        value = values.get(method, [99.0] * 8)[place]
        status = {"status": "ok"} if value is not None else {"status": "failed", "stage": "generate", "reason": "no"}
        entry["rows"] = [{**row, "stage": None, "reason": None, **status, "value": value} for row in entry["rows"]]
    run = read_run(make_run(folder / "run", protocol, entries=entries))
    return frame_ranks(run, find_cards([PSNR]))


def test_ranks_are_means_over_clips_and_a_tie_is_shared(tmp_path: Path) -> None:
    high, low = [30.0 + n for n in range(8)], [20.0 + n / 8 for n in range(8)]
    ranks, contests = ranked(tmp_path, {"avct": high, "loudness": low, "still": [low[0], *(v - 5 for v in low[1:])]})
    assert dict(zip(ranks["method"], ranks["mean_rank"], strict=True)) == {
        "avct": 1.0, "loudness": (7 * 2 + 2.5) / 8, "still": (7 * 3 + 2.5) / 8
    }  # fmt: skip
    assert set(ranks["n"]) == {8} and set(ranks["methods"]) == {3}, "the truth is not ranked"
    assert not contests["alike"].any() and contests["p_holm"].max() < 0.05


def test_who_is_not_told_apart_is_joined(tmp_path: Path) -> None:
    noisy = [20.0 + n + (-1) ** n for n in range(8)]
    ranks, contests = ranked(
        tmp_path, {"avct": [40.0 + n for n in range(8)], "loudness": noisy, "still": [20.0 + n for n in range(8)]}
    )
    (diagram,) = find_diagrams(ranks, contests)
    assert [set(group) for group in diagram.groups] == [{"loudness", "still"}]
    assert diagram.methods[0] == ("avct", 1.0)
    assert "1 of 3 pairs are alike" in describe_ranks(ranks, contests)


def test_a_clip_that_fails_is_a_last_place_and_sets_methods_apart(tmp_path: Path) -> None:
    same = [20.0 + n for n in range(8)]
    ranks, contests = ranked(tmp_path, {"avct": [50.0, *same[1:7], None], "loudness": same, "still": same})
    found = dict(zip(ranks["method"], ranks["mean_rank"], strict=True))
    assert found["avct"] == (1 + 6 * 2 + 3) / 8
    alike = {frozenset((line.method, line.other)): line.alike for line in contests.itertuples()}
    assert alike[frozenset(("loudness", "still"))] and not alike[frozenset(("avct", "still"))]
    assert "last place" in describe_ranks(ranks, contests)


def test_a_method_without_any_value_is_left_out_of_the_diagram(tmp_path: Path) -> None:
    ranks, contests = ranked(tmp_path, {"avct": [2.0] * 8, "loudness": [1.0] * 8, "still": [None] * 8})
    assert ranks["method"].tolist() == ["loudness", "avct"] and ranks["mean_rank"].tolist() == [2.0, 1.0]
    assert len(contests) == 1 and set(ranks["n"]) == {8}


def test_too_few_clips_for_any_test_have_no_diagram(tmp_path: Path) -> None:
    frames = load(make_run(tmp_path / "run", make_protocol(metrics=[PSNR], methods=["loudness", "avct"])))
    assert frames.ranks.empty and frames.contests.empty


def test_alike_methods_need_not_be_neighbours_and_every_pair_has_a_bar() -> None:
    pairs = [("a", "b"), ("b", "c"), ("a", "d"), ("b", "d")]
    (diagram,) = find_diagrams(*make_ranks({"a": 1.1, "b": 2.0, "c": 3.1, "d": 3.8}, pairs))
    assert [set(group) for group in diagram.groups] == [{"a", "b", "d"}, {"b", "c"}]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_marks_lie_on_the_scale(count: int) -> None:
    ranks = {f"m{place}": 1 + place * 0.8 for place in range(count)}
    (axes,) = draw_ranks(*make_ranks(ranks, [])).axes
    (scale,) = [line for line in axes.lines if line.get_color() == "#222222" and len(set(line.get_ydata())) == 1]
    low, high = scale.get_xdata()
    marks = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    step = (high - low) / max(count - 1, 1)
    assert marks == pytest.approx([low + (rank - 1) * step for rank in ranks.values()])
    assert [text.get_text() for text in axes.texts][-count:] == [f"{name}  {rank:.2f}" for name, rank in ranks.items()]
