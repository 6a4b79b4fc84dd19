"""Portraits of those who talk at the same time, stacked once for each change among them."""

from __future__ import annotations

import torch
from torch import Tensor

from avct.engine import Sitter, stack


class Gallery:
    """Portraits by number. What was taken down is held by nobody here."""

    def __init__(self) -> None:
        self._stacked: Sitter | None = None
        self._order: list[int] = []  # whose portrait each row of the stack is
        self._new: dict[int, Sitter] = {}  # not in the stack yet
        self._asked: dict[tuple[int, ...], Sitter] = {}  # what was asked for last

    def hang(self, number: int, sitter: Sitter) -> None:
        """Takes one more portrait, stacked when it is asked for."""
        self._new[number] = sitter

    def take_down(self, number: int) -> None:
        """Forgets a portrait and the copies of it."""
        self._asked.clear()
        if self._new.pop(number, None) is not None:
            return
        kept = [place for place, other in enumerate(self._order) if other != number]
        self._stacked = None if not kept else _picked(self._stacked, kept)
        self._order = [self._order[place] for place in kept]

    def several(self, numbers: tuple[int, ...]) -> Sitter:
        """The portraits of these numbers in this order, a number as often as it is named."""
        if self._new:
            self._asked.clear()
            self._stacked = stack([*([self._stacked] if self._order else []), *self._new.values()])
            self._order += self._new
            self._new = {}
        if list(numbers) == self._order:
            return self._stacked
        if numbers not in self._asked:
            if len(self._asked) > 1:  # those who move and those who are shown
                self._asked.clear()
            self._asked[numbers] = _picked(self._stacked, [self._order.index(number) for number in numbers])
        return self._asked[numbers]


def _picked(sitter: Sitter, places: list[int]) -> Sitter:
    """Copies of some portraits of a stack."""

    def pick(part: object) -> object:
        if part is None:
            return None
        if isinstance(part, Tensor):
            # as it lies in memory: pictures may have their channels last
            last = part.dim() == 4 and not part.is_contiguous()
            rows = part.permute(0, 2, 3, 1) if last else part
            chosen = rows.index_select(0, torch.tensor(places, device=part.device))
            return chosen.permute(0, 3, 1, 2) if last else chosen
        return type(part)(*map(pick, part))

    return pick(sitter)
