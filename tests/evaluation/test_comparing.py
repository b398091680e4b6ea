"""Two evaluations side by side."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.comparing import compare_results, falls
from evaluation.results import QueryResult, Results, Returned, SetResult
from ingest.errors import CitewellError

N = 60


def results(values: dict[str, float], *, name: str = "dev", measure: str = "nDCG@10") -> Results:
    made = SetResult(
        name=name,
        form="questions",
        sha256="0" * 64,
        split=None,
        n_queries=len(values),
        estimates={},
        per_query={measure: values},
        queries={
            query: QueryResult(
                f"text of {query}", ranking=tuple(Returned(f"d{n}", 1 - n / 10) for n in range(9))
            )
            for query in values
        },
    )
    return Results(settings={}, target={}, machine={}, packages={}, sets=(made,))


GOOD = {f"q{n}": float(value) for n, value in enumerate(np.random.default_rng(1).uniform(0.4, 1, N))}
BAD = {query: value - 0.2 - 0.001 * at for at, (query, value) in enumerate(GOOD.items())}


def test_no_change_is_identical_and_no_fall() -> None:
    found = compare_results(results(GOOD), results(GOOD))

    assert found.identical
    assert found.changed == ()
    assert falls(found) == []


def test_a_clear_fall_is_significant_and_said_in_words() -> None:
    found = compare_results(results(GOOD), results(BAD))

    assert not found.identical
    assert found.measures[0].worse
    (said,) = falls(found)
    assert said.startswith("nDCG@10 on dev fell from")


def test_a_gain_is_significant_but_no_fall() -> None:
    found = compare_results(results(BAD), results(GOOD))

    assert found.measures[0].significant
    assert falls(found) == []


def test_more_of_what_should_be_less_is_a_fall() -> None:
    found = compare_results(results(BAD, measure="Brier"), results(GOOD, measure="Brier"))

    assert falls(found)[0].startswith("Brier on dev rose from")


def test_the_twenty_most_changed_queries_come_with_both_rankings() -> None:
    found = compare_results(results(GOOD), results(BAD))

    assert len(found.changed) == 20
    assert found.changed[0].query == f"q{N - 1}"
    assert [each.item for each in found.changed[0].ranking_a] == ["d0", "d1", "d2", "d3", "d4"]
    assert found.changed[0].ranking_b


def test_correction_counts_all_measures_of_all_sets() -> None:
    one = compare_results(results(GOOD), results(BAD))
    a, b = results(GOOD), results(BAD)
    a, b = (
        replace(
            each,
            sets=(each.sets[0], replace(each.sets[0], name="other"), replace(each.sets[0], name="third")),
        )
        for each in (a, b)
    )

    three = compare_results(a, b)

    assert three.measures[0].adjusted == pytest.approx(3 * one.measures[0].adjusted)


def test_what_only_one_has_is_named() -> None:
    fewer = {query: value for query, value in GOOD.items() if query != "q0"}
    a = results(GOOD)
    b = replace(results(fewer), sets=(*results(fewer).sets, *results(GOOD, name="more").sets))

    found = compare_results(a, b)

    assert found.left_out == ("set more", "dev: nDCG@10 of 1 queries")
    assert found.measures[0].paired.n == N - 1


def test_evaluations_without_a_common_set_are_refused() -> None:
    with pytest.raises(CitewellError, match="share no set: one has dev, the other test"):
        compare_results(results(GOOD), results(GOOD, name="test"))


def test_a_set_that_was_changed_is_refused() -> None:
    other = results(GOOD)
    changed = replace(other, sets=(replace(other.sets[0], sha256="1" * 64),))

    with pytest.raises(CitewellError, match="was changed between"):
        compare_results(other, changed)
