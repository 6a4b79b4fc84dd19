"""Kernel Inception distance of a corpus, and the same over face embeddings: a distance that few frames do not inflate.

The unbiased squared maximum mean discrepancy (see `mmd`) of the features that FID and FFD rest on. Papers print it
times 1,000 or times 100, and mostly as a mean over random subsets of 1,000; here it is plain, over all pairs.

Does not measure: lips, sync or motion; a frame's truth is never compared with that frame.
Source: Bińkowski, Sutherland, Arbel, Gretton, "Demystifying MMD GANs", ICLR 2018.
"""

from __future__ import annotations

from functools import partial

from metrics import ffd, fid, inception, mmd
from metrics.pooling import NO_LINE, brought
from metrics.registry import Corpus, Variant

LEAST_FACES = 100
"""Faces on either side: fewer dimensions bias nothing here, but a mean over so few pairs says little."""


def _variant(
    name: str,
    extractor: str,
    *,
    title: str,
    formula: str,
    weights: tuple[str, ...],
    equals: str,
    blind_to: str,
    lacking: str,
    least: tuple[int, int],
    promises: tuple[str, ...] = (),
) -> Variant:
    frames, clips = least
    return Variant(
        id=f"kid/{name}@1",
        title=title,
        formula=f"{mmd.FORMULA}; {formula}; {frames} frames and {clips} clips at least; papers print it times 1,000",
        unit="1",
        direction="lower",
        target=None,
        bounds=(None, None),
        needs=(f"features:{extractor}", f"truth_features:{extractor}"),
        weights=weights,
        source=mmd.SOURCE,
        equals=equals,
        blind_to=f"{blind_to}that frames of a clip are alike: unbiased only for independent frames, it comes out "
        "too large for few clips of many frames",
        legacy=False,
        measure=partial(brought, extractor=extractor, lacking=lacking),
        corpus=Corpus(
            features=extractor,
            summarise=mmd.summarise,
            merge=mmd.merge,
            distance=mmd.distance,
            least_frames=frames,
            least_clips=clips,
        ),
        promises=promises,
    )


VARIANTS = (
    *(
        _variant(
            f"inception2015-{convention}",
            f"inception_{convention}",
            title=f"Kernel Inception distance ({convention} input)",
            formula=f"D = {inception.DIMENSIONS} features a frame of Inception 2015-12-05 after its last mean over "
            f"places; every frame, {fid.INPUTS[convention]}",
            weights=(inception.WEIGHTS,),
            equals="the estimator of torch-fidelity 0.4's kid (degree 3, gamma 1 / D, coef0 1) for one subset of all",
            blind_to=fid.BLIND,
            lacking=NO_LINE,
            least=(fid.LEAST_FRAMES, fid.LEAST_CLIPS),
        )
        for convention in ("clean", "pytorchfid")
    ),
    _variant(
        ffd.EXTRACTOR,
        ffd.EXTRACTOR,
        title="Kernel distance of face embeddings (dlib)",
        formula=f"D = {ffd.WIDTH} numbers a face by dlib's recognition network, aligned by the landmarks of "
        f"dlib68; {ffd.FACES}",
        weights=ffd.WEIGHTS,
        equals="no published code: the estimator of KID over another embedding, defined here",
        blind_to=f"{ffd.BLIND}spread, nearly: dlib's numbers are small beside the kernel's 1, so that the mean "
        "embedding decides and values are small; ",
        lacking="no frame has a face",
        least=(LEAST_FACES, ffd.LEAST_CLIPS),
        promises=("identity",),
    ),
)
