import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from index import onnx_export
from index.embedding import EncodedText, ModelSource, SentenceTransformerEmbedder, locate_model
from index.model_files import DEFAULT_MODEL
from index.onnx_embedding import OnnxEmbedder
from index.onnx_export import compare_encoders, export_model, find_export
from ingest.errors import ExportError
from tests.twins import TwinEmbedder


class SkewedEmbedder(TwinEmbedder):
    """A twin whose token vectors are a little off."""

    def __init__(self, skew: float) -> None:
        super().__init__()
        self._skew = skew

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        found = super().encode_passages(texts)
        return [replace(each, token_vectors=self._turned(each.token_vectors)) for each in found]

    def _turned(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        turned = vectors + self._skew * np.roll(vectors, 1, axis=1)
        return np.asarray(turned / np.linalg.norm(turned, axis=1, keepdims=True), dtype=np.float32)


class SplittingEmbedder(TwinEmbedder):
    """A twin that cuts texts into other tokens."""

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        return [replace(each, token_ids=each.token_ids + 1) for each in super().encode_passages(texts)]


def test_encoders_that_agree_pass() -> None:
    compare_encoders(TwinEmbedder(), SkewedEmbedder(1e-4))


def test_an_export_whose_vectors_differ_is_refused_with_the_figures() -> None:
    with pytest.raises(ExportError, match=r"has a cosine of 0\.99\d+ with the original's; 0\.999990 is the"):
        compare_encoders(TwinEmbedder(), SkewedEmbedder(0.1), ["a cold pack"])


def test_an_export_that_cuts_other_tokens_is_refused() -> None:
    with pytest.raises(ExportError, match="cuts 'a cold pack' into tokens"):
        compare_encoders(TwinEmbedder(), SplittingEmbedder(), ["a cold pack"])


def test_an_export_that_gives_no_numbers_is_refused() -> None:
    with pytest.raises(ExportError, match="cosine of nan"):
        compare_encoders(TwinEmbedder(), SkewedEmbedder(float("nan")), ["a cold pack"])


def test_there_is_no_export_before_one_is_made(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="has no export"):
        find_export(tmp_path, ModelSource("some-model", tmp_path, "a" * 64))


@pytest.fixture(scope="module")
def original() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(workers=1)


@pytest.fixture(scope="module")
def source() -> ModelSource:
    return locate_model(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, original: SentenceTransformerEmbedder, source: ModelSource
) -> Path:
    """A folder with a fresh export; tests copy it before they change anything."""
    folder = tmp_path_factory.mktemp("models")
    export_model(original, folder, source, serve=OnnxEmbedder)
    return folder


@pytest.mark.slow
def test_an_export_is_found_again_and_nothing_else_is_left(folder: Path, source: ModelSource) -> None:
    exported = find_export(folder, source)

    assert (exported.model, exported.weights_sha256) == (source.model, source.weights_sha256)
    assert [path.name for path in folder.iterdir()] == [exported.graph.parent.name]


@pytest.mark.slow
def test_exporting_again_gives_the_same_bytes(
    folder: Path, tmp_path: Path, original: SentenceTransformerEmbedder, source: ModelSource
) -> None:
    export_model(original, tmp_path, source, serve=OnnxEmbedder)

    once, again = (
        {path.name: path.read_bytes() for path in found.glob("*/*")} for found in (folder, tmp_path)
    )
    assert once == again


@pytest.mark.slow
@pytest.mark.parametrize("name", ["graph.onnx", "weights.bin", "tokenizer.json"])
def test_a_flipped_bit_is_found(folder: Path, tmp_path: Path, source: ModelSource, name: str) -> None:
    copied = shutil.copytree(folder, tmp_path / "models")
    [path] = copied.glob(f"*/{name}")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(ExportError, match=f"{name} in .* is not as it was written"):
        find_export(copied, source)


@pytest.mark.slow
def test_a_new_export_takes_the_place_of_a_damaged_one(
    folder: Path, tmp_path: Path, original: SentenceTransformerEmbedder, source: ModelSource
) -> None:
    copied = shutil.copytree(folder, tmp_path / "models")
    for path in copied.glob("*/graph.onnx"):
        path.write_bytes(b"")

    export_model(original, copied, source, serve=OnnxEmbedder)

    assert find_export(copied, source).weights_sha256 == source.weights_sha256


@pytest.mark.slow
def test_another_configuration_beside_the_same_weights_has_an_export_of_its_own(
    folder: Path, tmp_path: Path, source: ModelSource
) -> None:
    changed = shutil.copytree(source.path, tmp_path / "model")
    (changed / "sentence_bert_config.json").write_text('{"max_seq_length": 128}')

    with pytest.raises(ExportError, match="has no export"):
        find_export(folder, replace(source, path=changed))


@pytest.mark.slow
def test_a_refused_export_leaves_nothing_behind(
    tmp_path: Path,
    original: SentenceTransformerEmbedder,
    source: ModelSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onnx_export, "_LEAST_COSINE", 1.1)

    with pytest.raises(ExportError, match="has a cosine of"):
        export_model(original, tmp_path, source, serve=OnnxEmbedder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_model_of_another_kind_is_refused(
    tmp_path: Path,
    original: SentenceTransformerEmbedder,
    source: ModelSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(original.model[1], "pooling_mode", "max")

    with pytest.raises(ExportError, match="BERT encoders with mean or cls pooling can be exported"):
        export_model(original, tmp_path, source, serve=OnnxEmbedder)
