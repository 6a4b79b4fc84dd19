"""The verb `compare`: two methods, clip by clip, of one run or of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.console import console, emit
from bench.errors import ConfigError

if TYPE_CHECKING:
    from bench.report.folder import Run
    from bench.stats.summary import Clip

CLOSING = (
    "A difference that is not significant is no proof that the two are alike: it may be too small for these clips."
)
_SHOWN = 12
"""Missing clips that are named; --json names all."""
_ASIDE = ("missing_clips", "method", "baseline", "protocol")


@dataclass(frozen=True)
class Side:
    """One of the two: a method of a run. name: what it is called beside the other."""

    run: Run
    method: str
    name: str


@dataclass(frozen=True)
class Comparison:
    """What is printed. lines: of `bench.stats.paired.compare`. remarks: what the two runs do not share."""

    a: Side
    b: Side
    lines: Sequence[Mapping[str, Any]]
    statistics: Mapping[str, Any]
    remarks: Sequence[str]


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="RUN:method, or RUN where the run has one method only.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same; :method alone is one of A's run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Every figure and every missing clip as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A line for each setting and metric as CSV.")] = False,
) -> None:
    """Compare two methods clip by clip: difference with interval, wins, losses and ties, effect size, Holm-corrected p,
    and how large a difference would have had to be. `compare RUN:avct :still`, or `compare RUN_A RUN_B`.
    """
    if as_json and as_csv:
        raise ConfigError("compare: expected --json or --csv, got both")
    from bench.report.tables.cards import find_cards

    first = _side(a, None)
    second = _side(b, first)
    found = pair(first, second)
    cards = find_cards(dict.fromkeys(line["metric"] for line in found.lines))
    if as_json:
        sides = {key: {"run": str(s.run.folder), "method": s.method} for key, s in (("a", found.a), ("b", found.b))}
        emit({**sides, "statistics": found.statistics, "remarks": found.remarks, "lines": _plain(found)})
        return
    if as_csv:
        print(_csv(found), end="")
        return
    _print(found, cards)


def pair(a: Side, b: Side) -> Comparison:
    """The two on all clips that either run asks for, by the metrics and settings that both have.

    ConfigError where they share none, or where clips of one name have different truths.
    """
    from bench.report.tables.cards import find_cards
    from bench.stats.paired import compare as contrast

    ours, theirs = a.run.protocol, b.run.protocol
    settings = [one for one in ours["settings"] if one["name"] in b.run.settings]
    metrics = [name for name in ours["metrics"] if name in theirs["metrics"]]
    if not settings or not metrics:
        what = "metric" if settings else "setting"
        have = [", ".join(p[f"{what}s"] if settings else run.settings) for p, run in ((ours, a.run), (theirs, b.run))]
        raise ConfigError(f"compare: expected a {what} that both runs have, got {have[0]} and {have[1]}")
    rows = [{**row, "method": side.name} for side in (a, b) for row in _rows(side)]
    _same_truths(rows, a, b)
    protocol = {**ours, "methods": [a.name, b.name], "settings": settings, "metrics": metrics}
    wanted: list[Clip] = list(dict.fromkeys([*a.run.clips, *b.run.clips]))
    made = contrast(rows, protocol, baseline=b.name, cards=find_cards(metrics), wanted=wanted)
    return Comparison(a, b, made, protocol["statistics"], _remarks(a, b, metrics, [s["name"] for s in settings]))


def _side(text: str, other: Side | None) -> Side:
    """The run and the method that an argument names; `other` is the side before it."""
    from bench.report.folder import TRUTH, read_run

    folder, colon, method = (text, "", "") if Path(text).is_dir() else text.rpartition(":")
    if not colon and not Path(text).is_dir():
        folder, method = text, ""
    if not folder and other is None:
        raise ConfigError(f"compare: expected RUN or RUN:method first, got {text!r}")
    run = other.run if not folder and other is not None else read_run(Path(folder))
    if not method:
        own = [name for name in run.methods if name != TRUTH] or run.methods
        if len(own) > 1:
            raise ConfigError(f"compare: {run.folder} has {len(own)} methods: expected RUN:method of {', '.join(own)}")
        method = own[0]
    if method not in run.methods:
        raise ConfigError(f"compare: expected a method of {run.folder} ({', '.join(run.methods)}), got {method!r}")
    if other is None:
        return Side(run, method, method)
    same = run.folder.resolve() == other.run.folder.resolve()
    if same and method == other.method:
        raise ConfigError(f"compare: expected two methods, got {method} of {run.folder} twice")
    return Side(run, method, f"{method} ({run.folder})" if method == other.method else method)


def _rows(side: Side) -> list[dict[str, Any]]:
    return [row for row in (*side.run.rows, *side.run.pooled) if row["method"] == side.method]


def _same_truths(rows: Sequence[Mapping[str, Any]], a: Side, b: Side) -> None:
    from bench.report.folder import clip_of, name_clip

    truths: dict[Clip, dict[str, str]] = {}
    for row in rows:
        if row.get("truth_sha256"):
            truths.setdefault(clip_of(row), {})[row["method"]] = row["truth_sha256"]
    for clip, found in truths.items():
        if len(set(found.values())) > 1:
            name = name_clip(clip, seeds=True)
            raise ConfigError(f"compare: {a.run.folder} and {b.run.folder} have different truths of the clip {name}")


def _remarks(a: Side, b: Side, metrics: Sequence[str], settings: Sequence[str]) -> list[str]:
    """What one run has and the other lacks, and what they do differently."""
    remarks = []
    for side, other in ((a, b), (b, a)):
        extra = [name for name in side.run.protocol["metrics"] if name not in metrics]
        extra += [f"setting {name}" for name in side.run.settings if name not in settings]
        if extra:
            remarks.append(f"only in {side.run.folder}, left out: {', '.join(extra)}")
        outside = sum(clip not in set(other.run.clips) for clip in side.run.clips)
        if outside:
            remarks.append(f"{outside} of {len(side.run.clips)} clips are in {side.run.folder} only")
    if a.run.protocol["id"] != b.run.protocol["id"]:
        remarks.append(f"protocols differ: {a.run.protocol['id']} and {b.run.protocol['id']}")
    for name in settings:
        one, two = ({s["name"]: s for s in side.run.protocol["settings"]}[name] for side in (a, b))
        different = sorted(key for key in {*one, *two} if one.get(key) != two.get(key))
        if different:
            remarks.append(f"setting {name} is not the same in both runs: {', '.join(different)}")
    return remarks


def _plain(found: Comparison) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k != "protocol"} for line in found.lines]


def _csv(found: Comparison) -> str:
    """One line for each setting and metric; a number that there is not is empty."""
    import csv
    import io

    from bench.stats.paired import COLUMNS

    names = [name for name in COLUMNS if name not in _ASIDE]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["a", "b", *names])
    for line in found.lines:
        shown = ["" if line[n] is None else repr(line[n]) if isinstance(line[n], float) else line[n] for n in names]
        writer.writerow([found.a.name, found.b.name, *shown])
    return text.getvalue()


def _print(found: Comparison, cards: Mapping[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    screen = console()
    chosen = found.statistics
    unit = "clips" if chosen["cluster"] == "clip" else f"{chosen['cluster']}s, then clips"
    screen.print(Text(f"A  {found.a.name}\nB  {found.b.name}", style="bold"))
    screen.print(
        f"pairs of clips; {100 * chosen['level']:g} % intervals by bootstrap of {unit}; sign-flip test; "
        f"p by Holm over {sum(line['p'] is not None for line in found.lines)} tests"
    )
    several = len({line["setting"] for line in found.lines}) > 1
    grid = Table(box=None, pad_edge=False)
    for heading in ("metric", "pairs", "A", "B", "A - B", "won/lost/tied", "effect", "p", "p Holm", "detectable"):
        grid.add_column(heading, overflow="fold", justify="left" if heading == "metric" else "right")
    for line in found.lines:
        name = f"{line['metric']} {cards[line['metric']].arrow}".rstrip()
        grid.add_row(Text(f"{name} [{line['setting']}]" if several else name), *_cells(line))
    screen.print(grid)
    for line in found.lines:
        where = f"{line['metric']} [{line['setting']}]" if several else line["metric"]
        screen.print(Text(f"{where}: {_verdict(line, found)}"))
    if any(cards[line["metric"]].direction == "target" for line in found.lines):
        screen.print("Where a metric has a target (→), A - B is of distances from it.")
    screen.print("effect: matched-pairs rank-biserial correlation, 1 where A is higher on every clip, -1 where lower.")
    for remark in found.remarks:
        screen.print(Text(f"note  {remark}"))
    for text in _missing(found):
        screen.print(Text(text))
    screen.print(CLOSING)


def _cells(line: Mapping[str, Any]) -> list[str]:
    """Numbers of a line in words: pairs to detectable."""
    from bench.report.tables.digits import choose_format, show

    about = [v for v in (line["mean"], line["mean_baseline"], line["difference"]) if v is not None]
    halves = [] if line["ci_low"] is None else [(line["ci_high"] - line["ci_low"]) / 2]
    form = choose_format(about, halves)

    def number(value: float | None, form: str = form) -> str:
        return "–" if value is None else show(value, form)

    step = number(line["difference"])
    if line["ci_low"] is not None:
        step += f" [{number(line['ci_low'])}, {number(line['ci_high'])}]"
    tied = (
        "–" if line["wins"] is None else f"{line['wins']}/{line['losses']}/{line['n'] - line['wins'] - line['losses']}"
    )
    numbers = [number(line[name], ".3f") for name in ("p", "p_holm")]
    return [
        *(str(line["n"]), number(line["mean"]), number(line["mean_baseline"]), step, tied),
        *(number(line["effect"], "+.2f"), *numbers, number(line["detectable"])),
    ]


def _verdict(line: Mapping[str, Any], found: Comparison) -> str:
    """What the test says, in words."""
    from bench.report.tables.digits import choose_format, show
    from bench.stats.paired import least_p

    if line["verdict"] is None:
        return line["reason"] or "no test"
    if line["verdict"] != "open":
        return {"better": "A better", "worse": "B better", "different": "different, which is better is not known"}[
            line["verdict"]
        ]
    tests = sum(other["p"] is not None for other in found.lines)
    least = least_p(line["clusters"], found.statistics["resamples"])
    if least * tests > 1 - found.statistics["level"]:
        units = f"{line['clusters']} {found.statistics['cluster']}s"
        return f"cannot be told apart: no p of {units} is below {least:.2g}, and there are {tests} tests"
    size = line["detectable"]
    return f"cannot be told apart; differences below {show(size, choose_format([size], []))} would not be found"


def _missing(found: Comparison) -> list[str]:
    """A line for each way in which clips are missing from pairs, with their names."""
    from bench.report.folder import name_clip

    called = {found.a.name: "A", found.b.name: "B"}
    seen: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for line in found.lines:
        groups: dict[str, list[str]] = {}
        for clip in line["missing_clips"]:
            name = name_clip((clip["speaker"], clip["reference"], clip["driver"], clip["seed"]), seeds=False)
            who = " and ".join(called[method] for method in clip["without"])
            groups.setdefault(who, []).append(f"{name} seed {clip['seed']}" if clip["seed"] else name)
        for who, names in groups.items():
            seen.setdefault((who, *names), {}).setdefault(line["metric"], []).append(line["setting"])
    out = []
    for (who, *names), metrics in seen.items():
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        out.append(f"missing in {who}, {len(names)} clips ({', '.join(metrics)}): {shown}")
    return out
