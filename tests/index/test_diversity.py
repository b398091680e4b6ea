from hypothesis import given
from hypothesis import strategies as st

from index.diversity import SPREAD_PLACES, put_repeats_last, share_places

A, B, C = 0, 1, 2
_ranked = st.lists(st.tuples(st.sampled_from([A, B, C]), st.floats(0, 1)), max_size=40).map(
    lambda found: sorted(found, key=lambda each: -each[1])
)


def test_one_document_leaves_a_place_among_the_first_five_to_the_next() -> None:
    # ceil(0.8 n) of the first 1, 2, 3, 4, 5: 1, 2, 3, 4, 4.
    assert share_places([A, A, A, A, A, A, B], [1.0] * 7) == [0, 1, 2, 3, 6, 4, 5]


def test_a_document_that_scores_far_less_gets_no_place() -> None:
    assert share_places([A, A, A, A, A, B], [1, 1, 1, 1, 1, 0.69]) == [0, 1, 2, 3, 4, 5]
    assert share_places([A, A, A, A, A, B], [1, 1, 1, 1, 1, 0.71]) == [0, 1, 2, 3, 5, 4]


def test_passages_of_one_document_alone_keep_their_order() -> None:
    assert share_places([A] * 6, [1.0] * 6) == [0, 1, 2, 3, 4, 5]


def test_a_flooded_document_cannot_fill_the_first_five() -> None:
    flood = [A] * 150

    assert 150 in share_places([*flood, B], [1.0] * 150 + [0.8])[:5]


@given(_ranked)
def test_no_passage_is_lost_and_the_best_stays_first(ranked: list[tuple[int, float]]) -> None:
    order = share_places([document for document, _ in ranked], [score for _, score in ranked])

    assert sorted(order) == list(range(len(ranked)))
    assert order[:1] == [0] * bool(ranked)
    assert order[SPREAD_PLACES:] == sorted(order[SPREAD_PLACES:])


def test_what_repeats_an_earlier_text_comes_last() -> None:
    texts = [
        "Stretch the calf gently [2].",
        "Stretch the calf gently [3].",
        "stretch  the calf: gently [2]",
        "Massage it.",
    ]

    assert put_repeats_last(texts) == [0, 1, 3, 2]


def test_the_same_words_with_another_number_are_another_fact() -> None:
    sentence = (
        "The trial gave the people who took part in it {} mg of the drug a day with their dinner, for three weeks in "
        "a row, and asked each of them to write down every cramp"
    )
    assert put_repeats_last([sentence.format("some"), sentence.format("many"), "Rest."]) == [0, 2, 1]

    assert put_repeats_last([sentence.format(200), sentence.format(400), "Rest."]) == [0, 1, 2]


@given(st.lists(st.sampled_from(["cold packs help", "cold packs help!", "warm baths", "5 mg", "10 mg", ""])))
def test_no_text_is_lost(texts: list[str]) -> None:
    order = put_repeats_last(texts)

    assert sorted(order) == list(range(len(texts)))
    assert order[:1] == [0] * bool(texts)
