"""The exported encoder in 16 bits; without OpenVINO, or on a processor without bf16, what is said instead."""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import openvino_engine
from index.embedding import EncodedText
from index.onnx_embedding import OnnxEmbedder
from index.openvino_engine import open_bf16
from ingest.errors import ModelError
from tests.conftest import real_export
from tests.encoder_texts import TEXTS, WORDS

ROOT = Path(__file__).parents[2]

_PROGRAM = """
import hashlib, json, sys
from pathlib import Path
from index.onnx_embedding import ExportedModel, OnnxEmbedder
from index.openvino_engine import open_bf16
about, texts, workers = json.load(sys.stdin)
about = {**about, "graph": Path(about["graph"]), "tokenizer": Path(about["tokenizer"])}
exported = ExportedModel(**about)
embedder = OnnxEmbedder(exported, workers=workers, engine=open_bf16(exported.graph, workers=workers))
print(json.dumps([hashlib.sha256(vector.tobytes()).hexdigest() for vector in embedder.embed_passages(texts)]))
"""


def why_not() -> str | None:
    """Return why nothing can be computed in bf16 here, None if it can."""
    if importlib.util.find_spec("openvino") is None:
        return "OpenVINO is not installed"
    import openvino  # noqa: PLC0415

    has = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return None if has else "this processor has no bf16"


WHY_NOT = why_not()
needs_bf16 = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))


@cache
def exact() -> OnnxEmbedder:
    return OnnxEmbedder(real_export(), workers=1)


@cache
def in_bf16(workers: int = 1) -> OnnxEmbedder:
    exported = real_export()
    return OnnxEmbedder(exported, workers=workers, engine=open_bf16(exported.graph, workers=workers))


def text_of(count: int, at: int) -> str:
    return " ".join(WORDS[(at * 7 + place * (at % 5 + 1)) % len(WORDS)] for place in range(count))


@cache
def alone(count: int, at: int) -> EncodedText:
    return in_bf16().encode_passages([text_of(count, at)])[0]


def bits(encoded: EncodedText) -> tuple[bytes, bytes, bytes]:
    return encoded.vector.tobytes(), encoded.token_vectors.tobytes(), encoded.token_ids.tobytes()


def hashes(vectors: Any) -> list[str]:
    return [hashlib.sha256(np.asarray(vector).tobytes()).hexdigest() for vector in vectors]


def test_without_openvino_it_is_said_how_to_go_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(openvino_engine, "find_spec", lambda _name: None)

    with pytest.raises(ModelError, match=r"citewell\[openvino\]'\), or set CITEWELL_EMBEDDING_FORM back"):
        open_bf16(tmp_path / "graph.onnx", workers=1)


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed")
def test_a_processor_without_bf16_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import openvino  # noqa: PLC0415

    class OldProcessor:
        def get_property(self, _device: str, _name: str) -> list[str]:
            return ["FP32", "INT8"]

    monkeypatch.setattr(openvino, "Core", OldProcessor)

    with pytest.raises(ModelError, match="no arithmetic in bf16"):
        open_bf16(tmp_path / "graph.onnx", workers=1)


@pytest.mark.slow
@needs_bf16
def test_it_is_near_the_exact_form_cuts_the_same_tokens_and_has_another_identity() -> None:
    pairs = list(zip(in_bf16().encode_passages(TEXTS), exact().encode_passages(TEXTS), strict=True))

    for found, expected in pairs:
        assert found.token_ids.tolist() == expected.token_ids.tolist()
        assert found.vector @ expected.vector > 0.9995
        assert np.sum(found.token_vectors * expected.token_vectors, axis=1).min() > 0.995
        assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-5)
    assert any(found.vector.tobytes() != expected.vector.tobytes() for found, expected in pairs)
    assert in_bf16().identity.engine.startswith("openvino ")
    assert " bf16, graph " in in_bf16().identity.engine


@pytest.mark.slow
@needs_bf16
@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3)), min_size=2, max_size=60))
def test_no_neighbour_in_a_batch_changes_a_bit_of_a_text_or_its_tokens(chosen: list[tuple[int, int]]) -> None:
    # Few lengths, so that batches are large.
    chosen = [(max(1, length // 20 * 20 + length % 2), at) for length, at in chosen]

    found = in_bf16().encode_passages([text_of(*each) for each in chosen])

    assert [bits(each) for each in found] == [bits(alone(*each)) for each in chosen]


@pytest.mark.slow
@needs_bf16
def test_two_threads_and_more_callers_than_requests_get_the_same_bits() -> None:
    expected = hashes(in_bf16().embed_passages(TEXTS))

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: hashes(in_bf16(2).embed_passages(TEXTS)), range(8)))

    assert found == [expected] * 8


@pytest.mark.slow
@needs_bf16
def test_a_vector_has_the_same_bits_in_every_process_whatever_its_number_of_threads() -> None:
    exported = real_export()
    about = {name: str(getattr(exported, name)) for name in ("graph", "tokenizer", "model")}
    about |= {name: getattr(exported, name) for name in ("weights_sha256", "pooling", "dim", "max_tokens")}

    found = [
        subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            input=json.dumps([about, TEXTS, workers]),
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": str(workers)},
        ).stdout
        for workers in (1, 2)
    ]

    here = hashes(in_bf16().embed_passages(TEXTS))
    assert [json.loads(each) for each in found] == [here, here]
