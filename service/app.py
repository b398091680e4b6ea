"""The web application."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware import Middleware

from service import batch_routes, diff_routes, editing_routes, feedback_routes, operations_routes
from service.allowed_hosts import AllowedHosts
from service.auth import Keyring
from service.body_limits import BodyLimits
from service.cross_origin import CrossOrigin
from service.editing_problems import install_editing_problems
from service.failures import Failures
from service.opening import OpenIndex, opened
from service.pages import install_pages
from service.problems import Problem, install_problem_handlers
from service.question_queue import Overload, QuestionQueue
from service.quick_refusal import QuickRefusal
from service.rate_limit import Allowance, Allowances, RateLimit
from service.release import RELEASE
from service.reply_cache import ReplyCache
from service.request_log import RequestLog
from service.routes import router
from service.security_headers import SecurityHeaders
from service.settings import Settings, names_in

_SUMMARY = (
    "Ask a health article; get the passages that answer, each with the number of the reference behind it."
)
_DESCRIPTION = """\
Every reply names the version of the index it was made from. Offsets count Unicode code points of a document's
canonical text. Every error is a problem as in RFC 9457 and says what to do.

What is returned is information from documents, not medical advice.
"""


def create_app(
    open_index: OpenIndex,
    settings: Settings,
    *,
    on_failed_start: Callable[[Exception], None] | None = None,
    allowance: Allowances | None = None,
) -> FastAPI:
    """Make the application.

    Args:
        open_index: Opened when the service starts and closed when it stops.
        settings: What the operator chose; where the index is found is decided by `open_index`.
        on_failed_start: If given, the service listens while the index is being opened and answers 503 until it
            is; this is called, on another thread, if it cannot be opened.
        allowance: How often each client may ask, where other processes know it, too.
    """
    if allowance is None and settings.rate_limit_per_minute is not None:
        allowance = Allowance(per_minute=settings.rate_limit_per_minute)
    questions = QuestionQueue(threads=settings.query_threads, max_waiting=settings.max_waiting)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with questions, opened(open_index, on_failure=on_failed_start) as opening:
            app.state.opening = opening
            yield

    app = FastAPIOffline(
        title="Citewell",
        version=RELEASE,
        summary=_SUMMARY,
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        middleware=_layers(settings, allowance, is_full=lambda: questions.is_full),
        redoc_url=None,
        # A trailing slash is another address, and a 404 that says so is clearer than a redirect.
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.workers = questions
    app.state.replies = ReplyCache(max_bytes=settings.reply_cache_mb * 1_000_000)
    app.state.keyring = Keyring(settings.keys_file, admin_key=settings.admin_key)
    app.include_router(router)
    app.include_router(batch_routes.router)
    app.include_router(editing_routes.router)
    app.include_router(diff_routes.router)
    app.include_router(feedback_routes.router)
    app.include_router(operations_routes.router)
    install_pages(app, settings.corpus_dir)
    install_problem_handlers(app)
    install_editing_problems(app)
    _describe(app)
    return app


def _layers(
    settings: Settings, allowance: Allowances | None, *, is_full: Callable[[], bool]
) -> list[Middleware]:
    """Return what every request goes through, outermost first."""
    return [
        Middleware(QuickRefusal, is_full=is_full),
        Middleware(RequestLog, log_questions=settings.log_questions),
        Middleware(SecurityHeaders),
        Middleware(CrossOrigin, origins=names_in(settings.allowed_origins)),
        Middleware(Failures),
        Middleware(AllowedHosts, hosts=names_in(settings.allowed_hosts)),
        Middleware(RateLimit, allowance=allowance),
        Middleware(Overload, is_full=is_full),
        Middleware(BodyLimits, settings=settings),
    ]


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
