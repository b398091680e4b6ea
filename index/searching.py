"""From a query to ranked passages."""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.coded_vectors import CodedVectorStore
from index.content import ContentStore
from index.diversity import SPREAD_PLACES, put_repeats_last, share_places
from index.embedding import Embedder, EncodedText
from index.fusion import fuse_all, fuse_first
from index.late_interaction import TokenStore
from index.lexical import BM25Index, LexicalIndex, terms
from index.query_adapter import QueryAdapters
from index.reranking import Reranker
from index.sentence_bytes import unit_vectors
from index.snapshot import verify
from index.spelling import Spelling
from index.stopwatch import stage
from index.stored_rows import StoredRows
from index.token_codes import TokenCodes, quantize_tokens
from index.unmentioned import find_unmentioned
from index.vectors import FlatVectorStore, VectorStore
from index.wording import Wording
from ingest.errors import IndexMismatchError, SnapshotDamagedError
from ingest.records import Passage

CONTENT_NAME = "content.sqlite"
VECTORS_NAME = "vectors.faiss"
#: In the place of the one above where there are very many.
ROWS_NAME, CODES_NAME = "vectors.npy", "codes.faiss"
SENTENCES_NAME = "sentences.npy"
LEXICAL_NAME = "lexical"
WORDS_NAME = "words.json"
WORDING_NAME = "wording.json"
TOKENS_NAME = "tokens"
ADAPTERS_NAME = "adapters"
CONFIDENCE_NAME = "confidence.json"
RANKS_NAME = "self-score.json"

#: How many passages each retriever proposes, at least.
CANDIDATES = 100
#: How many of the best by both retrievers are compared with the query token by token.
LATE_DEPTH = 40
#: Times as many scores are looked at as are wanted, to know which are too low.
_LOOKED_AT_FIRST = 64


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Which passages may be returned; None lets all pass, all conditions must hold."""

    documents: tuple[str, ...] | None = None
    references: tuple[int, ...] | None = None
    left_out: tuple[int, ...] = ()  # positions of passages that may not


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """One entry of a ranked list.

    `score` is the fused score, 0 to 1, and compares only within its own list. It was made from `dense`, the
    cosine of the passage, `lexical`, BM25, and `late`, how well it matches token by token, -1 to 1, which is None
    beyond the first passages, and from how near it is to what these find first; `sentence_scores` are `late` for each
    of its sentences.
    """

    passage: Passage
    position: int
    rank: int  # 1 is best
    score: float
    dense: float
    lexical: float
    late: float | None
    sentence_scores: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a query found, with its vectors, so that later steps need not encode it again.

    `corrected` is the query that was given, its misspelled words put right; `query` is what was searched for, the
    documents' own words added to it.
    """

    corrected: str
    query: str
    vector: NDArray[np.float32]  # (dim,)
    tokens: TokenCodes
    ranked: tuple[RankedPassage, ...]


class Searcher:
    """An open snapshot that can be searched; safe to use from several threads."""

    def __init__(
        self,
        *,
        content: ContentStore,
        vectors: VectorStore,
        lexical: LexicalIndex,
        spelling: Spelling,
        wording: Wording,
        tokens: TokenStore | None,
        adapters: QueryAdapters | None = None,
        sentence_vectors: StoredRows,
        embedder: Embedder,
        reranker: Reranker | None = None,
    ) -> None:
        self.content = content
        self.vectors = vectors
        self.lexical = lexical
        self.tokens = tokens  # None in an index too large for it
        self._adapters = adapters  # None in an index that has not learned from questions
        self._adapter = None if adapters is None else adapters.serving
        self._spelling = spelling
        self._wording = wording
        self.embedder = embedder
        self._reranker = reranker
        self._sentence_vectors = sentence_vectors  # (n_sentences, dim), in order of passage and place in it
        self._document_of, n_sentences = content.layout()  # (n_passages,)
        self._first_sentence = np.concatenate([[0], np.cumsum(n_sentences, dtype=np.int64)])

    @classmethod
    def open(cls, folder: Path, *, embedder: Embedder, reranker: Reranker | None = None) -> "Searcher":
        """Open the files of a snapshot folder without verifying them.

        Raises:
            SnapshotDamagedError: If the disk refuses, or gives other bytes than were written.
        """
        try:
            return cls(
                content=ContentStore(folder / CONTENT_NAME),
                vectors=_open_vectors(folder),
                lexical=BM25Index.read(folder / LEXICAL_NAME),
                spelling=Spelling.read(folder / WORDS_NAME),
                wording=Wording.read(folder / WORDING_NAME),
                tokens=_open_tokens(folder / TOKENS_NAME),
                adapters=_open_adapters(folder / ADAPTERS_NAME),
                sentence_vectors=StoredRows(folder / SENTENCES_NAME),
                embedder=embedder,
                reranker=reranker,
            )
        # The files are right; each library has its own words for a disk that fails it now.
        except (OSError, sqlite3.Error, RuntimeError, ValueError, KeyError) as error:
            raise SnapshotDamagedError(
                f"{folder} cannot be opened although its files are as they were written: {error}. Look at the disk."
            ) from error

    @property
    def has_reranker(self) -> bool:
        """Whether the best passages are read once more, by another model."""
        return self._reranker is not None

    def unseen(self, question: str) -> "Searcher":
        """Return a searcher of the same index that has not learned from a question.

        How it ranks a judged question is no memory of the judgement: to measure by, and not to serve.
        """
        if self._adapters is None:
            return self
        other = copy(self)
        other._adapter = self._adapters.unseen(question)
        return other

    @property
    def n_questions_seen(self) -> int:
        """How many questions the ranking has learned from, everyday ones among them; 0 where it has not learned."""
        return 0 if self._adapters is None else len(self._adapters.seen)

    def search(self, query: str, *, k: int, only: SearchFilter | None = None) -> SearchResult:
        """Return the best k passages for a query.

        The order is total: equal scores go by document, then by offset. The same snapshot and the same
        query give the same result to the last bit.

        Raises:
            NotIndexedError: If the filter names a document or a reference that is not in the index.
        """
        with stage("search"):
            corrected = self._correct(query)
            asked = self._wording.expand(corrected)
            with stage("embed"):
                encoded = self.embedder.encode_query(asked)
            tokens, ranked = self._rank(asked, encoded, k=k, only=only)
            return SearchResult(corrected, asked, encoded.vector, tokens, ranked)

    def put_in_own_words(self, query: str) -> str:
        """Return a query with its misspelled words put right and the documents' words for its own added."""
        return self._wording.expand(self._correct(query))

    def unmentioned(self, corrected: str) -> tuple[str, ...]:
        """Return the uncommon words of a corrected query that no passage has, in any form or under another name."""
        known = self._wording.known_otherwise(corrected)
        return find_unmentioned(corrected, is_indexed=self._is_indexed, known_otherwise=known)

    def _correct(self, query: str) -> str:
        return self._spelling.correct(query, is_indexed=self._is_indexed)

    def _rank(
        self, query: str, encoded: EncodedText, *, k: int, only: SearchFilter | None
    ) -> tuple[TokenCodes, tuple[RankedPassage, ...]]:
        """Return the query's tokens and the best k passages for it, in the documents' own words and encoded."""
        among = self._allowed(only or SearchFilter())
        all_lexical = self.lexical.scores(query)
        candidates = self._candidates(encoded.vector, all_lexical, k=max(k, CANDIDATES), among=among)
        vectors = (
            encoded.token_vectors if self._adapter is None else self._adapter.turn(encoded.token_vectors)
        )
        tokens = quantize_tokens(vectors, encoded.token_ids, special=self.embedder.special_token_ids)
        dense = self.vectors.score(encoded.vector, candidates)
        lexical = all_lexical[candidates].astype(np.float64)
        first = fuse_first(dense, lexical)
        late, sentence_scores = self._late_scores(tokens, candidates, first)
        fused = fuse_all(first, dense, lexical, late)
        if not np.isnan(late).all():
            near = self._near_the_best(candidates, dense, fused)
            fused = fuse_all(first, near, lexical, late)
        order = np.lexsort((candidates, -fused))
        if self._reranker is not None:
            order = self._rerank(self._reranker, query, candidates, order)
        order = order[share_places(self._document_of[candidates[order]].tolist(), fused[order].tolist())]
        order, passages = self._without_repeats_first(order, candidates, k=k)
        # A passage that others were put before shows their score, so that scores never rise.
        shown = np.minimum.accumulate(fused[order[:k]])
        ranked = tuple(
            RankedPassage(
                passage=passage,
                position=int(candidates[at]),
                rank=rank,
                score=float(score),
                dense=float(dense[at]),
                lexical=float(lexical[at]),
                late=None if np.isnan(late[at]) else float(late[at]),
                sentence_scores=_as_tuple(sentence_scores.get(int(candidates[at]))),
            )
            for rank, (at, passage, score) in enumerate(zip(order, passages, shown, strict=False), start=1)
        )
        return tokens, ranked

    def sentence_vectors(self, positions: Sequence[int]) -> NDArray[np.floating[Any]]:
        """Return shape (n_sentences, dim): the vectors of the sentences of passages, one passage after the other."""
        at = np.array(positions, dtype=np.int64)
        return unit_vectors(
            self._sentence_vectors.runs(self._first_sentence[at], self._first_sentence[at + 1])
        )

    def _is_indexed(self, word: str) -> bool:
        return any(self.lexical.knows(term) for term in terms(word))

    def _late_scores(
        self, query: TokenCodes, positions: NDArray[np.int64], first: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], dict[int, NDArray[np.float64]]]:
        """Return how well passages match token by token, and how well the sentences of each position do.

        Args:
            query: The tokens of the query.
            positions: Candidates, shape (n,).
            first: Their scores so far, which say which are the best, same shape.

        Returns:
            Shape (n,), NaN beyond the best few; and the scores of the sentences of those few.
        """
        late = np.full(len(positions), np.nan)
        if self.tokens is None or not len(query.ids) or not len(positions):
            return late, {}
        best = self._compared(positions, np.lexsort((positions, -first)))
        matches = self.tokens.score_passages(query, positions[best])
        late[best] = matches.passages
        return late, dict(zip(positions[best].tolist(), matches.by_passage(), strict=True))

    def _near_the_best(
        self, candidates: NDArray[np.int64], dense: NDArray[np.float64], fused: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the mean of the candidates' cosines with the query and with the best of them, same shape.

        The passage that answers best says what else is asked about, in the documents' words.

        Source: Rocchio, Relevance Feedback in Information Retrieval, 1971; taken to be relevant and with vectors, Li et
        al., Pseudo Relevance Feedback with Deep Language Models and Dense Retrievers, TOIS 2023.
        """
        best = int(
            candidates[np.argmax(fused)]
        )  # of equal ones the first, as they stand in order of position
        return (dense + self.vectors.score(self.vectors.vector(best), candidates)) / 2

    def _compared(self, positions: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the head of an order, at most half of it of one document as long as there are others."""
        of_document: Counter[int] = Counter()
        early: list[int] = []
        late: list[int] = []
        for at, document in zip(order.tolist(), self._document_of[positions[order]].tolist(), strict=True):
            (early if of_document[document] < LATE_DEPTH // 2 else late).append(at)
            of_document[document] += 1
        return np.array([*early, *late][:LATE_DEPTH], dtype=np.int64)

    def _candidates(
        self,
        vector: NDArray[np.float32],
        lexical: NDArray[np.float32],
        *,
        k: int,
        among: NDArray[np.int64] | None,
    ) -> NDArray[np.int64]:
        """Return the union of both retrievers' best k positions, ascending."""
        near, _ = self.vectors.search(vector, k=k, among=among)
        best = best_places(lexical, k=k) if among is None else among[best_places(lexical[among], k=k)]
        # As np.union1d does, which would load all of numpy's masked arrays.
        return np.array(sorted({*near.tolist(), *best.tolist()}), dtype=np.int64)

    def _allowed(self, only: SearchFilter) -> NDArray[np.int64] | None:
        if only == SearchFilter():
            return None
        allowed = np.arange(len(self.vectors), dtype=np.int64)
        if only.left_out:
            allowed = np.delete(allowed, np.array(only.left_out, dtype=np.int64))
        if only.documents is not None:
            inside = [at for doc_id in only.documents for at in self.content.positions_in(doc_id)]
            allowed = np.intersect1d(allowed, np.array(inside, dtype=np.int64))
        if only.references is not None:
            citing = [at for number in only.references for at in self.content.positions_citing(number)]
            allowed = np.intersect1d(allowed, np.array(citing, dtype=np.int64))
        return allowed

    def _without_repeats_first(
        self, order: NDArray[np.int64], candidates: NDArray[np.int64], *, k: int
    ) -> tuple[NDArray[np.int64], list[Passage]]:
        """Return order with repeats behind its first places, and the passages of its first k at least."""
        read = self.content.passages([int(at) for at in candidates[order[: max(k, SPREAD_PLACES)]]])
        moved = put_repeats_last([passage.text for passage in read[:SPREAD_PLACES]])
        rest = slice(len(moved), None)
        return np.concatenate([order[moved], order[rest]]), [*(read[at] for at in moved), *read[rest]]

    def _rerank(
        self, reranker: Reranker, query: str, candidates: NDArray[np.int64], order: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        first, rest = order[: reranker.depth], order[reranker.depth :]
        passages = self.content.passages([int(position) for position in candidates[first]])
        scores = reranker.score(query, [passage.embedding_text for passage in passages])
        return np.concatenate([first[np.lexsort((candidates[first], -scores))], rest])


def best_places(scores: NDArray[np.float32], *, k: int) -> NDArray[np.int64]:
    """Return the places of the best k scores above 0, ascending; of equal ones those that come first."""
    # The k-th best of a few of them is at most the k-th best of all: what lies below it need not be sorted.
    few = scores[:: max(1, len(scores) // (_LOOKED_AT_FIRST * k))]
    bound = np.partition(few, len(few) - k)[len(few) - k] if len(few) > k else 0.0
    places = np.flatnonzero(scores >= bound) if bound > 0 else np.flatnonzero(scores)
    if len(places) > k:
        found = scores[places]
        places = places[found >= np.partition(found, len(found) - k)[len(found) - k]]
    order = np.argsort(-scores[places], kind="stable")[:k]
    return np.sort(places[order])


def _as_tuple(scores: NDArray[np.float64] | None) -> tuple[float, ...] | None:
    return None if scores is None else tuple(scores.tolist())


def _open_vectors(folder: Path) -> VectorStore:
    if (folder / CODES_NAME).exists():
        return CodedVectorStore.read(folder / CODES_NAME, vectors=StoredRows(folder / ROWS_NAME))
    return FlatVectorStore.read(folder / VECTORS_NAME)


def _open_adapters(folder: Path) -> QueryAdapters | None:
    return QueryAdapters.read(folder) if folder.is_dir() else None


def _open_tokens(folder: Path) -> TokenStore | None:
    return TokenStore(folder) if folder.is_dir() else None


@dataclass(frozen=True, slots=True)
class OpenSnapshot:
    """A verified snapshot, open for searching."""

    version: str
    manifest: dict[str, Any]
    confidence: dict[str, Any]
    searcher: Searcher


def open_snapshot(folder: Path, *, embedder: Embedder, reranker: Reranker | None = None) -> OpenSnapshot:
    """Verify a snapshot and open it.

    Raises:
        SnapshotDamagedError: If a byte of it is not what was written.
        IndexMismatchError: If it was built with another model than the embedder's.
    """
    manifest = verify(folder)
    built_with, here = manifest["model"], embedder.identity.as_json()
    # How a model is named and what computes its vectors changes nothing that can be told from a ranking.
    if {**built_with, "model": "", "engine": ""} != {**here, "model": "", "engine": ""}:
        raise IndexMismatchError(
            f"{folder} was built with {built_with['model']} ({built_with['dim']} dimensions, weights "
            f"{built_with['weights_sha256'][:12]}), but {here['model']} ({here['dim']} dimensions, weights "
            f"{str(here['weights_sha256'])[:12]}) is configured. Run `citewell build`, or set "
            f"CITEWELL_EMBEDDING_MODEL back to {built_with['model']}."
        )
    searcher = Searcher.open(folder, embedder=embedder, reranker=reranker)
    try:
        confidence = json.loads((folder / CONFIDENCE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SnapshotDamagedError(
            f"{folder / CONFIDENCE_NAME} cannot be read: {error}. Look at the disk."
        ) from error
    return OpenSnapshot(version=folder.name, manifest=manifest, confidence=confidence, searcher=searcher)
