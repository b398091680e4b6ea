"""How large a body may be, and how slowly it may come."""

import asyncio
from collections.abc import Sequence

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient
from starlette.datastructures import Headers
from starlette.types import Message

from service.body_limits import WatchedBody, max_bytes_of
from service.settings import Settings
from tests.service.test_problems import assert_problem

FORM = "multipart/form-data; boundary=x"


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def read_all(parts: Sequence[Message], *, pause_s: float = 0.0, max_bytes: int = 100) -> int:
    """Read a body until its end through a `WatchedBody` that waits half a second, and return its length."""
    waiting = iter(parts)

    async def receive() -> Message:
        await asyncio.sleep(pause_s)
        return next(waiting)

    watched, length = WatchedBody(receive, max_bytes=max_bytes, timeout_s=0.5), 0
    while True:
        message = await watched()
        length += len(message["body"])
        if not message["more_body"]:
            return length


def test_a_body_of_exactly_the_limit_goes_through() -> None:
    assert asyncio.run(read_all([part(b"a" * 60, more=True), part(b"a" * 40, more=False)])) == 100


def test_a_body_is_not_read_past_the_limit() -> None:
    with pytest.raises(HTTPException) as caught:
        asyncio.run(read_all([part(b"a" * 60, more=True), part(b"a" * 41, more=True)]))

    assert caught.value.status_code == 413


def test_a_body_that_stops_coming_is_given_up() -> None:
    with pytest.raises(HTTPException) as caught:
        asyncio.run(read_all([part(b"a", more=True)], pause_s=60))

    assert caught.value.status_code == 408
    assert caught.value.headers == {"Connection": "close"}


def test_a_body_that_drips_is_given_up_though_no_part_is_late() -> None:
    drips = [part(b"a", more=True)] * 50

    with pytest.raises(HTTPException) as caught:
        asyncio.run(read_all(drips, pause_s=0.1))

    assert caught.value.status_code == 408


def test_a_body_that_comes_fast_enough_may_take_longer() -> None:
    # 16,384 bytes buy a second each.
    parts = [part(b"a" * 16_384, more=True)] * 7 + [part(b"", more=False)]

    assert asyncio.run(read_all(parts, pause_s=0.1, max_bytes=200_000)) == 7 * 16_384


def test_waiting_for_the_client_to_go_has_no_limit() -> None:
    async def run() -> Message:
        messages = iter([part(b"a", more=False), {"type": "http.disconnect"}])

        async def receive() -> Message:
            message = next(messages)
            await asyncio.sleep(0.2 if message["type"] == "http.disconnect" else 0)
            return message

        watched = WatchedBody(receive, max_bytes=100, timeout_s=0.1)
        await watched()
        return await watched()

    assert asyncio.run(run()) == {"type": "http.disconnect"}


@pytest.mark.parametrize(
    ("path", "content_type", "limit"),
    [
        ("/v1/ask", "application/json", 2_000),
        ("/v1/ask", FORM, 2_000),
        ("/v1/ask/batch", "application/json", 3_000),
        ("/v1/documents", FORM, 4_000 + 1_048_576),
        ("/v1/documents/ticks", FORM, 4_000 + 1_048_576),
        ("/v1/documents", "application/json", 2_000),
        ("/nothing", FORM, 2_000),
    ],
)
def test_each_route_has_its_own_limit(path: str, content_type: str, limit: int) -> None:
    settings = Settings(max_body_bytes=2_000, max_batch_body_bytes=3_000, max_upload_bytes=4_000)

    assert max_bytes_of(path, Headers({"content-type": content_type}), settings) == limit


@pytest.mark.parametrize("declared", ["-1", "1e9", "\u00b2", "9" * 400])
def test_a_length_that_is_none_does_no_harm(client: TestClient, declared: str) -> None:
    headers = {b"content-length": declared.encode("latin-1"), b"content-type": b"application/json"}

    response = client.post("/v1/ask", content=iter([b"{}"]), headers=headers)

    assert_problem(response, 413 if declared.isascii() and declared.isdecimal() else 422)
