"""How well a confidence tells questions that are answered from those that cannot be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.resampling import (
    Estimate,
    auroc,
    calibration_error,
    estimate,
    risk_area,
    risk_coverage,
)
from evaluation.results import Bin

_BINS = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was made of one query, beside what should have been.

    Args:
        kind: Of the question, such as `near_miss`; "" where a set knows no kinds.
        answerable: Whether the documents answer it.
        answered: Whether the reply said so.
        confidence: As replied, 0 to 1.
        misled: Whether a reader who takes the reply at its word learns nothing true from its best passages.
        failed: Whether there was no reply; it counts as the worst that could be said.
    """

    query: str
    kind: str
    answerable: bool
    answered: bool
    confidence: float
    misled: bool
    failed: bool

    @property
    def score(self) -> float:
        """The confidence; that of a query that failed is the worst it could be."""
        if self.failed:
            return 0.0 if self.answerable else 1.0
        return self.confidence


def refusal_values(verdicts: Iterable[Verdict], *, kinds: Sequence[str] = ()) -> dict[str, dict[str, float]]:
    """Return measure -> query -> value of Brier score, false answers (also by kind) and wrong refusals."""
    names = ("false_answer", *(f"false_answer_{kind}" for kind in kinds), "wrong_refusal", "Brier")
    found: dict[str, dict[str, float]] = {name: {} for name in names}
    for each in verdicts:
        found["Brier"][each.query] = (each.score - each.answerable) ** 2
        if each.answerable:
            found["wrong_refusal"][each.query] = float(each.failed or not each.answered)
            continue
        found["false_answer"][each.query] = float(each.failed or each.answered)
        if each.kind in kinds:
            found[f"false_answer_{each.kind}"][each.query] = found["false_answer"][each.query]
    return found


def refusal_estimates(verdicts: Sequence[Verdict], *, kinds: Sequence[str] = ()) -> dict[str, Estimate]:
    """Return AUROC (also by kind of unanswerable question), expected calibration error and risk area."""
    n = len(verdicts)
    scores = np.array([each.score for each in verdicts])
    answerable = np.array([each.answerable for each in verdicts])
    kind = np.array([each.kind for each in verdicts])
    found = {}
    for name, negative in {
        "AUROC": ~answerable,
        **{f"AUROC_{name}": ~answerable & (kind == name) for name in kinds},
    }.items():
        counted = int((answerable | negative).sum()) if answerable.any() and negative.any() else 0
        found[name] = estimate(auroc(scores, answerable, negative), n=n, n_counted=counted)
    found["ECE"] = estimate(calibration_error(scores, answerable, bins=_BINS), n=n)
    found["AURC"] = estimate(risk_area(scores, np.array([each.misled for each in verdicts])), n=n)
    return found


def reliability(verdicts: Iterable[Verdict]) -> tuple[Bin, ...]:
    """Return, for each tenth of the scale that holds any, how often its queries are answerable."""
    bins: dict[int, list[Verdict]] = {}
    for each in verdicts:
        bins.setdefault(min(int(each.score * _BINS), _BINS - 1), []).append(each)
    return tuple(
        Bin(
            low=at / _BINS,
            high=(at + 1) / _BINS,
            n=len(bins[at]),
            confidence=round(sum(each.score for each in bins[at]) / len(bins[at]), 6),
            share_answerable=round(sum(each.answerable for each in bins[at]) / len(bins[at]), 6),
        )
        for at in sorted(bins)
    )


def risk_curve(verdicts: Sequence[Verdict]) -> tuple[tuple[float, float], ...]:
    """Return (coverage, risk) when only the most confident replies are kept, from few to all."""
    coverage, risk = risk_coverage(
        np.array([each.score for each in verdicts]), np.array([each.misled for each in verdicts])
    )
    return tuple((round(float(c), 6), round(float(r), 6)) for c, r in zip(coverage, risk, strict=True))


def count_verdicts(verdicts: Iterable[Verdict]) -> Mapping[str, int]:
    """Return how many queries are answerable, how many not, and how many were answered."""
    listed = list(verdicts)
    return {
        "answerable": sum(each.answerable for each in listed),
        "unanswerable": sum(not each.answerable for each in listed),
        "answered": sum(each.answered for each in listed),
    }
