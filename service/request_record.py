"""What is known of the request that is being answered: who it is, and what is worth a word in the log."""

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass, field

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")


@dataclass(slots=True)
class RequestRecord:
    """One request.

    `stages_s` holds the seconds of each stage, `facts` what else its log line shall say.
    """

    request_id: str
    trace_id: str  # 32 hexadecimal digits
    parent_id: str | None  # 16 hexadecimal digits
    stages_s: dict[str, float] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)
    replied_at: float | None = None  # when the work was done and only the reply had to be written


#: The record of the request that runs in this context.
current_record: ContextVar[RequestRecord | None] = ContextVar("current_record", default=None)


def note(**facts: object) -> None:
    """Add facts to the log line of the request that is being answered; without one, do nothing."""
    record = current_record.get()
    if record is not None:
        record.facts.update(facts)


def begin_record(*, request_id: str | None, traceparent: str | None) -> RequestRecord:
    """Return the record of a new request.

    An id that a client sent is kept if it can stand in a log and a header; else there is a new one.

    Source: W3C Trace Context, section 3.2, for `traceparent`.
    """
    kept = request_id if request_id and _REQUEST_ID.fullmatch(request_id) else secrets.token_hex(16)
    traced = _TRACEPARENT.fullmatch(traceparent or "")
    # An id of zeros only is invalid, and then the whole header counts as absent.
    if traced is None or not int(traced[1], 16) or not int(traced[2], 16):
        return RequestRecord(kept, secrets.token_hex(16), None)
    return RequestRecord(kept, traced[1], traced[2])
