import numpy as np
import pytest
from numpy.typing import NDArray

from index.late_interaction import TokenStore, TokenStoreWriter
from index.match_slopes import MatchSlopes
from index.token_codes import TokenCodes, quantize_tokens

DIM = 32
RANDOM = np.random.default_rng(20261128)


def text_of(n_tokens: int) -> TokenCodes:
    vectors = RANDOM.normal(size=(n_tokens, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return codes_of(vectors, RANDOM.integers(2, 40, n_tokens))


def codes_of(vectors: NDArray[np.float32], ids: NDArray[np.int64]) -> TokenCodes:
    return quantize_tokens(vectors, ids.astype(np.int64), special=frozenset())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TokenStore:
    """Forty passages of one to four sentences, under two, one or no headings; one sentence has no tokens."""
    folder = tmp_path_factory.mktemp("tokens")
    writer = TokenStoreWriter(folder, dim=DIM)
    for at in range(40):
        writer.add_passage([text_of(int(RANDOM.integers(1, 12))) for _ in range(1 + at % 4)])
    writer.add_passage([text_of(5), text_of(0)])
    writer.add_passage([text_of(0)])
    writer.finish([text_of(3), text_of(4)], above_of=[[0, 1], [1], []] * 14)
    return TokenStore(folder)


def test_a_match_is_the_sum_of_its_slopes_with_the_tokens(store: TokenStore) -> None:
    query, passages = text_of(6), np.arange(41)
    slopes = MatchSlopes(store).of(query, passages)

    assert slopes.shape == (41, 6, DIM)
    from_slopes = (slopes * query.vectors).sum(axis=(1, 2))
    assert from_slopes == pytest.approx(store.score_passages(query, passages).passages, abs=1e-5)


def test_the_slopes_tell_what_a_match_becomes_when_the_tokens_turn_a_little(store: TokenStore) -> None:
    query, passages = text_of(6), np.arange(40)
    turned = query.vectors + 0.04 * RANDOM.normal(size=query.vectors.shape).astype(np.float32)
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    after = codes_of(turned, query.ids.astype(np.int64))

    rise = (MatchSlopes(store).of(query, passages) * (after.vectors - query.vectors)).sum(axis=(1, 2))
    before = store.score_passages(query, passages).passages
    measured = store.score_passages(after, passages).passages - before

    assert np.abs(measured).max() > 0.02
    assert np.corrcoef(measured, rise)[0, 1] > 0.9
    # Where another token becomes the nearest, or another sentence the best, the match is higher than that.
    assert (measured - rise).min() > -1e-4


def test_a_passage_without_tokens_has_no_slopes(store: TokenStore) -> None:
    assert not MatchSlopes(store).of(text_of(3), np.array([41])).any()
