import numpy as np
import pytest

from index.reranking import CrossEncoderReranker


class _Pairs:
    """Stands in for a cross-encoder: the score is the length of the text, and calls are counted."""

    def __init__(self, model: str, device: str) -> None:
        self.calls: list[list[tuple[str, str]]] = []

    def predict(self, pairs: list[tuple[str, str]], *, show_progress_bar: bool) -> list[float]:
        self.calls.append(pairs)
        return [float(len(text)) for _, text in pairs]


@pytest.fixture
def reranker(monkeypatch: pytest.MonkeyPatch) -> CrossEncoderReranker:
    monkeypatch.setattr("sentence_transformers.CrossEncoder", _Pairs)
    return CrossEncoderReranker("some/model")


@pytest.mark.slow
def test_texts_are_scored_in_their_order_each_beside_nothing_else(reranker: CrossEncoderReranker) -> None:
    scores = reranker.score("query", ["three", "a", "four"])

    assert scores.tolist() == [5.0, 1.0, 4.0]
    assert scores.dtype == np.float64
    assert reranker._model.calls == [[("query", "three")], [("query", "a")], [("query", "four")]]


@pytest.mark.slow
def test_no_texts_have_no_scores(reranker: CrossEncoderReranker) -> None:
    assert reranker.score("query", []).shape == (0,)
