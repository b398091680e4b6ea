"""Every error of the API as application/problem+json."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from ingest.errors import NotIndexedError, OverloadedError, SnapshotError
from service import metrics

_log = structlog.get_logger(__name__)
MEDIA_TYPE = "application/problem+json"
#: Seconds after which a client may well find room: a full queue is worked off in about one.
OVERLOAD_RETRY_S = 1


_DESCRIPTIONS: dict[int | str, str] = {
    400: "The body cannot be read.",
    401: "The admin key is missing or wrong.",
    403: "No admin key is set up, or the key is not an admin's.",
    404: "There is no such document, passage, reference, version or job.",
    408: "The body did not come in time.",
    409: "The service is not set up for what was asked for, or what was asked for cannot be used.",
    411: "The request does not say how long its body is.",
    413: "The request is too large.",
    415: "The body is of a kind that is not taken here.",
    422: "The request is faulty; the problem says where and what to do.",
    429: "Too much is waiting already; try again after `Retry-After` seconds.",
    503: "There is no index to answer from yet, or the disk refuses.",
    "default": "Any other error.",
}


def problem_responses(*statuses: int | str) -> dict[int | str, dict[str, Any]]:
    """Describe the problems that a route may answer with, for OpenAPI."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _DESCRIPTIONS[status], "content": content} for status in statuses}


class FieldProblem(BaseModel):
    """What is wrong with one part of a request."""

    field: str = Field(description="Where it is, for example `top_k` or `filter.references.0`.")
    detail: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """An error, in the form of RFC 9457."""

    type: str = Field(default="about:blank", description="Kind of problem.")
    title: str = Field(
        description="The same for every problem of this status.", examples=["Unprocessable Content"]
    )
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(
        description="What happened and what to do about it.",
        examples=["top_k: Input should be less than or equal to 50. Correct the request and send it again."],
    )
    instance: str | None = Field(
        default=None, description="The path that was asked for.", examples=["/v1/ask"]
    )
    errors: list[FieldProblem] | None = Field(default=None, description="One entry for each faulty field.")


def make_problem(status: int, detail: str, *, path: str, errors: list[FieldProblem] | None = None) -> Problem:
    """Return a problem of the thing at a path."""
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        # RFC 9457 wants a reference as in RFC 3986; these characters are what a path may hold unescaped.
        instance=quote(path, safe="/:@!$&'()*+,;=~"),
        errors=errors,
    )


def problem_response(
    request: Request,
    status: int,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a problem as a response."""
    problem = make_problem(status, detail, path=request.scope["path"], errors=errors)
    return JSONResponse(
        problem.model_dump(exclude_none=True), status_code=status, media_type=MEDIA_TYPE, headers=headers
    )


async def send_problem(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer with a problem where there is no route to return one from."""
    response = problem_response(Request(scope), status, detail, headers=headers)
    await response(scope, receive, send)


def failure_response(request: Request) -> JSONResponse:
    """Return what is said of a failure of ours: nothing of its cause."""
    return problem_response(
        request,
        500,
        "Something went wrong on our side. Try again; if it stays, tell the operator the time of it.",
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of an application a problem, its own 404, 405 and 422 included."""
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(NotIndexedError, _on_not_indexed)
    app.add_exception_handler(SnapshotError, _on_no_index)
    app.add_exception_handler(OverloadedError, _on_overload)
    app.add_exception_handler(Exception, _on_unknown_error)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    detail, errors = describe_faults(error.errors())
    return problem_response(request, 422, detail, errors=errors)


def describe_faults(faults: Iterable[Mapping[str, Any]]) -> tuple[str, list[FieldProblem]]:
    """Return what a problem says of the faults that validation found, whole and field by field.

    Args:
        faults: As Pydantic lists them, with the part of the request first in `loc`.
    """
    errors = [_field_problem(each) for each in faults]
    said = "; ".join(f"{each.field}: {each.detail}" if each.field else each.detail for each in errors)
    return f"{said}. Correct the request and send it again; /docs describes it.", errors


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    # The first part only says body or query; a position in unreadable JSON is no field.
    parts = [str(part) for part in error["loc"][1:]]
    if error["type"] == "json_invalid":
        reason = error.get("ctx", {}).get("error", "not JSON")
        return FieldProblem(field="", detail=f"The body is not valid JSON ({reason})")
    if not parts and error["loc"][:1] == ("body",):
        return FieldProblem(
            field="", detail="The body must be a JSON object, sent with `Content-Type: application/json`"
        )
    return FieldProblem(field=".".join(parts), detail=str(error["msg"]).removeprefix("Value error, "))


_HINTS = {
    400: "The body cannot be read: it is not UTF-8, is nested too deep, or holds a number of too many digits. "
    "Send a plain JSON object; /docs describes it.",
    404: "There is nothing at this address. The API is described at /docs.",
    405: "This address does not take this method; the Allow header lists those that it takes.",
}


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    # The framework says no more than a status's phrase, and of an unreadable body nothing that helps.
    generic = error.status_code == 400 or HTTPStatus(error.status_code).phrase == error.detail
    detail = _HINTS.get(error.status_code, error.detail) if generic else error.detail
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return problem_response(request, error.status_code, detail, headers=headers)


def _allowed(request: Request) -> str:
    """Return every method that an address takes; a router by itself names those of one route only."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    methods = {
        method.upper()
        for template, operations in paths.items()
        if compile_path(template)[0].match(request.url.path)
        for method in operations
    }
    return ", ".join(sorted(methods)) or "GET"


async def _on_not_indexed(request: Request, error: Exception) -> JSONResponse:
    # In an address the thing is not there; in a filter the request is at fault.
    return problem_response(request, 422 if request.url.path.startswith("/v1/ask") else 404, str(error))


async def _on_no_index(request: Request, error: Exception) -> JSONResponse:
    return problem_response(request, 503, str(error), headers={"Retry-After": "5"})


async def _on_overload(request: Request, error: Exception) -> JSONResponse:
    metrics.count_refusal("queue")
    return problem_response(request, 429, str(error), headers={"Retry-After": str(OVERLOAD_RETRY_S)})


async def _on_unknown_error(request: Request, error: Exception) -> JSONResponse:
    _log.error("request failed", path=request.url.path, exc_info=error)
    return failure_response(request)
