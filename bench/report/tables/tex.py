"""Text that LaTeX prints as it is, with nothing but its own fonts."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"$<$", ">": r"$>$", "|": r"$|$", '"': "''",
    "–": "--", "—": "---", "…": r"\dots{}", "±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$", "−": "$-$",
    "→": r"$\rightarrow$", "←": r"$\leftarrow$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "≤": r"$\leq$",
    "≥": r"$\geq$", "°": r"$^\circ$", "²": "$^2$", "³": "$^3$", "µ": r"$\mu$", "‘": "`", "’": "'", "“": "``",
    "”": "''", "†": r"\dag{}", "Σ": r"$\Sigma$", "σ": r"$\sigma$", "μ": r"$\mu$", "√": r"$\surd$", "∞": r"$\infty$",
    # At the start of a line these would be read as an option of the line break before it.
    "[": "{[}", "]": "{]}", "*": "{*}",
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}",
    "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
"""Combining marks and the command that sets each with every font encoding."""


def escape(text: str) -> str:
    """Text that LaTeX prints as it is; what its own fonts lack, as letters beyond Latin, is given by code point."""
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    letters = map(_letter, line)
    # Hyphens are kept apart, lest two of them become a dash.
    return "".join(f"{{}}{new}" if old == new == "-" else new for old, new in pairwise(["", *letters]))


def _letter(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    if char.isascii() and char.isprintable():
        return char
    base, *marks = list(unicodedata.normalize("NFD", char))
    if len(marks) == 1 and marks[0] in _ACCENTS and base.isascii() and base.isalpha():
        return rf"\{_ACCENTS[marks[0]]}{{{base}}}"
    return f"{{[}}U+{ord(char):04X}{{]}}"
