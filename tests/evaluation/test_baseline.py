"""A kept evaluation that later ones must not fall below."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.baseline import as_baseline, check_baseline, read_baseline, write_baseline
from evaluation.results import QueryResult, Results, SetResult
from ingest.errors import CitewellError

N = 80
RANDOM = np.random.default_rng(3)
GOOD = {f"q{n}": float(value) for n, value in enumerate(RANDOM.uniform(0.4, 1, N))}
BAD = {query: value - 0.1 for query, value in GOOD.items()}


def results(values: Mapping[str, float], *, measure: str = "nDCG@10", digest: str = "same") -> Results:
    made = SetResult(
        name="dev",
        form="questions",
        sha256="0" * 64,
        split=None,
        n_queries=len(values),
        estimates={},
        per_query={measure: values, "MAP": values},
        queries={query: QueryResult(f"text of {query}", digest=digest) for query in values},
    )
    return Results(settings={}, target={}, machine={}, packages={}, sets=(made,))


def test_the_same_evaluation_falls_nowhere() -> None:
    check = check_baseline(as_baseline(results(GOOD)), results(GOOD))

    assert check.falls == []
    assert (check.compared, check.changed) == (N, 0)


def test_a_significant_fall_is_said_with_both_means() -> None:
    (said,) = check_baseline(as_baseline(results(GOOD)), results(BAD)).falls

    assert said.startswith("nDCG@10 on dev fell from 0.7")


def test_a_gain_is_no_fall() -> None:
    assert check_baseline(as_baseline(results(BAD)), results(GOOD)).falls == []


def test_more_false_answers_are_a_fall() -> None:
    refused, answered = ({f"q{n}": value for n in range(N)} for value in (0.0, 1.0))
    baseline = as_baseline(results(refused, measure="false_answer"))

    (said,) = check_baseline(baseline, results(answered, measure="false_answer")).falls

    assert "false_answer on dev rose from 0.0000 to 1.0000" in said


def test_a_few_worse_queries_are_no_significant_fall() -> None:
    slightly = {**GOOD, "q1": 0.0, "q2": 0.0}

    assert check_baseline(as_baseline(results(GOOD)), results(slightly)).falls == []


def test_queries_that_were_changed_or_added_are_left_out() -> None:
    baseline = as_baseline(results(GOOD))
    later = results({**GOOD, "new": 0.0})
    queries = {**later.sets[0].queries, "q0": QueryResult("asked otherwise", digest="other")}

    check = check_baseline(baseline, replace(later, sets=(replace(later.sets[0], queries=queries),)))

    assert (check.compared, check.changed) == (N - 1, 2)


def test_with_nothing_left_to_compare_there_is_an_error() -> None:
    with pytest.raises(CitewellError, match="Make the baseline anew"):
        check_baseline(as_baseline(results(GOOD)), results(GOOD, digest="other"))


def test_a_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    kept = as_baseline(results(GOOD))
    write_baseline(tmp_path / "baseline.jsonl", kept)

    assert read_baseline(tmp_path / "baseline.jsonl") == kept
    assert kept[0].values == {"nDCG@10": round(GOOD["q0"], 4)}


@pytest.mark.parametrize("content", ["", "[]\n", '{"baseline": 2}\n', '{"baseline": 1}\n{"query": 1}\n'])
def test_what_is_no_baseline_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "baseline.jsonl").write_text(content)

    with pytest.raises(CitewellError, match="is no baseline"):
        read_baseline(tmp_path / "baseline.jsonl")
