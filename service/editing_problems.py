"""The errors of changing an index as problems."""

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from service.feedback import FeedbackError
from service.job_store import JobStoreError, KeyReusedError, TooManyJobsError, UnknownJobError
from service.problems import problem_response

__all__ = ["install_editing_problems"]

_log = structlog.get_logger(__name__)
_RETRY_AFTER_S = 30
_STATUSES: dict[type[Exception], int] = {
    UnknownJobError: 404,
    KeyReusedError: 422,
    TooManyJobsError: 429,
    JobStoreError: 503,
    FeedbackError: 503,
}


def install_editing_problems(app: FastAPI) -> None:
    """Make the errors of jobs and feedback problems."""
    for kind in _STATUSES:
        app.add_exception_handler(kind, _on_error)


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    status = _STATUSES[type(error)]
    if status >= 500:
        _log.error("not stored", path=request.url.path, reason=str(error))
    headers = {"Retry-After": str(_RETRY_AFTER_S)} if status in (429, 503) else None
    # Where things are on the disk is nobody's business outside; the log has it.
    detail = (
        str(error) if status < 500 else "It could not be stored, and nothing has changed. Try again later."
    )
    return problem_response(request, status, detail, headers=headers)
