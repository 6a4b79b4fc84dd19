"""What `explain` prints of metrics: each variant's card, what it leaves to others (weights, papers), what is shared.

A family has up to 26 variants that differ in one or two choices: what is the same for all of them is told once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.cli.console import console

if TYPE_CHECKING:
    from metrics.registry import Variant

_WIDTH = 12
_SHARED = ("unit", "best", "range", "value of", "needs", "weights", "source", "promises", "printed as")
"""What is told once where all variants of a family say the same; the rest is what tells variants apart."""


def metric_cards(found: Sequence[Variant]) -> list[dict[str, Any]]:
    """The cards as JSON-ready data: the registry's, with `weight_files` (name, state, way) and `printed` (what papers
    call the nearest column of theirs: paper, table, metric, convention).
    """
    from metrics.weights import entries, expected, find

    printed = _printed()
    cards = []
    for variant in found:
        looks = {need.removeprefix("truth_") for need in variant.needs}
        files = [
            {
                "name": entry.name,
                "state": "missing" if find(entry.name) is None else "here" if expected(entry.name) else "unverified",
                "way": entry.way,
            }
            for entry in entries()
            if entry.name in variant.weights or looks & set(entry.needed_by)
        ]
        cards.append({**variant.as_dict(), "weight_files": files, "printed": printed.get(variant.id, [])})
    return cards


def _printed() -> dict[str, list[dict[str, str]]]:
    """Variant -> columns of published tables that come near it, each once."""
    from protocols.published import listing, load_published

    found: dict[str, list[dict[str, str]]] = {}
    for name in listing():
        for number in load_published(name):
            column = {"paper": number.paper, "table": number.table, "metric": number.metric,
                      "convention": number.convention}  # fmt: skip
            for id in number.comparable:
                if column not in found.setdefault(id, []):
                    found[id].append(column)
    return found


def show_cards(cards: Sequence[dict[str, Any]]) -> None:
    """Prints cards of metrics; what all variants of a family share comes first."""
    told = [card_lines(card) for card in cards]
    shared = {key: told[0][key] for key in _SHARED if all(lines[key] == told[0][key] for lines in told)}
    if len(cards) == 1:
        shared = {}
    else:
        _say(f"[bold]{cards[0]['id'].partition('/')[0]}[/bold]  {len(cards)} variants, all of them:", shared)
    for card, lines in zip(cards, told, strict=True):
        _say(f"[bold]{card['id']}[/bold]  ", {k: v for k, v in lines.items() if k not in shared}, card["title"])


def card_lines(card: dict[str, Any]) -> dict[str, str]:
    """Heading -> text of everything that a card tells, none of it empty."""
    best = {"higher": "higher is better", "lower": "lower is better"}.get(card["direction"])
    if best is None:
        described = "neither high nor low: it describes, compare it with the truth's"
        best = described if card["target"] is None else f"nearer to {card['target']:g} is better"
    return {
        "formula": card["formula"],
        "unit": "none (a plain number)" if card["unit"] == "1" else card["unit"],
        "best": best,
        "range": _range(*card["bounds"]),
        "value of": "a clip" if card["scope"] == "clip" else "all clips of a method together",
        "needs": ", ".join(["the video", *map(_need, card["needs"])]),
        "weights": "; ".join(map(_weight, card["weight_files"])) or "none",
        "source": card["source"],
        "equals": card["equals"],
        "blind to": card["blind_to"],
        "promises": f"gets worse with each step of {', '.join(card['promises'])} (python -m bench.validity)"
        if card["promises"]
        else "none; what it answers to: results/metric-validity",
        "printed as": "; ".join(_column(column) for column in card["printed"]) or "in no published table at hand",
        "status": "legacy: reproduces numbers that were printed so, not to be reported"
        if card["legacy"]
        else "current",
    }


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "any number" if low is high else f"{low:g} and up" if high is None else f"up to {high:g}"
    return f"{low:g} to {high:g}"


def _need(need: str) -> str:
    kind, _, name = need.partition(":")
    words = {"truth": "the true video", "samples": "its sound", "truth_samples": "the truth's sound"}
    whose, plain = ("truth's ", kind.removeprefix("truth_")) if kind.startswith("truth_") else ("", kind)
    return words.get(need) or f"{whose}{plain}{f' by {name}' if name else ''}"


def _weight(file: dict[str, str]) -> str:
    return f"{file['name']} ({file['state']}{'' if file['state'] == 'here' else ': ' + file['way']})"


def _column(column: dict[str, str]) -> str:
    return f"{column['metric']} of {column['paper']}"


def _say(head: str, lines: dict[str, str], title: str = "") -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    screen = console()
    screen.print(Text.from_markup(head).append(title))
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right", style="dim", min_width=_WIDTH, no_wrap=True)
    table.add_column(overflow="fold")
    for key, text in lines.items():
        table.add_row(key, Text(text))
    screen.print(Padding(table, (0, 0, 1, 2)))
