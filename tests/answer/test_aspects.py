import numpy as np
import pytest

from answer.aspects import all_aspects, asked_aspects
from answer.features import aspect_gap


def names(question: str) -> set[str]:
    return {each.name for each in asked_aspects(question)}


@pytest.mark.parametrize(
    ("question", "aspect"),
    [
        ("How many milligrams of zinc can I take?", "dose"),
        ("how long does the rash last", "duration"),
        ("How often is the cream put on?", "frequency"),
        ("What percentage of people get hives?", "share"),
        ("In which year was the trial published?", "year"),
        ("what does an allergy test cost", "cost"),
        ("Should drops be kept in the fridge?", "storage"),
        ("I forgot my evening tablet", "missed-dose"),
        ("Can I have a beer with antihistamines?", "alcohol"),
        ("may I drive after nose drops", "driving"),
        ("Is loratadine safe in the first trimester?", "pregnancy"),
        ("can I take it while nursing a baby", "breastfeeding"),
        ("Does asthma run in families?", "inheritance"),
        ("Which antihistamine is the strongest?", "comparison"),
        ("why do eyes itch in spring", "cause"),
    ],
)
def test_a_question_asks_for_its_aspect(question: str, aspect: str) -> None:
    assert aspect in names(question)


@pytest.mark.parametrize("question", ["Tell me about hay fever", "pollen", "", "Where do ticks sit?"])
def test_a_question_may_ask_for_no_known_aspect(question: str) -> None:
    assert names(question) == set()


@pytest.mark.parametrize(
    ("aspect", "sentence"),
    [
        ("dose", "Adults take 10 mg once a day."),
        ("duration", "The rash fades within three days."),
        ("frequency", "The cream is applied twice a day."),
        ("share", "About 12% had hives."),
        ("year", "The trial appeared in 2019."),
        ("cost", "The test is $40."),
        ("code", "The rash is L50 in the classification."),
        ("person", "It was described by Blackley."),
    ],
)
def test_a_sentence_shows_an_aspect(aspect: str, sentence: str) -> None:
    (found,) = [each for each in all_aspects() if each.name == aspect]

    assert found.shown.search(sentence)
    assert not found.shown.search("Salt water loosens pollen.")


def test_names_of_parts_are_all_replaced() -> None:
    assert not [each.name for each in all_aspects() if "{n" in each.asked.pattern + each.shown.pattern]
    assert len({each.name for each in all_aspects()}) == len(all_aspects())


def test_the_gap_is_that_of_the_aspect_served_worst() -> None:
    dose, age = (each for each in all_aspects() if each.name in {"dose", "age"})
    cosines = np.array([0.9, 0.7, 0.4])
    shown = [frozenset[str](), frozenset({"dose"}), frozenset({"age", "dose"})]

    assert aspect_gap(cosines, [dose], shown) == pytest.approx(0.7 - 0.9)
    assert aspect_gap(cosines, [dose, age], shown) == pytest.approx(0.4 - 0.9)


def test_an_aspect_that_no_sentence_shows_is_as_far_as_nothing_at_all() -> None:
    (dose,) = [each for each in all_aspects() if each.name == "dose"]

    assert aspect_gap(np.array([0.6, 0.2]), [dose], [frozenset()] * 2) == pytest.approx(-0.6)


def test_there_is_no_gap_without_an_aspect_or_without_sentences() -> None:
    (dose,) = [each for each in all_aspects() if each.name == "dose"]

    assert aspect_gap(np.array([0.6]), [], [frozenset()]) == 0
    assert aspect_gap(np.array([]), [dose], []) == 0
    assert aspect_gap(np.array([-0.2]), [dose], [frozenset()]) == 0
