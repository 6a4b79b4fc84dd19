"""The tracker `tensorboard`: one event file for each entry, below FOLDER/<name>/<method>/<setting>.

Estimates are scalars, values of clips are histograms, hyperparameters fill the tab HPARAMS, where methods and settings
stand in one table. TensorBoard knows no tables of rows: clips and failures are Markdown in the tab TEXT. It keeps
scalars as float32; the rows keep all digits.

Events are written here and not by a `SummaryWriter`, which would import torch and put the time and the machine into a
file's name and content: the same feed gives the same bytes under the same name, so sending again changes nothing. A
TensorBoard that is open must be started again to see a run replaced.

Options: none. Nothing leaves this machine.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.store.files import make_folder, replacing
from bench.trackers.base import Entry, Feed, Grid, Sent, check_options, folder_name, require

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

FILE = "events.out.tfevents.0.avct-bench"
"""TensorBoard reads every file with "tfevents" in its name."""
_VERSION = "brain.Event:2"
"""What the first event of a file says of its format."""


def check(options: Mapping[str, str]) -> None:
    """Raises ConfigError: an option, of which there are none, or TensorBoard is not installed."""
    check_options("tensorboard", options, ())
    require("tensorboard", {"tensorboard": "tensorboard"}, extra="tensorboard")


def send(feed: Feed, folder: Path, *, options: Mapping[str, str]) -> Sent:
    """Where the event files lie. Raises StorageError where they cannot be written."""
    place = folder / folder_name(feed.name)
    made = {place.joinpath(*map(folder_name, entry.path)) / FILE: entry for entry in feed.entries}
    fresh = False
    for path, entry in made.items():
        fresh |= _write(path, entry, feed)
    for path in set(place.rglob(FILE)) - set(made):  # of methods and settings that the run no longer has
        path.unlink()
        with suppress(OSError):
            path.parent.rmdir()
        fresh = True
    return Sent(str(place), f"tensorboard --logdir {folder}", fresh)


def _write(path: Path, entry: Entry, feed: Feed) -> bool:
    """Write an entry's event file, whole or not at all; whether that changed anything."""
    from io import BytesIO

    from tensorboard.summary.writer.record_writer import RecordWriter

    content = BytesIO()
    writer = RecordWriter(content)
    for event in _events(entry, feed):
        writer.write(event.SerializeToString(deterministic=True))
    data = content.getvalue()
    if path.is_file() and path.read_bytes() == data:
        return False
    make_folder(path.parent)
    with replacing(path) as file:
        file.write(data)
    return True


def _events(entry: Entry, feed: Feed) -> Iterator[Event]:
    from tensorboard.compat.proto.event_pb2 import Event

    yield Event(wall_time=feed.moment, file_version=_VERSION)
    for summary in _summaries(entry, feed):
        yield Event(wall_time=feed.moment, step=0, summary=summary)


def _summaries(entry: Entry, feed: Feed) -> Iterator[Summary]:
    from tensorboard.plugins.histogram.summary_v2 import histogram_pb
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb
    from tensorboard.plugins.text.summary_v2 import text_pb

    if entry.facts:
        trial = "/".join((feed.name, *entry.path))
        yield _ordered(hparams_pb(dict(entry.facts), trial_id=trial, start_time_secs=feed.moment))
    for name, value in entry.scalars.items():
        yield scalar_pb(name, value)
    for name, points in entry.series.items():
        yield histogram_pb(name, [value for _, value in points])
    for name, text in entry.texts.items():
        yield text_pb(name, text)
    if entry.grid:
        yield text_pb("clips", _aligned(entry.grid))
    for name, png in entry.figures.items():
        yield _image(name, png)


def _ordered(summary: Summary) -> Summary:
    """The same hyperparameters in the same bytes each time: they lie in a map, packed in the order of a random hash."""
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    for value in summary.value:
        packed = value.metadata.plugin_data
        packed.content = HParamsPluginData.FromString(packed.content).SerializeToString(deterministic=True)
    return summary


def _image(name: str, png: bytes) -> Summary:
    """A picture as TensorBoard holds it: width, height and the PNG file as it is."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.image.metadata import create_summary_metadata
    from tensorboard.util.tensor_util import make_tensor_proto

    width, height = struct.unpack(">II", png[16:24])
    metadata = create_summary_metadata(display_name=name, description="")
    tensor = make_tensor_proto([str(width).encode(), str(height).encode(), png])
    return Summary(value=[Summary.Value(tag=name, metadata=metadata, tensor=tensor)])


def _aligned(grid: Grid) -> str:
    """The grid as a block of code, which TensorBoard scrolls sideways where it would squeeze a table's columns."""
    from rich.cells import cell_len

    lines = [grid.columns, *([_cell(value) for value in row] for row in grid.rows)]
    widths = [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]
    padded = [
        [cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)] for line in lines
    ]
    return "\n".join(f"    {'  '.join(line)}".rstrip() for line in padded)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
