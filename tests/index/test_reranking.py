from pathlib import Path

import numpy as np
import pytest

from index.reranking import CrossEncoderReranker
from ingest.errors import ModelError


class _Pairs:
    """Stands in for a cross-encoder: the score is the length of the text, and calls are counted."""

    def __init__(self, model: str, device: str, *, local_files_only: bool) -> None:
        self.calls: list[list[tuple[str, str]]] = []

    def predict(self, pairs: list[tuple[str, str]], *, show_progress_bar: bool) -> list[float]:
        self.calls.append(pairs)
        return [float(len(text)) for _, text in pairs]


@pytest.fixture
def reranker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CrossEncoderReranker:
    monkeypatch.setattr("sentence_transformers.CrossEncoder", _Pairs)
    return CrossEncoderReranker(str(save_model(tmp_path / "model", "BertForSequenceClassification")))


def save_model(folder: Path, architecture: str) -> Path:
    """Save a tiny model with random weights, and no tokenizer."""
    import transformers  # noqa: PLC0415  # seconds

    config = transformers.BertConfig(
        vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )
    getattr(transformers, architecture)(config).save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_texts_are_scored_in_their_order_each_beside_nothing_else(reranker: CrossEncoderReranker) -> None:
    scores = reranker.score("query", ["three", "a", "four"])

    assert scores.tolist() == [5.0, 1.0, 4.0]
    assert scores.dtype == np.float64
    assert reranker._model.calls == [[("query", "three")], [("query", "a")], [("query", "four")]]


@pytest.mark.slow
def test_no_texts_have_no_scores(reranker: CrossEncoderReranker) -> None:
    assert reranker.score("query", []).shape == (0,)


def test_a_model_that_is_nowhere_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(
        ModelError, match=r"reranker model 'no-such/model' is neither a folder nor .* CITEWELL_RERANKER_MODEL"
    ):
        CrossEncoderReranker("no-such/model")


@pytest.mark.slow
def test_a_broken_model_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"(?s)cannot be loaded: .*unset CITEWELL_RERANKER_MODEL"):
        CrossEncoderReranker(str(tmp_path))


@pytest.mark.slow
def test_an_encoder_is_no_reranker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentence_transformers.CrossEncoder", _Pairs)

    with pytest.raises(ModelError, match=r"holds an encoder \(BertModel\).*CITEWELL_RERANKER_MODEL"):
        CrossEncoderReranker(str(save_model(tmp_path / "encoder", "BertModel")))
