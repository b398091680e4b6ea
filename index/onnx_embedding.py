"""Serving an exported encoder with ONNX Runtime: no torch, and batches that leave every bit as it is."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from index.bert_graph import GRAPH_VERSION, SENTENCE_VECTORS, TOKEN_IDS, TOKEN_VECTORS
from index.cores import available_cores
from index.embedding import PROBE, EncodedText, ModelIdentity, hash_bits, join_parts, passage_too_long

#: A batch holds about so many tokens: the activations of more leave the core's own cache.
TOKENS_PER_BATCH = 384

#: A text is computed on so many cores at most: more were not tried.
_MOST_THREADS = 2

#: (texts, tokens) that are tried before the first batch: rows in all below, at and above what a kernel takes at once.
_TRIED_SHAPES = ((2, 3), (3, 5), (5, 8), (2, 17))

# Its warnings are about graphics cards that are not there.
onnxruntime.set_default_logger_severity(3)


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """An encoder on disk in the form that is served, and what was recorded of it when it was made."""

    graph: Path
    tokenizer: Path
    model: str
    weights_sha256: str
    pooling: str
    dim: int
    max_tokens: int


class Session(Protocol):
    """An open graph, as ONNX Runtime's own sessions are; several threads may run it at once."""

    def run(
        self, names: Sequence[str], inputs: Mapping[str, NDArray[np.int64]]
    ) -> Sequence[NDArray[np.float32]]:
        """Return the outputs of these names."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What runs a graph: a name that changes with its release and its precision, and how it likes its batches."""

    name: str
    session: Session
    tokens_per_batch: int


class OnnxEmbedder:
    """An `Embedder` on ONNX Runtime, or on another engine that runs the same graph.

    Texts of the same number of tokens are computed together, so nothing is padded. One session serves all
    threads. No more questions are computed at a time than there are cores for: each has its own, and more would
    be in each other's way. Whether a row's bits are free of the rows beside it depends on the processor's own
    matrix kernels, so that is tried before the first batch; where they are not, every text is computed alone.
    """

    def __init__(
        self,
        exported: ExportedModel,
        *,
        workers: int | None = None,
        threads: int | None = None,
        engine: Engine | None = None,
    ) -> None:
        """Open an exported encoder.

        Args:
            exported: What was exported.
            workers: How many batches are computed at a time; as many as there are cores, if not given.
            threads: On how many cores a question is computed, two at most; on as many as `workers`, if not given.
            engine: What runs the graph, if not ONNX Runtime.
        """
        self._workers = workers or available_cores()
        threads = min(threads or self._workers, _MOST_THREADS)
        engine = engine or _onnx_runtime(exported.graph, threads=threads)
        self._session = engine.session
        self._tokens_per_batch = engine.tokens_per_batch
        self._lanes = threading.Semaphore(max(1, available_cores() // threads))
        self._tokenizer = open_tokenizer(exported.tokenizer)
        self._first, self._last = self._tokenizer.encode("").ids  # [CLS] and [SEP]
        self.special_token_ids = frozenset({self._first, self._last})
        probe = run_graph(self._session, [self._ids(PROBE)], with_tokens=False)
        self.identity = ModelIdentity(
            model=exported.model,
            weights_sha256=exported.weights_sha256,
            pooling=exported.pooling,
            dim=exported.dim,
            max_tokens=exported.max_tokens,
            engine=f"{engine.name}, graph {GRAPH_VERSION} {hash_bits(probe.vectors[0])}",
        )

    def count_tokens(self, text: str) -> int:
        """Return the length of text in the encoder's own tokens, special tokens included."""
        return len(self._ids(text))

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape (len(texts), dim); raise ModelError for a text longer than the window."""
        found = np.empty((len(texts), self.identity.dim), dtype=np.float32)
        for places, outputs in self._run_batches(self._passage_ids(texts), with_tokens=False):
            found[places] = outputs.vectors
        return found

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        """Return each text with its token vectors; raise ModelError for a text longer than the window."""
        ids = self._passage_ids(texts)
        found: dict[int, EncodedText] = {}
        for places, outputs in self._run_batches(ids, with_tokens=True):
            for at, vector, tokens in zip(places, outputs.vectors, outputs.token_vectors, strict=True):
                found[at] = EncodedText(vector, tokens, np.array(ids[at], dtype=np.int64))
        return [found[at] for at in range(len(texts))]

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return shape (dim,); a query longer than the window is embedded in parts and averaged."""
        return self.encode_query(text).vector

    def encode_query(self, text: str) -> EncodedText:
        """Return a query with its token vectors, in one run of the graph when it fits the window."""
        ids = self._ids(text)[1:-1]
        window = self.identity.max_tokens - 2
        parts = [ids[at : at + window] for at in range(0, len(ids), window)] or [ids]
        return join_parts([self._encode([self._first, *part, self._last]) for part in parts])

    @cached_property
    def _are_batches_alike(self) -> bool:
        return batches_are_alike(self._session)

    def _encode(self, ids: list[int]) -> EncodedText:
        with self._lanes:
            outputs = run_graph(self._session, [ids], with_tokens=True)
        return EncodedText(outputs.vectors[0], outputs.token_vectors[0], np.array(ids, dtype=np.int64))

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text).ids)

    def _passage_ids(self, texts: Sequence[str]) -> list[list[int]]:
        found = [self._ids(text) for text in texts]
        for text, ids in zip(texts, found, strict=True):
            if len(ids) > self.identity.max_tokens:
                raise passage_too_long(text, len(ids), self.identity.max_tokens)
        return found

    def _run_batches(
        self, ids: Sequence[list[int]], *, with_tokens: bool
    ) -> Iterator[tuple[list[int], "GraphOutputs"]]:
        """Yield the places of the texts of a batch, and what the graph made of them."""
        batches = batch_by_length(
            [len(each) for each in ids],
            tokens_per_batch=self._tokens_per_batch if self._are_batches_alike else 1,
        )

        def run(places: list[int]) -> GraphOutputs:
            return run_graph(self._session, [ids[at] for at in places], with_tokens=with_tokens)

        if self._workers == 1 or len(batches) < 2:
            yield from zip(batches, map(run, batches), strict=True)
            return
        with ThreadPoolExecutor(self._workers) as pool:
            yield from zip(batches, pool.map(run, batches), strict=True)


@dataclass(frozen=True, slots=True)
class GraphOutputs:
    """What one run of the graph gave, see `index.bert_graph.compose_graph`."""

    vectors: NDArray[np.float32]  # (n_texts, dim)
    token_vectors: NDArray[np.float32]  # (n_texts, n_tokens, dim); (0, 0, 0) when not asked for


def _onnx_runtime(graph: Path, *, threads: int) -> Engine:
    session = open_session(graph, threads=threads)
    return Engine(f"onnxruntime {onnxruntime.__version__}", session, TOKENS_PER_BATCH)


def open_session(graph: Path, *, threads: int = 1) -> Session:
    """Open a graph for runs on so many threads, the one that asks for the run among them.

    Each row of a product is summed in one order whatever the threads, so they change no bit. Helpers wait asleep: one
    that spins is faster alone, but takes a core from whatever else is running.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session: Session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    return session


def open_tokenizer(path: Path) -> Tokenizer:
    """Open a tokenizer that neither cuts nor fills up, whatever its file says."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def run_graph(
    session: Session, ids: Sequence[Sequence[int]] | NDArray[np.int64], *, with_tokens: bool
) -> GraphOutputs:
    """Run texts of one length, given as token ids, through the graph."""
    names = [SENTENCE_VECTORS, TOKEN_VECTORS] if with_tokens else [SENTENCE_VECTORS]
    outputs = session.run(names, {TOKEN_IDS: np.array(ids, dtype=np.int64)})
    return GraphOutputs(outputs[0], outputs[1] if with_tokens else np.empty((0, 0, 0), dtype=np.float32))


def batch_by_length(lengths: Sequence[int], *, tokens_per_batch: int) -> list[list[int]]:
    """Return places grouped so that each group has one length and, beyond its first, fits the budget.

    Longest first, so that the last batches, for which some threads have nothing left to do, are short.
    """
    order = sorted(range(len(lengths)), key=lambda at: -lengths[at])
    batches: list[list[int]] = []
    for length, places in groupby(order, key=lambda at: lengths[at]):
        same = list(places)
        size = max(1, tokens_per_batch // max(1, length))
        batches += [same[at : at + size] for at in range(0, len(same), size)]
    return batches


def batches_are_alike(session: Session, shapes: Iterable[tuple[int, int]] = _TRIED_SHAPES) -> bool:
    """Return whether a text has the same bits alone and in a batch, tried on made-up texts.

    Args:
        session: The open graph.
        shapes: Pairs of a number of texts and their number of tokens.
    """
    random = np.random.default_rng(0)
    for n_texts, n_tokens in shapes:
        ids = random.integers(1_000, 20_000, (n_texts, n_tokens))
        together = run_graph(session, ids, with_tokens=True)
        for at in (0, n_texts - 1):
            alone = run_graph(session, ids[at : at + 1], with_tokens=True)
            if not (
                np.array_equal(alone.vectors[0], together.vectors[at])
                and np.array_equal(alone.token_vectors[0], together.token_vectors[at])
            ):
                return False
    return True
