"""When a faster form of an encoder counts as good enough, with figures worked out by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.form_agreement import FormAgreement, measure_agreement


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


#: Twelve passages around a quarter of a circle, and a query at its beginning: it finds them in this order.
ANGLES = np.linspace(0.1, 1.2, 12)
EXACT = unit(np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1))
QUERY = np.array([[1, 0]], dtype=np.float32)


def agreement(**changed: float | None) -> FormAgreement:
    good = {
        "passages": 100,
        "queries": 50,
        "least_cosine": 0.9999,
        "overlap": 0.99,
        "judged": 10,
        "ndcg_loss": 0.003,
        "changed_alone": 0,
    }
    return FormAgreement(**{**good, **changed})  # type: ignore[arg-type]


def test_the_same_vectors_agree_in_everything() -> None:
    found = measure_agreement(EXACT, EXACT, QUERY, relevant=[{0}])

    assert (found.passages, found.queries, found.judged) == (12, 1, 1)
    assert found.least_cosine == pytest.approx(1)
    assert (found.overlap, found.ndcg_loss, found.changed_alone) == (1, 0, 0)
    assert found.faults == ()


def test_overlap_is_the_share_of_the_first_ten_that_are_the_same() -> None:
    swapped = EXACT[[0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 8, 9]]  # the last four stand the other way round

    found = measure_agreement(EXACT, swapped, QUERY, relevant=[frozenset()])

    assert found.overlap == pytest.approx(0.8)
    assert found.ndcg_loss is None


def test_which_of_equals_comes_tenth_does_not_count() -> None:
    turned = EXACT.copy()
    turned[11] = turned[10] = turned[9]
    fast = turned.copy()
    fast[9] = EXACT[10]  # behind the other two

    assert measure_agreement(turned, fast, QUERY, relevant=[set()]).overlap == 1


def test_the_loss_is_that_of_the_judged_queries_alone() -> None:
    swapped = EXACT[[1, 0, *range(2, 12)]]

    found = measure_agreement(EXACT, swapped, QUERY.repeat(3, axis=0), relevant=[{0}, {1}, {}])

    # One relevant passage falls from rank 1 to 2, and the other rises from 2 to 1.
    assert found.judged == 2
    assert found.ndcg_loss == pytest.approx(0)
    alone = measure_agreement(EXACT, swapped, QUERY, relevant=[{0}])
    assert alone.ndcg_loss == pytest.approx(1 - 1 / np.log2(3))


def test_the_least_cosine_is_that_of_a_text_or_a_token() -> None:
    turned = EXACT.copy()
    turned[3] = EXACT[4]

    by_text = measure_agreement(EXACT, turned, QUERY, relevant=[set()])
    by_token = measure_agreement(EXACT, EXACT, QUERY, relevant=[set()], least_token_cosine=0.5)

    assert by_text.least_cosine == pytest.approx(np.cos(0.1), abs=1e-6)
    assert by_token.least_cosine == 0.5


def test_what_is_at_its_bound_passes() -> None:
    assert agreement(least_cosine=0.995).faults == ()


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"overlap": 0.936}, "top-10 overlap 0.9360, 0.99 at least"),
        ({"ndcg_loss": 0.0041}, "nDCG@10 lower by 0.0041, 0.003 at most"),
        ({"least_cosine": 0.9}, "a cosine of 0.9000 with the exact vector, 0.995 at least"),
        ({"changed_alone": 2}, "2 texts with other bits alone than in a batch"),
        ({"overlap": float("nan")}, "top-10 overlap nan, 0.99 at least"),
        ({"ndcg_loss": float("nan")}, "nDCG@10 lower by nan, 0.003 at most"),
        ({"least_cosine": float("nan")}, "a cosine of nan with the exact vector, 0.995 at least"),
    ],
)
def test_a_fault_is_named_with_its_figure_and_its_bound(changed: dict[str, float], fault: str) -> None:
    assert agreement(**changed).faults == (fault,)


def test_where_nothing_is_judged_no_loss_is_held_against_a_form() -> None:
    assert agreement(ndcg_loss=None, judged=0).faults == ()


def test_every_fault_is_named() -> None:
    assert len(agreement(overlap=0.5, ndcg_loss=0.1, least_cosine=0.1, changed_alone=1).faults) == 4
