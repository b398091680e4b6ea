"""Where the time of a request goes."""

import time

import pytest

from index.stopwatch import measuring, stage


def spend(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def test_a_stage_is_timed_without_the_stages_within_it() -> None:
    spent: dict[str, float] = {}

    with measuring(spent), stage("outer"):
        spend(0.01)
        with stage("inner"):
            spend(0.03)

    assert spent["inner"] >= 0.03
    assert spent["outer"] >= 0.01
    assert spent["inner"] > spent["outer"]


def test_a_stage_that_runs_twice_is_added_up() -> None:
    spent: dict[str, float] = {}

    with measuring(spent):
        for _ in range(2):
            with stage("search"):
                spend(0.01)

    assert spent["search"] >= 0.02


def test_a_stage_that_fails_is_timed_too_and_leaves_nothing_behind() -> None:
    spent: dict[str, float] = {}

    with measuring(spent):
        with pytest.raises(ValueError, match="x"), stage("outer"), stage("inner"):
            raise ValueError("x")
        with stage("after"):
            pass

    assert list(spent) == ["inner", "outer", "after"]


def test_nothing_is_measured_where_nobody_asked() -> None:
    spent: dict[str, float] = {}
    with measuring(spent):
        pass

    with stage("search"):
        pass

    assert spent == {}
