"""The form of the encoder that a build embeds passages in, tried before it is used for the first time."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from answer.nuggets import Nuggets, relevant_passages
from answer.questions import read_judged
from evaluation.form_agreement import FormAgreement, measure_agreement
from evaluation.outcomes import DocumentView
from index.embedding import Embedder
from index.embedding_form import TwoFormEmbedder
from index.progress import Progress
from index.wording import readers_wordings
from ingest.chunking import ChunkLimits, chunk_document
from ingest.corpus import load_corpus
from ingest.durable_files import store_bytes
from ingest.errors import ModelError
from ingest.reading_cache import ReadingCache
from ingest.records import Document, Passage
from service import wiring
from service.settings import Settings

_log = logging.getLogger(__name__)
_MOST_PASSAGES = 1_000
#: A corpus with fewer passages, or fewer questions, is helped out with text of ours, or with its own words.
_LEAST_PASSAGES, _LEAST_QUERIES = 200, 100
_WORDS_OF_A_QUERY = 10
_ALONE = 50
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Trial:
    """What a form is tried on: `relevant` has the places of the relevant texts of each query, where judged."""

    texts: tuple[str, ...]
    queries: tuple[str, ...]
    relevant: tuple[frozenset[int], ...]


def embedder_of_builds(settings: Settings, exact: Embedder, *, progress: Progress | None = None) -> Embedder:
    """Return the encoder that builds: the exact one, or one whose passages are in the form that is set.

    A form that agreed with the exact one is not tried again with the same weights, library and processor.

    Raises:
        ModelError: If the form cannot be had, or disagrees with the exact one; the message has the figures.
        CorpusError: If the corpus that it would be tried on cannot be used.
        OSError: If the disk refuses.
    """
    if settings.embedding_form == "exact":
        return exact
    fast = wiring.make_bf16_encoder(settings)
    record = _record_of(settings, fast)
    if not record.is_file():
        if progress is not None:
            progress("check bf16", 0, 1)
        found = compare_forms(exact, fast, gather_trial(settings, exact))
        if found.faults:
            raise ModelError(
                f"Passages in bf16 are not good enough on this machine: {'; '.join(found.faults)} (tried on "
                f"{found.passages} passages with {found.queries} queries). Set CITEWELL_EMBEDDING_FORM back to exact."
            )
        _log.info("bf16 agrees with the exact form", extra=asdict(found))
        store_bytes(record, json.dumps({"engine": fast.identity.engine, **asdict(found)}, indent=1).encode())
        if progress is not None:
            progress("check bf16", 1, 1)
    return TwoFormEmbedder(exact, fast)


def compare_forms(exact: Embedder, fast: Embedder, trial: Trial) -> FormAgreement:
    """Encode the texts of a trial in both forms, and compare what the queries find."""
    vectors: tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]] = ([], [])
    least = 1.0
    # Token vectors of all texts at once would take hundreds of MB.
    for at in range(0, len(trial.texts), _AT_ONCE):
        some = trial.texts[at : at + _AT_ONCE]
        for one, other in zip(exact.encode_passages(some), fast.encode_passages(some), strict=True):
            vectors[0].append(one.vector)
            vectors[1].append(other.vector)
            least = float(np.minimum(least, np.sum(one.token_vectors * other.token_vectors, axis=1).min()))
    chosen = np.linspace(0, len(trial.texts) - 1, min(_ALONE, len(trial.texts))).astype(int)
    changed = [
        at for at in chosen if not np.array_equal(fast.embed_passages([trial.texts[at]])[0], vectors[1][at])
    ]
    return measure_agreement(
        np.stack(vectors[0]),
        np.stack(vectors[1]),
        np.stack([exact.embed_query(query) for query in trial.queries]),
        relevant=trial.relevant,
        least_token_cosine=least,
        changed_alone=len(changed),
    )


def gather_trial(settings: Settings, embedder: Embedder) -> Trial:
    """Return what there is to try a form on: passages of the corpus and its questions, or what stands in for them."""
    read = ReadingCache(settings.cache_dir / "readings.sqlite").read
    limits = ChunkLimits.within(embedder.identity.max_tokens)
    cut = [
        (document, chunk_document(document, numbers={}, count_tokens=embedder.count_tokens, limits=limits))
        for document in load_corpus(settings.corpus_dir, read=read).documents
    ]
    kept = _sample([passage for _, passages in cut for passage in passages])
    places = {passage.passage_id: at for at, passage in enumerate(kept)}
    texts = [passage.embedding_text for passage in kept]
    queries: list[str] = []
    relevant: list[frozenset[int]] = []
    for question, found in _judged(settings.corpus_dir, cut):
        queries.append(question)
        relevant.append(frozenset(places[each] for each in found if each in places))
    if len(queries) < _LEAST_QUERIES:
        queries += [_middle(passage.text) for passage in kept]
    if len(kept) < _LEAST_PASSAGES:
        ours = readers_wordings()
        texts += [f"{term}: {', '.join(wordings)}" for term, wordings in ours.items()]
        queries += [wording for wordings in ours.values() for wording in wordings]
    relevant += [frozenset[int]()] * (len(queries) - len(relevant))
    return Trial(tuple(texts), tuple(queries), tuple(relevant))


def _sample(passages: Sequence[Passage]) -> list[Passage]:
    """Return passages picked by hash, no text twice: the order of equals says nothing about a form."""
    by_text = {passage.embedding_text: passage for passage in passages}
    picked = sorted(by_text, key=lambda text: hashlib.sha256(text.encode()).digest())[:_MOST_PASSAGES]
    return [by_text[text] for text in picked]


def _judged(corpus_dir: Path, cut: Sequence[tuple[Document, list[Passage]]]) -> list[tuple[str, set[str]]]:
    """Return the answerable questions of the corpus, each with the ids of its relevant passages."""
    views = [
        DocumentView(
            doc_id=document.doc_id,
            title=document.title,
            is_article=document.kind == "article",
            reference_number=document.reference_number,
            text=document.text,
            cited=(),
            passages=tuple((passage.passage_id, passage.text) for passage in passages),
        )
        for document, passages in cut
    ]
    return [
        (question.question, set(relevant_passages(Nuggets.of(question), views)))
        for question in read_judged(corpus_dir)
        if question.answerable
    ]


def _middle(text: str) -> str:
    words = text.split()
    start = max(0, (len(words) - _WORDS_OF_A_QUERY) // 2)
    return " ".join(words[start : start + _WORDS_OF_A_QUERY])


def _record_of(settings: Settings, fast: Embedder) -> Path:
    identity = fast.identity
    key = f"{identity.weights_sha256} {identity.pooling} {identity.max_tokens} {identity.engine}"
    name = f"agrees-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    return settings.cache_dir / "models" / name
