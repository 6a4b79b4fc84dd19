"""A protocol over films of which one is not on the disk: its rows fail and say so, the others are whole."""

from __future__ import annotations

from pathlib import Path

from bench.runner.how import How


def test_a_clip_that_is_missing_is_a_failed_row_and_spoils_no_other(kit, tmp_path: Path, monkeypatch):
    from bench.runner.expand import load
    from bench.runner.run import run
    from bench.store.rows import read_rows

    kit.tree(tmp_path / "films", ["ann_0.mp4", "cid_0.mp4", "dan_0.mp4"])
    rows = [f"{name}_0,{name},test" for name in ("ann", "bob", "cid")] + ["dan_0,dan,train"]
    for name, text in {
        "lists/mine.csv": "\n".join(("clip,identity,split", *rows)),
        "datasets/mine.toml": 'loader = "films"\nfamily = "mine"\n[options]\npath = "./../../films"\n'
        'list = "./../lists/mine.csv"\n',
        "mine.toml": 'id = "mine@1"\ndataset = "mine"\nsplit = "test"\nsize = 16\nreference_frame = 2\n'
        'window = [0.2, 0.4]\nmetrics = ["psnr/mean-of-frames@1"]\nmethods = ["ground-truth", "still"]\n'
        '[axes]\npairs = "same"\n',
    }.items():
        path = tmp_path / "protocols" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setenv("AVCT_BENCH_PATH", str(tmp_path))
    result = run(load("mine"), out=tmp_path / "out", how=How(workers=0))
    assert (result.total, result.exit_code) == (6, 1)
    found = {(row["method"], row["driver"]): row for row in read_rows(tmp_path / "out/rows.parquet")}
    assert len(found) == 6 and not any("dan" in driver for _, driver in found)
    for (method, driver), row in found.items():
        if driver == "bob_0":
            assert (row["status"], row["stage"]) == ("failed", "prepare")
            assert "clip bob_0 is not on this disk" in row["reason"]
        else:
            assert row["status"] == "ok" and row["frames"] == 5, row["reason"]
            # The third frame of five is the portrait: there the still is the truth, which counts as 100 dB.
            best = [k for k, value in enumerate(row["per_frame"]) if value == 100.0]
            assert best == ([2] if method == "still" else [0, 1, 2, 3, 4])
