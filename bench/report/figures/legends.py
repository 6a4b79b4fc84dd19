"""Legends that fit: beneath the panels, in as many columns as the figure's width holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.report.figures.style import COLUMN, fitted, plain, text_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEW = 8
"""Names that may take as much room as they are long; more are cut so that columns of them fit."""
_SIZE, _MARK = 6.5, 0.55
"""Points of a name; inches of its mark and the gap to the next."""


def legend(figure: Figure, handles: Sequence[Any], *, width: float) -> None:
    """What each line or mark is, beneath the panels; long names are cut in the middle."""
    if not handles:
        return
    room = _room(len(handles), width)
    for handle in handles:
        handle.set_label(shown(fitted(str(handle.get_label()), room, _SIZE)))
    widest = max(text_width(str(handle.get_label()), _SIZE) for handle in handles) + _MARK
    columns = max(1, min(len(handles), int(width / widest)))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def legend_height(names: Sequence[str], *, width: float) -> float:
    """Inches that the legend of these names takes."""
    if not names:
        return 0.0
    room = _room(len(names), width)
    widest = max(min(text_width(plain(name), _SIZE), room) for name in names) + _MARK
    return 0.14 * -(-len(names) // max(1, min(len(names), int(width / widest)))) + 0.1


def shown(label: str) -> str:
    """The label such that a legend shows it: matplotlib takes one that begins with an underscore for hidden."""
    return f" {label}" if label.startswith("_") else label


def _room(count: int, width: float) -> float:
    """Inches that a name may take: a line of its own where they are few, else two or four share one."""
    return width - 0.6 if count <= _FEW else width / (2 if width <= COLUMN else 4) - _MARK - 0.02
