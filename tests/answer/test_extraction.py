from dataclasses import replace

import pytest

from answer.evidence import Asked, Evidence, SentenceEvidence, gather_evidence
from answer.extraction import MAX_SENTENCES, choose_sentences, extract_answer, sentence_score
from answer.features import Features
from index.lexical import terms
from index.searching import RankedPassage, Searcher
from ingest.records import Passage, Sentence

QUESTIONS = [
    "Does salt water wash pollen from the nose?",
    "What eases the swelling after a sting?",
    "How should an open blister be covered?",
    "antihistamine tablets",
    "How do I pull a tick out?",
]


def make_evidence(*sentences: tuple[str, float, str], position: int = 0, score: float = 0.5) -> Evidence:
    """Return evidence of one passage: sentences as (text, cosine, covered terms)."""
    text = " ".join(text for text, _, _ in sentences)
    spans: list[Sentence] = []
    start = 0
    for sentence, _, _ in sentences:
        spans.append(Sentence(start, start + len(sentence), (len(spans) + 1,)))
        start += len(sentence) + 1
    passage = Passage("id", "doc", text, 0, len(text), text, tuple(spans))
    hit = RankedPassage(passage, position, 1, score, 0.5, 0.0, None)
    found = tuple(
        SentenceEvidence(
            hit, span, sentence, cosine, cosine, frozenset(terms(sentence)), frozenset(covered.split())
        )
        for span, (sentence, cosine, covered) in zip(spans, sentences, strict=True)
    )
    return Evidence(Asked({"cold": 3.0, "pack": 1.0}), found, Features(0.5, 0.5))


def test_the_score_of_a_sentence_adds_its_match_and_the_score_of_its_passage() -> None:
    evidence = make_evidence(("A.", 0.5, "cold"), ("As follows:", 0.5, ""), score=0.9)

    # Nothing particular is asked for, so each sentence shows all of it.
    assert sentence_score(evidence, evidence.sentences[0]) == pytest.approx(0.5 + 1.0 * 0.9 + 0.1)
    assert sentence_score(evidence, evidence.sentences[1]) == pytest.approx(0.5 + 1.0 * 0.9 + 0.1 - 0.2)


def test_a_sentence_that_shows_what_is_asked_for_comes_before_one_that_does_not(searcher: Searcher) -> None:
    result = searcher.search("How many people were in the trial of antihistamine tablets?", k=8)

    best = choose_sentences(gather_evidence(searcher, result))[0]
    assert "ninety people" in best.text


def test_what_says_nearly_the_same_is_said_once() -> None:
    evidence = make_evidence(
        ("A cold pack eases the swelling of a sting.", 0.9, ""),
        ("The cold pack eases a sting's swelling.", 0.9, ""),
    )

    assert [each.text for each in choose_sentences(evidence)] == [
        "A cold pack eases the swelling of a sting."
    ]


def test_the_best_sentence_is_chosen_and_those_far_below_it_are_not() -> None:
    evidence = make_evidence(("Poor.", 0.1, ""), ("Best.", 0.9, ""), ("Near.", 0.85, ""))

    assert [each.text for each in choose_sentences(evidence)] == ["Best.", "Near."]


def test_an_answer_is_in_reading_order_and_each_sentence_keeps_its_own_references() -> None:
    answer = extract_answer(make_evidence(("Near.", 0.85, ""), ("Best.", 0.9, "")))

    assert answer is not None
    assert answer.text == "Near. Best."
    assert [(each.start, each.end, each.references) for each in answer.sentences] == [
        (0, 5, (1,)),
        (6, 11, (2,)),
    ]


def test_no_more_than_a_few_sentences_are_chosen() -> None:
    evidence = make_evidence(*[(f"Sentence {at}.", 0.9, "") for at in range(9)])

    chosen = choose_sentences(evidence)
    assert [each.text for each in chosen] == [f"Sentence {at}." for at in range(MAX_SENTENCES)]


def test_the_same_words_are_said_once() -> None:
    answer = extract_answer(make_evidence(("Rest.", 0.9, ""), ("Rest.", 0.9, "")))

    assert answer is not None
    assert answer.text == "Rest."


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The run-in of the trial took 2 weeks.", "The run-in of the trial took 3 weeks."),
        ("The pack eases the swelling of a sting.", "The pack does not ease the swelling of a sting."),
        ("Level A is given to oil.", "Level B is given to oil."),
    ],
)
def test_a_number_a_grade_or_a_denial_makes_another_sentence(one: str, other: str) -> None:
    assert len(choose_sentences(make_evidence((one, 0.9, ""), (other, 0.9, "")))) == 2


@pytest.mark.parametrize("cosine", [0.0, -0.4, -1.0])
def test_where_there_is_a_sentence_there_is_an_answer(cosine: float) -> None:
    answer = extract_answer(make_evidence(("Only.", cosine, ""), score=0.0))

    assert answer is not None
    assert answer.text == "Only."


def test_without_any_sentence_there_is_no_answer() -> None:
    evidence = replace(make_evidence(("Rest.", 0.9, "")), sentences=())

    assert extract_answer(evidence) is None


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_sentence_of_an_answer_stands_so_in_its_document_and_passage(
    searcher: Searcher, question: str
) -> None:
    answer = extract_answer(gather_evidence(searcher, searcher.search(question, k=8)))

    assert answer is not None
    assert answer.text == " ".join(each.text for each in answer.sentences)
    for each in answer.sentences:
        document = searcher.content.document(each.doc_id)
        (passage,) = searcher.content.passages([searcher.content.position_of(each.passage_id)])
        assert document.text[each.start : each.end] == each.text
        assert passage.text[each.start - passage.start : each.end - passage.start] == each.text
        assert Sentence(each.start, each.end, each.references) in passage.sentences


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_sentences_of_an_answer_are_in_reading_order_without_repeats(
    searcher: Searcher, question: str
) -> None:
    answer = extract_answer(gather_evidence(searcher, searcher.search(question, k=8)))

    assert answer is not None
    places = [(searcher.content.place_of(each.doc_id), each.start) for each in answer.sentences]
    assert places == sorted(set(places))
    assert len({each.text for each in answer.sentences}) == len(answer.sentences)


def test_a_sentence_bears_its_own_numbers_and_not_those_of_its_neighbours(searcher: Searcher) -> None:
    result = searcher.search("Antihistamine tablets relieve sneezing within an hour", k=8)
    answer = extract_answer(gather_evidence(searcher, result))

    assert answer is not None
    by_document = {each.doc_id: each.references for each in answer.sentences if "sneezing" in each.text}
    assert by_document["hay-fever"] == (2,)  # its passage carries 1 as well
