"""Free text as words, and lists of phrases found in it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answer.phrases import Match, Normalizer, PhraseLists, Speller, compile_rewrites

NORMALIZER = Normalizer(
    spellings={"cant": "cannot", "n": "and"},
    rewrites=compile_rewrites({"not able to": "cannot"}),
    speller=Speller(["swollen", "hallucinating"], known=["spoken"]),
)


def found(lists: dict[str, list[str]], question: str) -> list[tuple[str, int, int]]:
    matches = PhraseLists(lists).find(NORMALIZER.normalize(question))
    return [(match.name, match.start, match.end) for match in matches]


def test_contractions_are_written_out() -> None:
    assert NORMALIZER.normalize("I’m sure he isn't; I CAN'T").words == (
        "i", "am", "sure", "he", "is", "not", ",", "i", "cannot",
    )  # fmt: skip


def test_spellings_and_rewrites_are_applied() -> None:
    assert NORMALIZER.normalize("red n hot, not able to walk").words == (
        "red",
        "and",
        "hot",
        ",",
        "cannot",
        "walk",
    )


@pytest.mark.parametrize("typed", ["swolen", "swollne", "swolllen", "halucinatng"])
def test_a_slip_in_a_word_of_the_lexicon_is_corrected(typed: str) -> None:
    assert NORMALIZER.normalize(typed).words[0] in {"swollen", "hallucinating"}


@pytest.mark.parametrize("typed", ["spoken", "wollen", "sullen", "swim"])
def test_other_words_are_left_alone(typed: str) -> None:
    assert NORMALIZER.normalize(typed).words == (typed,)


def test_a_phrase_is_found_in_any_inflection() -> None:
    assert found({"pain": ["hurt"]}, "it hurts, hurting") == [("pain", 1, 2), ("pain", 3, 4)]


def test_a_gap_spans_three_words_but_no_mark_and_no_denial() -> None:
    lists = {"sign": ["cannot .. walk"]}

    assert found(lists, "I cannot really even properly walk") == [("sign", 1, 6)]
    assert found(lists, "I cannot say, walk") == []
    assert found(lists, "I cannot say not walk") == []
    assert found(lists, "I cannot really even quite properly walk") == []


def test_a_phrase_can_name_another_list() -> None:
    lists = {"drug": ["baclofen", "muscle relaxant"], "stop": ["no @drug", "@drug .. stopped|over"]}

    assert ("stop", 0, 3) in found(lists, "no muscle relaxant")
    assert ("stop", 0, 3) in found(lists, "baclofen is over")


def test_five_or_more_are_counted_but_not_milligrams() -> None:
    lists = {"many": ["#5+"]}

    assert found(lists, "took 12 tablets") == [("many", 1, 2)]
    assert found(lists, "took 12 mg, 3 tablets") == []


@pytest.mark.parametrize("lists", [{"a": ["@b"]}, {"a": ["x @a"]}, {"a": ["@b"], "b": ["@a"]}])
def test_a_name_without_a_list_or_of_itself_is_refused(lists: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match="correct the name"):
        PhraseLists(lists)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_becomes_words_that_matches_lie_in(text: str) -> None:
    words = NORMALIZER.normalize(text).words
    matches: list[Match] = PhraseLists({"a": ["a", "i .. a"]}).find(NORMALIZER.normalize(text))

    assert all(0 <= match.start < match.end <= len(words) for match in matches)


LISTS = {
    "leg": ["calf", "lower leg"],
    "swollen": ["@leg .. swell|puff", "swell .. @leg|ankle"],
    "many": ["#5+ @leg|tablet", "take #5+"],
    "worse": ["@swollen get|grow worse"],
}
WORDS = ["calf", "lower", "leg", "swelled", "puffy", "swelling", "ankle", "six", "8", "tablets"]
WORDS += ["take", "gets", "growing", "worse", "no", ",", "."]


class ThoroughLists(PhraseLists):
    """Looks for every phrase that may begin where a text has its first word."""

    def _needs_of(self, _phrase: Any) -> tuple[frozenset[str], ...]:
        return ()


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_what_a_text_has_no_word_for_is_only_passed_over_where_it_is_not_found(text: str) -> None:
    words = NORMALIZER.normalize(text)

    assert PhraseLists(LISTS).find(words) == ThoroughLists(LISTS).find(words)


def test_a_pattern_is_made_only_for_a_text_that_has_a_word_of_each_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lists = PhraseLists(LISTS)
    made: list[str] = []
    pattern_of = PhraseLists._pattern_of

    def watched(self: PhraseLists, phrase: Any) -> str:
        made.append(phrase.name)
        return pattern_of(self, phrase)

    monkeypatch.setattr(PhraseLists, "_pattern_of", watched)

    assert [match.name for match in lists.find(NORMALIZER.normalize("my calf hurts and I take tablets"))] == [
        "leg"
    ]
    assert set(made) == {"leg", "many"}  # of any number nothing can be said beforehand
