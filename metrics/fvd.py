"""Fréchet video distance of a corpus: windows of 16 frames of all videos against those of all their truths.

The Fréchet distance (see `frechet`) of I3D's 400 logits. Windows do not overlap, so that they count for what they are;
published values differ by stride, number of frames, frame rate and resizing, and seldom say which. It needs the
network's published weights.

Does not measure: lip sync (the network hears nothing, and a mouth is a few pixels of its 224); who speaks; a video's
truth is never compared with that video.
Source: Unterthiner, van Steenkiste, Kurach, Marinier, Michalski, Gelly, "Towards accurate generative models of video",
arXiv 1812.01717.
"""

from __future__ import annotations

from functools import partial

from metrics import frechet, moments
from metrics.i3d import CLASSES, SIDE, WEIGHTS, WINDOW
from metrics.pooling import brought
from metrics.registry import Corpus, Variant

EXTRACTOR = "i3d"
LEAST_WINDOWS = 100
"""Windows on either side: 64 s at 25 frames a second; below, the distance is mostly the number of windows."""
LEAST_CLIPS = 10
"""Clips on either side, as for FID."""

VARIANTS = (
    Variant(
        id=f"fvd/i3d-logits{CLASSES}-{WINDOW}f@1",
        title="Fréchet video distance",
        formula=f"{frechet.FORMULA}; {CLASSES} logits (before softmax) of I3D on Kinetics-400 for every {WINDOW} "
        f"frames at the video's own rate, windows one after another without overlap, the rest left out; TensorFlow 1's "
        f"bilinear to {SIDE}x{SIDE} (sampled at i size / {SIDE}), pixel / 127.5 - 1; {LEAST_WINDOWS} windows and "
        f"{LEAST_CLIPS} clips at least",
        unit="1",
        direction="lower",
        target=None,
        bounds=(0.0, None),
        needs=(f"features:{EXTRACTOR}", f"truth_features:{EXTRACTOR}"),
        weights=(WEIGHTS,),
        source="Unterthiner et al. 2018, arXiv 1812.01717; Carreira and Zisserman 2017, arXiv 1705.07750",
        equals="the formula of Unterthiner et al. with pytorch-i3d's weights; not compared with their TensorFlow code",
        blind_to="lip sync; identity, save as it changes what actions are seen; what is longer than 16 frames; "
        f"{frechet.TOO_FEW.format(CLASSES)}: compare values of the same clips only",
        legacy=False,
        measure=partial(brought, extractor=EXTRACTOR, lacking=f"under {WINDOW} frames make no window"),
        corpus=Corpus(
            features=EXTRACTOR,
            summarise=moments.summarise,
            merge=moments.merge,
            distance=frechet.distance,
            least_frames=LEAST_WINDOWS,
            least_clips=LEAST_CLIPS,
        ),
    ),
)
