"""Demands on an evaluation."""

import pytest

from evaluation.resampling import Estimate
from evaluation.results import SetResult
from evaluation.thresholds import Threshold, read_threshold, unmet
from ingest.errors import CitewellError


def result(name: str, **values: float | None) -> SetResult:
    return SetResult(
        name=name,
        form="questions",
        sha256="",
        split=None,
        n_queries=1,
        estimates={key: Estimate(value, None, None, 1) for key, value in values.items()},
        per_query={},
        queries={},
    )


SETS = [result("dev", MAP=0.5, ECE=0.2), result("test", MAP=0.3, AUROC=None)]


def test_a_demand_is_read_for_all_sets_or_one() -> None:
    assert read_threshold("nDCG@10=0.7") == Threshold("nDCG@10", 0.7)
    assert read_threshold("dev:MAP=1e-1") == Threshold("MAP", 0.1, "dev")


@pytest.mark.parametrize("text", ["MAP", "MAP=", "MAP=high", "=0.5", "MAP=nan"])
def test_what_is_no_demand_is_refused(text: str) -> None:
    with pytest.raises(CitewellError, match="METRIC=VALUE"):
        read_threshold(text)


@pytest.mark.parametrize(
    ("demand", "reasons"),
    [
        ("MAP=0.3", []),
        ("MAP=0.4", ["MAP on test is 0.3000, below 0.4"]),
        ("dev:MAP=0.4", []),
        ("ECE=0.2", []),
        ("ECE=0.1", ["ECE on dev is 0.2000, above 0.1"]),
        ("AUROC=0.1", ["AUROC is undefined on test: no query of it is about that"]),
    ],
)
def test_each_set_that_does_worse_gives_a_reason(demand: str, reasons: list[str]) -> None:
    assert unmet([read_threshold(demand)], SETS) == reasons


def test_a_measure_that_nobody_measured_is_not_met() -> None:
    (reason,) = unmet([Threshold("nDCG@7", 0.1)], SETS)

    assert reason == "nDCG@7 was not measured on any set. Measured: AUROC, ECE, MAP"
