"""Queries that were encoded lately or ahead."""

from collections.abc import Sequence

import numpy as np
import pytest

from index.embedding import EncodedText
from index.query_memory import RememberedQueries
from tests.twins import TwinEmbedder


class Watched(TwinEmbedder):
    """A twin that notes what it encodes."""

    def __init__(self) -> None:
        super().__init__(max_tokens=12)
        self.alone: list[str] = []
        self.together: list[list[str]] = []

    def encode_query(self, text: str) -> EncodedText:
        self.alone.append(text)
        return super().encode_query(text)

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        self.together.append(list(texts))
        return super().encode_passages(texts)


@pytest.fixture
def encoder() -> Watched:
    return Watched()


def test_a_query_asked_again_is_not_encoded_again(encoder: Watched) -> None:
    memory = RememberedQueries(encoder)

    first, second = memory.embed_query("salt water"), memory.embed_query("salt water")

    assert encoder.alone == ["salt water"]
    assert np.array_equal(first, second)


def test_queries_encoded_ahead_have_the_bits_they_have_alone(encoder: Watched) -> None:
    memory = RememberedQueries(encoder)
    memory.encode_ahead(["salt water", "ticks", "ticks"])

    ahead = [memory.embed_query(text) for text in ("salt water", "ticks")]

    assert encoder.together == [["salt water", "ticks"]]
    assert encoder.alone == []
    assert np.array_equal(
        ahead, [TwinEmbedder(max_tokens=12).embed_query(t) for t in ("salt water", "ticks")]
    )


def test_a_query_too_long_for_the_window_waits_for_its_turn(encoder: Watched) -> None:
    memory = RememberedQueries(encoder)

    memory.encode_ahead(["one " * 30, "ticks"])

    assert encoder.together == [["ticks"]]
    assert memory.embed_query("one " * 30).shape == (64,)


def test_the_queries_asked_longest_ago_are_forgotten(encoder: Watched) -> None:
    memory = RememberedQueries(encoder, tokens_kept=8)
    for text in ("salt water", "ticks", "salt water", "pollen", "salt water", "ticks"):
        memory.embed_query(text)

    assert encoder.alone == ["salt water", "ticks", "pollen", "ticks"]


def test_all_else_is_the_encoders(encoder: Watched) -> None:
    memory = RememberedQueries(encoder)

    assert memory.identity == encoder.identity
    assert memory.special_token_ids == encoder.special_token_ids
    assert memory.count_tokens("salt water") == encoder.count_tokens("salt water")
    assert np.array_equal(memory.embed_passages(["ticks"]), encoder.embed_passages(["ticks"]))
    assert len(memory.encode_passages(["ticks", "salt"])) == 2
