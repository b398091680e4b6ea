from dataclasses import replace

import pytest

from answer.disagreement import find_other_side, find_pivot, side_of
from answer.evidence import SentenceEvidence
from index.lexical import terms
from index.searching import RankedPassage
from ingest.records import Passage, Sentence

WEIGHTS = {"oil": 2.0, "help": 1.0, "tick": 0.5}
SAYS_YES = "Oil helps to get a tick off."
SAYS_NO = "Oil does not help against a tick."


def sentence(text: str, *, doc_id: str, match: float = 0.8, position: int = 0) -> SentenceEvidence:
    own = frozenset(terms(text))
    whole = Sentence(0, len(text), ())
    passage = Passage(f"{doc_id}-{position}", doc_id, text, 0, len(text), text, (whole,))
    hit = RankedPassage(
        passage=passage, position=position, rank=1, score=0.5, dense=0.5, lexical=1.0, late=None
    )
    return SentenceEvidence(hit, whole, text, match, match, own, own & frozenset(WEIGHTS))


@pytest.mark.parametrize(
    "text",
    [
        "Oil does not help.",
        "Research has never verified it.",
        "The theory lacks strong evidence.",
        "The data do not suffice to say so.",
        "The tablets are probably not effective.",
        "Rinsing had no effect on the nose.",
        "Such treatments are often unsuccessful.",
    ],
)
def test_a_denial_of_an_effect_is_one_side(text: str) -> None:
    assert side_of(text) == -1


@pytest.mark.parametrize("text", ["Oil helps.", "Pollen causes sneezing.", "To prevent stings, wear gloves."])
def test_a_claim_of_an_effect_is_the_other(text: str) -> None:
    assert side_of(text) == 1


@pytest.mark.parametrize(
    "text", ["Notes on knots.", "It is not only cheap.", "A disorder that is not rare.", ""]
)
def test_a_sentence_about_no_effect_takes_no_side(text: str) -> None:
    assert side_of(text) == 0


def test_a_question_turns_on_the_rarest_term_that_most_of_its_best_sentences_hold() -> None:
    ranked = [
        sentence(SAYS_YES, doc_id="a"),
        sentence(SAYS_NO, doc_id="b"),
        sentence("Oil and ticks.", doc_id="c"),
    ]

    assert find_pivot(WEIGHTS, ranked) == "oil"
    assert find_pivot(WEIGHTS, ranked[:2]) is None
    assert find_pivot({**WEIGHTS, "oil": 0.3}, ranked) is None  # nearly every passage is about it


def other_side(
    *ranked: SentenceEvidence, n_chosen: int = 1, further: tuple[SentenceEvidence, ...] = ()
) -> str | None:
    filler = [sentence("Oil, ticks.", doc_id="a", match=0.1, position=9)] * 2
    found = find_other_side(ranked[:n_chosen], [*ranked, *filler], lambda _term: further, WEIGHTS)
    return None if found is None else found.text


def test_another_document_that_says_otherwise_is_found_whichever_side_is_first() -> None:
    yes, no = sentence(SAYS_YES, doc_id="a"), sentence(SAYS_NO, doc_id="b", position=1)

    assert other_side(yes, no) == SAYS_NO
    assert other_side(no, yes) == SAYS_YES


def test_the_other_side_may_come_from_a_passage_that_ranks_lower() -> None:
    no = sentence(SAYS_NO, doc_id="b", position=7)

    assert other_side(sentence(SAYS_YES, doc_id="a"), sentence("Oil.", doc_id="a"), further=(no,)) == SAYS_NO


def test_a_document_does_not_stand_against_itself() -> None:
    assert other_side(sentence(SAYS_YES, doc_id="a"), sentence(SAYS_NO, doc_id="a", position=1)) is None


def test_a_sentence_about_something_else_is_no_other_side() -> None:
    beside = sentence("A cloth does not help against a tick.", doc_id="b", position=1)

    assert other_side(sentence(SAYS_YES, doc_id="a"), beside, sentence("Oil.", doc_id="a")) is None


def test_a_far_sentence_is_no_other_side() -> None:
    far = sentence(SAYS_NO, doc_id="b", match=0.5, position=1)

    assert other_side(sentence(SAYS_YES, doc_id="a"), far) is None


def test_where_both_sides_are_chosen_nothing_is_added() -> None:
    yes, no = sentence(SAYS_YES, doc_id="a"), sentence(SAYS_NO, doc_id="b", position=1)

    assert other_side(yes, no, n_chosen=2) is None


def test_of_several_the_best_match_is_taken() -> None:
    yes = sentence(SAYS_YES, doc_id="a")
    good, better = (sentence(SAYS_NO, doc_id="b", match=m, position=p) for m, p in ((0.7, 1), (0.75, 2)))
    better = replace(better, text="Oil has no effect on a tick.")

    assert other_side(yes, good, better) == "Oil has no effect on a tick."
