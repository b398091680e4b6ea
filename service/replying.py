"""One request to one reply, the same over HTTP and on the command line."""

import time

from answer.answering import answer_question
from index.searching import SearchFilter
from index.stopwatch import stage
from service import schemas, views
from service.serving_index import ServingIndex


def reply_to(asked: schemas.AskRequest, index: ServingIndex) -> schemas.AskReply:
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
        return views.ask_reply(reply, index, took_ms=1_000 * (time.perf_counter() - started))
