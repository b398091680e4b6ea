"""How well a confidence tells answerable questions from others."""

import pytest

from evaluation.refusal import (
    Verdict,
    count_verdicts,
    refusal_estimates,
    refusal_values,
    reliability,
    risk_curve,
)


def verdict(
    query: str, *, answerable: bool, confidence: float, kind: str = "", failed: bool = False
) -> Verdict:
    return Verdict(
        query=query,
        kind=kind,
        answerable=answerable,
        answered=confidence >= 0.5,
        confidence=confidence,
        misled=not answerable,
        failed=failed,
    )


MIXED = [
    verdict("a", answerable=True, confidence=0.9),
    verdict("b", answerable=True, confidence=0.4),
    verdict("c", answerable=False, confidence=0.6, kind="near_miss"),
    verdict("d", answerable=False, confidence=0.1, kind="off_topic"),
]
KINDS = ("off_topic", "near_miss")


def test_refusing_what_is_answered_and_answering_what_is_not_are_two_faults() -> None:
    values = refusal_values(MIXED, kinds=KINDS)

    assert values["wrong_refusal"] == {"a": 0, "b": 1}
    assert values["false_answer"] == {"c": 1, "d": 0}
    assert values["false_answer_near_miss"] == {"c": 1}
    assert values["false_answer_off_topic"] == {"d": 0}
    assert values["Brier"]["a"] == pytest.approx(0.01)


def test_auroc_counts_the_pairs_in_the_right_order_for_each_kind() -> None:
    found = refusal_estimates(MIXED, kinds=KINDS)

    assert found["AUROC"].value == 0.75
    assert found["AUROC_near_miss"].value == 0.5
    assert found["AUROC_off_topic"].value == 1
    assert found["AUROC_off_topic"].n == 3


def test_calibration_error_is_the_mean_gap_of_the_tenths() -> None:
    assert refusal_estimates(MIXED)["ECE"].value == pytest.approx((0.1 + 0.6 + 0.6 + 0.1) / 4)


def test_a_query_that_failed_counts_as_the_worst_that_could_be_said() -> None:
    answered = verdict("a", answerable=True, confidence=0.9, failed=True)
    unanswered = verdict("b", answerable=False, confidence=0.1, failed=True)

    values = refusal_values([answered, unanswered])

    assert (answered.score, unanswered.score) == (0, 1)
    assert values["wrong_refusal"] == {"a": 1}
    assert values["false_answer"] == {"b": 1}
    assert values["Brier"] == {"a": 1, "b": 1}


def test_the_reliability_curve_shows_each_tenth_that_holds_a_query() -> None:
    bins = reliability([*MIXED, verdict("e", answerable=True, confidence=1.0)])

    assert [(each.low, each.n, each.share_answerable) for each in bins] == [
        (0.1, 1, 0),
        (0.4, 1, 1),
        (0.6, 1, 0),
        (0.9, 2, 1),
    ]


def test_the_risk_rises_as_less_confident_replies_are_kept() -> None:
    assert risk_curve(MIXED) == ((0.25, 0), (0.5, 0.5), (0.75, 0.333333), (1, 0.5))


def test_without_an_unanswerable_query_there_is_no_auroc() -> None:
    assert refusal_estimates(MIXED[:2])["AUROC"].value is None


def test_queries_are_counted_by_what_they_are_and_what_was_said() -> None:
    assert count_verdicts(MIXED) == {"answerable": 2, "unanswerable": 2, "answered": 2}
