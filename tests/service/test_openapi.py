"""The description of the API: whole, true of what the service does, and readable without the internet."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings

from service.problems import MEDIA_TYPE
from service.serving_index import ServingIndex
from tests.service.conftest import make_app

ROUTES = {
    "/v1/ask": {"get", "post"},
    "/v1/references": {"get"},
    "/v1/references/{number}": {"get"},
    "/v1/documents": {"get", "post"},
    "/v1/documents/{doc_id}": {"get", "put", "delete"},
    "/v1/passages/{passage_id}": {"get"},
    "/v1/index": {"get"},
    "/v1/index/versions": {"get"},
    "/v1/index/rollback": {"post"},
    "/v1/index/builds": {"post"},
    "/v1/jobs": {"get"},
    "/v1/jobs/{job_id}": {"get"},
    "/v1/jobs/{job_id}/events": {"get"},
    "/v1/feedback": {"post"},
    "/health/live": {"get"},
    "/health/ready": {"get"},
    "/version": {"get"},
}
HELD_TO = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def description(client: TestClient) -> dict[str, Any]:
    response = client.get("/openapi.json")
    assert response.status_code == 200
    described: dict[str, Any] = response.json()
    return described


def operations(description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def pointers(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            else:
                yield from pointers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pointers(inner)


def test_every_route_of_the_contract_is_described(description: dict[str, Any]) -> None:
    described = {path: set(methods) for path, methods in description["paths"].items()}

    assert description["openapi"].startswith("3.1")
    assert all(described.get(path, set()) >= methods for path, methods in ROUTES.items())


def test_every_operation_says_what_it_does(description: dict[str, Any]) -> None:
    for name, operation in operations(description):
        assert operation["summary"], name
        assert operation["description"].endswith("."), name
        assert operation["tags"], name


def test_every_error_of_every_operation_is_a_problem(description: dict[str, Any]) -> None:
    for name, operation in operations(description):
        errors = {
            status: each for status, each in operation["responses"].items() if not status.startswith("2")
        }
        assert "default" in errors, name
        for status, response in errors.items():
            schema = {"$ref": "#/components/schemas/Problem"}
            assert response["content"] == {MEDIA_TYPE: {"schema": schema}}, f"{status} of {name}"


@pytest.mark.parametrize(
    ("operation", "statuses"),
    [
        (("/v1/ask", "post"), {"400", "409", "413", "422", "503"}),
        (("/v1/ask", "get"), {"409", "422", "503"}),
        (("/v1/references/{number}", "get"), {"404", "422", "503"}),
        (("/v1/documents/{doc_id}", "get"), {"404", "503"}),
        (("/v1/passages/{passage_id}", "get"), {"404", "503"}),
    ],
)
def test_the_errors_that_a_caller_can_cause_are_described(
    description: dict[str, Any], operation: tuple[str, str], statuses: set[str]
) -> None:
    path, method = operation

    assert set(description["paths"][path][method]["responses"]) >= statuses


def test_nothing_of_the_frameworks_own_errors_is_left(description: dict[str, Any]) -> None:
    assert "ValidationError" not in str(description)


def test_every_pointer_leads_somewhere(description: dict[str, Any]) -> None:
    for pointer in pointers(description):
        value: Any = description
        for part in pointer.removeprefix("#/").split("/"):
            value = value[part]
        assert value


def test_every_field_of_a_request_is_described(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    for name in ("AskRequest", "Filter"):
        assert schemas[name]["additionalProperties"] is False
        for field, schema in schemas[name]["properties"].items():
            assert schema.get("description"), f"{name}.{field}"


def test_the_examples_of_a_question_work(description: dict[str, Any], client: TestClient) -> None:
    examples = description["components"]["schemas"]["AskRequest"]["examples"]

    assert examples
    for example in examples:
        only = {"references": [1]} if "filter" in example else None
        response = client.post("/v1/ask", json={**example, "filter": only})
        assert response.status_code == 200


def test_the_example_of_a_reply_has_the_fields_of_a_reply(
    description: dict[str, Any], client: TestClient
) -> None:
    schema = description["components"]["schemas"]["AskReply"]

    reply = client.post("/v1/ask", json={"question": "salt water pollen"}).json()

    for example in schema["examples"]:
        # The framework leaves null out of examples, so they may have fewer fields but no others.
        assert set(example) <= set(reply)
        assert set(example["passages"][0]) <= set(reply["passages"][0])
        assert set(example["references"][0]) <= set(reply["references"][0])
        assert set(example["answer"]["sentences"][0]) == set(reply["answer"]["sentences"][0])
        for mark in example["passages"][0]["highlights"]:
            assert example["passages"][0]["text"][mark["start"] : mark["end"]]


def test_every_parameter_has_an_example_or_a_default(description: dict[str, Any]) -> None:
    for name, operation in operations(description):
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            shown = {**schema, **parameter}
            assert {"examples", "example", "default"} & set(shown) or not parameter["required"], (
                f"{parameter['name']} of {name}"
            )


def test_the_page_that_shows_the_api_needs_no_other_host(client: TestClient) -> None:
    page = client.get("/docs")

    assert page.status_code == 200
    assert not re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page.text)
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded
    assert all(client.get(address).status_code == 200 for address in loaded)


def test_the_root_is_a_page_that_leads_to_the_one_that_shows_the_api(client: TestClient) -> None:
    response = client.get("/")

    assert response.headers["content-type"].startswith("text/html")
    assert 'href="docs"' in response.text


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for path, methods in ROUTES.items() for method in sorted(methods)]
)
def test_whatever_is_sent_is_answered_as_described(
    serving: ServingIndex, method: str, path: str, mode: schemathesis.GenerationMode
) -> None:
    operation = schemathesis.openapi.from_asgi("/openapi.json", make_app(serving))[path][method]
    described = set(operation.definition.raw["responses"]) - {"default"}
    if mode is schemathesis.GenerationMode.NEGATIVE and not operation.query and not operation.body:
        pytest.skip("nothing of this address can be wrong")

    @settings(max_examples=50, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(mode))
    def probe(case: Any) -> None:
        response = case.call()
        case.validate_response(response, checks=HELD_TO)
        assert str(response.status_code) in described

    probe()
