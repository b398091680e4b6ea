"""One request to one reply, the same over HTTP and on the command line."""

import time

from answer.answering import answer_question
from index.searching import SearchFilter
from index.stopwatch import stage
from service import metrics, schemas, views
from service.live_index import ServingIndex
from service.request_record import note


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
    _write_down(asked, shown)
    return shown


def _write_down(asked: schemas.AskRequest, reply: schemas.AskReply) -> None:
    metrics.count_answer("answered" if reply.answerable else "refused")
    for notice in reply.notices:
        metrics.count_notice(notice.kind)
    # Whether the question itself may stand in the log is decided where the line is written.
    note(
        question=asked.question,
        question_chars=len(asked.question),
        top_k=asked.top_k,
        answerable=reply.answerable,
        version=reply.index.version,
    )
