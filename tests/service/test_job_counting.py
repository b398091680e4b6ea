"""What became of jobs, as numbers."""

from dataclasses import replace

from service import metrics
from service.job_counting import count_jobs
from service.jobs import BuildOutcome, Job, Task

DONE = Job("a", Task("build"), "succeeded", "2026-01-01T00:00:00", finished_at="2026-01-01T00:01:00")
LIVE = BuildOutcome("v1", activated=True, reason=None, documents=1, passages=1, references=0, self_score=None)


def counts() -> list[float]:
    return [
        metrics.REGISTRY.get_sample_value(name, labels) or 0.0
        for name, labels in [
            ("citewell_jobs_total", {"state": "succeeded"}),
            ("citewell_jobs_total", {"state": "failed"}),
            ("citewell_builds_total", {"outcome": "activated"}),
            ("citewell_builds_total", {"outcome": "kept"}),
            ("citewell_builds_total", {"outcome": "failed"}),
        ]
    ]


def test_a_build_that_took_in_several_jobs_is_counted_once() -> None:
    before = counts()

    count_jobs([replace(DONE, build=LIVE)] * 3, since="2026-01-01T00:00:30")

    assert [after - was for after, was in zip(counts(), before, strict=True)] == [3, 0, 1, 0, 0]


def test_what_has_not_ended_or_ended_before_is_not_counted() -> None:
    before = counts()

    count_jobs([DONE, replace(DONE, state="running", finished_at=None)], since="2026-01-01T00:02:00")

    assert counts() == before


def test_builds_that_do_not_serve_and_builds_that_failed_are_told_apart() -> None:
    before = counts()
    kept = replace(DONE, build=replace(LIVE, version="v2", activated=False, reason="worse"))

    count_jobs([kept, replace(DONE, state="failed", error="x")], since="")

    assert [after - was for after, was in zip(counts(), before, strict=True)] == [1, 1, 0, 1, 1]
