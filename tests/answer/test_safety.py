"""What a reader who describes an emergency is told first, and which passage says why."""

from typing import cast

import numpy as np

from answer.safety import DISCLAIMER, MAX_NOTICES, find_notices
from index.searching import RankedPassage, Searcher, SearchResult
from index.token_codes import quantize_tokens
from ingest.records import Passage, Sentence, passage_id

CLOT = "See a doctor for a limb that is swollen or red. A clot may cause redness and swelling."
CRAMP = "Cramps are mostly harmless. Stretching helps."
WITHDRAWAL = "Whoever stops the tablets abruptly may get fever, confusion and seizures."
SPLIT = "A clot is a lump of blood. Redness has many causes."


class FakeSearcher:
    """An in-memory twin that returns the same passages, in this order, for any query."""

    def __init__(self, *texts: str) -> None:
        self.passages = [_passage(text) for text in texts]
        self.queries: list[str] = []

    def search(self, query: str, *, k: int) -> SearchResult:
        self.queries.append(query)
        ranked = tuple(
            RankedPassage(passage, position=at, rank=at + 1, score=1.0, dense=1.0, lexical=1.0, late=None)
            for at, passage in enumerate(self.passages[:k])
        )
        no_tokens = quantize_tokens(np.empty((0, 1), np.float32), np.empty(0, np.int64), special=frozenset())
        return SearchResult(query, query, np.zeros(1, dtype=np.float32), no_tokens, ranked)


def _passage(text: str, start: int = 100) -> Passage:
    ends = [at + 1 for at, letter in enumerate(text) if letter == "."]
    starts = [0, *(end + 1 for end in ends[:-1])]
    sentences = tuple(Sentence(start + a, start + b) for a, b in zip(starts, ends, strict=True))
    return Passage(passage_id("doc", start, text), "doc", text, start, start + len(text), text, sentences)


def notices(question: str, *texts: str) -> list[tuple[str, str | None]]:
    searcher = FakeSearcher(*texts)
    return [(notice.text, notice.passage_id) for notice in find_notices(question, cast(Searcher, searcher))]


def test_a_notice_names_the_passage_that_says_why() -> None:
    ((text, passage),) = notices("My calf is red, hot and swollen", CRAMP, CLOT)

    assert "clot" in text
    assert passage == _passage(CLOT).passage_id


def test_a_passage_must_say_why_in_one_sentence() -> None:
    assert notices("My calf is red, hot and swollen", CRAMP, SPLIT)[0][1] is None


def test_a_notice_stands_without_a_passage() -> None:
    assert notices("crushing chest pain", CRAMP)[0][1] is None


def test_the_passage_that_says_why_is_looked_up_once_for_each_index() -> None:
    asked = "My calf is red, hot and swollen."
    with_it, without = FakeSearcher(CLOT), FakeSearcher("Drink enough water.")

    for _ in range(2):
        assert all(each.passage_id for each in find_notices(asked, cast(Searcher, with_it)))
        assert not any(each.passage_id for each in find_notices(asked, cast(Searcher, without)))

    assert len(with_it.queries) == len(without.queries) == 1


def test_an_ordinary_question_has_no_notice_and_costs_no_search() -> None:
    searcher = FakeSearcher(CLOT)

    assert find_notices("Can a clot make a leg red?", cast(Searcher, searcher)) == ()
    assert searcher.queries == []


def test_the_most_urgent_notice_comes_first() -> None:
    (first, second) = notices("Stopped baclofen, confused, and my chest hurts", WITHDRAWAL)

    assert "chest" in first[0]
    assert second[1] == _passage(WITHDRAWAL).passage_id


def test_there_are_at_most_three_notices() -> None:
    question = "He can't breathe, had a seizure this morning, chest pain, slurred speech and took 30 tablets"

    assert len(notices(question)) == MAX_NOTICES


def test_the_disclaimer_says_what_the_reply_is_not() -> None:
    assert "not medical advice" in DISCLAIMER
