"""One request to one reply, the same over HTTP and on the command line."""

import time

from answer.answering import answer_question
from index.searching import SearchFilter
from index.stopwatch import stage
from service import metrics, schemas, views
from service.reply_cache import KeptReply, Outcome, ReplyCache
from service.request_record import note
from service.serving_index import ServingIndex


def answer_request(asked: schemas.AskRequest, index: ServingIndex) -> schemas.AskReply:
    """Answer a checked request from one version of the index.

    Raises:
        NotIndexedError: If its filter names a document or reference that is not in the index.
    """
    started = time.perf_counter()
    only = asked.filter or schemas.Filter()
    with stage("answer"):
        reply = answer_question(
            asked.question,
            searcher=index.snapshot.searcher,
            model=index.confidence,
            k=asked.top_k,
            only=SearchFilter(
                documents=None if only.documents is None else tuple(only.documents),
                references=None if only.references is None else tuple(only.references),
            ),
            with_answer=asked.answer != "none",
        )
        shown = views.ask_reply(reply, index, took_ms=1_000 * (time.perf_counter() - started))
    _write_down(asked, Outcome.of(shown))
    return shown


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
