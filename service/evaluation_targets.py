"""What can be evaluated: a snapshot in this process, a running service, a throw-away index."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote

from answer.answering import answer_question
from answer.confidence import ConfidenceModel
from answer.nuggets import ARTICLE
from evaluation.journal import Answered
from evaluation.outcomes import DocumentView, read_document_view
from evaluation.question_sets import shorten
from evaluation.ranking_scoring import Found, Judgement, Ranking
from evaluation.throwaway import ThrowawayIndex
from index.searching import Searcher
from ingest.errors import CitewellError
from service import schemas, views
from service.asking import answer_request
from service.remote_service import RefusedRequestError, RemoteService, UnreachableServiceError
from service.serving_index import ServingIndex

_JUDGED = 5
#: Few enough that a service with lower limits than ours takes them, enough to keep it busy.
_QUESTIONS_PER_BATCH = 200


class Target(Protocol):
    """Something that questions can be put to."""

    @property
    def description(self) -> Mapping[str, Any]:
        """What it is, its version and its encoder: enough to have the same again."""

    def ask(self, questions: Mapping[str, str], *, top_k: int) -> Iterable[tuple[str, Answered]]:
        """Yield the API's reply to each question, as JSON, in order."""

    def rank(self, queries: Mapping[str, str], *, depth: int) -> Iterable[tuple[str, Answered]]:
        """Yield the best passages for each query, as `Ranking.as_json` stores them, in order."""

    def numbers(self) -> dict[str, int | None]:
        """Return doc_id -> 0 for an article, else its reference number, for every document."""

    def view(self, doc_id: str) -> DocumentView:
        """Return one document."""


class SnapshotTarget:
    """The current snapshot, opened in this process."""

    def __init__(self, index: ServingIndex) -> None:
        self._index = index

    @property
    def description(self) -> Mapping[str, Any]:
        """Version, title, counts and encoder of the snapshot."""
        manifest = self._index.snapshot.manifest
        facts = {name: manifest[name] for name in ("title", "counts", "model", "chunker")}
        return {"kind": "snapshot", "version": self._index.version, **facts}

    def ask(self, questions: Mapping[str, str], *, top_k: int) -> Iterator[tuple[str, Answered]]:
        """Answer as the service would one that nobody has judged, one question after another."""

        def reply(question: str) -> Any:
            asked = schemas.AskRequest(question=question, top_k=top_k)
            return answer_request(asked, self._index.unseen(question)).model_dump(mode="json")

        for query, question in questions.items():
            yield query, _timed(partial(reply, question))

    def rank(self, queries: Mapping[str, str], *, depth: int) -> Iterator[tuple[str, Answered]]:
        """Rank without answering, and as one that nobody has judged."""
        for query, text in queries.items():
            yield query, _timed(partial(_search, self._index.snapshot.searcher.unseen(text), text, depth))

    def numbers(self) -> dict[str, int | None]:
        """List the documents of the snapshot."""
        summaries = self._index.snapshot.searcher.content.summaries
        return {
            each.doc_id: ARTICLE if each.kind == "article" else each.reference_number for each in summaries
        }

    def view(self, doc_id: str) -> DocumentView:
        """Return a document as the service would show it."""
        return read_document_view(views.document_detail(self._index, doc_id).model_dump(mode="json"))


class ServiceTarget:
    """A service that runs somewhere; its version must not change while it is evaluated."""

    def __init__(self, service: RemoteService) -> None:
        self._service = service
        self._info = service.get("/v1/index")

    @property
    def description(self) -> Mapping[str, Any]:
        """Address, version, title, counts and encoder of the service."""
        counts = {name: self._info[name] for name in ("documents", "passages", "sentences", "references")}
        return {
            "kind": "service",
            "url": self._service.url,
            "version": self._info["version"],
            "title": self._info["title"],
            "counts": counts,
            "model": self._info["model"],
        }

    def ask(self, questions: Mapping[str, str], *, top_k: int) -> Iterator[tuple[str, Answered]]:
        """Ask the service, many questions at a time; what a reply took is what the service says it took.

        Raises:
            CitewellError: If it has swapped its index meanwhile.
            UnreachableServiceError: If it is gone.
        """
        return self._batches(questions, {"top_k": top_k})

    def rank(self, queries: Mapping[str, str], *, depth: int) -> Iterator[tuple[str, Answered]]:
        """Ask for passages alone; the API gives at most 50. Errors as for `ask`."""
        options = {"top_k": min(depth, schemas.MAX_TOP_K), "answer": "none"}
        for query, answered in self._batches(queries, options):
            if answered.failure is None:
                yield query, replace(answered, payload=_ranking_of(answered.payload))
            else:
                yield query, answered

    def _batches(
        self, questions: Mapping[str, str], options: Mapping[str, Any]
    ) -> Iterator[tuple[str, Answered]]:
        listed = list(questions.items())
        for at in range(0, len(listed), _QUESTIONS_PER_BATCH):
            yield from self._batch(listed[at : at + _QUESTIONS_PER_BATCH], options)

    def _batch(
        self, questions: Sequence[tuple[str, str]], options: Mapping[str, Any]
    ) -> Iterator[tuple[str, Answered]]:
        body = {"questions": [{"id": query, "question": text} for query, text in questions], **options}
        try:
            done = 0
            for line in self._service.post_for_lines("/v1/ask/batch", body):
                yield str(line["id"]), self._answered(line)
                done += 1
            if done < len(questions):
                raise UnreachableServiceError(
                    f"{self._service.url} broke off after {done} of {len(questions)} results. Is `citewell serve` "
                    "still running there? --resume goes on from here."
                )
        except RefusedRequestError as error:
            # The whole of it was refused, perhaps for being too large for this service's limits.
            if len(questions) == 1:
                yield questions[0][0], Answered(None, f"{type(error).__name__}: {error}", 0.0)
                return
            middle = len(questions) // 2
            yield from self._batch(questions[:middle], options)
            yield from self._batch(questions[middle:], options)

    def _answered(self, line: Mapping[str, Any]) -> Answered:
        if (problem := line.get("problem")) is not None:
            return Answered(None, f"{problem['status']}: {problem['detail']}", 0.0)
        reply = {name: value for name, value in line.items() if name != "id"}
        if reply["index"]["version"] != self._info["version"]:
            raise CitewellError(
                f"The service swapped its index from {self._info['version']} to {reply['index']['version']} while it "
                "was evaluated. Evaluate again."
            )
        return Answered(reply, None, float(reply["took_ms"]))

    def numbers(self) -> dict[str, int | None]:
        """List the documents of the service."""
        listed = self._service.get("/v1/documents")["documents"]
        return {
            each["doc_id"]: ARTICLE if each["kind"] == "article" else each["reference_number"]
            for each in listed
        }

    def view(self, doc_id: str) -> DocumentView:
        """Fetch a document."""
        return read_document_view(self._service.get(f"/v1/documents/{quote(doc_id, safe='')}"))


def _ranking_of(reply: Mapping[str, Any]) -> Any:
    return Ranking(
        tuple(
            Found(each["passage_id"], each["document"]["doc_id"], each["score"], shorten(each["text"]))
            for each in reply["passages"]
        )
    ).as_json()


def rank_throwaway(index: ThrowawayIndex, query: str, *, depth: int) -> Answered:
    """Rank the passages of a throw-away index, enough of them for `depth` documents.

    An index with a confidence is asked for its judgement too.
    """
    wanted = min(depth * index.most_passages, index.n_passages)
    return _timed(lambda: _search(index.searcher, query, wanted, model=index.confidence))


def _search(searcher: Searcher, query: str, depth: int, *, model: ConfidenceModel | None = None) -> Any:
    ranked = searcher.search(query, k=depth).ranked if query.strip() else ()
    return Ranking(
        judgement=None if model is None else _judgement(searcher, query, model),
        found=tuple(
            Found(
                hit.passage.passage_id,
                hit.passage.doc_id,
                hit.score,
                shorten(" > ".join([*hit.passage.section, hit.passage.text])),
            )
            for hit in ranked
        ),
    ).as_json()


def _judgement(searcher: Searcher, query: str, model: ConfidenceModel) -> Judgement:
    reply = answer_question(query, searcher=searcher, model=model, k=_JUDGED)
    return Judgement(reply.answerable, reply.confidence, reply.answer.text if reply.answer else None)


def _timed(reply: Callable[[], Any]) -> Answered:
    """Run one query; whatever goes wrong with it is a finding, and the next query is asked all the same."""
    started = time.perf_counter()
    payload, failure = None, None
    try:
        payload = reply()
    except Exception as error:  # noqa: BLE001  # a crash is a failed question, counted with its reason
        failure = " ".join(f"{type(error).__name__}: {error}".split())
    return Answered(payload, failure, round(1_000 * (time.perf_counter() - started), 3))
