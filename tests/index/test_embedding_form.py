import numpy as np

from index.embedding_form import TwoFormEmbedder
from tests.twins import TwinEmbedder


def test_passages_are_the_faster_form_s_and_queries_the_exact_one_s() -> None:
    # Other weights, so that the two can be told apart.
    exact, fast = TwinEmbedder(), TwinEmbedder(weights="b" * 64, engine="fast 1")
    both = TwoFormEmbedder(exact, fast)
    text = "a cold pack"

    assert np.array_equal(both.embed_passages([text]), fast.embed_passages([text]))
    assert np.array_equal(both.encode_passages([text])[0].vector, fast.embed_query(text))
    assert np.array_equal(both.embed_query(text), exact.embed_query(text))
    assert np.array_equal(both.encode_query(text).vector, exact.embed_query(text))
    assert both.count_tokens(text) == exact.count_tokens(text)
    assert both.special_token_ids == exact.special_token_ids


def test_what_computes_queries_and_what_computes_passages_are_both_part_of_the_identity() -> None:
    identities = {
        TwoFormEmbedder(TwinEmbedder(engine=one), TwinEmbedder(engine=other)).identity.engine
        for one in ("exact 1", "exact 2")
        for other in ("fast 1", "fast 2")
    }

    assert len(identities) == 4
    assert "exact 1; passages fast 1" in identities
