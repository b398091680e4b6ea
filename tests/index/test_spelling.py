from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.spelling import Spelling, english_words

SPELLING = Spelling.of(["Antihistamine tablets and a nasal spray", "a nasal rinse", "tablets"])


def correct(query: str) -> str:
    return SPELLING.correct(query, is_indexed=lambda word: word == "sprayz")


@pytest.mark.parametrize(
    ("query", "corrected"),
    [
        ("antihistamien tablets?", "antihistamine tablets?"),
        ("Do TABLEST help?", "Do tablets help?"),
        ("nassal rinse", "nasal rinse"),
    ],
)
def test_a_misspelled_word_becomes_the_nearest_word_of_the_index(query: str, corrected: str) -> None:
    assert correct(query) == corrected


@pytest.mark.parametrize(
    "query",
    [
        "tablets",  # of the index
        "stable nasally",  # English
        "sprayz",  # another form of an indexed word
        "tbl spr",  # too short to tell
        "xantihistamine",  # another initial
        "paracetamol",  # nothing is near
        "don't",
        "5mg [2] 10-20%",
        "",
    ],
)
def test_what_may_be_meant_as_it_is_written_is_left_alone(query: str) -> None:
    assert correct(query) == query


@pytest.mark.parametrize(
    ("heard", "meant"),
    [("exersize", "exercise"), ("farmasist", "pharmacist"), ("sistic", "cystic"), ("majnesium", "majnesium")],
)
def test_a_word_that_sounds_like_one_of_the_index_becomes_it(heard: str, meant: str) -> None:
    words = Spelling.of(["exercise pharmacist cystic magnesia"])

    assert words.correct(heard, is_indexed=lambda _: False) == meant


@pytest.mark.parametrize(
    ("asked", "indexed"),
    [("hyperkalaemia", "hypokalaemia"), ("hypernatremia", "hyponatremia"), ("prednisolone", "prednisone")],
)
def test_one_medical_word_never_becomes_another_that_resembles_it(asked: str, indexed: str) -> None:
    assert Spelling.of([indexed]).correct(asked, is_indexed=lambda _: False) == asked


def test_of_equally_near_words_the_more_frequent_one_is_taken_and_then_the_first() -> None:
    often = Spelling.of(["barkly barkls barkls"])
    alike = Spelling.of(["barkly barkls"])

    assert often.correct("barklz", is_indexed=lambda _: False) == "barkls"
    assert alike.correct("barklz", is_indexed=lambda _: False) == "barkls"


@given(st.text(max_size=60))
def test_a_corrected_query_stays_as_it_is(query: str) -> None:
    assert correct(correct(query)) == correct(query)


def test_words_that_are_written_and_read_correct_as_before_and_give_the_same_bytes(tmp_path: Path) -> None:
    SPELLING.write(tmp_path / "one")
    again = Spelling.read(tmp_path / "one")
    again.write(tmp_path / "two")

    assert again.correct("antihistamien", is_indexed=lambda _: False) == "antihistamine"
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_english_words_are_many_and_in_lower_case() -> None:
    assert len(english_words()) > 80_000
    assert all(word == word.strip().lower() for word in english_words())
    assert {"measles", "muscle"} <= english_words()
