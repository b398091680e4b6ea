import pytest

from answer.answering import Reply, answer_question
from answer.confidence import ConfidenceModel
from answer.features import FEATURE_NAMES
from index.searching import Searcher, SearchFilter
from ingest.errors import NotIndexedError

NO_WEIGHTS = (0.0,) * len(FEATURE_NAMES)
SURE, DOUBTFUL = ConfidenceModel(50.0, NO_WEIGHTS), ConfidenceModel(-50.0, NO_WEIGHTS)
QUESTIONS = [
    "Does salt water wash pollen from the nose?",
    "antihistamine tablets",
    "How do I pull a tick out?",
    "Gloves against blisters",
    "nose",
]


def ask(
    searcher: Searcher, question: str, *, model: ConfidenceModel = SURE, k: int = 5, **options: object
) -> Reply:
    return answer_question(question, searcher=searcher, model=model, k=k, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("k", [1, 2, 5, 50])
def test_the_references_are_exactly_those_of_the_passages_and_the_answer(
    searcher: Searcher, question: str, k: int
) -> None:
    reply = ask(searcher, question, k=k)

    assert reply.answer is not None
    shown = {number for hit in reply.passages for number in hit.passage.references}
    shown |= {number for sentence in reply.answer.sentences for number in sentence.references}
    assert [reference.number for reference in reply.references] == sorted(shown)


def test_a_reply_without_any_number_has_no_references(searcher: Searcher) -> None:
    assert ask(searcher, "tick", only=SearchFilter(documents=("ticks",))).references == ()


def test_an_unanswerable_question_has_no_answer_and_still_its_nearest_passages(searcher: Searcher) -> None:
    reply = ask(searcher, "Who won the cup?", model=DOUBTFUL)

    assert (reply.answerable, reply.answer, reply.confidence) == (False, None, 0.0)
    assert len(reply.passages) == len(reply.highlights) == 5
    assert [hit.rank for hit in reply.passages] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("model", [SURE, DOUBTFUL])
def test_what_no_document_mentions_is_said_with_an_answer_and_with_a_refusal(
    searcher: Searcher, model: ConfidenceModel
) -> None:
    assert ask(searcher, "Does levocetirizine help against pollen?", model=model).not_mentioned == (
        "levocetirizine",
    )
    assert ask(searcher, "How do I pull a tick out?", model=model).not_mentioned == ()


def test_a_misspelled_word_that_is_put_right_counts_as_mentioned(searcher: Searcher) -> None:
    reply = ask(searcher, "Do antihistimine tablets help?")

    assert (reply.searched_as, reply.not_mentioned) == ("Do antihistamine tablets help?", ())


def test_an_answer_that_nobody_asked_for_is_not_made(searcher: Searcher) -> None:
    reply = ask(searcher, "How do I pull a tick out?", with_answer=False)

    assert (reply.answerable, reply.answer) == (True, None)


@pytest.mark.parametrize("question", [*QUESTIONS, "zebra", "?"])
def test_a_highlight_is_one_sentence_of_its_passage(searcher: Searcher, question: str) -> None:
    reply = ask(searcher, question, k=8)

    assert len(reply.highlights) == len(reply.passages) == 8
    for hit, marked in zip(reply.passages, reply.highlights, strict=True):
        (highlight,) = marked
        assert 0 <= highlight.start < highlight.end <= len(hit.passage.text)
        spans = [
            (each.start - hit.passage.start, each.end - hit.passage.start) for each in hit.passage.sentences
        ]
        assert (highlight.start, highlight.end) in spans


def test_the_highlight_is_the_sentence_that_bears_on_the_question(searcher: Searcher) -> None:
    reply = ask(
        searcher, "Do antihistamine tablets relieve sneezing?", only=SearchFilter(documents=("hay-fever",))
    )

    (highlight,) = reply.highlights[0]
    text = reply.passages[0].passage.text
    assert (
        text[highlight.start : highlight.end] == "Antihistamine tablets relieve sneezing within an hour [2]."
    )


@pytest.mark.parametrize("question", QUESTIONS)
def test_confidence_answer_and_order_do_not_depend_on_how_many_passages_are_asked_for(
    searcher: Searcher, question: str
) -> None:
    model = ConfidenceModel(-2.0, (3.0, 3.0, *NO_WEIGHTS[2:]))
    replies = [ask(searcher, question, model=model, k=k) for k in (1, 5, 50)]

    assert len({(reply.confidence, reply.answerable, reply.answer) for reply in replies}) == 1
    assert replies[0].passages == replies[2].passages[:1]
    assert replies[1].passages == replies[2].passages[:5]


def test_a_filter_holds_for_passages_and_answer(searcher: Searcher) -> None:
    reply = ask(searcher, "salt water for the nose", only=SearchFilter(references=(1,)), k=50)

    assert reply.answer is not None
    assert {hit.passage.doc_id for hit in reply.passages} == {"hay-fever", "saline"}
    assert {sentence.doc_id for sentence in reply.answer.sentences} <= {"hay-fever", "saline"}


def test_a_filter_that_lets_nothing_pass_gives_an_empty_reply_that_is_not_answerable(
    searcher: Searcher,
) -> None:
    reply = ask(searcher, "nose", only=SearchFilter(documents=("ticks",), references=(1,)))

    assert (reply.answerable, reply.confidence, reply.answer) == (False, 0.0, None)
    assert (reply.passages, reply.highlights, reply.references) == ((), (), ())


def test_a_filter_that_names_what_is_not_indexed_is_an_error(searcher: Searcher) -> None:
    with pytest.raises(NotIndexedError, match="no document 'nowhere'"):
        ask(searcher, "nose", only=SearchFilter(documents=("nowhere",)))


def test_the_same_question_gets_the_same_reply(searcher: Searcher) -> None:
    assert ask(searcher, QUESTIONS[0]) == ask(searcher, QUESTIONS[0])


def test_an_emergency_gets_its_notice_whether_or_not_it_can_be_answered(searcher: Searcher) -> None:
    replies = [
        ask(searcher, "I have crushing chest pain and cannot breathe", model=model)
        for model in (SURE, DOUBTFUL)
    ]

    assert all(reply.notices for reply in replies)
    assert ask(searcher, "How do I pull a tick out?").notices == ()
