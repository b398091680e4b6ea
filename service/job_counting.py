"""What became of the jobs of one round, as numbers: the worker that did them is a process of its own."""

from collections.abc import Sequence

from service import metrics
from service.jobs import Job

#: Of a longer round only the last so many are counted.
MOST_FINISHED = 1_000


def count_jobs(jobs: Sequence[Job], *, since: str) -> None:
    """Count the jobs that have ended, and each build that took them in once.

    Args:
        jobs: Any; those that have not ended, or ended before, are passed over.
        since: ISO 8601, UTC, as in the jobs.
    """
    ended = [each for each in jobs if each.is_final and (each.finished_at or "") >= since]
    for job in ended:
        metrics.count_job(job.state)
    builds = {job.build.version: job.build.activated for job in ended if job.build is not None}
    for activated in builds.values():
        metrics.count_build("activated" if activated else "kept")
    if any(job.state == "failed" for job in ended):
        metrics.count_build("failed")
