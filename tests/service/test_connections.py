"""Connections that would cost something for nothing, on a real port."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from starlette.responses import StreamingResponse

from service.connections import MAX_HEAD_BYTES
from service.serving_index import ServingIndex
from service.settings import Settings
from tests.service.conftest import make_app
from tests.service.running import Running, read_to_end, running

TIMEOUT_S = 0.5
GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
CLOSE = b"Connection: close\r\n\r\n"


@pytest.fixture(scope="module")
def server(serving: ServingIndex) -> Iterator[Running]:
    """A service that is soon out of patience and lets few in."""
    bounds: dict[str, Any] = {"request_timeout_s": TIMEOUT_S, "max_connections": 5, "shutdown_timeout_s": 5}
    with running(make_app(serving, **bounds), Settings(**bounds)) as server:
        yield server


def assert_problem_bytes(received: bytes, status: int) -> None:
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.lower().splitlines()
    assert lines[0].startswith(b"http/1.1 %d" % status), received
    assert b"content-type: application/problem+json" in lines
    assert b"connection: close" in lines
    problem = json.loads(body)
    assert problem["status"] == status
    assert len(problem["detail"].split()) > 4


@pytest.mark.parametrize("opening", [b"", b"\r\n", b"GET /health", GET, GET + CLOSE[:-2]])
def test_a_connection_that_does_not_come_to_the_point_is_closed(server: Running, opening: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(opening)
        received = read_to_end(connection)

    assert received == b""


def test_headers_that_drip_do_not_buy_time(server: Running) -> None:
    started = time.monotonic()
    with server.connect() as connection:
        connection.sendall(GET)
        sent = 0
        try:
            while time.monotonic() - started < 30:
                connection.sendall(b"X-Drip: a\r\n")
                sent += 1
                time.sleep(0.05)
        except OSError:
            pass

    assert 0 < sent < 30 / 0.05


def test_a_drip_after_a_served_request_is_closed_too(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(GET + b"\r\n")
        first = b""
        while not first.endswith(b'{"status":"ok"}'):
            first += connection.recv(65_536)
        connection.sendall(b"\r\nGET /hea")
        rest = read_to_end(connection)

    assert first.startswith(b"HTTP/1.1 200")
    assert rest == b""


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X: " + b"a" * (2 * MAX_HEAD_BYTES),
        GET + b"".join(b"X-%d: a\r\n" % at for at in range(20_000)),
        b"GET /" + b"a" * (2 * MAX_HEAD_BYTES),
    ],
)
def test_endless_headers_are_refused(server: Running, head: bytes) -> None:
    received = server.send(head)

    # The other side may reset a connection with bytes unread, and with it the reply.
    if received:
        assert_problem_bytes(received, 431)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"POST /v1/ask HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET / HTTP/1.1\r\n bad: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_told_so_in_our_own_form(server: Running, sent: bytes) -> None:
    assert_problem_bytes(server.send(sent), 400)


def test_one_connection_too_many_is_turned_away_and_room_is_made_again(server: Running) -> None:
    held = [server.connect() for _ in range(5)]
    turned_away = server.send(b"")
    for connection in held:
        connection.close()
    time.sleep(TIMEOUT_S)
    again = server.send(GET + CLOSE)

    assert_problem_bytes(turned_away, 503)
    assert b"retry-after: 5" in turned_away.lower()
    assert again.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 100\r\n\r\n{",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
)
def test_a_body_that_stops_coming_is_a_408_and_closes(server: Running, head: bytes) -> None:
    received = server.send(b"POST /v1/ask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + head)

    assert_problem_bytes(received, 408)


def test_requests_sent_at_once_over_one_connection_are_answered_in_turn(server: Running) -> None:
    received = server.send(GET + b"\r\n" + GET + b"\r\n" + GET + CLOSE)

    assert received.count(b"HTTP/1.1 200") == 3


def test_whoever_sent_a_request_is_not_believed_to_be_another(serving: ServingIndex) -> None:
    limited: dict[str, Any] = {"rate_limit_per_minute": 1}
    with running(make_app(serving, **limited), Settings(**limited)) as server:
        request = b"GET /v1/index HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.%d\r\n" + CLOSE
        received = [server.send(request % at) for at in range(3)]

    assert [each.split(b" ")[1] for each in received] == [b"200", b"429", b"429"]


def test_a_proxy_that_is_trusted_says_whom_it_asks_for(serving: ServingIndex) -> None:
    limited: dict[str, Any] = {"rate_limit_per_minute": 1, "trusted_proxies": "127.0.0.1"}
    with running(make_app(serving, **limited), Settings(**limited)) as server:
        request = b"GET /v1/index HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.%d\r\n" + CLOSE
        received = [server.send(request % at) for at in (1, 2, 1)]

    assert [each.split(b" ")[1] for each in received] == [b"200", b"200", b"429"]


def test_a_pause_of_the_whole_process_costs_no_connection_its_request(
    serving: ServingIndex,
) -> None:
    bounds: dict[str, Any] = {"request_timeout_s": TIMEOUT_S}
    app = make_app(serving, **bounds)
    paused = threading.Event()

    @app.get("/pause")
    async def pause() -> None:
        paused.set()
        time.sleep(3 * TIMEOUT_S)  # what it is for

    with (
        running(app, Settings(**bounds)) as server,
        server.connect() as connection,
        server.connect() as other,
    ):
        other.sendall(b"GET /pause HTTP/1.1\r\nHost: x\r\n" + CLOSE)
        assert paused.wait(timeout=60)
        connection.sendall(GET + CLOSE)
        received = read_to_end(connection)

    assert received.startswith(b"HTTP/1.1 200")


def test_a_reply_that_takes_longer_than_a_head_may_is_not_cut(serving: ServingIndex) -> None:
    bounds: dict[str, Any] = {"request_timeout_s": TIMEOUT_S, "max_connections": 5, "shutdown_timeout_s": 5}
    app = make_app(serving, **bounds)

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield b"still here "
            await asyncio.sleep(TIMEOUT_S / 2)
        yield b"done"

    @app.get("/slow")
    async def slow() -> StreamingResponse:
        return StreamingResponse(slowly())

    with running(app, Settings(**bounds)) as server, server.connect() as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = read_to_end(connection)

    assert b"done" in received
