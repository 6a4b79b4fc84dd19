"""Fréchet Inception distance of a corpus: frames of all videos against frames of all their truths.

The Fréchet distance (see `frechet`) of 2,048 numbers a frame by the Inception network of 2015, in the three ways that
frames are brought to it (see `resize`): a value compares with another of the same convention, of as many frames of the
same clips, and with nothing else. It needs the network's published weights.

Does not measure: lips, sync, identity or motion; a frame's truth is never compared with that frame.
Source: Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter, "GANs trained by a two time-scale update rule", NIPS 2017.
"""

from __future__ import annotations

from functools import partial

from metrics import frechet, moments
from metrics.inception import DIMENSIONS, WEIGHTS
from metrics.pooling import brought
from metrics.registry import Corpus, Variant

LEAST_FRAMES = 100
"""Frames on either side: below, the distance is mostly the number of frames, and says nothing of the videos."""
LEAST_CLIPS = 10
"""Clips on either side: frames of a clip are nearly one picture, and of fewer clips no interval can be given."""
INPUTS = {
    "pytorchfid": "bilinear to 299x299, pixel centres at halves, no low-pass, pixel / 127.5 - 1",
    "clean": "Pillow's bicubic in float per channel to 299x299 with a low-pass, cut to 0..255, (pixel - 128) / 128",
    "tf": "TensorFlow 1's bilinear to 299x299 (sampled at i size / 299), no low-pass, (pixel - 128) / 128",
}
"""How uint8 RGB frames become the network's input, by convention."""
BLIND = (
    "lip sync; the order of frames; identity, save as it changes what ImageNet's classes see; which frame belongs to "
    "which truth; "
)
_PEERS = {
    "pytorchfid": "pytorch-fid 0.3.0 on the same frames as PNG, under SciPy below 1.18 (above, pytorch-fid fails)",
    "clean": "clean-fid's mode 'clean' on the same frames, as its paper and code state it (arXiv 2104.11222)",
    "tf": "torch-fidelity 0.4's fid, which reproduces the original TensorFlow code, on the same frames",
}


def _variant(convention: str) -> Variant:
    extractor = f"inception_{convention}"
    return Variant(
        id=f"fid/inception2015-{convention}@1",
        title=f"Fréchet Inception distance ({convention} input)",
        formula=f"{frechet.FORMULA}; {DIMENSIONS} features a frame of Inception 2015-12-05 after its last mean over "
        f"places; every frame, {INPUTS[convention]}; {LEAST_FRAMES} frames and {LEAST_CLIPS} clips at least",
        unit="1",
        direction="lower",
        target=None,
        bounds=(0.0, None),
        needs=(f"features:{extractor}", f"truth_features:{extractor}"),
        weights=(WEIGHTS,),
        source=frechet.SOURCE,
        equals=_PEERS[convention],
        blind_to=f"{BLIND}{frechet.TOO_FEW.format(DIMENSIONS)}, some bias is left below 10,000, and frames of a clip "
        "count as independent, which they are not: compare values of the same clips and numbers of frames only",
        legacy=False,
        measure=partial(brought, extractor=extractor),
        corpus=Corpus(
            features=extractor,
            summarise=moments.summarise,
            merge=moments.merge,
            distance=frechet.distance,
            least_frames=LEAST_FRAMES,
            least_clips=LEAST_CLIPS,
        ),
    )


VARIANTS = tuple(_variant(convention) for convention in ("pytorchfid", "clean", "tf"))
