import math
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib import format as npy
from numpy.typing import NDArray

from index.integer_products import as_unsigned
from index.late_interaction import TokenStore, TokenStoreWriter, token_cosines
from index.token_codes import TokenCodes, quantize_tokens

_X, _Y, _Z = np.eye(3, dtype=np.float32)
NO_SPECIAL: frozenset[int] = frozenset()


def codes(*tokens: tuple[int, NDArray[np.float32]]) -> TokenCodes:
    ids = np.array([token for token, _ in tokens], dtype=np.int64)
    vectors = np.array([vector for _, vector in tokens], dtype=np.float32).reshape(-1, 3)
    return quantize_tokens(vectors, ids, special=NO_SPECIAL)


def store_of(
    folder: Path,
    *passages: Sequence[TokenCodes],
    above: Sequence[TokenCodes] = (),
    above_of: Sequence[Sequence[int]] | None = None,
) -> TokenStore:
    folder.mkdir(exist_ok=True)
    writer = TokenStoreWriter(folder, dim=passages[0][0].codes.shape[1])
    for sentences in passages:
        writer.add_passage(sentences)
    writer.finish(above, above_of=above_of or [[]] * len(passages))
    return TokenStore(folder)


def sentence_scores(store: TokenStore, query: TokenCodes, *passages: int) -> NDArray[np.float64]:
    """Return the scores of the sentences of passages, one passage after the other."""
    return store.score_passages(query, np.array(passages)).sentences


def test_the_score_is_the_weighted_mean_of_both_directions(tmp_path: Path) -> None:
    # Token 1 is in one passage of two, token 2 in both: log(1 + 1.5/1.5) and log(1 + 0.5/2.5).
    rare, common = math.log(2), math.log(1.2)
    store = store_of(tmp_path, [codes((1, _X), (2, _Y))], [codes((2, _Y))])

    scores = sentence_scores(store, codes((1, _X), (2, _Z)), 0, 1)

    # There: the query's token 1 is met by the first sentence alone, its token 2 by neither. Back: likewise.
    there = back = rare / (rare + common)
    assert scores == pytest.approx([(there + 0.5 * back) / 1.5, 0])


def test_a_passage_scores_by_its_best_sentence_and_by_all_of_its_tokens(tmp_path: Path) -> None:
    # Each sentence meets half of the query; the passage meets all of it. All tokens weigh the same.
    store = store_of(tmp_path, [codes((1, _X)), codes((2, _Y))], [codes((3, _X), (4, _Z))])

    found = store.score_passages(codes((8, _X), (9, _Y)), np.array([0, 1]))

    best = (0.5 + 0.5 * 1) / 1.5  # there 1/2, back 1
    other = (0.5 + 0.5 * 0.5) / 1.5  # there 1/2, back 1/2
    assert found.passages == pytest.approx([(best + 1) / 2, other])
    assert found.sentences == pytest.approx([best, best, other])
    assert [each.tolist() for each in found.by_passage()] == [
        found.sentences[:2].tolist(),
        found.sentences[2:].tolist(),
    ]


def test_what_a_heading_says_need_not_be_said_again_below_it(tmp_path: Path) -> None:
    sentences = [codes((1, _X))]
    store = store_of(
        tmp_path, sentences, sentences, sentences, above=[codes((2, _Y)), codes()], above_of=[[0], [], [1]]
    )

    found = store.score_passages(codes((8, _X), (9, _Y)), np.arange(3))

    under, without = (1 + 0.5 * 1) / 1.5, (0.5 + 0.5 * 1) / 1.5  # the way back is the sentence's alone
    assert found.sentences == pytest.approx([under, without, without])
    assert found.passages == pytest.approx([under, without, without])


def test_the_name_of_a_document_counts_as_its_headings_do(tmp_path: Path) -> None:
    name, heading, nothing = codes((2, _Y)), codes((3, _Z)), codes()
    passages = [[codes((at, _X))] for at in range(5)]
    places = [[0, 1], [1, 0], [0, 2], [1], []]
    store = store_of(tmp_path, *passages, above=[name, heading, nothing], above_of=places)

    scores = store.score_passages(codes((8, _X), (9, _Y), (7, _Z)), np.arange(5)).passages

    met = np.array(
        [3, 3, 2, 2, 1]
    )  # of three tokens that weigh the same; the way back is the sentence's alone
    assert scores == pytest.approx((met / 3 + 0.5 * 1) / 1.5)


def test_a_heading_counts_below_it_whatever_is_compared_beside_it(tmp_path: Path) -> None:
    passages = [[codes((at, _X), (9, _Z))] for at in range(5)]
    store = store_of(
        tmp_path, *passages, above=[codes((2, _Y)), codes((3, _Z))], above_of=[[1], [0], [], [0], [1]]
    )
    query, compared = codes((8, _X), (9, _Y), (7, _Z + _Y)), [3, 0, 2, 1, 4]

    together = store.score_passages(query, np.array(compared)).passages
    alone = [store.score_passages(query, np.array([at])).passages[0] for at in compared]

    assert together.tolist() == alone
    assert together[0] == together[3] > together[2]


def test_a_heading_makes_no_token_more_frequent(tmp_path: Path) -> None:
    with_heading = store_of(
        tmp_path / "with", [codes((1, _X))], [codes((2, _Y))], above=[codes((1, _X))], above_of=[[], [0]]
    )
    without = store_of(tmp_path / "without", [codes((1, _X))], [codes((2, _Y))])

    assert with_heading.weights_of(np.array([1], np.int32)) == without.weights_of(np.array([1], np.int32))


def test_a_token_that_no_passage_has_weighs_most(tmp_path: Path) -> None:
    store = store_of(tmp_path, [codes((1, _X))], [codes((1, _X), (2, _Y))])

    weights = store.weights_of(np.array([1, 2, 3, 30_000], dtype=np.int32))

    assert weights[0] < weights[1] < weights[2] == weights[3]


def test_a_token_counts_once_for_a_passage_however_often_it_has_it(tmp_path: Path) -> None:
    often = store_of(tmp_path / "often", [codes((1, _X), (1, _X)), codes((1, _X))], [codes((2, _Y))])
    once = store_of(tmp_path / "once", [codes((1, _X))], [codes((2, _Y))])

    assert often.weights_of(np.array([1], np.int32)) == once.weights_of(np.array([1], np.int32))


def test_a_sentence_without_tokens_scores_least(tmp_path: Path) -> None:
    store = store_of(tmp_path, [codes(), codes((1, _X))], [codes()])

    assert sentence_scores(store, codes((1, _X)), 0).tolist() == pytest.approx([-1, 1])
    assert store.score_passages(codes((1, _X)), np.array([1, 0])).passages.tolist() == pytest.approx([-1, 1])


def test_the_codes_are_an_array_that_numpy_reads_however_many_there_are(tmp_path: Path) -> None:
    store_of(tmp_path, *([codes((1, _X), (2, _Y))] for _ in range(600)))

    found = np.load(tmp_path / "codes.npy")

    assert found.shape == (1_200, 3)
    assert found.tolist() == [[255, 128, 128], [128, 255, 128]] * 600


def test_a_header_without_room_is_refused_before_it_covers_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        npy, "write_array_header_1_0", lambda stream, about: stream.write(repr(about).encode())
    )

    with pytest.raises(RuntimeError, match="no room in a header"):
        store_of(tmp_path, *([codes((1, _X))] for _ in range(12)))


def test_a_store_may_hold_no_token_at_all(tmp_path: Path) -> None:
    assert sentence_scores(store_of(tmp_path, [codes()]), codes((1, _X)), 0).tolist() == [-1]


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 12), st.sampled_from([8, 384, 1_536]))
def test_a_sentence_scores_the_same_bits_whatever_is_scored_beside_it(
    seed: int, n_query: int, n_sentences: int, dim: int
) -> None:
    random = np.random.default_rng(seed)

    def text(n_tokens: int) -> TokenCodes:
        vectors = random.normal(size=(n_tokens, dim)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return quantize_tokens(vectors, random.integers(0, 50, n_tokens), special=NO_SPECIAL)

    query = text(n_query)
    sentences = [text(int(random.integers(1, 9))) for _ in range(n_sentences)]
    with TemporaryDirectory() as folder:
        store = store_of(Path(folder), *([each] for each in sentences))
        together = sentence_scores(store, query, *range(n_sentences))
        alone = [sentence_scores(store, query, at)[0] for at in range(n_sentences)]

    assert together.tolist() == alone
    assert all(-1.01 < score < 1.01 for score in alone)


def test_eight_bits_keep_cosines_to_the_second_decimal() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(200, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tokens = quantize_tokens(vectors, np.arange(200), special=NO_SPECIAL)

    error = (
        token_cosines(tokens, as_unsigned(tokens.codes), tokens.scales)
        - vectors.astype(np.float64) @ vectors.T
    )

    assert np.abs(error).max() < 0.005
