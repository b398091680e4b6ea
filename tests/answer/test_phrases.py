"""Free text as words, and lists of phrases found in it."""

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
