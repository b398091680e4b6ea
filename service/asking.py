"""Answering requests of the service: each reply is counted and written down, and kept for whoever asks again."""

import time

from service import metrics, schemas
from service.reply_cache import KeptReply, Outcome, ReplyCache
from service.replying import reply_to
from service.request_record import note
from service.serving_index import ServingIndex


def answer_request(asked: schemas.AskRequest, index: ServingIndex) -> schemas.AskReply:
    """As `reply_to`, counted and written down."""
    reply = reply_to(asked, index)
    _write_down(asked, Outcome.of(reply))
    return reply


def answer_in_bytes(asked: schemas.AskRequest, index: ServingIndex, replies: ReplyCache) -> bytes:
    """As `answer_request`; the reply as it is sent, kept for whoever asks the same again."""
    reply = answer_request(asked, index)
    kept = KeptReply.of(reply)
    replies.keep(asked, index, kept)
    return kept.body(took_ms=reply.took_ms)


def find_in_bytes(asked: schemas.AskRequest, index: ServingIndex, replies: ReplyCache) -> bytes | None:
    """Return the reply to a question that was asked before, as it is sent; None if it is not kept."""
    started = time.perf_counter()
    kept = replies.find(asked, index)
    if kept is None:
        return None
    _write_down(asked, kept.outcome)
    return kept.body(took_ms=round(1_000 * (time.perf_counter() - started), 1))


def _write_down(asked: schemas.AskRequest, reply: Outcome) -> None:
    metrics.count_answer("answered" if reply.answerable else "refused")
    for kind in reply.notices:
        metrics.count_notice(kind)
    # Whether the question itself may stand in the log is decided where the line is written.
    note(
        question=asked.question,
        question_chars=len(asked.question),
        top_k=asked.top_k,
        answerable=reply.answerable,
        version=reply.version,
    )
