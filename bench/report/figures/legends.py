"""Legends that fit: beneath the panels, in as many columns as the figure's width holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.report.figures.style import fitted, plain, text_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def legend(figure: Figure, handles: Sequence[Any], *, width: float) -> None:
    """What each line or mark is, beneath the panels; long names are cut in the middle."""
    if not handles:
        return
    room = width - 0.6
    for handle in handles:
        handle.set_label(shown(fitted(str(handle.get_label()), room, 6.5)))
    widest = max(text_width(str(handle.get_label()), 6.5) for handle in handles) + 0.55
    columns = max(1, min(len(handles), int(width / widest)))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def legend_height(names: Sequence[str], *, width: float) -> float:
    """Inches that the legend of these names takes."""
    if not names:
        return 0.0
    widest = max(min(text_width(plain(name), 6.5), width - 0.6) for name in names) + 0.55
    return 0.14 * -(-len(names) // max(1, min(len(names), int(width / widest)))) + 0.1


def shown(label: str) -> str:
    """The label such that a legend shows it: matplotlib takes one that begins with an underscore for hidden."""
    return f" {label}" if label.startswith("_") else label
