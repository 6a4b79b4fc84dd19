"""The figure that all drawings are made on: it shows itself in a notebook and saves itself in the shared style."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from bench.report.figures.style import as_png, styled


class Drawing(Figure):
    """A matplotlib figure that needs neither pyplot nor a magic command to be seen."""

    def _repr_png_(self) -> bytes:
        return as_png(self)

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Write the figure as matplotlib does, with TrueType letters in a PDF and 200 dpi in a PNG."""
        with styled():
            super().savefig(*args, **kwargs)
