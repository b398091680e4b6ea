"""Late interaction: a query compared with every sentence of a passage, and what stands above it, token by token."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.integer_products import integer_products

_CODES, _SCALES, _IDS = (
    "codes.bin",
    "scales.bin",
    "ids.bin",
)  # raw, so that they can be written piece by piece
_OFFSETS, _WEIGHTS, _ABOVE = "offsets.npy", "weights.npy", "above.npy"
#: So many texts stand above a passage at most, the name of its document and its headings; a place of -1 holds none.
_MOST_ABOVE, _NOTHING = 2, -1
_LARGEST_CODE = 127
#: How much the way back, from the sentence's tokens to the query's, counts against the way there.
_BACKWARD_WEIGHT = 0.5
#: How much a passage as a whole counts beside its best sentence.
_OWN_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class TokenCodes:
    """The token vectors of one text in 8 bits a dimension, special tokens left out.

    A token's vector is its row of `codes`, int8 of shape (n_tokens, dim), times its entry of `scales`,
    float32 of shape (n_tokens,). `ids`, int32 of shape (n_tokens,), are places in the encoder's vocabulary.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    ids: NDArray[np.int32]


def quantize_tokens(
    vectors: NDArray[np.float32], ids: NDArray[np.int64], *, special: frozenset[int]
) -> TokenCodes:
    """Return token vectors of shape (n_tokens, dim) in 8 bits a dimension, without the special tokens."""
    kept = np.array([token not in special for token in ids.tolist()], dtype=bool)
    rows = vectors[kept]
    largest = np.abs(rows).max(axis=1, initial=0)
    scales = np.where(largest > 0, largest / _LARGEST_CODE, 1).astype(np.float32)
    codes = np.rint(rows / scales[:, None]).astype(np.int8)
    return TokenCodes(codes, scales, ids[kept].astype(np.int32))


def pack_tokens(tokens: TokenCodes) -> bytes:
    """Return the bytes of a text's tokens."""
    return tokens.ids.astype("<i4").tobytes() + tokens.scales.astype("<f4").tobytes() + tokens.codes.tobytes()


def unpack_tokens(packed: bytes, *, dim: int) -> TokenCodes:
    """Return the tokens that `pack_tokens` packed; `dim` is the length of their vectors."""
    n_tokens = len(packed) // (4 + 4 + dim)
    return TokenCodes(
        codes=np.frombuffer(packed, dtype=np.int8, offset=8 * n_tokens).reshape(n_tokens, dim),
        scales=np.frombuffer(packed, dtype="<f4", count=n_tokens, offset=4 * n_tokens).astype(np.float32),
        ids=np.frombuffer(packed, dtype="<i4", count=n_tokens).astype(np.int32),
    )


class TokenStoreWriter:
    """Writes the tokens of an index sentence by sentence, so that they need not all be in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lengths: list[int] = []
        self._frequency: Counter[int] = Counter()
        for name in (_CODES, _SCALES, _IDS):
            (folder / name).touch()

    def add_passage(self, sentences: Sequence[TokenCodes]) -> None:
        """Append the sentences of the next passage."""
        self._frequency.update({int(token) for each in sentences for token in each.ids})
        self._append(sentences)

    def finish(self, above: Sequence[TokenCodes], *, above_of: Sequence[Sequence[int]]) -> None:
        """Write what is known only at the end: what stands above passages, where texts begin, and what tokens weigh.

        Args:
            above: Names of documents and headings, each once, whatever stands under it.
            above_of: For each passage the places of what stands above it among `above`, two at most.
        """
        n_sentences = len(self._lengths)
        self._append(above)
        places = np.full((len(above_of), _MOST_ABOVE), _NOTHING, dtype=np.int64)
        for row, found in zip(places, above_of, strict=True):
            kept = [n_sentences + at for at in found if len(above[at].ids)]
            row[: len(kept)] = kept
        np.save(self._folder / _ABOVE, places, allow_pickle=False)
        offsets = np.concatenate([[0], np.cumsum(self._lengths, dtype=np.int64)]).astype(np.int64)
        np.save(self._folder / _OFFSETS, offsets, allow_pickle=False)
        frequency = np.zeros(max(self._frequency, default=-1) + 2, dtype=np.int64)
        frequency[list(self._frequency)] = list(self._frequency.values())
        weights = np.log1p((len(above_of) - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
        np.save(self._folder / _WEIGHTS, weights, allow_pickle=False)

    def _append(self, texts: Sequence[TokenCodes]) -> None:
        for name, parts in (
            (_CODES, [each.codes.tobytes() for each in texts]),
            (_SCALES, [each.scales.astype("<f4").tobytes() for each in texts]),
            (_IDS, [each.ids.astype("<i4").tobytes() for each in texts]),
        ):
            with (self._folder / name).open("ab") as stream:
                stream.write(b"".join(parts))
        self._lengths += [len(each.ids) for each in texts]


class TokenStore:
    """The tokens of every sentence of an index, in order of passage and place in it, then of what stands above them.

    A token weighs by how few of the passages have it: log(1 + (n - df + 0.5) / (df + 0.5)).
    """

    def __init__(self, folder: Path, *, dim: int) -> None:
        """Open a folder that a `TokenStoreWriter` filled, mapped into memory rather than loaded."""
        self._codes: NDArray[np.int8] = _map(folder / _CODES, "i1").reshape(-1, dim)
        self._scales: NDArray[np.float32] = _map(folder / _SCALES, "<f4")
        self._ids: NDArray[np.int32] = _map(folder / _IDS, "<i4")
        # Where each sentence and then each text above them begins.
        self._offsets: NDArray[np.int64] = np.load(folder / _OFFSETS, allow_pickle=False)
        # Which of them stand above each passage, (n_passages, 2).
        self._above: NDArray[np.int64] = np.load(folder / _ABOVE, allow_pickle=False)
        # By id; the last one is that of any token that no passage has.
        self._weights: NDArray[np.float32] = np.load(folder / _WEIGHTS, allow_pickle=False)

    def weights_of(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the inverse document frequency of tokens, same shape; one that no passage has weighs most."""
        return np.asarray(self._weights[np.minimum(ids, len(self._weights) - 1)])

    def score_passages(
        self,
        query: TokenCodes,
        sentences: NDArray[np.int64],
        *,
        per_passage: NDArray[np.int64],
        passages: NDArray[np.int64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how well each passage matches a query, and how well each sentence does, both -1 to 1.

        Each token of the query looks for its nearest token of the sentence or of what stands above it, the name of its
        document and its headings, which say what the sentence is about and need not be said again in it; and each of
        the sentence for its nearest of the query. Cosines are averaged with the tokens' inverse document frequencies as
        weights, the way back counting half as much as the way there.

        A passage's score is the mean of its best sentence's and its own, which is made as a sentence's, of the tokens
        of all its sentences; so what is asked may be met by one sentence or by several.

        Args:
            query: At least one token.
            sentences: The sentences of all the passages, one passage after the other, shape (n_sentences,); one
                without tokens scores -1.
            per_passage: How many of them each passage has, one at least, shape (n_passages,).
            passages: The positions of the passages, same shape.

        Source: MaxSim of Khattab and Zaharia, ColBERT, SIGIR 2020; weighted both ways as BERTScore is
        (Zhang et al., ICLR 2020).
        """
        texts, place = np.unique(self._above[passages], return_inverse=True)
        known = texts[texts != _NOTHING]
        cosines, ids, lengths = self._compare(query, np.concatenate([sentences, known]))
        counts = lengths[: len(sentences)]
        own, above = np.split(cosines, [int(counts.sum())], axis=1)
        nearest_above = np.full((len(query.ids), len(texts)), -1, dtype=np.float32)
        if len(known):
            # The place of nothing, if it is among them, comes first.
            starts = _starts(lengths[len(sentences) :])
            nearest_above[:, len(texts) - len(known) :] = np.maximum.reduceat(above, starts, axis=1)
        of_passage = nearest_above[:, place.reshape(len(passages), -1)].max(axis=2)
        weights = self.weights_of(ids[: own.shape[1]])
        nearest = weights * own.max(axis=0, initial=-1).astype(np.float64)
        compared = _Comparison(own, self.weights_of(query.ids), weights, nearest)
        of_sentences = compared.scores(counts, above=np.repeat(of_passage, per_passage, axis=1))
        starts = _starts(per_passage)
        of_passages = compared.scores(np.add.reduceat(counts, starts), above=of_passage)
        best = np.maximum.reduceat(of_sentences, starts)
        return (1 - _OWN_SHARE) * best + _OWN_SHARE * of_passages, of_sentences

    def _compare(
        self, query: TokenCodes, texts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int64]]:
        """Return a query's cosines with the tokens of texts, one after the other, their ids, and how many each has."""
        begins, ends = self._offsets[texts], self._offsets[texts + 1]
        # Texts that follow each other are read in one go.
        breaks = np.flatnonzero(begins[1:] != ends[:-1]) + 1
        first, last = begins[np.concatenate([[0], breaks])], ends[np.concatenate([breaks - 1, [-1]])]
        spans = [slice(start, end) for start, end in zip(first.tolist(), last.tolist(), strict=True)]
        scales = np.concatenate([self._scales[span] for span in spans])
        cosines = token_cosines(query, [self._codes[span] for span in spans], scales)
        return cosines, np.concatenate([self._ids[span] for span in spans]), ends - begins


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A query beside the tokens of some runs of text, one run after the other: what the score of any run is made of."""

    cosines: NDArray[np.float32]  # (n_query_tokens, n_tokens)
    query_weights: NDArray[np.float32]  # (n_query_tokens,)
    weights: NDArray[np.float32]  # (n_tokens,)
    nearest: NDArray[np.float64]  # (n_tokens,): the highest cosine of each token, times its weight

    def scores(self, counts: NDArray[np.int64], *, above: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the score of each run, -1 for an empty one.

        Args:
            counts: How many tokens each run has, shape (n_runs,).
            above: The highest cosine of each token of the query with what stands above each run,
                shape (n_query_tokens, n_runs).
        """
        scores = np.full(len(counts), -1.0)
        filled = counts > 0
        if filled.any():
            starts = _starts(counts[filled])
            there = np.maximum(np.maximum.reduceat(self.cosines, starts, axis=1), above[:, filled])
            back = np.add.reduceat(self.nearest, starts) / np.add.reduceat(self.weights, starts)
            mean = _mean(there.T, self.query_weights)
            scores[filled] = (mean + _BACKWARD_WEIGHT * back) / (1 + _BACKWARD_WEIGHT)
        return scores


def token_cosines(
    query: TokenCodes, codes: Sequence[NDArray[np.int8]], scales: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the cosines of each token of a query with each of some others, shape (n_query, n_tokens).

    The sums are of integers and exact, so that the bits do not depend on how a library orders them.

    Args:
        query: The tokens of the query.
        codes: Those of the others, as in `TokenCodes`, in arrays that follow each other, (n_tokens, dim) in all.
        scales: Theirs, shape (n_tokens,).
    """
    cosines = np.ascontiguousarray(integer_products(codes, query.codes).T)
    cosines *= scales
    cosines *= query.scales[:, None]
    return cosines


def _mean(values: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the weighted mean of each row of (n, n_weights); the order of summing does not depend on n."""
    # A sum along the last axis of a contiguous array takes each row by itself.
    weighted = np.ascontiguousarray(values * weights.astype(np.float64))
    return np.asarray(weighted.sum(axis=1) / weights.sum(dtype=np.float64))


def _starts(counts: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts[:-1], dtype=np.int64)]).astype(np.int64)


def _map(path: Path, dtype: str) -> NDArray[Any]:
    # An empty file cannot be mapped; and a slice of a plain array is made faster than one of a memmap.
    return (
        np.asarray(np.memmap(path, dtype=dtype, mode="r"))
        if path.stat().st_size
        else np.empty(0, dtype=dtype)
    )
