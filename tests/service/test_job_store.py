"""What was accepted is there afterwards, once, and in order."""

from pathlib import Path

import pytest

from service import job_store
from service.job_store import (
    JobStore,
    JobStoreError,
    KeyReusedError,
    TooManyJobsError,
    UnknownJobError,
    utc_now,
)
from service.jobs import Job, Progress, Task


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "state")


def uploads(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "state" / "uploads").iterdir())


def test_a_job_and_its_file_are_there_after_a_restart(store: JobStore, tmp_path: Path) -> None:
    accepted = store.accept(Task("add", name="../../etc/passwd"), b"# Rest\n\nRest.")

    again = JobStore(tmp_path / "state")
    assert again.get(accepted.job_id) == accepted
    assert again.upload_path(accepted.task).read_bytes() == b"# Rest\n\nRest."
    assert again.upload_path(accepted.task).parent == tmp_path / "state" / "uploads"


def test_the_same_request_is_the_same_job_while_it_waits_and_another_one_after(store: JobStore) -> None:
    first = store.accept(Task("add", name="a.md"), b"text")
    again = store.accept(Task("add", name="b.md"), b"text")
    other = store.accept(Task("add", doc_id="rest"), b"text")
    store.update(Job(first.job_id, first.task, "succeeded", created_at=utc_now()))
    later = store.accept(Task("add", name="a.md"), b"text")

    assert again.job_id == first.job_id
    assert len({first.job_id, other.job_id, later.job_id}) == 3


def test_an_idempotency_key_is_one_job_for_ever(store: JobStore) -> None:
    first = store.accept(Task("build"), idempotency_key="k1")
    store.claim()
    store.update(Job(first.job_id, first.task, "succeeded", created_at=first.created_at))

    assert store.accept(Task("build"), idempotency_key="k1").job_id == first.job_id
    assert store.accept(Task("build"), idempotency_key="k2").job_id != first.job_id
    with pytest.raises(KeyReusedError, match="Choose a new one"):
        store.accept(Task("remove", doc_id="a"), idempotency_key="k1")


def test_jobs_are_claimed_in_the_order_they_came_and_a_dead_workers_first(store: JobStore) -> None:
    first, second = store.accept(Task("remove", doc_id="a")), store.accept(Task("remove", doc_id="b"))
    assert [job.job_id for job in store.claim()] == [first.job_id, second.job_id]
    third = store.accept(Task("remove", doc_id="c"))

    claimed = store.claim()
    assert [job.job_id for job in claimed] == [first.job_id, second.job_id, third.job_id]
    assert {job.state for job in claimed} == {"running"}


def test_a_postponed_job_waits_for_its_time(store: JobStore) -> None:
    store.accept(Task("build"))
    (job,) = store.claim()

    store.postpone(job, seconds=3600, reason="The disk is full.")
    assert not store.is_work_due()
    assert store.claim() == []
    assert store.get(job.job_id).error == "The disk is full."
    store.postpone(job, seconds=0, reason="The disk is full.")
    assert store.is_work_due()


def test_an_upload_is_kept_until_no_job_wants_it(store: JobStore, tmp_path: Path) -> None:
    first = store.accept(Task("add", doc_id="a"), b"text")
    second = store.accept(Task("add", doc_id="b"), b"text")
    done = [Job(job.job_id, job.task, "succeeded", created_at=utc_now()) for job in (first, second)]

    store.update(done[0])
    assert len(uploads(tmp_path)) == 1
    store.update(done[1])
    assert uploads(tmp_path) == []


def test_the_file_of_a_quarantined_document_is_kept_and_what_a_crash_left_is_not(
    store: JobStore, tmp_path: Path
) -> None:
    job = store.accept(Task("add"), b"poison")
    store.update(Job(job.job_id, job.task, "quarantined", created_at=utc_now()))
    (tmp_path / "state" / "uploads" / ".left.tmp").write_bytes(b"half")

    store.tidy()
    assert uploads(tmp_path) == [job.task.upload]


def test_progress_is_shown_on_every_job_that_shares_it(store: JobStore) -> None:
    first, second = store.accept(Task("remove", doc_id="a")), store.accept(Task("build"))
    store.claim()

    store.show_progress([first.job_id, second.job_id], Progress("embed", 2, 5))
    assert [job.progress for job in store.unfinished()] == [Progress("embed", 2, 5)] * 2


def test_only_one_works_at_a_time(store: JobStore, tmp_path: Path) -> None:
    with store.working() as first, JobStore(tmp_path / "state").working() as second:
        assert (first, second) == (True, False)
    with store.working() as third:
        assert third


def test_too_many_waiting_jobs_are_refused(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_store, "MAX_WAITING", 1)
    store.accept(Task("build"))

    with pytest.raises(TooManyJobsError, match="1 jobs wait already"):
        store.accept(Task("remove", doc_id="a"))


def test_an_unknown_job_and_a_damaged_file_say_what_to_do(store: JobStore, tmp_path: Path) -> None:
    with pytest.raises(UnknownJobError, match="GET /v1/jobs"):
        store.get("nothing")
    (tmp_path / "state" / "jobs.sqlite").write_bytes(b"no database at all" * 1000)
    with pytest.raises(JobStoreError, match="move it away"):
        JobStore(tmp_path / "state").recent(5)
