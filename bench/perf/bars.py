"""What the gate asks of two versions of the same frames, bar by bar: values, bars that were missed, what nobody saw."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bench.perf import readers
from bench.perf.sample import Place
from bench.perf.subject import Request
from metrics import lip_opening
from metrics.clip import Clip
from metrics.errors import MetricError
from metrics.psnr import decibels, mean_squared_error

MEAN, WORST = 40.0, 35.0
"""Least PSNR in dB, of all frames and of each."""
DRIFT = 0.1
"""Largest drift in pixels."""
LIPS = 0.01
"""Largest change of a correlation."""
LPIPS, LSE_C = 0.01, 0.05
"""Largest LPIPS, and largest change of LSE-C."""
LEAST = 25
"""Frames on end that a movement needs: one second."""


@dataclass(frozen=True)
class Pair:
    """Both versions of the frames at `places`, uint8 (n, S, S, 3); the first `run` of them are on end, of `request`."""

    places: list[Place]
    emitted: np.ndarray
    plain: np.ndarray
    run: int
    request: Request

    def at(self, index: int) -> str:
        """Which frame that is, for a reader."""
        return "request {}, frame {}".format(*self.places[index])


@dataclass
class Findings:
    """values: fields of a fidelity row by name. reasons: a line for each bar that was missed or that nobody could
    measure. unmeasured: what was left out by the rules, and why."""

    values: dict[str, float] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    unmeasured: list[str] = field(default_factory=list)
    exact: bool = False
    reader: str = ""


def measure(pair: Pair, reader: str | None) -> Findings:
    """All bars. reader: a landmark backend for the faces in these frames, None where it can read none."""
    found = Findings(reader=readers.PATCHES)
    measure_psnr(pair, found)
    _keep_drift(readers.shifts(pair.plain, pair.emitted), readers.PATCHES, pair, np.arange(len(pair.places)), found)
    if reader is None:
        found.unmeasured.append("lip opening: no face that can be read; movement of squares instead")
        measure_movement(pair, found)
    else:
        measure_faces(pair, reader, found)
    measure_lpips(pair, found)
    measure_lse(pair, found)
    return found


def measure_psnr(pair: Pair, found: Findings) -> None:
    """Mean over frames that differ, and worst."""
    values = decibels(np.array([mean_squared_error(a, b) for a, b in zip(pair.emitted, pair.plain, strict=True)]))
    differing = values[np.isfinite(values)]
    found.exact = not len(differing)
    if found.exact:
        return
    mean, worst = float(differing.mean()), float(differing.min())
    found.values |= {"psnr_mean": mean, "psnr_worst": worst}
    if mean < MEAN:
        found.reasons.append(f"PSNR {mean:.1f} dB on average, expected at least {MEAN:g} dB")
    if worst < WORST:
        where = pair.at(int(values.argmin()))
        found.reasons.append(f"PSNR {worst:.1f} dB in the worst frame ({where}), expected at least {WORST:g} dB")


def measure_faces(pair: Pair, reader: str, found: Findings) -> None:
    """Drift and lips by a landmark backend."""
    ours, theirs = (readers.landmarks(reader, version) for version in (pair.emitted, pair.plain))
    if isinstance(ours, str) or isinstance(theirs, str):
        found.unmeasured.append(f"lip opening: {ours}; movement of squares instead")
        measure_movement(pair, found)
        return
    found.reader = f"{reader} and {readers.PATCHES}"
    mine, yours = (~np.isnan(points).any((1, 2)) for points in (ours, theirs))
    odd = np.flatnonzero(mine != yours)
    if len(odd):
        told = f"{len(odd)} frames, the first of them {pair.at(int(odd[0]))}"
        found.reasons.append(f"{reader} finds a face in one version only of {told}")
    seen = mine & yours
    if not seen.all():
        found.unmeasured.append(f"drift by {reader} in {np.count_nonzero(~seen)} frames without a face; patches alone")
    if seen.any():
        distances = np.linalg.norm(ours[seen] - theirs[seen], axis=-1)
        _keep_drift(distances, reader, pair, np.flatnonzero(seen), found)
    talking = seen[: pair.run]
    if np.count_nonzero(talking) < LEAST:
        told = f"a face in {np.count_nonzero(talking)} frames on end, expected at least {LEAST}"
        found.unmeasured.append(f"lip opening: {told}; movement of squares instead")
        measure_movement(pair, found)
        return
    measure_lips(pair, ours[: pair.run][talking], theirs[: pair.run][talking], talking, found)


def measure_lips(pair: Pair, ours: np.ndarray, theirs: np.ndarray, seen: np.ndarray, found: Findings) -> None:
    """Of landmarks (m, 68, 2) of both versions in those frames of the stretch that `seen`, bool (run,), names."""
    curves = lip_opening.curves(ours, theirs)
    own = lip_opening.correlation(curves.ours, curves.theirs)
    if curves.theirs.std() < lip_opening.STILL:
        found.reasons.append(f"lip opening could not be measured: in the plain loop's frames {own}")
        return
    if isinstance(own, str):
        found.reasons.append(f"lips stand still where the plain loop's move: {own}")
        return
    _keep_change(own - 1, "correlation of the lip opening with the plain loop's", found)
    if pair.request.truth is None:
        return
    first = pair.places[0][1]
    truth = np.asarray(pair.request.truth, np.float64)[first : first + pair.run][seen]
    told = [lip_opening.correlation(curve, truth) for curve in (curves.ours, curves.theirs)]
    if isinstance(told[0], str) or isinstance(told[1], str):
        found.unmeasured.append("lip opening against the truth, which stands still; against the plain loop's instead")
        return
    _keep_change(told[0] - told[1], "correlation of the lip opening with the truth", found)


def measure_movement(pair: Pair, found: Findings) -> None:
    """Of the stretch."""
    if pair.run < LEAST:
        told = f"{pair.run} frames on end, expected at least {LEAST}"
        found.reasons.append(f"movement could not be measured: {told}")
        return
    least = readers.movement(pair.plain[: pair.run], pair.emitted[: pair.run])
    if isinstance(least, str):
        found.reasons.append(f"movement could not be measured: {least}")
        return
    _keep_change(least - 1, "correlation of the movement with the plain loop's", found)


def measure_lpips(pair: Pair, found: Findings) -> None:
    """By AlexNet, over all frames."""
    try:
        from metrics.lpips_distance import measure, network

        network("alex")
        result = measure(Clip(pair.emitted, pair.plain), "alex")
    except (MetricError, ImportError) as error:
        found.unmeasured.append(f"LPIPS: {error}")
        return
    if result.value is None:
        found.unmeasured.append(f"LPIPS: {result.reason}")
        return
    found.values["lpips"] = result.value
    if result.value > LPIPS:
        found.reasons.append(f"LPIPS {result.value:.2g}, expected at most {LPIPS:g}")


def measure_lse(pair: Pair, found: Findings) -> None:
    """LSE-C of both versions of the stretch with its own sound."""
    from bench.errors import BenchError
    from bench.io.audio import read_audio
    from bench.records import FPS, RATE

    step, first = RATE // FPS, pair.places[0][1]
    try:
        from metrics import syncnet
        from metrics.lse import measure_cropped

        syncnet.load()
        samples = read_audio(pair.request.speech)[first * step : (first + pair.run) * step]
        ours, theirs = (
            measure_cropped(Clip(version[: pair.run], samples=samples), "sync_confidence", least=LEAST)
            for version in (pair.emitted, pair.plain)
        )
    except (MetricError, ImportError, BenchError) as error:
        found.unmeasured.append(f"LSE-C: {error}")
        return
    if ours.value is None or theirs.value is None:
        found.unmeasured.append(f"LSE-C: {ours.reason or theirs.reason}")
        return
    change = ours.value - theirs.value
    found.values["lse_c_change"] = change
    if abs(change) > LSE_C:
        found.reasons.append(f"LSE-C changes by {change:.2g}, expected at most {LSE_C:g}")


def _keep_drift(distances: np.ndarray, reader: str, pair: Pair, which: np.ndarray, found: Findings) -> None:
    """Of distances (m, K), NaN where there is none, in the frames `which`; the largest of all readers is kept."""
    seen = ~np.isnan(distances)
    blind = ~seen.any(1)
    if blind.any():
        where = pair.at(int(which[blind.argmax()]))
        found.reasons.append(
            f"keypoint drift could not be measured: {reader} find no detail in {np.count_nonzero(blind)} frames, the "
            f"first of them {where}"
        )
    means = np.where(seen, distances, 0).sum(1) / np.maximum(seen.sum(1), 1)
    drift = float(means.max())
    found.values["drift"] = max(drift, found.values.get("drift", 0.0))
    if drift > DRIFT:
        where = pair.at(int(which[means.argmax()]))
        found.reasons.append(f"keypoint drift {drift:.2g} px by {reader} ({where}), expected at most {DRIFT:g} px")


def _keep_change(change: float, what: str, found: Findings) -> None:
    """The last one is the row's: that with the truth, where it is known."""
    found.values["r_change"] = float(change)
    if abs(change) > LIPS:
        found.reasons.append(f"{what} changes by {change:.2g}, expected at most {LIPS:g}")
