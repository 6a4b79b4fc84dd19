"""The one photograph of the corpus: Eileen Collins, NASA, public domain, bundled with scikit-image."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from bench.datasets.puppets.photo import photograph_rig
from bench.datasets.puppets.rig import Rig

_MARKS = Path(__file__).with_name("astronaut.json")


def astronaut_rig() -> Rig:
    """The photograph as a puppet. Its 68 landmarks are stored, so that no face detector is needed."""
    from skimage.data import astronaut

    return photograph_rig(astronaut(), np.array(json.loads(_MARKS.read_text())["landmarks"], float))
