"""The service while its index is being opened."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient

from ingest.errors import SnapshotDamagedError
from service.app import create_app
from service.live_index import LiveIndex
from service.serving_index import ServingIndex
from service.settings import Settings
from tests.service.conftest import holding
from tests.service.test_problems import assert_problem

QUESTION = {"question": "tick"}


def never(error: Exception) -> None:
    raise AssertionError(error)


def test_until_the_index_is_open_everything_but_life_itself_is_a_503(serving: ServingIndex) -> None:
    may_open, closed = threading.Event(), threading.Event()

    @contextmanager
    def open_index() -> Iterator[LiveIndex]:
        assert may_open.wait(timeout=60)
        with holding(serving) as live:
            yield live
        closed.set()

    with TestClient(create_app(open_index, Settings(), on_failed_start=never)) as client:
        early = [
            client.post("/v1/ask", json=QUESTION),
            client.get("/v1/ask", params=QUESTION),
            client.get("/health/ready"),
            client.get("/v1/documents"),
            client.get("/version"),
        ]
        alive = [client.get("/health/live"), client.get("/openapi.json")]
        not_ready = "citewell_ready 0.0" in client.get("/metrics").text
        may_open.set()
        until = time.monotonic() + 60
        while client.get("/health/ready").status_code != 200:
            assert time.monotonic() < until
        answered = client.post("/v1/ask", json=QUESTION)
        is_ready = "citewell_ready 1.0" in client.get("/metrics").text
        assert not closed.is_set()

    for response in early:
        assert_problem(response, 503, says="starting")
        assert int(response.headers["retry-after"]) > 0
    assert [each.status_code for each in alive] == [200, 200]
    assert not_ready
    assert is_ready
    assert answered.status_code == 200
    assert closed.is_set()


def test_an_index_that_cannot_be_opened_is_handed_to_whoever_can_end_the_process() -> None:
    failed = threading.Event()
    failures: list[Exception] = []

    @contextmanager
    def open_index() -> Iterator[LiveIndex]:
        raise SnapshotDamagedError("A bit is not what it was.")
        yield

    def give_up(error: Exception) -> None:
        failures.append(error)
        failed.set()

    with TestClient(create_app(open_index, Settings(), on_failed_start=give_up)) as client:
        assert failed.wait(timeout=60)
        assert_problem(client.get("/health/ready"), 503)

    assert [type(each) for each in failures] == [SnapshotDamagedError]


def test_a_service_that_ends_while_it_starts_does_not_wait_for_the_start(serving: ServingIndex) -> None:
    for_ever = threading.Event()

    @contextmanager
    def open_index() -> Iterator[LiveIndex]:
        for_ever.wait()
        with holding(serving) as live:
            yield live

    with TestClient(create_app(open_index, Settings(), on_failed_start=never)) as client:
        response = client.get("/health/ready")

    assert_problem(response, 503)
    for_ever.set()


def test_without_a_way_to_give_up_the_index_is_open_when_the_service_starts(serving: ServingIndex) -> None:
    with TestClient(create_app(lambda: holding(serving), Settings())) as client:
        assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("error", [RuntimeError("x"), OSError("y")])
def test_an_index_that_cannot_be_opened_at_once_keeps_the_service_from_starting(error: Exception) -> None:
    @contextmanager
    def open_index() -> Iterator[LiveIndex]:
        raise error
        yield

    with pytest.raises(type(error)), TestClient(create_app(open_index, Settings())):
        pass
