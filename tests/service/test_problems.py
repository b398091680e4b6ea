"""Faulty requests: each is a problem that says what to do, and none is a server error."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import httpx2
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ingest.errors import CitewellError, SnapshotNotFoundError
from service.serving_index import ServingIndex
from tests.service.conftest import MAX_BODY_BYTES, make_app

JSON = {"content-type": "application/json"}


def assert_problem(response: httpx2.Response, status: int, *, says: str = "") -> dict[str, Any]:
    """Check that a response is a whole problem and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"].endswith(".")
    assert len(problem["detail"].split()) > 4
    assert unquote(problem["instance"]) == unquote(response.request.url.raw_path.decode().split("?")[0])
    assert says in problem["detail"]
    return problem


@pytest.mark.parametrize("top_k", [0, 51, -1, "5", True, 1.5, None, [5], {}, 10**30])
def test_a_top_k_that_is_no_whole_number_from_1_to_50_is_refused(client: TestClient, top_k: object) -> None:
    response = client.post("/v1/ask", json={"question": "pollen", "top_k": top_k})

    problem = assert_problem(response, 422, says="top_k")
    assert [each["field"] for each in problem["errors"]] == ["top_k"]


@pytest.mark.parametrize("top_k", ["0", "51", "", "five", "1.5", "true"])
def test_a_top_k_in_an_address_is_held_to_the_same_bounds(client: TestClient, top_k: str) -> None:
    assert_problem(client.get("/v1/ask", params={"question": "pollen", "top_k": top_k}), 422, says="top_k")


@pytest.mark.parametrize(
    "question", ["", " ", "\n\t \u2003", "a" * 2001, "🦵" * 2001, None, 5, ["pollen"], {}, True]
)
def test_what_is_no_question_of_1_to_2000_characters_is_refused(client: TestClient, question: object) -> None:
    assert_problem(client.post("/v1/ask", json={"question": question}), 422, says="question")


@pytest.mark.parametrize("question", ["", "%20%09", "a" * 2001])
def test_a_question_in_an_address_is_held_to_the_same_bounds(client: TestClient, question: str) -> None:
    assert_problem(client.get(f"/v1/ask?question={question}"), 422, says="question")


def test_an_address_without_a_question_is_refused(client: TestClient) -> None:
    assert_problem(client.get("/v1/ask"), 422, says="question")


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f", "\x9f", "\ufffd"])
def test_binary_in_a_question_is_refused_and_named(client: TestClient, character: str) -> None:
    response = client.post("/v1/ask", json={"question": f"pol{character}len"})

    assert_problem(response, 422, says=f"U+{ord(character):04X}")
    assert_problem(client.get("/v1/ask", params={"question": f"pol{character}len"}), 422, says="U+")


@pytest.mark.parametrize("escaped", ["%ff", "%c3%28", "%ed%a0%80", "caf%e9"])
def test_bytes_of_an_address_that_are_not_utf8_are_refused(client: TestClient, escaped: str) -> None:
    assert_problem(client.get(f"/v1/ask?question={escaped}"), 422, says="U+FFFD")


@pytest.mark.parametrize("escape", [r"\ud800", r"\udfff", r"a\ud83d b"])
@pytest.mark.parametrize(
    "body",
    [
        '{"question": "%s"}',
        '{"question": "a", "filter": {"documents": ["%s"]}}',
        '{"question": "a", "%s": 1}',
    ],
)
def test_half_a_surrogate_pair_is_refused_wherever_it_stands(
    client: TestClient, body: str, escape: str
) -> None:
    assert_problem(client.post("/v1/ask", content=body % escape, headers=JSON), 422)


def test_a_whole_surrogate_pair_is_a_character(client: TestClient) -> None:
    response = client.post("/v1/ask", content=r'{"question": "\ud83e\uddb5"}', headers=JSON)

    assert response.json()["question"] == "🦵"


@pytest.mark.parametrize(
    "body",
    [
        b'{"question": "\xff\xfe"}',
        b"\x89PNG\r\n\x1a\n\x00\x00",
        b"[" * 30_000 + b"]" * 30_000,
        b'{"question": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b'{"question": "pollen", "top_k": ' + b"9" * 5_000 + b"}",
    ],
    ids=["not UTF-8", "an image", "deep", "deep in a field", "endless number"],
)
def test_a_body_that_cannot_be_read_is_refused_with_a_way_out(client: TestClient, body: bytes) -> None:
    assert_problem(client.post("/v1/ask", content=body, headers=JSON), 400, says="Send a plain JSON object")


@pytest.mark.parametrize(
    "body", [b"pollen", b"{", b'{"question": }', b"question=pollen", b"{'question': 'a'}"]
)
def test_a_body_that_is_not_json_is_refused(client: TestClient, body: bytes) -> None:
    assert_problem(client.post("/v1/ask", content=body, headers=JSON), 422, says="not valid JSON")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"5", b'"pollen"', b"[]", b'[{"question": "pollen"}]', b"true", b"NaN"]
)
def test_a_body_that_is_no_object_is_refused(client: TestClient, body: bytes) -> None:
    assert_problem(client.post("/v1/ask", content=body, headers=JSON), 422, says="must be a JSON object")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        ";",
    ],
)
def test_a_body_of_another_type_is_refused_and_the_right_one_named(
    client: TestClient, content_type: str | None
) -> None:
    headers = {"content-type": content_type} if content_type else {}

    response = client.post("/v1/ask", content=b'{"question": "pollen"}', headers=headers)

    assert_problem(response, 422, says="Content-Type: application/json")


def test_a_number_that_is_none_is_refused(client: TestClient) -> None:
    response = client.post("/v1/ask", content=b'{"question": "a", "top_k": NaN}', headers=JSON)

    assert_problem(response, 422, says="top_k")


def test_of_a_field_given_twice_the_last_counts(client: TestClient) -> None:
    body = b'{"question": "pollen", "top_k": 99, "question": "tick", "top_k": 1}'

    response = client.post("/v1/ask", content=body, headers=JSON)

    assert response.json()["question"] == "tick"
    assert len(response.json()["passages"]) == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"topk": 3}, "topk"),
        ({"filter": {"document": ["ticks"]}}, "filter.document"),
        ({"filter": []}, "filter"),
        ({"filter": {"documents": "ticks"}}, "filter.documents"),
        ({"filter": {"documents": [""]}}, "filter.documents.0"),
        ({"filter": {"documents": ["ticks"] * 101}}, "filter.documents"),
        ({"filter": {"references": [1, 0]}}, "filter.references.1"),
        ({"filter": {"references": [True]}}, "filter.references.0"),
        ({"filter": {"references": ["1"]}}, "filter.references.0"),
        ({"filter": {"references": [1.5]}}, "filter.references.0"),
        ({"answer": "abstractive"}, "answer"),
        ({"answer": None}, "answer"),
    ],
)
def test_a_faulty_field_is_named(client: TestClient, fields: dict[str, Any], field: str) -> None:
    problem = assert_problem(client.post("/v1/ask", json={"question": "pollen", **fields}), 422)

    assert field in [each["field"] for each in problem["errors"]]


def test_an_unknown_part_of_an_address_is_named(client: TestClient) -> None:
    assert_problem(client.get("/v1/ask?question=pollen&topk=3"), 422, says="topk")


def test_every_fault_of_a_request_is_named_at_once(client: TestClient) -> None:
    response = client.post("/v1/ask", json={"question": "", "top_k": 0, "colour": "red"})

    problem = assert_problem(response, 422)
    assert {each["field"] for each in problem["errors"]} == {"question", "top_k", "colour"}


def test_a_document_that_is_not_there_is_refused_with_those_that_are(client: TestClient) -> None:
    only = {"documents": ["ticks", "wasps"]}

    problem = assert_problem(
        client.post("/v1/ask", json={"question": "a", "filter": only}), 422, says="'wasps'"
    )

    assert all(name in problem["detail"] for name in ("ticks", "hay-fever", "saline"))
    assert_problem(client.get("/v1/ask?question=a&documents=wasps"), 422, says="hay-fever")


def test_a_reference_that_is_not_there_is_refused_with_those_that_are(client: TestClient) -> None:
    only = {"references": [1, 7]}

    assert_problem(client.post("/v1/ask", json={"question": "a", "filter": only}), 422, says="It has: 1, 2")
    assert_problem(client.get("/v1/ask?question=a&references=7"), 422, says="It has: 1, 2")


def test_a_generated_answer_is_refused_with_what_works_instead(client: TestClient) -> None:
    fields = {"question": "pollen", "answer": "generated"}

    assert_problem(client.post("/v1/ask", json=fields), 409, says="`extractive`")
    assert_problem(client.get("/v1/ask", params=fields), 409, says="`extractive`")


def test_a_body_over_the_limit_is_refused(client: TestClient) -> None:
    body = b'{"question": "' + b"a" * MAX_BODY_BYTES + b'"}'

    assert_problem(client.post("/v1/ask", content=body, headers=JSON), 413, says=f"{MAX_BODY_BYTES:,}")


def test_a_body_over_the_limit_is_refused_when_its_length_is_not_declared(client: TestClient) -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        for _ in range(200):
            sent.append(1_000)
            yield b"a" * 1_000

    response = client.post("/v1/ask", content=endless(), headers=JSON)

    assert "content-length" not in response.request.headers
    assert_problem(response, 413, says=f"{MAX_BODY_BYTES:,}")


def test_a_body_of_undeclared_length_within_the_limit_is_read_whole(client: TestClient) -> None:
    parts = iter([b'{"question": ', b'"tick"', b"}"])

    response = client.post("/v1/ask", content=parts, headers=JSON)

    assert response.json()["question"] == "tick"


def test_a_body_of_exactly_the_limit_is_not_too_large(client: TestClient) -> None:
    body = b'{"question": "tick"}'
    body += b" " * (MAX_BODY_BYTES - len(body))

    assert client.post("/v1/ask", content=body, headers=JSON).status_code == 200
    assert client.post("/v1/ask", content=iter([body]), headers=JSON).status_code == 200
    assert_problem(client.post("/v1/ask", content=body + b" ", headers=JSON), 413)
    assert_problem(client.post("/v1/ask", content=iter([body, b" "]), headers=JSON), 413)


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/ask/",
        "/v1/nope",
        "/v1/documents/",
        "/v1/documents/nope",
        "/v1/documents/hay-fever/",
        "/v1/documents/HAY-FEVER",
        "/v1/documents/sources%2Fsaline",
        "/v1/documents/..%2F..%2Fetc%2Fpasswd",
        "/v1/documents/%00",
        "/v1/documents/%ff",
        "/v1/documents/a%3Fb%23c",
        "/v1/passages/nope",
        "/v1/passages/0000000000000000",
        "/v1/references/99",
        "/static-offline-docs/..%2F..%2Fapp.py",
        "/.env",
        "/%E2%80%AE",
        "//v1/ask",
    ],
)
def test_what_is_not_there_is_a_problem(client: TestClient, path: str) -> None:
    response = client.get(path) if not path.startswith("//") else client.get(f"http://testserver{path}")

    assert_problem(response, 404)


@pytest.mark.parametrize("number", ["0", "-1", "one", "1.5", "99999999999", "9" * 5000, "%00"])
def test_what_is_no_reference_number_is_refused(client: TestClient, number: str) -> None:
    assert_problem(client.get(f"/v1/references/{number}"), 422, says="number")


def test_a_missing_thing_is_answered_with_what_there_is(client: TestClient) -> None:
    assert_problem(client.get("/v1/documents/wasps"), 404, says="hay-fever")
    assert_problem(client.get("/v1/references/9"), 404, says="It has: 1, 2")
    assert_problem(client.get("/v1/passages/x"), 404, says="ask the question again")


_ALLOWED = {
    "/v1/ask": "GET, POST",
    "/v1/documents": "GET, POST",
    "/v1/documents/ticks": "DELETE, GET, PUT",
    "/v1/references/1": "GET",
    "/v1/index": "GET",
    "/health/live": "GET",
    "/docs": "GET",
    "/": "GET",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path)
        for path, allowed in _ALLOWED.items()
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW")
        if method not in allowed.split(", ")
    ],
)
def test_another_method_is_refused_with_those_that_are_allowed(
    client: TestClient, method: str, path: str
) -> None:
    response = client.request(method, path)

    assert_problem(response, 405, says="Allow")
    assert set(response.headers["allow"].split(", ")) - {"HEAD"} == set(_ALLOWED[path].split(", "))


def test_a_head_request_is_refused_like_any_other_method(client: TestClient) -> None:
    response = client.head("/v1/index")

    assert response.status_code == 405
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("secret detail of /var/lib"),
        KeyError("secret detail"),
        CitewellError("secret detail"),
        UnicodeDecodeError("utf-8", b"secret", 0, 1, "detail"),
        RecursionError("secret"),
        MemoryError("secret"),
    ],
)
def test_a_failure_of_ours_is_logged_but_not_shown(
    serving: ServingIndex, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr("service.replying.answer_question", fail)
    with capture_logs() as logs, TestClient(make_app(serving), raise_server_exceptions=False) as client:
        response = client.post("/v1/ask", json={"question": "tick"})

    assert_problem(response, 500, says="Try again")
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert type(error).__name__ not in response.text
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["request failed"]


def test_an_index_that_went_away_is_a_503_that_says_when_to_come_back(
    serving: ServingIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise SnapshotNotFoundError("There is no index yet. Run `citewell build`.")

    monkeypatch.setattr("service.replying.answer_question", fail)
    with TestClient(make_app(serving), raise_server_exceptions=False) as client:
        response = client.post("/v1/ask", json={"question": "tick"})

    assert_problem(response, 503, says="citewell build")
    assert response.headers["retry-after"].isdecimal()


_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(["question", "top_k", "filter", "answer", "documents", "references"])


@settings(max_examples=25)
@given(_JSON_VALUES | st.dictionaries(_FIELDS, _JSON_VALUES))
def test_any_json_is_a_reply_or_a_problem(client: TestClient, value: object) -> None:
    response = client.post("/v1/ask", content=json.dumps(value), headers=JSON)

    assert response.status_code == 200 or assert_problem(response, 422)


@settings(max_examples=25)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_problem(client: TestClient, body: bytes) -> None:
    response = client.post("/v1/ask", content=body, headers=JSON)

    assert response.status_code in (400, 422)
    assert_problem(response, response.status_code)


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=60))
def test_any_text_in_an_address_is_a_reply_or_a_problem(client: TestClient, text: str) -> None:
    for path in (f"/v1/documents/{quote(text, safe='')}", f"/v1/passages/{quote(text, safe='')}"):
        response = client.get(path)
        assert response.status_code in (200, 404)
    response = client.get(f"/v1/ask?question={quote(text)}")

    assert response.status_code in (200, 422)
