import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index import onnx_embedding
from index.bert_graph import TOKEN_IDS
from index.embedding import DEFAULT_WEIGHTS_SHA256, Embedder, EncodedText, SentenceTransformerEmbedder
from index.model_files import DEFAULT_MODEL
from index.onnx_embedding import (
    Engine,
    GraphOutputs,
    OnnxEmbedder,
    Session,
    batch_by_length,
    batches_are_alike,
)
from ingest.errors import ModelError
from tests.conftest import real_export
from tests.encoder_texts import TEXTS, WORDS

ROOT = Path(__file__).parents[2]

_PROGRAM = """
import hashlib, json, sys
from index.onnx_embedding import ExportedModel, OnnxEmbedder
from pathlib import Path
about, texts = json.load(sys.stdin)
about = {**about, "graph": Path(about["graph"]), "tokenizer": Path(about["tokenizer"])}
embedder = OnnxEmbedder(ExportedModel(**about), workers=2)
vectors = [*embedder.embed_passages(texts), *map(embedder.embed_query, texts)]
print(json.dumps([hashlib.sha256(vector.tobytes()).hexdigest() for vector in vectors]))
"""


class LeakySession:
    """A session whose rows depend on how many there are, as a careless kernel's would."""

    def run(self, names: Sequence[str], inputs: Mapping[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        ids = inputs[TOKEN_IDS].astype(np.float32)
        tokens = np.stack([ids, np.full_like(ids, len(ids))], axis=2)
        return [tokens[:, 0], tokens][: len(names)]


def hashes(vectors: object) -> list[str]:
    return [hashlib.sha256(np.asarray(vector).tobytes()).hexdigest() for vector in vectors]  # type: ignore[attr-defined]


def bits(encoded: EncodedText) -> tuple[bytes, bytes, bytes]:
    return encoded.vector.tobytes(), encoded.token_vectors.tobytes(), encoded.token_ids.tobytes()


# --- Threads ------------------------------------------------------------------------------------------


def test_a_second_core_changes_no_bit_of_a_question() -> None:
    alone, helped = (OnnxEmbedder(real_export(), workers=1, threads=threads) for threads in (1, 2))

    for text in TEXTS:
        assert bits(alone.encode_query(text)) == bits(helped.encode_query(text))


class CountingSession:
    """Knows how many runs there were at once; each takes long enough to meet the others."""

    def __init__(self) -> None:
        self.most = self._now = 0
        self._lock = threading.Lock()

    def run(self, names: Sequence[str], inputs: Mapping[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.01)
        with self._lock:
            self._now -= 1
        ids = inputs[TOKEN_IDS]
        return [np.ones((len(ids), 384), np.float32), np.ones((*ids.shape, 384), np.float32)][: len(names)]


@pytest.mark.parametrize(("cores", "threads", "expected"), [(2, 2, 1), (2, 1, 2), (5, 2, 2), (1, 2, 1)])
def test_each_question_has_cores_of_its_own(
    cores: int, threads: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = CountingSession()
    monkeypatch.setattr(onnx_embedding, "available_cores", lambda: cores)
    embedder = OnnxEmbedder(real_export(), threads=threads, engine=Engine("counting", session, 384))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(embedder.encode_query, TEXTS[:1] * 16))

    assert session.most == expected


# --- Batches ------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 100))
def test_a_batch_holds_one_length_within_its_budget_and_every_text_once(
    lengths: list[int], budget: int
) -> None:
    batches = batch_by_length(lengths, tokens_per_batch=budget)

    assert sorted(at for batch in batches for at in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len({lengths[at] for at in batch}) == 1
        assert len(batch) == 1 or sum(lengths[at] for at in batch) <= budget


def test_a_kernel_whose_rows_depend_on_each_other_is_found_out() -> None:
    assert not batches_are_alike(LeakySession())


# --- The real encoder ---------------------------------------------------------------------------------


@cache
def served(workers: int = 1) -> OnnxEmbedder:
    return OnnxEmbedder(real_export(), workers=workers)


@cache
def words_alone(count: int, at: int) -> EncodedText:
    return served().encode_query(text_of(count, at))


def text_of(count: int, at: int) -> str:
    return " ".join(WORDS[(at * 7 + place * (at % 5 + 1)) % len(WORDS)] for place in range(count))


@pytest.mark.slow
def test_the_packaged_model_is_the_one_served(real_embedder: Embedder) -> None:
    identity = real_embedder.identity

    assert isinstance(real_embedder, OnnxEmbedder)
    assert (identity.model, identity.weights_sha256) == (DEFAULT_MODEL, DEFAULT_WEIGHTS_SHA256)
    assert (identity.dim, identity.max_tokens, identity.pooling) == (384, 256, "mean+Normalize")
    assert identity.engine.startswith("onnxruntime ")


@pytest.mark.slow
def test_vectors_are_those_of_sentence_transformers(real_embedder: Embedder) -> None:
    original = SentenceTransformerEmbedder(workers=1)

    assert real_embedder.embed_passages(TEXTS) == pytest.approx(original.embed_passages(TEXTS), abs=1e-5)
    assert list(map(real_embedder.count_tokens, TEXTS)) == list(map(original.count_tokens, TEXTS))
    assert real_embedder.special_token_ids <= original.special_token_ids
    pairs = zip(real_embedder.encode_passages(TEXTS), original.encode_passages(TEXTS), strict=True)
    for found, expected in pairs:
        assert found.token_ids.tolist() == expected.token_ids.tolist()
        assert found.token_vectors == pytest.approx(expected.token_vectors, abs=1e-4)


@pytest.mark.slow
def test_a_vector_has_the_same_bits_alone_among_others_and_with_more_workers() -> None:
    alone = [served().embed_passages([text])[0] for text in TEXTS]

    assert hashes(served().embed_passages(TEXTS)) == hashes(alone)
    assert hashes(served().embed_passages(TEXTS[::-1])) == hashes(alone[::-1])
    assert hashes(served(2).embed_passages(TEXTS * 30)) == hashes(alone * 30)
    assert hashes(served().embed_query(text) for text in TEXTS) == hashes(alone)
    assert hashes(each.vector for each in served().encode_passages(TEXTS)) == hashes(alone)
    assert np.linalg.norm(alone, axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3)), min_size=2, max_size=80))
def test_no_neighbour_in_a_batch_changes_a_bit_of_a_text_or_its_tokens(chosen: list[tuple[int, int]]) -> None:
    # Few lengths, so that batches are large.
    chosen = [(max(1, length // 20 * 20 + length % 2), at) for length, at in chosen]

    found = served().encode_passages([text_of(*each) for each in chosen])

    assert [bits(each) for each in found] == [bits(words_alone(*each)) for each in chosen]


@pytest.mark.slow
def test_where_kernels_mix_rows_every_text_is_computed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def run(session: Session, ids: Sequence[Sequence[int]], *, with_tokens: bool) -> GraphOutputs:
        sizes.append(len(ids))
        return real_run(session, ids, with_tokens=with_tokens)

    real_run = onnx_embedding.run_graph
    embedder = OnnxEmbedder(real_export(), workers=1)
    monkeypatch.setattr(onnx_embedding, "batches_are_alike", lambda _session: False)
    monkeypatch.setattr(onnx_embedding, "run_graph", run)

    found = embedder.embed_passages(["same length"] * 5)

    assert sizes == [1] * 5
    assert hashes(found) == hashes([served().embed_query("same length")] * 5)


@pytest.mark.slow
def test_many_threads_that_ask_at_once_get_the_bits_that_one_gets() -> None:
    texts = [text_of(5 + at % 9, at) for at in range(40)]
    together = threading.Barrier(8)

    def ask(_thread: int) -> list[str]:
        together.wait()
        return hashes(served().embed_query(text) for text in texts)

    expected = hashes(served().embed_query(text) for text in texts)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [expected] * 8


@pytest.mark.slow
def test_a_vector_has_the_same_bits_in_every_process_whatever_its_number_of_threads() -> None:
    found = [_hashes_in_another_process(threads) for threads in ("1", "2")]

    here = hashes([*served().embed_passages(TEXTS), *map(served().embed_query, TEXTS)])
    assert found == [here, here]


def _hashes_in_another_process(threads: str) -> list[str]:
    exported = real_export()
    about = {name: str(getattr(exported, name)) for name in ("graph", "tokenizer", "model")}
    about |= {name: getattr(exported, name) for name in ("weights_sha256", "pooling", "dim", "max_tokens")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input=json.dumps([about, TEXTS]),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": threads},
    )
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_a_passage_longer_than_the_window_is_refused_and_never_cut() -> None:
    text = "calm " * 300

    assert served().count_tokens(text) == 302
    with pytest.raises(ModelError, match="302 tokens does not fit the encoder's window of 256"):
        served().embed_passages(["short", text])
    with pytest.raises(ModelError, match="302 tokens does not fit the encoder's window of 256"):
        served().encode_passages(["short", text])


@pytest.mark.slow
def test_a_question_longer_than_the_window_is_embedded_whole() -> None:
    start = "How do I pull out a tick? " * 60
    one, other = (served().encode_query(start + end) for end in ("Salt water.", "Night cramps."))

    assert np.linalg.norm(one.vector) == pytest.approx(1, abs=1e-6)
    assert one.vector.tobytes() != other.vector.tobytes()
    assert one.token_vectors.shape == (len(one.token_ids), 384)
    assert len(one.token_ids) > served().count_tokens(start)


@pytest.mark.slow
def test_every_token_has_its_vector_and_special_tokens_can_be_told() -> None:
    encoded = served().encode_query("Cold packs help.")

    assert encoded.token_vectors.shape == (6, 384)
    assert np.linalg.norm(encoded.token_vectors, axis=1) == pytest.approx(1, abs=1e-6)
    special = [int(at) in served().special_token_ids for at in encoded.token_ids]
    assert special == [True, False, False, False, False, True]


@pytest.mark.slow
def test_nothing_to_embed_gives_no_rows() -> None:
    assert served().embed_passages([]).shape == (0, 384)
    assert served().encode_passages([]) == []


@pytest.mark.slow
def test_a_narrower_window_is_the_one_that_counts() -> None:
    narrow = OnnxEmbedder(replace(real_export(), max_tokens=8), workers=1)

    with pytest.raises(ModelError, match="window of 8"):
        narrow.embed_passages(["one two three four five six seven"])
    assert narrow.encode_query("one two three four five six seven").token_ids.shape == (11,)
