"""Demands on an evaluation: `--fail-under METRIC=VALUE`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.results import LOWER_IS_BETTER, SetResult
from ingest.errors import CitewellError


@dataclass(frozen=True, slots=True)
class Threshold:
    """A measure of every set, or of one, must not be worse than a value."""

    measure: str
    value: float
    set_name: str | None = None


def read_threshold(text: str) -> Threshold:
    """Read `METRIC=VALUE` or `SET:METRIC=VALUE`.

    Raises:
        CitewellError: If it is neither.
    """
    name, separator, number = text.partition("=")
    set_name, _, measure = name.strip().rpartition(":")
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if not separator or not measure or math.isnan(value):
        raise CitewellError(
            f"--fail-under {text!r} is not METRIC=VALUE. Write it like Success@5=0.8, or dev:Success@5=0.8 for one set."
        )
    return Threshold(measure, value, set_name or None)


def unmet(thresholds: Sequence[Threshold], sets: Sequence[SetResult]) -> list[str]:
    """Return a reason for every demand that a set does not meet; a measure that no set has is not met."""
    reasons = []
    for each in thresholds:
        measured = [
            (result, result.estimates[each.measure].value)
            for result in sets
            if each.set_name in (None, result.name) and each.measure in result.estimates
        ]
        if not measured:
            known = sorted({name for result in sets for name in result.estimates})
            reasons.append(
                f"{_name(each)} was not measured on any set. Measured: {', '.join(known) or 'nothing'}"
            )
        reasons += [
            reason for result, value in measured if (reason := _shortfall(each, result, value)) is not None
        ]
    return reasons


def _name(threshold: Threshold) -> str:
    return f"{threshold.set_name}:{threshold.measure}" if threshold.set_name else threshold.measure


def _shortfall(threshold: Threshold, result: SetResult, value: float | None) -> str | None:
    if value is None:
        return f"{threshold.measure} is undefined on {result.name}: no query of it is about that"
    if threshold.measure in LOWER_IS_BETTER:
        met, relation = value <= threshold.value, "above"
    else:
        met, relation = value >= threshold.value, "below"
    if met:
        return None
    return f"{threshold.measure} on {result.name} is {value:.4f}, {relation} {threshold.value:g}"
