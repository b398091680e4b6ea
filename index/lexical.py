"""Ranking by shared words: BM25 over stemmed terms, in the form of bm25s.

What is searched is three arrays, so neither bm25s nor scipy, on which it stands, is loaded to answer a question.
"""

import json
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import Stemmer
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csc_array

_WORD = re.compile(r"(?u)\b\w\w+\b")
#: Those of bm25s.
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by for if in into is it no not of on or such that the their then there these they "
        "this to was will with",
    )
)
_VOCABULARY = "vocabulary.json"
_SCORED_AT_ONCE = 4_000_000


class LexicalIndex(Protocol):
    """Passages under positions 0 to n - 1, scored by the words they share with a query."""

    def scores(self, query: str) -> NDArray[np.float32]:
        """Return shape (n_passages,): the score of every passage, 0 where no word is shared."""

    def term_weights(self, query: str) -> dict[str, float]:
        """Return each distinct term of a query with its inverse document frequency, 0 or more.

        A term that no passage has weighs as much as the rarest possible one.
        """

    def knows(self, term: str) -> bool:
        """Return whether any passage has a term, given as `terms` makes it."""

    def write(self, folder: Path) -> None:
        """Write everything into an existing folder; the same passages give the same bytes."""


@dataclass(frozen=True, slots=True)
class TermScores:
    """What each term adds to the score of each text that has it: a matrix of texts and terms, stored by term.

    Term t has the entries from `indptr[t]` to `indptr[t + 1]`, int64, of `data`, float32, which is what it adds,
    and of `indices`, int32, which are the texts, each once.
    """

    data: NDArray[np.float32]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int64]
    n_texts: int

    def sum(self, terms: Iterable[int]) -> NDArray[np.float32]:
        """Return shape (n_texts,): the score of each text for a query of these terms, one after the other."""
        found = np.zeros(self.n_texts, dtype=np.float32)
        for term in terms:
            entries = slice(self.indptr[term], self.indptr[term + 1])
            # Faster than adding to a selection among very many texts, and as fast among few.
            np.add.at(found, self.indices[entries], self.data[entries])
        return found


class BM25Index:
    """A `LexicalIndex`: BM25 as Lucene computes it.

    Source: Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009; Kamphuis et al.,
    Which BM25 Do You Mean?, ECIR 2020, for the Lucene variant.
    """

    K1 = 1.5
    B = 0.75

    def __init__(self, term_scores: TermScores, vocabulary: dict[str, int]) -> None:
        self._term_scores = term_scores
        self._vocabulary = vocabulary
        self._n_passages = term_scores.n_texts

    @classmethod
    def of(cls, texts: Iterable[str]) -> "BM25Index":
        """Index texts; position i is that of the i-th, and none is kept in memory."""
        counts = _TermCounts()
        for text in texts:
            # A text without a single term stands under the empty one: the mean length must not be 0.
            counts.add(terms(text) or [""])
        vocabulary, frequencies = counts.by_term()
        return cls(_eager_scores(frequencies, k1=cls.K1, b=cls.B), vocabulary)

    @classmethod
    def read(cls, folder: Path) -> "BM25Index":
        """Open a folder that `write` filled, its arrays mapped into memory."""
        stored = json.loads((folder / _VOCABULARY).read_text(encoding="utf-8"))
        vocabulary = {term: at for at, term in enumerate(stored["terms"])}
        data, indices, indptr = (
            # A view, for slices of a memmap are slow to make.
            np.load(folder / f"{name}.csc.index.npy", mmap_mode="r").view(np.ndarray)
            for name in ("data", "indices", "indptr")
        )
        return cls(TermScores(data, indices, indptr, int(stored["n_passages"])), vocabulary)

    def scores(self, query: str) -> NDArray[np.float32]:
        """Return shape (n_passages,); 0 where no word is shared."""
        known = (self._vocabulary[term] for term in terms(query) if term in self._vocabulary)
        return self._term_scores.sum(known)

    def term_weights(self, query: str) -> dict[str, float]:
        """Return each distinct term of a query with its inverse document frequency."""
        return {term: self._inverse_document_frequency(term) for term in sorted(set(terms(query)))}

    def knows(self, term: str) -> bool:
        """Return whether any passage has a term."""
        return term in self._vocabulary

    def _inverse_document_frequency(self, term: str) -> float:
        indptr = self._term_scores.indptr
        at = self._vocabulary.get(term)
        frequency = 0 if at is None else int(indptr[at + 1] - indptr[at])
        return float(np.log1p((self._n_passages - frequency + 0.5) / (frequency + 0.5)))

    def write(self, folder: Path) -> None:
        """Write everything into an existing folder."""
        import bm25s  # noqa: PLC0415  # only what builds writes

        model = bm25s.BM25(method="lucene", k1=self.K1, b=self.B)
        found = self._term_scores
        model.scores = {
            "data": found.data,
            "indices": found.indices,
            "indptr": found.indptr,
            "num_docs": found.n_texts,
        }
        model.nonoccurrence_array = None
        model.vocab_dict = self._vocabulary
        model.save(str(folder), show_progress=False)
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

    def by_term(self) -> tuple[dict[str, int], "csc_array"]:
        """Return the place of each term, in order of the alphabet, and the counts, shape (n_texts, n_terms)."""
        from scipy.sparse import csr_array  # noqa: PLC0415  # it takes long to load, and only a build needs it

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


def _eager_scores(frequencies: "csc_array", *, k1: float, b: float) -> TermScores:
    """Return what each term adds to the score of each text that has it.

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
    return TermScores(
        scores, frequencies.indices.astype(np.int32), frequencies.indptr.astype(np.int64), n_texts
    )


def terms(text: str) -> list[str]:
    """Return the terms of a text in order: lower-case words of two characters or more, stemmed, no stop words."""
    return list(_terms(text))


@lru_cache(maxsize=8_192)  # the sentences of the passages that come first are compared again and again
def _terms(text: str) -> tuple[str, ...]:
    words = [word for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]
    # A Stemmer keeps state between calls and must not be shared between threads; making one costs microseconds.
    return tuple(Stemmer.Stemmer("english").stemWords(words))
