"""What every request goes through before and after its route."""

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from service import metrics
from service.body_limits import WatchedBody
from service.quick_refusal import QuickRefusal
from service.security_headers import DOCS_POLICY, PAGE_POLICY
from service.serving_index import ServingIndex
from tests.service.conftest import make_app, open_serving
from tests.service.test_event_loop import WatchedEmbedder
from tests.service.test_problems import JSON, assert_problem

QUESTION = {"question": "How do I pull out a tick?"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
ORIGIN = "https://health.example"


def client_of(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


def lines_of(logs: list[Any]) -> list[Any]:
    return [each for each in logs if each["event"] == "request answered"]


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


# Every reply: headers for the browser.


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200),
        ("GET", "/v1/documents", 200),
        ("GET", "/nothing", 404),
        ("DELETE", "/v1/ask", 405),
        ("POST", "/v1/ask", 422),
        ("GET", "/docs", 200),
        ("GET", "/static-offline-docs/swagger-ui.css", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/metrics", 200),
    ],
)
def test_every_reply_tells_the_browser_to_load_and_frame_nothing_else(
    client: TestClient, method: str, path: str, status: int
) -> None:
    response = client.request(method, path)

    assert response.status_code == status
    policy = response.headers["content-security-policy"]
    assert policy == (DOCS_POLICY if path == "/docs" else PAGE_POLICY)
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-frame-options"] == "DENY"
    assert "server" not in response.headers


def test_only_the_page_that_shows_the_api_may_have_inline_code(client: TestClient) -> None:
    assert "unsafe" not in PAGE_POLICY
    assert "https:" not in DOCS_POLICY
    assert "unsafe-eval" not in DOCS_POLICY


def test_a_failure_of_ours_has_the_headers_and_the_id_too(
    serving: ServingIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("service.replying.answer_question", fail)
    with client_of(make_app(serving)) as client:
        response = client.post("/v1/ask", json=QUESTION, headers={"x-request-id": "mine"})

    assert_problem(response, 500)
    assert response.headers["content-security-policy"] == PAGE_POLICY
    assert response.headers["x-request-id"] == "mine"


def test_an_answer_is_kept_by_no_cache_on_the_way(client: TestClient) -> None:
    assert client.post("/v1/ask", json=QUESTION).headers["cache-control"] == "no-store"


# Request ids, traces and the log.


@pytest.mark.parametrize("sent", ["abc-123", "A.b_c-9", "x" * 128])
def test_an_id_that_a_client_sent_comes_back(client: TestClient, sent: str) -> None:
    assert client.get("/health/live", headers={"x-request-id": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 129, "a b", "a\tb", "a;b", "<b>", "\u00e9"])
def test_an_id_that_could_forge_a_log_line_is_replaced(client: TestClient, sent: str) -> None:
    response = client.get("/health/live", headers={b"x-request-id": sent.encode("latin-1")})

    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])


def test_no_two_requests_have_the_same_id(client: TestClient) -> None:
    assert len({client.get("/health/live").headers["x-request-id"] for _ in range(50)}) == 50


def test_a_question_is_one_line_with_its_id_its_trace_and_where_its_time_went(client: TestClient) -> None:
    headers = {"x-request-id": "mine", "traceparent": f"00-{TRACE}-{PARENT}-01"}

    with capture_logs(processors=[merge_contextvars]) as logs:
        client.post("/v1/ask", json=QUESTION, headers=headers)

    (line,) = lines_of(logs)
    assert (line["request_id"], line["trace_id"], line["parent_id"]) == ("mine", TRACE, PARENT)
    assert (line["method"], line["route"], line["status"]) == ("POST", "/v1/ask", 200)
    assert set(line["stages_ms"]) == {"queue", "embed", "search", "answer", "serialise"}
    assert 0 < sum(line["stages_ms"].values()) <= line["took_ms"] + 0.5  # each is rounded
    assert line["answerable"] is True


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        f"00-{TRACE}-{PARENT}",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        "x" * 5_000,
    ],
)
def test_a_trace_that_is_none_is_begun_anew(client: TestClient, traceparent: str) -> None:
    with capture_logs(processors=[merge_contextvars]) as logs:
        client.get("/v1/documents", headers={"traceparent": traceparent})

    (line,) = lines_of(logs)
    assert re.fullmatch(r"[0-9a-f]{32}", line["trace_id"])
    assert line["trace_id"] != TRACE
    assert line["parent_id"] is None


def test_no_question_stands_in_the_log(client: TestClient) -> None:
    with capture_logs() as logs:
        client.post("/v1/ask", json={"question": "Do I have zanzibar fever?"})
        client.get("/v1/ask", params={"question": "Do I have zanzibar fever?"})
        client.post("/v1/ask", json={"question": "zanzibar", "top_k": 0})

    assert len(lines_of(logs)) == 3
    assert "zanzibar" not in str(logs)


def test_questions_stand_in_the_log_where_the_operator_wants_them(serving: ServingIndex) -> None:
    with client_of(make_app(serving, log_questions=True)) as client, capture_logs() as logs:
        client.post("/v1/ask", json=QUESTION)

    assert [each["question"] for each in lines_of(logs)] == [QUESTION["question"]]


# Numbers.


def test_requests_are_counted_by_route_and_status_and_not_by_what_was_asked_for(client: TestClient) -> None:
    def counts() -> list[float]:
        return [
            value("citewell_requests_total", method="GET", route="/v1/documents/{doc_id}", status="200"),
            value("citewell_requests_total", method="GET", route="/v1/documents/{doc_id}", status="404"),
            value("citewell_requests_total", method="GET", route="unmatched", status="404"),
            value("citewell_requests_total", method="other", route="unmatched", status="404"),
        ]

    before = counts()
    for path in ("/v1/documents/ticks", "/v1/documents/nope", "/a", "/b"):
        client.get(path)
    client.request("BREW", "/c")

    assert [after - was for after, was in zip(counts(), before, strict=True)] == [1, 1, 2, 1]
    assert "nope" not in client.get("/metrics").text


def test_the_stages_of_a_question_are_measured(client: TestClient) -> None:
    def counts() -> list[float]:
        return [
            value("citewell_stage_duration_seconds_count", stage=stage)
            for stage in ("queue", "embed", "search", "answer", "serialise")
        ]

    before = counts()
    client.post("/v1/ask", json=QUESTION)

    assert [after - was for after, was in zip(counts(), before, strict=True)] == [1] * 5


def test_the_metrics_name_the_version_that_serves_and_its_age(
    client: TestClient, serving: ServingIndex
) -> None:
    response = client.get("/metrics")

    assert response.headers["content-type"] == metrics.CONTENT_TYPE
    assert f'citewell_snapshot{{model="twin",version="{serving.version}"}} 1.0' in response.text
    assert value("citewell_snapshot_age_seconds") > 0
    assert value("citewell_ready") == 1


def test_answers_refusals_and_notices_are_counted(client: TestClient) -> None:
    def counts() -> list[float]:
        return [
            value("citewell_answers_total", outcome="answered"),
            value("citewell_answers_total", outcome="refused"),
            value("citewell_notices_total", kind="urgent_care"),
        ]

    before = counts()
    client.post("/v1/ask", json=QUESTION)
    client.post("/v1/ask", json={"question": "Which tax form do I need?"})
    urgent = client.post("/v1/ask", json={"question": "I cannot breathe and my chest hurts"}).json()

    grown = [after - was for after, was in zip(counts(), before, strict=True)]
    assert grown[0] + grown[1] == 3
    assert grown[0] >= 1
    assert grown[1] >= 1
    assert grown[2] == len(urgent["notices"]) > 0


# Other origins' pages.


@pytest.fixture(scope="module")
def shared_client(serving: ServingIndex) -> Iterator[TestClient]:
    """A service that one other origin's pages may use."""
    with client_of(make_app(serving, allowed_origins=f"{ORIGIN}, http://localhost:5173")) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_no_other_origin_may_read_anything_by_default(client: TestClient, method: str) -> None:
    headers = {"origin": ORIGIN, "access-control-request-method": "POST"}

    response = client.request(method, "/v1/ask", headers=headers)

    assert not [name for name in response.headers if name.startswith("access-control-")]
    assert response.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/references", "/v1/references/1", "/v1/documents/ticks"])
def test_an_allowed_origin_may_ask_and_read(shared_client: TestClient, path: str) -> None:
    headers = {"origin": ORIGIN}
    response = (
        shared_client.post(path, json=QUESTION, headers=headers)
        if path == "/v1/ask"
        else shared_client.get(path, headers=headers)
    )

    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "Origin" in response.headers["vary"]
    assert "access-control-allow-credentials" not in response.headers


def test_an_allowed_origin_is_told_before_it_asks(shared_client: TestClient) -> None:
    headers = {
        "origin": ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }

    response = shared_client.options("/v1/ask", headers=headers)

    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "Content-Type" in response.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        f"{ORIGIN}.evil.example",
        f"{ORIGIN}:444",
        "http://health.example",
        "HTTPS://HEALTH.EXAMPLE",
    ],
)
def test_an_origin_that_only_looks_allowed_is_not(shared_client: TestClient, origin: str) -> None:
    headers = {"origin": origin, "access-control-request-method": "POST"}

    asked = shared_client.post("/v1/ask", json=QUESTION, headers=headers)
    preflight = shared_client.options("/v1/ask", headers=headers)

    assert "access-control-allow-origin" not in asked.headers
    assert "access-control-allow-origin" not in preflight.headers
    assert preflight.status_code == 405


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/v1/documents/ticks"), ("DELETE", "/v1/documents/ticks")]
)
def test_no_other_origin_may_change_anything(shared_client: TestClient, method: str, path: str) -> None:
    headers = {"origin": ORIGIN, "access-control-request-method": method}

    for response in (
        shared_client.options(path, headers=headers),
        shared_client.request(method, path, headers=headers),
    ):
        assert response.status_code in (401, 403, 405)
        assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    "path", ["/v1/index", "/metrics", "/docs", "/version", "/v1/documentsx", "/v1/ask/x"]
)
def test_what_a_widget_does_not_need_is_not_shared(shared_client: TestClient, path: str) -> None:
    response = shared_client.get(path, headers={"origin": ORIGIN})

    assert "access-control-allow-origin" not in response.headers


def test_a_refusal_can_be_read_by_the_page_that_is_refused(shared_client: TestClient) -> None:
    response = shared_client.post("/v1/ask", json={"question": ""}, headers={"origin": ORIGIN})

    assert_problem(response, 422)
    assert response.headers["access-control-allow-origin"] == ORIGIN


def test_any_origin_is_allowed_only_where_the_operator_says_so(serving: ServingIndex) -> None:
    with client_of(make_app(serving, allowed_origins="*")) as client:
        response = client.post("/v1/ask", json=QUESTION, headers={"origin": "https://anyone.example"})

    assert response.headers["access-control-allow-origin"] == "*"


# Host names.


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("ask.example", 200),
        ("ask.example:8443", 200),
        ("ASK.example", 200),
        ("[::1]:8000", 200),
        ("evil.example", 421),
        ("ask.example.evil.example", 421),
        ("ask.example:x", 421),
        ("", 421),
    ],
)
def test_only_the_names_of_the_setting_are_answered_under(
    serving: ServingIndex, host: str, status: int
) -> None:
    with client_of(make_app(serving, allowed_hosts="ask.example, [::1]")) as client:
        response = client.get("/v1/index", headers={"host": host})
        probe = client.get("/health/live", headers={"host": host})

    assert response.status_code == status
    assert probe.status_code == 200
    if status == 421:
        assert_problem(response, 421)


# The rate limit.


def test_one_client_is_slowed_down_and_told_for_how_long(serving: ServingIndex) -> None:
    with client_of(make_app(serving, rate_limit_per_minute=1)) as client:
        statuses = [client.get("/v1/index").status_code for _ in range(8)]
        refused = client.get("/v1/index")
        probes = {client.get("/health/live").status_code for _ in range(30)}

    assert statuses == [200] + [429] * 7
    assert_problem(refused, 429, says=f"Try again in {refused.headers['retry-after']} s")
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert probes == {200}


# The queue.


def test_what_has_no_room_in_the_queue_is_refused_at_once_and_health_still_answers(index_dir: Path) -> None:
    embedder = WatchedEmbedder()
    app = make_app(open_serving(index_dir, embedder), query_threads=1, max_waiting=2)
    refused_before = value("citewell_refused_requests_total", reason="queue")

    with client_of(app) as client, ThreadPoolExecutor(3) as pool:
        embedder.started.clear()
        embedder.let_go.clear()
        held = [pool.submit(client.post, "/v1/ask", json=QUESTION) for _ in range(3)]
        until_full(app)
        by_post = client.post("/v1/ask", json=QUESTION)
        by_address = client.get("/v1/ask", params=QUESTION)
        of_a_page = client.post("/v1/ask", json=QUESTION, headers={"origin": "https://a.example"})
        named = client.post("/v1/ask", json=QUESTION, headers={"x-request-id": "mine"})
        unread = client.post("/v1/ask", content=b"{", headers=JSON)
        browsing = client.get("/v1/documents/ticks")
        health = client.get("/health/live")
        depth = value("citewell_queue_depth")
        embedder.let_go.set()
        answered = [each.result().status_code for each in held]
        again = client.post("/v1/ask", json=QUESTION).status_code

    # The quick way says what the long one does.
    assert by_post.json() == of_a_page.json()
    assert by_post.headers.keys() == of_a_page.headers.keys()
    same = by_post.headers.keys() - {"x-request-id"}
    assert {name: by_post.headers[name] for name in same} == {name: of_a_page.headers[name] for name in same}
    assert len(by_post.headers["x-request-id"]) == 32
    assert named.headers["x-request-id"] == "mine"
    for response in (by_post, by_address, of_a_page, named, unread, browsing):
        assert_problem(response, 429, says="Try again in 1 s")
        assert response.headers["retry-after"] == "1"
    assert health.status_code == 200
    assert depth == 3
    assert answered == [200] * 3
    assert again == 200
    assert value("citewell_queue_depth") == 0
    assert value("citewell_refused_requests_total", reason="queue") == refused_before + 6


def until_full(app: FastAPI) -> None:
    for _ in range(6_000):
        if app.state.workers.is_full:
            return
        threading.Event().wait(0.01)
    raise AssertionError("the queue did not fill in a minute")


def test_a_question_longer_than_the_operator_allows_is_refused(serving: ServingIndex) -> None:
    with client_of(make_app(serving, max_question_chars=25)) as client:
        assert client.post("/v1/ask", json=QUESTION).status_code == 200
        long = {"question": QUESTION["question"] + "?"}
        assert_problem(client.post("/v1/ask", json=long), 422, says="at most 25")
        assert_problem(client.get("/v1/ask", params=long), 422, says="at most 25")


def test_refusals_share_a_line_of_the_log_a_second() -> None:
    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("a question with no room went on")

    async def receive() -> Message:
        raise AssertionError("a question with no room was read")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    layer = QuickRefusal(never, is_full=lambda: True)
    scope = {"type": "http", "method": "POST", "path": "/v1/ask", "headers": []}
    with capture_logs() as lines:
        for _ in range(5):
            asyncio.run(layer(scope, receive, send))
        layer._said_at -= 1
        asyncio.run(layer(scope, receive, send))

    assert [message["status"] for message in sent[::2]] == [429] * 6
    assert [(line["event"], line["count"]) for line in lines] == [
        ("questions turned away", 1),
        ("questions turned away", 5),
    ]


@pytest.mark.parametrize(("refusals", "rests"), [(100, 0), (150, 1)])
def test_the_event_loop_rests_in_a_hail_of_refusals_once_for_all_that_came_together(
    monkeypatch: pytest.MonkeyPatch, refusals: int, rests: int
) -> None:
    clock, slept = [0.0], list[float]()
    monkeypatch.setattr("service.quick_refusal.time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("service.quick_refusal.time.sleep", slept.append)

    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        pytest.fail("a question without room went on")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        return

    layer = QuickRefusal(never, is_full=lambda: True)
    scope = {"type": "http", "method": "POST", "path": "/v1/ask", "headers": []}

    async def hail() -> None:
        for _ in range(refusals):
            await layer(scope, receive, send)
        await asyncio.sleep(0)

    with capture_logs():
        asyncio.run(hail())
        assert len(slept) == rests
        clock[0] += 1  # a second later it counts from the beginning
        asyncio.run(layer(scope, receive, send))

    assert len(slept) == rests


def test_a_body_that_has_come_is_read_before_anything_else_runs() -> None:
    order: list[str] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def read() -> None:
        asyncio.get_running_loop().call_soon(order.append, "another request")
        await WatchedBody(receive, max_bytes=10, timeout_s=5)()
        order.append("body read")

    asyncio.run(read())

    assert order[0] == "body read"
