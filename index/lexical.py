"""Ranking by shared words: BM25 over stemmed terms, with bm25s."""

import json
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import bm25s
import numpy as np
import Stemmer
from bm25s.stopwords import STOPWORDS_EN
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

_WORD = re.compile(r"(?u)\b\w\w+\b")
_STOP_WORDS = frozenset(STOPWORDS_EN)
_VOCABULARY = "vocabulary.json"
_SCORED_AT_ONCE = 4_000_000


class LexicalIndex(Protocol):
    """Passages under positions 0 to n - 1, scored by the words they share with a query."""

    def scores(self, query: str) -> NDArray[np.float64]:
        """Return shape (n_passages,): the score of every passage, 0 where no word is shared."""

    def term_weights(self, query: str) -> dict[str, float]:
        """Return each distinct term of a query with its inverse document frequency, 0 or more.

        A term that no passage has weighs as much as the rarest possible one.
        """

    def knows(self, term: str) -> bool:
        """Return whether any passage has a term, given as `terms` makes it."""

    def write(self, folder: Path) -> None:
        """Write everything into an existing folder; the same passages give the same bytes."""


class BM25Index:
    """A `LexicalIndex`: BM25 as Lucene computes it.

    Source: Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009; Kamphuis et al.,
    Which BM25 Do You Mean?, ECIR 2020, for the Lucene variant.
    """

    K1 = 1.5
    B = 0.75

    def __init__(self, model: Any, vocabulary: dict[str, int], n_passages: int) -> None:
        self._model = model
        self._vocabulary = vocabulary
        self._n_passages = n_passages

    @classmethod
    def of(cls, texts: Iterable[str]) -> "BM25Index":
        """Index texts; position i is that of the i-th, and none is kept in memory."""
        counts = _TermCounts()
        for text in texts:
            # A text without a single term stands under the empty one: the mean length must not be 0.
            counts.add(terms(text) or [""])
        vocabulary, frequencies = counts.by_term()
        model = bm25s.BM25(method="lucene", k1=cls.K1, b=cls.B)
        model.scores = _eager_scores(frequencies, k1=cls.K1, b=cls.B)
        model.nonoccurrence_array = None
        model.vocab_dict = vocabulary
        model.unique_token_ids_set = set(vocabulary.values())
        return cls(model, vocabulary, frequencies.shape[0])

    @classmethod
    def read(cls, folder: Path) -> "BM25Index":
        """Open a folder that `write` filled, its arrays mapped into memory."""
        stored = json.loads((folder / _VOCABULARY).read_text(encoding="utf-8"))
        vocabulary = {term: at for at, term in enumerate(stored["terms"])}
        model = bm25s.BM25.load(str(folder), mmap=True, load_vocab=False)
        model.vocab_dict = vocabulary
        model.unique_token_ids_set = set(vocabulary.values())
        return cls(model, vocabulary, int(stored["n_passages"]))

    def scores(self, query: str) -> NDArray[np.float64]:
        """Return shape (n_passages,); 0 where no word is shared."""
        ids = [self._vocabulary[term] for term in terms(query) if term in self._vocabulary]
        if not ids:
            return np.zeros(self._n_passages, dtype=np.float64)
        return np.asarray(self._model.get_scores_from_ids(ids), dtype=np.float64)

    def term_weights(self, query: str) -> dict[str, float]:
        """Return each distinct term of a query with its inverse document frequency."""
        return {term: self._inverse_document_frequency(term) for term in sorted(set(terms(query)))}

    def knows(self, term: str) -> bool:
        """Return whether any passage has a term."""
        return term in self._vocabulary

    def _inverse_document_frequency(self, term: str) -> float:
        indptr = self._model.scores["indptr"]
        at = self._vocabulary.get(term)
        frequency = 0 if at is None else int(indptr[at + 1] - indptr[at])
        return float(np.log1p((self._n_passages - frequency + 0.5) / (frequency + 0.5)))

    def write(self, folder: Path) -> None:
        """Write everything into an existing folder."""
        self._model.save(str(folder), show_progress=False)
        for extra in folder.glob("vocab.*"):
            extra.unlink()
        stored = {"n_passages": self._n_passages, "terms": list(self._vocabulary)}
        (folder / _VOCABULARY).write_text(json.dumps(stored, ensure_ascii=False), encoding="utf-8")


class _TermCounts:
    """How often each text has each term, gathered text by text: bm25s itself would want all terms in memory at once."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}  # of the terms, in order of their first occurrence
        self._columns, self._counts, self._ends = array("i"), array("i"), array("q", [0])

    def add(self, text_terms: Sequence[str]) -> None:
        """Append the terms of the next text."""
        for term, times in Counter(text_terms).items():
            self._columns.append(self._places.setdefault(term, len(self._places)))
            self._counts.append(times)
        self._ends.append(len(self._columns))

    def by_term(self) -> tuple[dict[str, int], csc_array]:
        """Return the place of each term, in order of the alphabet, and the counts, shape (n_texts, n_terms)."""
        self._places.setdefault("", len(self._places))
        vocabulary = {term: at for at, term in enumerate(sorted(self._places))}
        moved = np.empty(len(vocabulary), dtype=np.int32)
        moved[list(self._places.values())] = [vocabulary[term] for term in self._places]
        columns = moved[np.frombuffer(self._columns, dtype=np.int32)]
        counts = np.frombuffer(self._counts, dtype=np.int32)
        rows = csr_array(
            (counts, columns, np.frombuffer(self._ends, dtype=np.int64)),
            shape=(len(self._ends) - 1, len(vocabulary)),
        )
        return vocabulary, rows.tocsc()


def _eager_scores(frequencies: csc_array, *, k1: float, b: float) -> dict[str, Any]:
    """Return what each term adds to the score of each text that has it, in the form that bm25s searches.

    Args:
        frequencies: Shape (n_texts, n_terms): how often each text has each term.
        k1: Of BM25.
        b: Of BM25.
    """
    n_texts = frequencies.shape[0]
    lengths = frequencies.sum(axis=1)
    norms = k1 * (1 - b + b * lengths / lengths.mean())
    with_term = np.diff(frequencies.indptr)
    weights = np.log(1 + (n_texts - with_term + 0.5) / (with_term + 0.5)).astype(np.float32)
    scores = np.empty(frequencies.nnz, dtype=np.float32)
    # A few at once, for what is computed on the way is in 64 bits.
    for first in range(0, frequencies.nnz, _SCORED_AT_ONCE):
        part = slice(first, first + _SCORED_AT_ONCE)
        times, texts = frequencies.data[part], frequencies.indices[part]
        term = np.searchsorted(frequencies.indptr, np.arange(first, first + len(times)), side="right") - 1
        scores[part] = weights[term] * (times / (times + norms[texts]))
    return {
        "data": scores,
        "indices": frequencies.indices.astype(np.int32),
        "indptr": frequencies.indptr.astype(np.int64),
        "num_docs": n_texts,
    }


def terms(text: str) -> list[str]:
    """Return the terms of a text in order: lower-case words of two characters or more, stemmed, no stop words."""
    return list(_terms(text))


@lru_cache(maxsize=8_192)  # the sentences of the passages that come first are compared again and again
def _terms(text: str) -> tuple[str, ...]:
    words = [word for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]
    # A Stemmer keeps state between calls and must not be shared between threads; making one costs microseconds.
    return tuple(Stemmer.Stemmer("english").stemWords(words))
