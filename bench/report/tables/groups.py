"""Metrics of one kind side by side: what a wide table is split by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby, pairwise

OTHER = "Further metrics"
_GROUPS = {
    "Lips": ("lip_opening_r", "lip_opening_slope", "lip_opening_bias", "lip_opening_std", "bilabial_closure"),
    "Lips and sound": ("sync_confidence", "sync_distance", "sync_offset"),
    "Landmarks": ("lmd", "lvd", "jitter", "jitter_ratio"),
    "Pictures": ("psnr", "ssim", "ms_ssim", "lpips", "cpbd", "sharpness", "fid", "kid", "fvd"),
    "Identity": ("csim", "identity_distance", "ffd"),
    "Head and eyes": ("head_motion_std", "head_beat", "pose_error", "blink_rate"),
}
_OF = {family: group for group, families in _GROUPS.items() for family in families}


def group_of(metric: str) -> str:
    """The group of a variant id; families that are not known here have one of their own."""
    return _OF.get(metric.partition("/")[0], OTHER)


def grouped(metrics: Sequence[str]) -> list[str]:
    """The ids with those of a group together; groups, and ids within them, in the order that they came in."""
    order = {group: place for place, group in reversed(list(enumerate(map(group_of, metrics))))}
    return sorted(metrics, key=lambda metric: order[group_of(metric)])


def runs(groups: Sequence[str]) -> list[tuple[str, list[int]]]:
    """(group, places) of each stretch of equal groups."""
    return [(name, list(places)) for name, places in groupby(range(len(groups)), key=groups.__getitem__)]


def pack(groups: Sequence[str], fits: Callable[[list[int]], bool]) -> list[list[int]]:
    """Places of columns for each part of a table: whole groups while they fit, larger groups in parts filled alike.

    groups: the group of each column. fits: whether these columns fit side by side; one alone is always taken.
    """
    parts: list[list[int]] = []
    for _, places in runs(groups):
        if parts and fits([*parts[-1], *places]):
            parts[-1] += places
            continue
        count = 1
        while not all(fits(part) for part in _divided(places, count)) and count < len(places):
            count += 1
        parts += _divided(places, count)
    return parts


def _divided(places: Sequence[int], count: int) -> list[list[int]]:
    edges = [round(part * len(places) / count) for part in range(count + 1)]
    return [list(places[low:high]) for low, high in pairwise(edges)]


def fill(count: int, fits: Callable[[list[int]], bool]) -> list[list[int]]:
    """Places of `count` columns for each part of a table where width is scarce: as many as fit, whatever their kind."""
    parts: list[list[int]] = []
    for place in range(count):
        if not parts or not fits([*parts[-1], place]):
            parts.append([])
        parts[-1].append(place)
    return parts
