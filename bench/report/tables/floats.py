"""LaTeX floats that fit their pages: parts that cannot be divided, put together as far as a page goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PAGE = 560
"""Points of a float that a page of letter or A4 paper can hold beneath its caption."""
NOTE = 8.5
"""Points of a line of notes."""


@dataclass(frozen=True)
class Part:
    """A piece of a float that cannot be divided, and its height in points."""

    lines: Sequence[str]
    height: float


def make_floats(parts: Sequence[Part], caption: str, label: str) -> list[str]:
    """As many floats as the parts need, all with one number."""
    pages: list[list[Part]] = []
    for part in parts:
        if not pages or sum(other.height for other in pages[-1]) + part.height > PAGE:
            pages.append([])
        pages[-1].append(part)
    lines = []
    for number, page in enumerate(pages):
        again = [r"\addtocounter{table}{-1}", r"\caption{(Continued.)}"]
        lines += [r"\begin{table*}", r"\centering", r"\footnotesize", r"\setlength{\tabcolsep}{4pt}"]
        lines += again if number else [rf"\caption{{{caption}}}", rf"\label{{{label}}}"]
        for place, part in enumerate(page):
            lines += [r"\par\medskip"] if place else []
            lines += part.lines
        lines += [r"\end{table*}"]
    return lines


def set_notes(notes: Sequence[str], *, across: int) -> list[Part]:
    """Notes as minipages of at most a page each. across: characters that a line of them holds."""
    parts: list[Part] = []
    held: list[str] = []
    height = 0.0
    for note in [*notes, ""]:
        tall = NOTE * -(-len(note) // across)
        if held and (not note or height + tall > PAGE):
            body = [r"\begin{minipage}{\linewidth}", r"\raggedright\scriptsize", *held, r"\end{minipage}"]
            parts.append(Part(body, height + NOTE))
            held, height = [], 0.0
        if note:
            held.append(rf"{note}\par")
            height += tall
    return parts
