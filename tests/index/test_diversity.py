from hypothesis import given
from hypothesis import strategies as st

from index.diversity import Candidate, spread

_candidates = st.lists(
    st.builds(
        Candidate,
        st.sampled_from("abc"),
        st.sampled_from(["cold packs help", "cold packs help", "warm baths", "5 mg", "10 mg", ""]),
        st.floats(0, 1),
    ),
    max_size=20,
).map(lambda found: sorted(found, key=lambda each: -each.score))


def of(*documents: str, scores: list[float] | None = None) -> list[Candidate]:
    texts = ("one", "two", "three", "four", "five", "six", "seven")
    values = scores or [1 - 0.01 * at for at in range(len(documents))]
    return [
        Candidate(doc_id, text, score) for doc_id, text, score in zip(documents, texts, values, strict=False)
    ]


def test_one_document_leaves_a_place_among_the_first_five_to_the_next() -> None:
    # ceil(0.8 n) of the first 1, 2, 3, 4, 5: 1, 2, 3, 4, 4.
    assert spread(of("a", "a", "a", "a", "a", "a", "b")) == [0, 1, 2, 3, 6, 4, 5]


def test_a_document_that_scores_far_less_gets_no_place() -> None:
    assert spread(of("a", "a", "a", "a", "a", "b", scores=[1, 1, 1, 1, 1, 0.69])) == [0, 1, 2, 3, 4, 5]
    assert spread(of("a", "a", "a", "a", "a", "b", scores=[1, 1, 1, 1, 1, 0.71])) == [0, 1, 2, 3, 5, 4]


def test_passages_of_one_document_alone_keep_their_order() -> None:
    assert spread(of("a", "a", "a", "a", "a", "a")) == [0, 1, 2, 3, 4, 5]


def test_what_repeats_a_better_passage_goes_behind_what_does_not() -> None:
    candidates = [
        Candidate("a", "Stretch the calf gently [2].", 1),
        Candidate("b", "Stretch the calf gently [3].", 0.9),
        Candidate("b", "stretch  the calf: gently [2]", 0.8),
        Candidate("c", "Massage it.", 0.7),
    ]

    assert spread(candidates) == [0, 1, 3, 2]


def test_the_same_words_with_another_number_are_another_fact() -> None:
    sentence = "The trial gave the people who took part in it {} mg of the drug a day with their dinner"
    candidates = [Candidate("a", sentence.format(dose), 1) for dose in (200, 400)]

    assert spread(candidates) == [0, 1]


def test_a_flooded_document_cannot_fill_the_first_five() -> None:
    stuffed = [Candidate("flood", f"cramp cramp cramp cure {word}", 1) for word in "abcdefghijklmnopqrs"]

    shown = spread([*stuffed, Candidate("article", "Stretch the cramped muscle.", 0.8)])

    assert 19 in shown[:5]


@given(_candidates)
def test_nothing_is_lost_and_the_best_stays_first(candidates: list[Candidate]) -> None:
    order = spread(candidates)

    assert sorted(order) == list(range(len(candidates)))
    assert order[:1] == [0] * bool(candidates)
