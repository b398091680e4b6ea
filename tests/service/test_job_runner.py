"""A process of its own for what waits: started when there is work, ended when it hangs or the service stops."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service.job_runner import JobRunner, worker_command
from service.job_store import JobStore
from service.jobs import Task
from service.settings import Settings

_DOES_THE_WORK = """
import os, sys
from dataclasses import replace
from pathlib import Path
from service.job_store import JobStore
store = JobStore(Path(sys.argv[1]))
with store.working() as held:
    for job in store.claim():
        store.update(replace(job, state="succeeded", error=str(os.getpriority(os.PRIO_PROCESS, 0))))
"""
_HANGS = """
import sys, time
from dataclasses import replace
from pathlib import Path
from service.job_store import JobStore
from service.jobs import Progress
store = JobStore(Path(sys.argv[1]))
with store.working() as held:
    first = store.claim()[0]
    store.update(replace(first, progress=Progress("read", 0, 1)))
    time.sleep(600)
"""
_DIES = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
_PATIENCE_S = 120


def runner(state_dir: Path, script: str, *, document_timeout_s: float = 600) -> JobRunner:
    return JobRunner(
        lambda: JobStore(state_dir),
        command=[sys.executable, "-c", script, str(state_dir)],
        document_timeout_s=document_timeout_s,
    )


def wait_until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return tmp_path / "state"


def test_what_waits_is_worked_on_by_a_process_of_lower_priority(state_dir: Path) -> None:
    store = JobStore(state_dir)
    job = store.accept(Task("build"))
    running = runner(state_dir, _DOES_THE_WORK)
    running.start()
    try:
        wait_until(lambda: store.get(job.job_id).state == "succeeded")
    finally:
        running.stop()

    assert int(store.get(job.job_id).error or 0) >= 10


def test_a_document_that_takes_too_long_is_left_out_and_the_rest_waits_for_the_next_worker(
    state_dir: Path,
) -> None:
    store = JobStore(state_dir)
    slow, other = store.accept(Task("add", doc_id="slow"), b"slow"), store.accept(Task("build"))
    running = runner(state_dir, _HANGS, document_timeout_s=1)
    running.start()
    try:
        wait_until(lambda: store.get(slow.job_id).state == "quarantined")
    finally:
        running.stop()

    assert "CITEWELL_DOCUMENT_TIMEOUT_S" in (store.get(slow.job_id).error or "")
    assert store.get(other.job_id).state in ("queued", "running", "quarantined")


def test_a_service_that_stops_ends_its_worker_and_the_job_is_there_for_the_next(state_dir: Path) -> None:
    store = JobStore(state_dir)
    job = store.accept(Task("add", doc_id="a"), b"text")
    running = runner(state_dir, _HANGS)
    running.start()
    wait_until(lambda: store.get(job.job_id).state == "running")
    running.stop()

    with store.working() as held:
        assert held
    assert store.is_work_due()


def test_a_worker_that_dies_is_followed_by_another(state_dir: Path, tmp_path: Path) -> None:
    seen = tmp_path / "starts"
    JobStore(state_dir).accept(Task("build"))
    running = runner(state_dir, f"open({str(seen)!r}, 'a').write('x'); {_DIES}")
    running.start()
    try:
        wait_until(lambda: seen.exists() and len(seen.read_text()) >= 2)
    finally:
        running.stop()


def test_the_worker_is_told_which_folders_the_service_was_told() -> None:
    command = worker_command(Settings(corpus_dir=Path("a"), index_dir=Path("b")))

    assert command[-5:] == ["work", "--corpus", "a", "--index", "b"]
