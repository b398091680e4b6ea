"""Which passages show the facts that a question asks for."""

import pytest

from answer.nuggets import Nuggets, relevant_passages
from answer.questions import JudgedQuestion
from evaluation.outcomes import ShownPassage, read_outcome
from ingest.errors import CorpusError
from tests.evaluation.replies import passage, reply, views


def nuggets(*groups: tuple[str, ...], refs: tuple[int, ...] = (0,)) -> Nuggets:
    return Nuggets.of(JudgedQuestion("q", "?", "lookup", answerable=True, refs=refs, nuggets=groups))


def shown(*ids: str) -> tuple[ShownPassage, ...]:
    return read_outcome(reply(*(passage(each) for each in ids))).passages


def test_a_passage_is_relevant_when_its_document_is_named_and_it_shows_a_group() -> None:
    (article,) = shown("a1")
    (source,) = shown("s1")

    assert nuggets(("POLLEN",)).relevant(article, article.text)
    assert not nuggets(("camel",)).relevant(article, article.text)
    assert not nuggets(("pollen",)).relevant(source, source.text)
    assert nuggets(("pollen",), refs=(1,)).relevant(source, source.text)


def test_white_space_counts_as_one_space() -> None:
    (second,) = shown("a2")

    assert "\n" in second.text
    assert nuggets(("sneezing within",)).relevant(second, second.text)


def test_passages_are_complete_when_together_they_show_every_group() -> None:
    both = nuggets(("pollen", "dust"), ("sneez",))

    assert both.complete(shown("a1", "a2"))
    assert not both.complete(shown("a1"))
    assert not both.complete(())


def test_a_fact_shown_by_another_document_does_not_complete() -> None:
    assert not nuggets(("sneez",), ("forty",)).complete(shown("a2", "s1"))
    assert nuggets(("sneez",), ("forty",), refs=(0, 1)).complete(shown("a2", "s1"))


def test_without_groups_every_passage_of_the_named_documents_is_relevant() -> None:
    assert relevant_passages(nuggets(refs=(0,)), views().values()) == {"a1": 1, "a2": 1}


def test_relevant_passages_are_found_in_the_whole_index() -> None:
    found = relevant_passages(nuggets(("pollen",), refs=(0, 1)), views().values())

    assert found == {"a1": 1, "s1": 1}


def test_a_pattern_that_cannot_be_compiled_names_its_question() -> None:
    with pytest.raises(CorpusError, match=r"Question q: the nugget '\(' is no regular expression"):
        nuggets(("(",))
