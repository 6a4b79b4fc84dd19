"""What each frame holds, column by column, and the one way in which records become a frame.

Names of methods, settings, metrics and clips are categories in the protocol's order: grouping keeps that order, and a
frame that was filtered still knows all methods, so that each keeps its colour in every figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

    from bench.report.folder import Run

_CELL = {
    "method": "name of the method",
    "setting": "name of the setting",
}
_CLIP = {
    "speaker": "who is heard",
    "reference": "whose face is shown",
    "driver": "the speech",
    "seed": "seed of the method",
    "clip": "the clip in words, each name once",
}
_METRIC = {
    "metric": "variant id, family/variant@version",
    "heading": "short name of the metric, as tables have it",
}
_CARD = {
    "unit": "unit of the value, empty where it has none",
    "direction": "higher, lower or target: which value is better; empty where it is not known",
    "target": "the value to be near to, where direction is target",
    "format": "how many digits tables show, as Python's format takes it",
}
_LIMITS = {
    "ci_low": "lower limit of the interval at the protocol's level",
    "ci_high": "upper limit",
}
MEANINGS: Mapping[str, Mapping[str, str]] = {
    "rows": {
        "protocol": "id of the protocol",
        "cell": "key of the cell",
        **_CELL, **_CLIP, **_METRIC,
        "value": "the clip's value, missing where there is none",
        "coverage": "share of the clip's frames that entered the value",
        "frames": "frames of the clip",
        "status": "ok, failed, unavailable, undefined or pooled",
        "stage": "where the cell broke, of failed ones",
        "reason": "why there is no value",
        "video_sha256": "hash of the video that was scored",
        "truth_sha256": "hash of the truth it was held against",
    },
    "table": {
        "protocol": "id of the protocol",
        **_CELL, **_METRIC,
        "group": "kind of the metric",
        "value": "mean over clips, or the value of all clips together",
        **_LIMITS,
        "n": "clips that entered",
        "expected": "clips that the protocol asks for",
        "coverage": "n over expected",
        "ranked": "whether the method is compared: one that is given the truth is not",
        "rank": "1 + methods that are ahead, of ranked ones",
        "best": "set in bold: best, or not told apart from the best",
        "note": "why an estimate is missing or partial",
        **_CARD,
    },
    "pairs": {
        "protocol": "id of the protocol",
        **_CELL, **_METRIC,
        "baseline": "what the method is held against",
        "baseline_is": "why this baseline",
        "difference": "mean over clips of method minus baseline; of distances from the target where there is one",
        **_LIMITS,
        "n": "clips that both have a value on",
        "missing": "clips that not both have a value on",
        "higher": "clips on which the method's value is higher",
        "lower": "clips on which it is lower",
        "ties": "clips without a difference",
        "p": "two-sided sign-flip test",
        "p_holm": "p corrected for all tests of this frame (Holm)",
        "detectable": "smallest true difference that is found with a chance of 80 %",
        "mean": "of the method on these clips",
        "mean_baseline": "of the baseline on these clips",
        "wins": "clips on which the method is better",
        "losses": "clips on which it is worse",
        "effect": "matched-pairs rank-biserial correlation, -1 to 1",
        "clusters": "units that the test flips",
        "verdict": "better, worse, different, open, or missing where there is no test",
        "reason": "why there is no interval or test",
        **_CARD,
    },
    "ranks": {
        "setting": "name of the setting", **_METRIC,
        "method": "name of the method",
        "mean_rank": "mean over clips of the method's place on the clip, 1 is best; ties share, no value is last",
        "n": "clips that were ranked",
        "completed": "clips on which the method has a value",
        "methods": "methods that were ranked",
    },
    "contests": {
        "setting": "name of the setting", **_METRIC,
        "method": "one method",
        "other": "the other; each pair is there once",
        "p": "two-sided sign-flip test of no difference",
        "p_holm": "p corrected for all pairs of this metric and setting (Holm)",
        "alike": "as complete as one another and not told apart at the protocol's level",
    },
    "curves": {
        **_CELL, **_CLIP, **_METRIC,
        "series": "name of the curve; per_frame is the metric itself",
        "frame": "place in the curve, from 0",
        "seconds": "frame / 25",
        "value": "the curve's value, missing where it is not known",
    },
    "lips": {
        "place": "best, median or worst",
        **_CELL, **_CLIP, **_METRIC,
        "r": "the metric's value on this clip",
        "series": "opening, or truth (once a clip)",
        "frame": "place in the curve, from 0",
        "seconds": "frame / 25",
        "value": "lip opening in percent of the face's height",
    },
    "offsets": {
        **_CELL, **_CLIP, **_METRIC,
        "offset": "frames by which the sound is moved, in the sign of the metric's offset",
        "distance": "distance of lips and sound at that offset, mean over frames",
    },
    "sync": {
        **_CELL, **_METRIC,
        "offset": "frames by which the sound is moved",
        "value": "distance, mean over clips",
        "ci_low": "lower limit: jackknife over the protocol's clusters with Student's t",
        "ci_high": "upper limit",
        "n": "clips that entered",
        "lowest": "whether this is the offset of the method's smallest mean distance",
    },
    "fidelities": {
        "id": "key of the row",
        "speed": "id of the speed row whose frames were looked at",
        "frames": "frames that were compared",
        "seed": "which chose the frames",
        "psnr_mean": "dB against the float32 plain loop",
        "psnr_worst": "dB of the worst frame",
        "exact": "whether all frames are equal, PSNR is then infinite and left out",
        "drift": "largest mean distance of keypoints in a frame, px",
        "reader": "what found the keypoints",
        "r_change": "change of the lip-opening correlation",
        "lpips": "against the plain loop, where its weights are here",
        "lse_c_change": "change of LSE-C, where its weights are here",
        "passed": "the gate's verdict",
        "reasons": "a line for each bar that was missed",
        "unmeasured": "bars that could not be measured",
    },
}  # fmt: skip
"""Meaning of every column of every frame but `speeds`, whose figures differ from run to run (`bench.store.speeds`)."""
CLIP_COLUMNS = ("speaker", "reference", "driver", "seed")
_WHOLE = ("n", "expected", "seed", "frames", "frame", "missing", "completed", "methods", "offset")
_COUNTS = ("rank", "higher", "lower", "ties", "wins", "losses", "clusters")
_NUMBERS = (
    *("value", "ci_low", "ci_high", "coverage", "target", "difference", "p", "p_holm", "detectable", "mean"),
    *("mean_baseline", "effect", "mean_rank", "distance", "r", "seconds"),
    *("psnr_mean", "psnr_worst", "drift", "r_change", "lpips", "lse_c_change"),
)
_TRUTHS = ("best", "ranked", "alike", "lowest", "exact", "passed")


def frame_of(name: str, lines: Iterable[Mapping[str, Any]], run: Run | None = None) -> pd.DataFrame:
    """The frame of that name with its columns in their order, one line for each record; run: decides categories."""
    lines = list(lines)
    return shape(name, {column: [line.get(column) for line in lines] for column in MEANINGS[name]}, run)


def shape(name: str, data: Mapping[str, Any], run: Run | None = None) -> pd.DataFrame:
    """The same of whole columns."""
    import pandas as pd  # type: ignore[import-untyped]

    orders = _orders(run) if run is not None else {}
    made = {}
    for column in MEANINGS[name]:
        values = data[column]
        if isinstance(getattr(values, "dtype", None), pd.CategoricalDtype):
            made[column] = values
        elif column in orders:
            made[column] = pd.Categorical(values, categories=_order(orders[column], values))
        elif column in _NUMBERS:
            made[column] = pd.Series(values, dtype="float64")
        elif column in _COUNTS:
            made[column] = pd.Series(values, dtype="Int64")
        elif column in _WHOLE:
            made[column] = pd.Series(values, dtype="int64")
        elif column in _TRUTHS:
            made[column] = pd.Series(values, dtype="bool")
        else:
            made[column] = pd.Series(values, dtype="object" if column in ("reasons", "unmeasured") else "str")
    return pd.DataFrame(made)


def _orders(run: Run) -> dict[str, Sequence[str]]:
    """Names in the protocol's order."""
    clips = run.clips
    return {
        "method": run.methods,
        "other": run.methods,
        "setting": run.settings,
        "metric": list(run.protocol["metrics"]),
        "speaker": list(dict.fromkeys(clip[0] for clip in clips)),
        "reference": list(dict.fromkeys(clip[1] for clip in clips)),
        "driver": list(dict.fromkeys(clip[2] for clip in clips)),
    }


def _order(known: Sequence[str], values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*known, *values]))
