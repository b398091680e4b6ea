import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from index.embedding import EncodedText
from index.vector_cache import VectorCache
from tests.twins import TwinEmbedder

TEXTS = ["a cold pack", "warm water", "a cold pack", "deep sleep"]


class FailingEmbedder(TwinEmbedder):
    """Breaks off at a text."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if "text 2900" in texts:
            raise KeyboardInterrupt
        return super().embed_passages(texts)


@pytest.fixture
def cache(tmp_path: Path) -> VectorCache:
    return VectorCache(tmp_path / "cache" / "vectors.sqlite")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "vectors.sqlite"


def test_what_comes_from_the_cache_has_the_bits_that_were_computed(
    cache: VectorCache, embedder: TwinEmbedder
) -> None:
    expected = TwinEmbedder().embed_passages(TEXTS).tobytes()

    assert cache.embed(embedder, TEXTS).tobytes() == expected
    assert cache.embed(embedder, TEXTS).tobytes() == expected
    assert sorted(embedder.embedded) == ["a cold pack", "deep sleep", "warm water"]


def test_no_texts_give_no_rows(cache: VectorCache, embedder: TwinEmbedder) -> None:
    vectors = cache.embed(embedder, [])

    assert vectors.shape == (0, embedder.identity.dim)
    assert vectors.dtype == np.float32


def test_only_what_is_new_is_computed(cache: VectorCache, embedder: TwinEmbedder) -> None:
    cache.embed(embedder, TEXTS)
    embedder.embedded.clear()
    cache.embed(embedder, [*TEXTS, "new"])

    assert embedder.embedded == ["new"]


@pytest.mark.parametrize("column", ["entry", "checksum"])
def test_a_damaged_entry_is_computed_again(
    cache: VectorCache, embedder: TwinEmbedder, file: Path, column: str
) -> None:
    expected = cache.embed(embedder, TEXTS).tobytes()
    key = hashlib.sha256(b"warm water").hexdigest()
    with sqlite3.connect(file) as connection:
        changed = connection.execute(
            f"UPDATE vectors SET {column} = zeroblob(256) WHERE text_sha256 = ?", [key]
        ).rowcount
    connection.close()
    embedder.embedded.clear()

    assert changed == 1
    assert cache.embed(embedder, TEXTS).tobytes() == expected
    assert embedder.embedded == ["warm water"]
    embedder.embedded.clear()
    cache.embed(embedder, TEXTS)
    assert embedder.embedded == []


@pytest.mark.parametrize("garbage", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 2000])
def test_a_file_that_is_no_cache_is_replaced(
    cache: VectorCache, embedder: TwinEmbedder, file: Path, garbage: bytes
) -> None:
    file.parent.mkdir()
    file.write_bytes(garbage)

    assert cache.embed(embedder, TEXTS).tobytes() == TwinEmbedder().embed_passages(TEXTS).tobytes()
    embedder.embedded.clear()
    cache.embed(embedder, TEXTS)
    assert embedder.embedded == []


def test_a_database_of_something_else_is_replaced(
    cache: VectorCache, embedder: TwinEmbedder, file: Path
) -> None:
    file.parent.mkdir()
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE vectors (something TEXT)")
    connection.close()

    assert len(cache.embed(embedder, TEXTS)) == 4


def test_a_cache_that_is_damaged_inside_is_replaced(
    cache: VectorCache, embedder: TwinEmbedder, file: Path
) -> None:
    texts = [f"text {at}" for at in range(200)]
    expected = cache.embed(embedder, texts).tobytes()
    content = bytearray(file.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)  # every page but the first
    file.write_bytes(content)

    assert cache.embed(embedder, texts).tobytes() == expected


def test_a_cache_that_another_process_writes_is_left_as_it_is(
    cache: VectorCache, embedder: TwinEmbedder, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.embed(embedder, TEXTS)
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path: real(path, timeout=0))
    other = real(file)
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(OSError, match="locked"):
        cache.embed(embedder, [*TEXTS, "new"])
    other.close()
    embedder.embedded.clear()
    cache.embed(embedder, TEXTS)
    assert embedder.embedded == []


def test_what_was_computed_before_a_build_broke_off_is_kept(cache: VectorCache) -> None:
    failing = FailingEmbedder()
    texts = [f"text {at}" for at in range(4_000)]
    with pytest.raises(KeyboardInterrupt):
        cache.embed(failing, texts)

    finishing = TwinEmbedder()
    cache.embed(finishing, texts)
    assert 0 < len(failing.embedded) < len(texts)
    assert sorted(failing.embedded + finishing.embedded) == sorted(texts)


@pytest.mark.parametrize(
    "other", [TwinEmbedder(weights="b" * 64), TwinEmbedder(max_tokens=128), TwinEmbedder(engine="twin 2")]
)
def test_vectors_of_other_weights_another_window_or_another_engine_are_not_used(
    cache: VectorCache, embedder: TwinEmbedder, other: TwinEmbedder
) -> None:
    cache.embed(embedder, TEXTS)
    other.embedded.clear()

    assert cache.embed(other, TEXTS).tobytes() == other.embed_passages(TEXTS).tobytes()
    assert sorted(other.embedded[:3]) == ["a cold pack", "deep sleep", "warm water"]
    assert cache.embed(embedder, TEXTS).tobytes() == TwinEmbedder().embed_passages(TEXTS).tobytes()


def test_progress_counts_what_is_known_as_done(cache: VectorCache, embedder: TwinEmbedder) -> None:
    cache.embed(embedder, TEXTS)
    seen: list[tuple[int, int]] = []
    cache.embed(embedder, [*TEXTS, "new"], progress=lambda done, total: seen.append((done, total)))

    assert seen == [(4, 4)]


def test_tokens_come_from_the_cache_with_the_bits_that_were_computed(
    cache: VectorCache, embedder: TwinEmbedder
) -> None:
    vectors, tokens = cache.encode(embedder, [*TEXTS, TEXTS[0]])
    embedder.embedded.clear()

    again, kept = cache.encode(embedder, [*TEXTS, TEXTS[0]])

    assert embedder.embedded == []
    assert again.tobytes() == vectors.tobytes() == cache.embed(embedder, [*TEXTS, TEXTS[0]]).tobytes()
    for one, other in zip(tokens, kept, strict=True):
        assert (one.codes.tobytes(), one.scales.tobytes(), one.ids.tobytes()) == (
            other.codes.tobytes(),
            other.scales.tobytes(),
            other.ids.tobytes(),
        )
    assert [len(each.ids) for each in tokens] == [len(text.split()) for text in (*TEXTS, TEXTS[0])]


def test_a_remembered_query_has_the_bits_that_were_computed_and_is_computed_once(
    cache: VectorCache, embedder: TwinEmbedder
) -> None:
    expected = embedder.encode_query("cold pack?")
    with cache.remembering_queries(embedder) as first:
        first.encode_query("cold pack?")

    with cache.remembering_queries(NoQueries()) as second:
        remembered = second.encode_query("cold pack?")
        with pytest.raises(AssertionError, match="warm"):
            second.embed_query("warm water?")

    assert remembered.vector.tobytes() == expected.vector.tobytes()
    assert remembered.token_vectors.tobytes() == expected.token_vectors.tobytes()
    assert remembered.token_ids.tolist() == expected.token_ids.tolist()


class NoQueries(TwinEmbedder):
    """Computes no query."""

    def encode_query(self, text: str) -> EncodedText:
        raise AssertionError(text)
