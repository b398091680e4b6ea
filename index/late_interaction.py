"""Late interaction: a query compared with every sentence of a passage, and what stands above it, token by token."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from index.integer_products import as_signed, as_unsigned, integer_products
from index.stored_rows import StoredRows
from index.token_codes import TokenCodes

_CODES = "codes.npy"
_SCALES, _IDS = "scales.bin", "ids.bin"  # raw, as they are written piece by piece
_OFFSETS, _SENTENCES, _WEIGHTS, _ABOVE = "offsets.npy", "sentences.npy", "weights.npy", "above.npy"
#: So many texts stand above a passage at most, the name of its document and its headings; a place of -1 holds none.
_MOST_ABOVE, _NOTHING = 2, -1
#: How much the way back, from the sentence's tokens to the query's, counts against the way there.
BACKWARD_WEIGHT = 0.5
#: How much a passage as a whole counts beside its best sentence.
OWN_SHARE = 0.5


class TokenStoreWriter:
    """Writes the tokens of an index sentence by sentence, so that they need not all be in memory."""

    def __init__(self, folder: Path, *, dim: int) -> None:
        self._folder = folder
        self._dim = dim
        self._lengths: list[int] = []
        self._n_sentences: list[int] = []  # of each passage
        self._frequency: Counter[int] = Counter()
        for name in (_SCALES, _IDS):
            (folder / name).touch()
        with (folder / _CODES).open("wb") as stream:
            self._header_bytes = self._write_header(stream)

    def add_passage(self, sentences: Sequence[TokenCodes]) -> None:
        """Append the sentences of the next passage."""
        self._frequency.update({int(token) for each in sentences for token in each.ids})
        self._n_sentences.append(len(sentences))
        self._append(sentences)

    def finish(self, above: Sequence[TokenCodes], *, above_of: Sequence[Sequence[int]]) -> None:
        """Write what is known only at the end: what stands above passages, where texts begin, and what tokens weigh.

        Args:
            above: Names of documents and headings, each once, whatever stands under it.
            above_of: For each passage the places of what stands above it among `above`, two at most.
        """
        n_sentences = len(self._lengths)
        self._append(above)
        with (self._folder / _CODES).open("r+b") as stream:
            if self._write_header(stream) != self._header_bytes:
                raise RuntimeError(
                    "this NumPy leaves no room in a header for more rows; install the pinned one"
                )
        places = np.full((len(above_of), _MOST_ABOVE), _NOTHING, dtype=np.int64)
        for row, found in zip(places, above_of, strict=True):
            kept = [n_sentences + at for at in found if len(above[at].ids)]
            row[: len(kept)] = kept
        np.save(self._folder / _ABOVE, places, allow_pickle=False)
        np.save(self._folder / _OFFSETS, _ends(self._lengths), allow_pickle=False)
        np.save(self._folder / _SENTENCES, _ends(self._n_sentences), allow_pickle=False)
        frequency = np.zeros(max(self._frequency, default=-1) + 2, dtype=np.int64)
        frequency[list(self._frequency)] = list(self._frequency.values())
        weights = np.log1p((len(above_of) - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
        np.save(self._folder / _WEIGHTS, weights, allow_pickle=False)

    def _append(self, texts: Sequence[TokenCodes]) -> None:
        for name, parts in (
            (_CODES, [as_unsigned(each.codes).tobytes() for each in texts]),
            (_SCALES, [each.scales.astype("<f4").tobytes() for each in texts]),
            (_IDS, [each.ids.astype("<i4").tobytes() for each in texts]),
        ):
            with (self._folder / name).open("ab") as stream:
                stream.write(b"".join(parts))
        self._lengths += [len(each.ids) for each in texts]

    def _write_header(self, stream: BinaryIO) -> int:
        """Write what `np.save` would write before the rows so far, and return its length, whatever their number."""
        shape = (sum(self._lengths), self._dim)
        npy.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
        return stream.tell()


@dataclass(frozen=True, slots=True)
class TokenMatches:
    """How well passages match a query token by token, and how well their sentences do, -1 to 1."""

    passages: NDArray[np.float64]  # (n_passages,)
    sentences: NDArray[np.float64]  # (n_sentences,), those of one passage after the other
    n_sentences: NDArray[np.int64]  # (n_passages,): how many of them each passage has

    def by_passage(self) -> list[NDArray[np.float64]]:
        """Return the scores of each passage's sentences."""
        ends = np.cumsum(self.n_sentences).tolist()
        return [self.sentences[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@dataclass(frozen=True, slots=True)
class PassageTokens:
    """The tokens of one passage, sentence by sentence, and of what stands above it."""

    vectors: NDArray[np.float32]  # (n_tokens, dim), unit length
    weights: NDArray[np.float32]  # (n_tokens,)
    ends: tuple[int, ...]  # where the first sentence begins, which is 0, and where each ends
    above: NDArray[np.float32]  # (n_tokens_above, dim), unit length


class TokenStore:
    """The tokens of every sentence of an index, in order of passage and place in it, then of what stands above them.

    A token weighs by how few of the passages have it: log(1 + (n - df + 0.5) / (df + 0.5)).
    """

    def __init__(self, folder: Path) -> None:
        """Open a folder that a `TokenStoreWriter` filled.

        Raises:
            OSError: If the disk refuses.
        """
        self._codes = StoredRows(folder / _CODES)  # unsigned
        self._scales: NDArray[np.float32] = _map(folder / _SCALES, "<f4")
        self._ids: NDArray[np.int32] = _map(folder / _IDS, "<i4")
        # Where each sentence and then each text above them begins.
        self._offsets: NDArray[np.int64] = np.load(folder / _OFFSETS, allow_pickle=False)
        # With which sentence each passage begins, and how many there are.
        self._first_sentence: NDArray[np.int64] = np.load(folder / _SENTENCES, allow_pickle=False)
        # Which texts stand above each passage, (n_passages, 2).
        self._above: NDArray[np.int64] = np.load(folder / _ABOVE, allow_pickle=False)
        # By id; the last one is that of any token that no passage has.
        self._weights: NDArray[np.float32] = np.load(folder / _WEIGHTS, allow_pickle=False)

    def weights_of(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the inverse document frequency of tokens, same shape; one that no passage has weighs most."""
        return np.asarray(self._weights[np.minimum(ids, len(self._weights) - 1)])

    def passage_tokens(self, position: int) -> PassageTokens:
        """Return the tokens of the passage at a position.

        Raises:
            OSError: If the disk refuses.
        """
        sentences = slice(self._first_sentence[position], self._first_sentence[position + 1] + 1)
        ends = self._offsets[sentences]
        rows = slice(ends[0], ends[-1])
        vectors = self._vectors(rows.start, rows.stop)
        above = [self._vectors(*self._offsets[at : at + 2]) for at in self._above[position] if at != _NOTHING]
        return PassageTokens(
            vectors=vectors,
            weights=self.weights_of(self._ids[rows]),
            ends=tuple((ends - ends[0]).tolist()),
            above=np.concatenate([vectors[:0], *above]),
        )

    def _vectors(self, start: int, end: int) -> NDArray[np.float32]:
        """Return the tokens of some rows as vectors, shape (end - start, dim)."""
        return as_signed(self._codes[start:end]) * self._scales[start:end, None]

    def score_passages(self, query: TokenCodes, passages: NDArray[np.int64]) -> TokenMatches:
        """Return how well each passage matches a query, and how well each of its sentences does.

        Each token of the query looks for its nearest token of the sentence or of what stands above it, the name of its
        document and its headings, which say what the sentence is about and need not be said again in it; and each of
        the sentence for its nearest of the query. Cosines are averaged with the tokens' inverse document frequencies as
        weights, the way back counting half as much as the way there. A sentence without tokens scores -1.

        A passage's score is the mean of its best sentence's and its own, which is made as a sentence's, of the tokens
        of all its sentences; so what is asked may be met by one sentence or by several.

        Args:
            query: At least one token.
            passages: Positions, at least one, each once.

        Raises:
            OSError: If the disk refuses.

        Source: MaxSim of Khattab and Zaharia, ColBERT, SIGIR 2020; weighted both ways as BERTScore is
        (Zhang et al., ICLR 2020).
        """
        begin, end = self._first_sentence[passages], self._first_sentence[passages + 1]
        above, place = np.unique(self._above[passages], return_inverse=True)
        known = above[above != _NOTHING]
        cosines, rows = self._compare(query, np.concatenate([begin, known]), np.concatenate([end, known + 1]))
        sentences, n_sentences = _ranges(begin, end), end - begin
        lengths = self._offsets[sentences + 1] - self._offsets[sentences]
        own, beside = np.split(cosines, [int(lengths.sum())], axis=1)
        # The place of nothing, if it is among them, comes first.
        nearest_above = np.full((len(query.ids), len(above)), -1, dtype=np.float32)
        nearest_above[:, len(above) - len(known) :] = _nearest(
            beside, self._offsets[known + 1] - self._offsets[known]
        )
        above_passage = nearest_above[:, place.reshape(len(passages), -1)].max(axis=2)
        weights = self.weights_of(self._ids[rows[: own.shape[1]]])
        back = _Back(weights * own.max(axis=0, initial=-1).astype(np.float64), weights)
        there = _nearest(own, lengths)
        query_weights = self.weights_of(query.ids)
        starts = _starts(n_sentences)
        of_sentences = back.joined(
            np.maximum(there, np.repeat(above_passage, n_sentences, axis=1)), query_weights, lengths
        )
        of_passages = back.joined(
            np.maximum(np.maximum.reduceat(there, starts, axis=1), above_passage),
            query_weights,
            np.add.reduceat(lengths, starts),
        )
        best = np.maximum.reduceat(of_sentences, starts)
        return TokenMatches((1 - OWN_SHARE) * best + OWN_SHARE * of_passages, of_sentences, n_sentences)

    def _compare(
        self, query: TokenCodes, begin: NDArray[np.int64], end: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return a query's cosines with the tokens of runs of texts, one run after the other, and where these stand."""
        first, last = self._offsets[begin], self._offsets[end]
        rows = _ranges(first, last)
        return token_cosines(query, self._codes.runs(first, last), self._scales[rows]), rows


@dataclass(frozen=True, slots=True)
class _Back:
    """The way back, from the tokens of runs of text, one run after the other, to those of a query."""

    nearest: NDArray[np.float64]  # (n_tokens,): the highest cosine of each token, times its weight
    weights: NDArray[np.float32]  # (n_tokens,)

    def joined(
        self, there: NDArray[np.float32], query_weights: NDArray[np.float32], lengths: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the score of each run from both ways, -1 for an empty one.

        Args:
            there: The highest cosine of each token of the query with each run, shape (n_query_tokens, n_runs).
            query_weights: Shape (n_query_tokens,).
            lengths: How many tokens each run has, shape (n_runs,).
        """
        scores = np.full(len(lengths), -1.0)
        filled = lengths > 0
        if filled.any():
            starts = _starts(lengths[filled])
            back = np.add.reduceat(self.nearest, starts) / np.add.reduceat(self.weights, starts)
            mean = _mean(there[:, filled].T, query_weights)
            scores[filled] = (mean + BACKWARD_WEIGHT * back) / (1 + BACKWARD_WEIGHT)
        return scores


def token_cosines(
    query: TokenCodes, codes: NDArray[np.uint8], scales: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the cosines of each token of a query with each of some others, shape (n_query, n_tokens).

    The sums are of integers and exact, so that the bits do not depend on how a library orders them.

    Args:
        query: The tokens of the query.
        codes: Those of the others, as in `TokenCodes` but unsigned, shape (n_tokens, dim).
        scales: Theirs, shape (n_tokens,).
    """
    cosines = integer_products(codes, query.codes).T.astype(np.float32, order="C")
    cosines *= scales
    cosines *= query.scales[:, None]
    return cosines


def _nearest(cosines: NDArray[np.float32], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the highest of each row's cosines within each run of so many columns, minus infinity in an empty run."""
    filled = lengths > 0
    found = np.full((len(cosines), len(lengths)), -np.inf, dtype=np.float32)
    if filled.any():
        found[:, filled] = np.maximum.reduceat(cosines, _starts(lengths[filled]), axis=1)
    return found


def _mean(values: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the weighted mean of each row of (n, n_weights); the order of summing does not depend on n."""
    # A sum along the last axis of a contiguous array takes each row by itself.
    weighted = np.ascontiguousarray(values * weights.astype(np.float64))
    return np.asarray(weighted.sum(axis=1) / weights.sum(dtype=np.float64))


def _ends(lengths: Sequence[int]) -> NDArray[np.int64]:
    """Return where the first of some runs begins, and where each ends."""
    return np.cumsum([0, *lengths], dtype=np.int64)


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each of some runs begins that follow each other from 0."""
    return np.cumsum(lengths) - lengths


def _ranges(begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the whole numbers of each half-open range, one range after the other."""
    lengths = end - begin
    return np.arange(lengths.sum()) + np.repeat(begin - _starts(lengths), lengths)


def _map(path: Path, dtype: str) -> NDArray[Any]:
    # An empty file cannot be mapped; and a slice of a plain array is made faster than one of a memmap.
    return (
        np.asarray(np.memmap(path, dtype=dtype, mode="r"))
        if path.stat().st_size
        else np.empty(0, dtype=dtype)
    )
