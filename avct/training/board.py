"""Training curves for TensorBoard, where it is installed (extra `tensorboard`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from avct.errors import MissingWeights


def tensorboard(folder: Path) -> Callable[[str, dict[str, float]], None]:
    """A note-taker: a row of a stage becomes points of curves named `stage/term`, at the row's step, below `folder`.

    Raises MissingWeights, in one line, where TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingWeights("curves for TensorBoard need the package tensorboard (extra `tensorboard`)") from None
    writer = SummaryWriter(str(folder))

    def note(stage: str, row: dict[str, float]) -> None:
        for name, value in row.items():
            if name != "step":
                writer.add_scalar(f"{stage}/{name}", value, int(row["step"]))
        writer.flush()  # a training that is ended by force keeps its curves

    return note
