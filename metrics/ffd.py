"""Fréchet distance of face embeddings of a corpus: a distance of distributions that needs no file beyond the wheels.

The Fréchet distance (see `frechet`) of dlib's 128 numbers a face. The embedding was trained to say whose face it is, so
that this is about identity and about what makes a face unlike faces; it is not FID and has no published values.

Does not measure: lips and sync; hair, background, and all that lies outside the face's crop; frames without a face.
Source: defined here; King 2017, the dlib face recognition network (ResNet of 29 layers, LFW 99.38 %).
"""

from __future__ import annotations

from functools import partial

from metrics import frechet, moments
from metrics.features.dlib128 import STRIDE, WIDTH
from metrics.pooling import brought
from metrics.registry import Corpus, Variant

EXTRACTOR = "dlib128"
WEIGHTS = ("dlib_resnet", "dlib68", "dlib_mmod")
LEAST_FACES = WIDTH + 1
"""Faces on either side: one more than dimensions, the fewest whose covariance can have full rank."""
LEAST_CLIPS = 5
"""Clips on either side: faces of a clip are nearly one embedding; of fewer clips an interval has no meaning."""
FACES = f"every face of frames 0, {STRIDE}, {2 * STRIDE} and so on"
BLIND = (
    "lip sync; the order of frames; blur that leaves the face known; all outside the face's crop; frames in which no "
    "face was found, which are left out (see coverage); "
)

VARIANTS = (
    Variant(
        id=f"ffd/{EXTRACTOR}@1",
        title="Fréchet distance of face embeddings (dlib)",
        formula=f"{frechet.FORMULA}; {WIDTH} numbers a face by dlib's recognition network, aligned by the "
        f"landmarks of dlib68; {FACES}; {LEAST_FACES} faces and {LEAST_CLIPS} clips at least",
        unit="1",
        direction="lower",
        target=None,
        bounds=(0.0, None),
        needs=(f"features:{EXTRACTOR}", f"truth_features:{EXTRACTOR}"),
        weights=WEIGHTS,
        source=f"defined here, after {frechet.SOURCE}",
        equals="no published code: defined here",
        blind_to=f"{BLIND}{frechet.TOO_FEW.format(WIDTH)}; a few identities span few directions, so that values "
        "of different sets of clips do not compare",
        legacy=False,
        measure=partial(brought, extractor=EXTRACTOR, lacking="no frame has a face"),
        corpus=Corpus(
            features=EXTRACTOR,
            summarise=moments.summarise,
            merge=moments.merge,
            distance=frechet.distance,
            least_frames=LEAST_FACES,
            least_clips=LEAST_CLIPS,
        ),
        promises=("identity",),
    ),
)
