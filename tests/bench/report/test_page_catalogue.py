"""What the page is given: the catalogue, and the files that it loads when they are asked for, held against the rows."""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_run import FRAMES, HOSTILE, LIPS, PSNR, SSIM, WHY_FAILED, make_entries, make_protocol, make_run

from bench.report.figures.forest import find_pairs
from bench.report.folder import Run, read_run
from bench.report.media import Copies, Copy
from bench.report.page.assembly import SCRIPTS, page_script, page_style
from bench.report.page.catalogue import make_catalogue
from bench.report.page.data import as_json, as_numbers
from bench.report.page.page import data_files
from bench.report.tables.cards import find_cards
from bench.report.tables.table import Table, build_table

CARDS = find_cards([LIPS, PSNR, SSIM])
TRUTH_LAST = ["still", "loudness", "avct", "ground-truth"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two settings; the truth is the protocol's last method, and one curve has a gap."""
    settings = [{**make_protocol()["settings"][0], "name": name} for name in ("f32", "bf16")]
    entries = make_entries(protocol := make_protocol(methods=TRUTH_LAST, settings=settings))
    curve = list(entries[0]["rows"][0]["series"]["opening"])
    entries[0]["rows"][0]["series"]["opening"] = [*curve[:5], None, *curve[6:]]
    return read_run(make_run(tmp_path_factory.mktemp("given") / "run", protocol, entries=entries))


@pytest.fixture(scope="module")
def table(run: Run) -> Table:
    return build_table(run, CARDS)


@pytest.fixture(scope="module")
def files(run: Run, table: Table) -> dict[str, Any]:
    copies = Copies({("avct", "bf16", run.clips[1]): Copy("media/a.mp4", "media/a.jpg")}, {})
    return {name: content_of(name, text) for name, text in data_files(run, table, copies)}


def content_of(name: str, text: str) -> Any:
    """What the file hands to the page, which a browser's JSON parser would read as well."""
    found = re.fullmatch(r'take\("([\w-]+)",(.*)\);\n', text, re.S)
    assert found and f"{found[1]}.js" == name
    return json.loads(found[2], parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_methods_stand_with_the_truth_first_and_estimates_are_the_tables(run: Run, table: Table) -> None:
    held = make_catalogue(run, table, find_pairs(run, CARDS, table))
    assert [method["name"] for method in held["methods"]] == ["ground-truth", "still", "loudness", "avct"]
    assert [method["truth"] for method in held["methods"]] == [True, False, False, False]
    assert [tuple(clip) for clip in held["clips"]] == run.clips and len(held["names"]) == 3
    for line in table.lines:
        place = [method["name"] for method in held["methods"]].index(line.method)
        given = held["estimates"][run.settings.index(line.setting)][place]
        for estimate, one in zip(line.estimates, given, strict=True):
            assert (estimate.value, estimate.low, estimate.high, estimate.n, estimate.best) == (
                one["value"], one["low"], one["high"], one["n"], one["best"]
            )  # fmt: skip
            assert (one["value"] is None) == (one["text"] == "–")
    (failure, _) = held["failures"]
    assert (failure["method"], failure["setting"], failure["clips"], failure["reason"]) == (2, 0, [2], WHY_FAILED)
    json.loads(as_json(held))


def test_pairs_are_those_of_the_test(run: Run, table: Table) -> None:
    pairs = find_pairs(run, CARDS, table)
    assert pairs is not None
    held = make_catalogue(run, table, pairs)
    names = [method["name"] for method in held["methods"]]
    assert held["pairs"]["baseline"] == names.index(pairs.baseline)
    for record, one in zip(pairs.records, held["pairs"]["records"], strict=True):
        assert (names[one["method"]], run.settings[one["setting"]]) == (record["method"], record["setting"])
        assert held["metrics"][one["metric"]]["id"] == record["metric"]
        assert (one["difference"], one["low"], one["high"]) == tuple(
            record[k] for k in ("difference", "ci_low", "ci_high")
        )
        for name in ("difference", "n", "wins", "losses", "p_holm", "effect", "verdict", "reason"):
            assert one[name] == record[name]
    assert make_catalogue(run, table, None)["pairs"] == {"baseline": None, "chosen": "", "records": []}


def test_values_are_the_rows_and_missing_ones_have_a_reason(run: Run, table: Table, files: dict[str, Any]) -> None:
    held = make_catalogue(run, table, None)
    for metric, card in enumerate(held["metrics"]):
        given = files[f"values-{metric}.js"]
        for row in (row for row in run.rows if row["metric"] == card["id"]):
            clip = run.clips.index((row["speaker"], row["reference"], row["driver"], row["seed"]))
            method = [one["name"] for one in held["methods"]].index(row["method"])
            setting = run.settings.index(row["setting"])
            assert given["values"][setting][method][clip] == row["value"]
            why = given["why"][setting][method].get(str(clip))
            if row["value"] is None:
                assert row["status"] in given["reasons"][why] and row["reason"] in given["reasons"][why]
            else:
                assert why is None
                assert given["coverage"][setting][method].get(str(clip), 1.0) == row["coverage"]


def test_a_clip_brings_videos_values_and_curves(run: Run, files: dict[str, Any]) -> None:
    given = files["clip-1.js"]
    shot = given["shots"][1][3]
    assert (shot["video"], shot["poster"], shot["reason"], shot["frames"]) == ("media/a.mp4", "media/a.jpg", "", FRAMES)
    assert given["shots"][0][3]["video"] is None and given["shots"][0][3]["reason"] == "no video"
    broken = files["clip-2.js"]["shots"][0][2]
    assert broken["reason"] == f"failed at generate: {WHY_FAILED}"
    assert broken["values"][0] == {"text": broken["reason"], "given": False}
    partial = files["clip-0.js"]["shots"][0][3]["values"][2]
    assert partial["given"] and partial["text"].endswith(" (75 %)")
    assert [curve["metric"] for curve in given["curves"]] == [None, 1, 2]
    lips = given["curves"][0]
    assert lips["title"] == "lip opening (% of face height)"
    row = next(r for r in run.rows if r["method"] == "avct" and r["driver"] == "a2" and r["metric"] == LIPS)
    np.testing.assert_allclose(lips["lines"][0][3], row["series"]["opening"], rtol=1e-3)
    np.testing.assert_allclose(lips["truth"], row["series"]["truth"], rtol=1e-3)
    assert files["clip-0.js"]["curves"][0]["lines"][0][1][5] is None, "a gap stays one"
    psnr = given["curves"][1]
    assert psnr["title"].startswith("PSNR") and psnr["truth"] is None and len(psnr["lines"][0][3]) == FRAMES


def test_a_run_without_curves_has_none(tmp_path: Path) -> None:
    protocol = make_protocol(metrics=["strange/x@1"])
    entries = make_entries(protocol)
    for entry in entries:
        entry["rows"] = [{**row, "per_frame": None} for row in entry["rows"]]
    run = read_run(make_run(tmp_path / "run", protocol, entries=entries))
    texts = dict(data_files(run, build_table(run, find_cards(["strange/x@1"])), Copies({}, {})))
    assert content_of("clip-0.js", texts["clip-0.js"])["curves"] == []


def test_data_cannot_end_a_script_or_be_no_json() -> None:
    text = as_json({HOSTILE: f"{HOSTILE}\u2028\u2029</script><!--"})
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == {HOSTILE: f"{HOSTILE}\u2028\u2029</script><!--"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json([math.nan])
    assert json.loads(as_numbers([1 / 3, None, math.nan, math.inf, 123456.0, -0.0])) == [
        0.3333, None, None, None, 123500.0, 0
    ]  # fmt: skip


def test_other_peoples_code_is_as_published_and_on_the_page() -> None:
    folder = resources.files("bench.report") / "page" / "vendor"
    (entry,) = tomllib.loads((folder / "vendor.toml").read_text())["vendor"]
    files = {path.name: path.read_bytes() for path in (folder / entry["folder"]).iterdir()}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == entry["sha256"]
    script = page_script()
    assert files["uPlot.iife.min.js"].decode() in script and "Permission is hereby granted" in script
    assert files["uPlot.min.css"].decode().strip() in page_style()


def test_no_script_of_ours_is_left_out_and_none_makes_markup_or_runs_text() -> None:
    folder = resources.files("bench.report") / "page" / "scripts"
    assert {path.name for path in folder.iterdir()} == {f"{name}.js" for name in SCRIPTS}
    ours = "".join((folder / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "http"):
        assert word not in ours, word
    assert not re.search(r"</script|<!--", page_script(), re.I), "what would end the page's script element"


def test_dark_pages_have_lighter_colours() -> None:
    style = page_style(["#000000"])
    assert ".m0{--c:#000000}" in style
    assert style.count(".m0{--c:#555555}") == 2, "by the system's wish and by the reader's"
