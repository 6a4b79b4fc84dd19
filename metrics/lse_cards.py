"""The cards of SyncNet's numbers: three families, two protocols, and three conventions that papers used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from metrics.clip import Clip, Result
from metrics.registry import Variant
from metrics.sync_reading import REACH

CROPPED, TRACKED = "syncnet-cropped", "syncnet-tracked"
LRS, REAL, PACKAGE = "legacy-wav2lip-lrs", "legacy-wav2lip-real", "legacy-syncnet-python"
DETECTORS = {"hog": (), "yunet": ("yunet",), "s3fd": ("s3fd",)}
"""Face detectors of the tracked protocols, and the weights each rests on."""
FAMILIES = ("sync_offset", "sync_confidence", "sync_distance")


@dataclass(frozen=True)
class Card:
    """One variant's choices. detector: "" where the frame is the face."""

    family: str
    protocol: str
    detector: str = ""

    @property
    def id(self) -> str:
        """The full id."""
        name = f"{self.protocol}-{self.detector}" if self.detector else self.protocol
        return f"{self.family}/{name}@1"


def cards() -> list[Card]:
    """Every variant of SyncNet's: legacy ones have no offset, which those codes' tables do not have either."""
    told = [Card(family, CROPPED) for family in FAMILIES]
    told += [Card(family, TRACKED, detector) for detector in DETECTORS for family in FAMILIES]
    told += [Card(family, LRS) for family in FAMILIES[1:]]
    told += [Card(family, REAL, detector) for detector in DETECTORS for family in FAMILIES[1:]]
    # the package knows one detector
    return told + [Card(family, PACKAGE, "s3fd") for family in FAMILIES[1:]]


_TITLES = {
    "sync_offset": "Offset of the sound from the lips by SyncNet v2",
    "sync_confidence": "Confidence by SyncNet v2 (LSE-C)",
    "sync_distance": "Distance by SyncNet v2 (LSE-D)",
}
_WHAT = {
    "sync_offset": "offset of the least mean distance, positive where the sound comes before its lips",
    "sync_confidence": "median of the mean distances less the least",
    "sync_distance": "least mean distance",
}
_NETWORK = (
    "SyncNet v2 on windows of 5 frames of 224x224, values 0 to 255 as BGR, and 20 rows of 13 cepstra of 16-bit sound "
    "at 16 kHz, one window a frame, min(frames, samples // 640) - 5 of them; distance = |a - b + 1e-6|, mean over "
    f"windows for every offset of -{REACH} to {REACH} frames, sound beyond the ends taken for zero vectors; 25 frames "
    "a second"
)
_CROP = (
    "track: boxes that overlap by more than 0.5 (intersection over union), 25 frames apart at most, gaps filled in "
    "linearly; half side and centre smoothed by a median of 13; square of 2.8 half sides, 0.4 lower, grey 110 outside; "
    "resized bilinearly without antialiasing; shots are not looked for; no second encoding"
)
_WHOLE = "the whole frame, resized bilinearly without antialiasing whatever its shape"
_HOW = {
    CROPPED: f"{_WHOLE}; at least 25 frames with sound; {_NETWORK}",
    TRACKED: f"the longest track counts (the others in the notes) whose face was found in 50 frames, or in four fifths "
    f"of a shorter clip, and whose box has 50 pixels on average; at least 25 frames with sound; {_CROP}; {_NETWORK}",
    LRS: f"{_WHOLE}; from six frames with sound on; {_NETWORK}",
    REAL: "mean over tracks, as that script prints a line for each, of those with more than 100 frames with a face and "
    f"boxes above 100 pixels; {_CROP}; {_NETWORK}",
    PACKAGE: "best of all tracks, each number by itself, with more than 50 frames with a face and boxes above 100 "
    f"pixels; {_CROP}; {_NETWORK}",
}
_EQUALS = {
    CROPPED: "SyncNetInstance.evaluate of syncnet-python 0.2.3 on lossless frames of 224x224. To verify weights with: "
    "joonson/syncnet_python's demo on its example.avi: offset 3, distance 5.353, confidence 10.021 (to a tenth)",
    TRACKED: "syncnet-python 0.2.3 for one face in one shot longer than 50 frames, save its three lossy encodings "
    "(a tenth). To verify weights with, by s3fd: nawta's example/video.avi: offset 1, distance 4.529, confidence 9.237",
    LRS: "calculate_scores_LRS of Rudrabha/Wav2Lip, save its JPEG pictures; equal to syncnet-cropped, but for clips "
    "under 25 frames, which that script scores too",
    REAL: "Wav2Lip's calculate_scores_real_videos (one line a track; a clip's lines averaged), save its encodings and "
    "scene detection, whose own detector is s3fd. Unlike syncnet-tracked: every track counts, of 100 frames",
    PACKAGE: "max(confs) and min(dists) that SyncNetPipeline of syncnet-python 0.2.3 gives, save its encodings and "
    "scene detection; it stops a track at the first other face of a frame. Unlike Wav2Lip's script: best in place of "
    "all, 50 frames in place of 100",
}
_BLIND = {
    "sync_offset": "how sure the answer is: noise has an offset too (see sync_confidence); offsets beyond 15 frames",
    "sync_confidence": "lag: a clip that is late by ten frames is as sure (see sync_offset)",
    "sync_distance": "lag, as the best offset counts",
}
_FAULTS = {
    LRS: "; in a clip under two seconds zero vectors decide the median",
    REAL: "; clips under four seconds have no track and vanish from that script's means",
    PACKAGE: "; confidence and distance may stem from different tracks; that code gives 0.0 where there is no track, "
    "which reads as a perfect distance: here there is no value",
}


def variant(card: Card, measure: Callable[[Clip], Result]) -> Variant:
    """A card as the registry's variant."""
    family, legacy = card.family, card.protocol.startswith("legacy")
    offset = family == "sync_offset"
    promised = {"sync_offset": ("audio-delay",)}.get(family, ("wrong-speech",))
    with_faces = f"; faces by {card.detector}" if card.detector else ""
    told = f" ({card.id.partition('/')[2].partition('@')[0]})"
    return Variant(
        id=card.id,
        title=_TITLES[family] + told,
        formula=f"{_WHAT[family]}; {_HOW[card.protocol]}{with_faces}",
        unit="frames" if offset else "1",
        direction={"sync_offset": "target", "sync_confidence": "higher", "sync_distance": "lower"}[family],
        target=0.0 if offset else None,
        bounds=(-REACH, REACH) if offset else (0.0, None),
        needs=(f"faces:{card.detector}", "samples") if card.detector else ("samples",),
        weights=("syncnet_v2", *DETECTORS.get(card.detector, ())),
        source="Chung and Zisserman 2016, ACCV workshops; Prajwal et al. 2020, arXiv 2008.10010 (LSE-C, LSE-D)",
        equals=_EQUALS[card.protocol],
        blind_to=f"{_BLIND[family]}{_FAULTS.get(card.protocol, '')}; how well lips are drawn; numbers of another "
        "protocol, crop or detector do not compare",
        legacy=legacy,
        measure=measure,
        promises=() if legacy else promised,
    )
