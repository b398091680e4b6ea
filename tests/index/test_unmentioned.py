import pytest

from index.lexical import terms
from index.unmentioned import find_unmentioned

INDEXED = frozenset(
    terms(
        "Baclofen and stretching ease muscle cramps in women at night. Paracetamol eases pain. The cost is low."
    )
)


def unmentioned(question: str, known_otherwise: frozenset[str] = frozenset()) -> list[str]:
    def is_indexed(word: str) -> bool:
        return any(term in INDEXED for term in terms(word))

    return list(find_unmentioned(question, is_indexed=is_indexed, known_otherwise=known_otherwise))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Does levetiracetam reduce cramps?", ["levetiracetam"]),
        ("do bananas or pickle juice stop a cramp", ["bananas", "pickle"]),
        ("Will an MRI show a cramp?", ["MRI"]),
        ("Which costs less, Tizanidine or tizanidine?", ["Tizanidine"]),
        ("Intrathecal? An intrathecal-baclofen pump!", ["Intrathecal"]),
    ],
)
def test_what_no_passage_has_is_named_as_it_is_written_and_once(question: str, expected: list[str]) -> None:
    assert unmentioned(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "Does a cramped muscle ease when stretched?",  # another form of what is there
        "what really happens to my family when they drive home together",  # common words
        "why won’t it stop, and why isn't it over",  # contractions
        "ow zz 42 x3 ?!",  # too short to say anything, or no word
        "the and of with",  # stop words
        "",
    ],
)
def test_what_tells_nothing_is_left_out(question: str) -> None:
    assert unmentioned(question) == []


def test_a_word_that_the_documents_say_otherwise_is_not_missing() -> None:
    assert unmentioned("Is acetaminophen safe?") == ["acetaminophen"]
    assert unmentioned("Is acetaminophen safe?", known_otherwise=frozenset({"acetaminophen"})) == []
