"""The web application."""

from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi_offline import FastAPIOffline
from starlette.responses import RedirectResponse

from service import batch_asking, batch_routes, editing_routes, feedback_routes
from service.auth import Keyring
from service.editing_problems import install_editing_problems
from service.live_index import LiveIndex
from service.problems import Problem, install_problem_handlers, problem_response
from service.release import RELEASE
from service.routes import router
from service.settings import Settings
from service.uploads import is_upload

_SUMMARY = (
    "Ask a health article; get the passages that answer, each with the number of the reference behind it."
)
_DESCRIPTION = """\
Every reply names the version of the index it was made from. Offsets count Unicode code points of a document's
canonical text. Every error is a problem as in RFC 9457 and says what to do.

What is returned is information from documents, not medical advice.
"""


def create_app(open_index: Callable[[], AbstractContextManager[LiveIndex]], settings: Settings) -> FastAPI:
    """Make the application.

    Args:
        open_index: Opened when the service starts and closed when it stops.
        settings: What the operator chose; where the index is found is decided by `open_index`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with (
            open_index() as live,
            ThreadPoolExecutor(settings.query_threads, thread_name_prefix="question") as workers,
        ):
            app.state.live_index = live
            app.state.workers = workers
            yield

    app = FastAPIOffline(
        title="Citewell",
        version=RELEASE,
        summary=_SUMMARY,
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        redoc_url=None,
        # A trailing slash is another address, and a 404 that says so is clearer than a redirect.
        redirect_slashes=False,
    )
    app.state.keyring = Keyring(settings.keys_file, admin_key=settings.admin_key)
    app.state.settings = settings
    app.include_router(router)
    app.include_router(batch_routes.router)
    app.include_router(editing_routes.router)
    app.include_router(feedback_routes.router)
    app.add_api_route("/", _to_docs, include_in_schema=False)
    install_problem_handlers(app)
    install_editing_problems(app)
    _limit_bodies(app, settings)
    _describe(app)
    return app


async def _to_docs() -> RedirectResponse:
    return RedirectResponse("docs")


def _limit_bodies(app: FastAPI, settings: Settings) -> None:
    @app.middleware("http")
    async def refuse_large_body(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        declared = request.headers.get("content-length", "")
        max_body_bytes = settings.max_body_bytes
        if request.url.path == batch_asking.PATH:
            max_body_bytes = settings.max_batch_body_bytes
        if is_upload(request):
            if not declared.isdecimal():
                return problem_response(request, 411, "Send a Content-Length with a file.")
            max_body_bytes += settings.max_upload_bytes
        if declared.isdecimal() and int(declared) > max_body_bytes:
            return _too_large(request, max_body_bytes)
        if request.method in ("POST", "PUT", "PATCH") and not declared.isdecimal():
            # A chunked body says its length only by ending; stop reading it at the limit.
            received = bytearray()
            async for chunk in request.stream():
                received += chunk
                if len(received) > max_body_bytes:
                    return _too_large(request, max_body_bytes)
            request._body = bytes(received)  # where Starlette keeps a body that was read
        return await call_next(request)


def _too_large(request: Request, max_body_bytes: int) -> Response:
    detail = f"The request body is larger than {max_body_bytes:,} bytes. Send less, or several requests."
    return problem_response(request, 413, detail)


def _describe(app: FastAPI) -> None:
    """Put our own problems in place of FastAPI's validation errors in OpenAPI."""
    generate = app.openapi

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            schemas = generate()["components"]["schemas"]
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs", {}))
            schemas["Problem"] = problem
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]  # FastAPI's documented way to extend it
