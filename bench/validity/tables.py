"""The findings as files to read and to compute with: validity.csv, verdicts.csv, sensitivity.csv, summary.md."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.validity.findings import Findings
from bench.validity.ladders import LADDERS, STAND_INS
from bench.validity.plan import LEGACY_SHARE
from bench.validity.scenes import FRAMES
from bench.validity.sensitivity import ALPHA, CLIPS, POWER
from bench.validity.verdicts import BLIND, HOLDS, LEVEL

if TYPE_CHECKING:
    from metrics.registry import Variant

SIGNS = {
    "holds": "✔", "FAILS": "✘", "answers": "+", "misled": "!", "mixed": "~", "blind": "·", "no value": "–",
}  # fmt: skip
MEANING = {
    "holds": f"promised by the card, and rank correlation of level and harm is {HOLDS} or more",
    "FAILS": "promised by the card, and does not hold",
    "answers": f"not promised, rank correlation {HOLDS} or more (of a metric that only describes: in either direction)",
    "misled": f"the value gets better with every step of harm: rank correlation -{HOLDS} or less",
    "mixed": "the value moves, not with the levels",
    "blind": "no move that these clips tell from chance (t test over clips at 1 %, corrected for levels: more clips "
    f"may tell), or one under {BLIND:.0%} of the most that any ladder moves it",
    "no value": "fewer than three levels have a value for half of the clips, or the truth has none",
}


def validity_csv(found: Findings) -> str:
    """A line for each variant, ladder and level: mean over clips with its interval; level 0 is the truth."""
    lines = []
    for (variant, ladder), curve in found.curves.items():
        amounts = ("", *LADDERS[ladder].steps(found.plan.levels))
        for level, (amount, mean) in enumerate(zip(amounts, curve.means, strict=True)):
            lines.append([variant, ladder, level, amount, *map(_digits, (mean.value, mean.low, mean.high)), mean.n])
    return _csv(("variant", "ladder", "level", "amount", "mean", "ci_low", "ci_high", "clips"), lines)


def verdicts_csv(found: Findings) -> str:
    """A line for each variant and ladder."""
    lines = []
    for (variant, ladder), v in found.verdicts.items():
        reason = found.curves[variant, ladder].reason
        numbers = map(_digits, (v.rho, v.rho_clips, v.moved))
        lines.append([variant, ladder, int(v.promised), v.word, *numbers, len(v.levels), v.clips, reason])
    head = (
        "variant",
        "ladder",
        "promised",
        "verdict",
        "rho",
        "rho_clips_median",
        "moved",
        "levels",
        "clips",
        "lacking",
    )
    return _csv(head, lines)


def sensitivity_csv(found: Findings) -> str:
    """A line for each variant that is no legacy one."""
    lines = [{name: _digits(v) if isinstance(v, float) else v for name, v in r.items()} for r in found.detectable]
    return _csv(tuple(lines[0]), [list(line.values()) for line in lines]) if lines else ""


def summary(found: Findings, command: str) -> str:
    """The report to read, as Markdown."""
    parts = [
        _head(found, command),
        _promises(found),
        _matrix(found),
        _ladders(found),
        _optima(found),
        _offsets(found),
        _blind(found),
        _sensitivity(found),
        _lacking(found),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(found: Findings, command: str) -> str:
    plan = found.plan
    return (
        "# Do the metrics measure what they say?\n\n"
        f"True clips of the embedded corpus (held-out identities, sentences and voices, {FRAMES} frames each) are "
        f"harmed step by step and measured against themselves: {plan.clips} clips on each ladder "
        f"(legacy conventions on every {LEGACY_SHARE}nd), {plan.levels} levels with the truth as level 0, "
        f"{plan.more} clips for offsets, for the sensitivity, and for values that all clips have together on ladders "
        "they promise. Variants by `file` are given the engine's own landmarks, exact in every video; so they tell a "
        "formula's behaviour apart from a detector's.\n\n"
        f"Made by `{command}`. Numbers: `validity.csv` (means with {LEVEL:.0%} bootstrap intervals by clip), "
        "`verdicts.csv`, `sensitivity.csv`; pictures: `matrix.png`, `curves.png`; code, versions, weights: "
        "`manifest.json`."
    )


def _promises(found: Findings) -> str:
    promised = {key: v for key, v in found.verdicts.items() if v.promised}
    held = sum(v.word == "holds" for v in promised.values())
    failing = [
        f"- `{variant}` on {ladder}: rank correlation {_signed(v.rho)}, {v.clips} clips"
        for (variant, ladder), v in promised.items()
        if v.word == "FAILS"
    ]
    without = sorted({f"`{variant}` on {ladder}" for (variant, ladder), v in promised.items() if v.word == "no value"})
    text = f"## Promises\n\n{held} of {len(promised)} promises of the cards hold."
    if failing:
        text += "\n\n" + "\n".join(["Those that fail:", "", *failing])
    return text + (f"\n\nWithout a value here: {', '.join(without)}." if without else "")


def _matrix(found: Findings) -> str:
    ladders = found.plan.ladders
    lines = ["| variant | " + " | ".join(ladders) + " |", "|---" * (len(ladders) + 1) + "|"]
    for variant in found.plan.variants:
        cells = [SIGNS[found.verdicts[variant.id, ladder].word] for ladder in ladders]
        lines.append(f"| `{variant.id}` | " + " | ".join(cells) + " |")
    key = "\n".join(f"- {sign} {word}: {MEANING[word]}" for word, sign in SIGNS.items())
    return "## Variants and ladders\n\n" + "\n".join(lines) + "\n\n" + key


def _ladders(found: Findings) -> str:
    lines = ["| ladder | harm | amounts |", "|---|---|---|"]
    for name in found.plan.ladders:
        ladder = LADDERS[name]
        amounts = ", ".join(f"{amount:g}" for amount in ladder.steps(found.plan.levels))
        lines.append(f"| {name} | {ladder.title} ({ladder.unit}) | {amounts} |")
    return "## Ladders\n\n" + "\n".join(lines)


def _optima(found: Findings) -> str:
    broken = [f"`{name}`" for name, best in found.optimum.items() if best is False]
    best = sum(1 for value in found.optimum.values() if value)
    text = (
        "## The truth against itself\n\n"
        f"Of {best + len(broken)} variants that compare with the truth and know better from worse, {best} have their "
        "best value where both are the same: no clip scores better on any level of any ladder."
    )
    text += f" Not so: {', '.join(broken)}." if broken else ""
    untold = [f"`{name}`" for name, its in found.optimum.items() if its is None]
    return text + (f" Without a value there: {', '.join(untold)}." if untold else "")


def _offsets(found: Findings) -> str:
    if not found.offsets:
        return ""
    lines = ["| variant | clips | moves by exactly k | exact for every k | offset at rest |", "|---|---|---|---|---|"]
    for name, told in found.offsets.items():
        rest = ", ".join(f"{value:g}" for value in told["at_rest"])
        lines.append(
            f"| `{name}` | {told['clips']} | {told['exact']:.1%} of {told['cases']} | {told['whole']:.1%} of clips "
            f"| {rest} |"
        )
    intro = f"Sound moved by k = -12 … 12 frames, clips of {FRAMES / 25:g} s; the law asks for 95 % of clips."
    return "## Offsets\n\n" + intro + "\n\n" + "\n".join(lines)


def _blind(found: Findings) -> str:
    lines = ["## Blind, and misled", ""]
    for variant in _current(found):
        words = {ladder: found.verdicts[variant.id, ladder].word for ladder in found.plan.ladders}
        told = [
            f"{word} to {', '.join(mine)}" if word == "blind" else f"**misled** by {', '.join(mine)}"
            for word in ("blind", "misled")
            if (mine := [ladder for ladder, its in words.items() if its == word])
        ]
        if told:
            lines.append(f"- `{variant.id}`: {'; '.join(told)}")
    return "\n".join(lines) if len(lines) > 2 else ""


def _sensitivity(found: Findings) -> str:
    if not found.detectable:
        return ""
    stand_ins = " ".join(f"{name}: {' '.join((make.__doc__ or '').split())}" for name, make in STAND_INS.items())
    intro = (
        "The smallest true difference between two methods that a test shows "
        f"(t test, two-sided {ALPHA:.0%}, power {POWER:.0%}): paired, d = delta s_d / sqrt(n), with s_d the standard "
        "deviation over clips of the difference; unpaired, d = delta s sqrt(2 / n); delta is the noncentrality of t "
        "with n - 1 or 2 n - 2 degrees of freedom at that power (Owen 1965; Cohen 1988). Spreads are those of two "
        f"stand-ins for methods on {found.plan.more} clips. {stand_ins} Within: s_d as the halves of each clip tell "
        "it, where there are values by frame; what is left of s_d differs from clip to clip and longer clips do not "
        "mend it. Values that all clips have together: jackknife values in place of clips' own. Everything, unpaired "
        "for every n included: `sensitivity.csv`. Empty: these clips show no spread, which says nothing of others."
    )
    wide = " | ".join(f"paired, {n}" for n in CLIPS)
    lines = [f"| variant | unit | s_d | within | s | {wide} | unpaired, 28 |", "|---" * (len(CLIPS) + 6) + "|"]
    for line in found.detectable:
        if line["sd_difference"] is None:
            continue
        names = ("sd_difference", "sd_difference_within", "sd_values", *(f"paired_{n}" for n in CLIPS), "unpaired_28")
        cells = " | ".join("" if line[name] is None else f"{line[name]:.3g}" for name in names)
        lines.append(f"| `{line['variant']}` | {line['unit']} | {cells} |")
    return "## What n clips can show\n\n" + intro + "\n\n" + "\n".join(lines)


def _lacking(found: Findings) -> str:
    if not found.lacking:
        return ""
    by_reason: dict[str, list[str]] = {}
    for name, reason in found.lacking.items():
        by_reason.setdefault(reason, []).append(f"`{name}`")
    lines = [f"- {reason}: {', '.join(names)}" for reason, names in sorted(by_reason.items())]
    return "## Not measured here\n\n" + "\n".join(lines)


def _current(found: Findings) -> list[Variant]:
    return [variant for variant in found.plan.variants if not variant.legacy]


def _signed(value: float | None) -> str:
    return "none (no move)" if value is None else f"{value:+.2f}"


def _digits(value: float | None) -> str:
    """Six digits: far finer than any interval here, and the files stay small."""
    return "" if value is None else f"{value:.6g}"


def _csv(head: Sequence[str], lines: Iterable[Sequence[Any]] | Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(["" if cell is None else cell for cell in line] for line in lines)
    return text.getvalue()
