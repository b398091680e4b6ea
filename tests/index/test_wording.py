from pathlib import Path

import pytest

from index.wording import Wording, find_abbreviations, lay_terms

TEXTS = [
    "Peripheral artery disease (PAD) narrows arteries.\nDiuretics and statins can cause cramps.",
    "Some cramps are inherited. Baclofen is a muscle relaxant.",
]


@pytest.mark.parametrize(
    ("query", "searched"),
    [
        ("Is it my water tablets?", "Is it my water tablets? (diuretic)"),
        ("do cramps run in families", "do cramps run in families (inherited)"),
        ("what is lioresal for", "what is lioresal for (baclofen)"),
        ("Why do I get a charley horse at night?", "Why do I get a charley horse at night? (cramp)"),
    ],
)
def test_the_documents_own_term_is_added_to_what_readers_say(query: str, searched: str) -> None:
    assert Wording.of(TEXTS).expand(query) == searched


def test_the_words_that_stand_for_a_term_of_the_documents_are_known_otherwise() -> None:
    wording = Wording.of(TEXTS)

    assert wording.known_otherwise("Do water tablets or PAD hurt?") == {"water", "tablet", "pad"}
    assert wording.known_otherwise("Is lioresal a tablet?") == {"liores"}
    assert wording.known_otherwise("Does valium help?") == frozenset()


def test_a_term_that_no_document_has_is_not_added() -> None:
    query = "Does valium help?"

    assert Wording.of(TEXTS).expand(query) == query
    assert Wording.of([*TEXTS, "Diazepam is a sedative."]).expand(query) == "Does valium help? (diazepam)"


def test_a_term_of_several_words_counts_only_where_its_words_stand_together() -> None:
    apart = Wording.of(["The muscle and the pain: a relaxant."])

    assert apart.expand("which relaxer is best") == "which relaxer is best"


def test_a_term_that_the_query_has_already_is_not_added() -> None:
    query = "Are water tablets (diuretics) to blame?"

    assert Wording.of(TEXTS).expand(query) == query


def test_an_abbreviation_is_spelled_out_and_its_long_form_shortened() -> None:
    wording = Wording.of(TEXTS)

    assert wording.expand("What is PAD?") == "What is PAD? (Peripheral artery disease)"
    assert (
        wording.expand("Can peripheral artery disease hurt?") == "Can peripheral artery disease hurt? (PAD)"
    )


def test_a_small_word_is_no_abbreviation() -> None:
    assert Wording.of(TEXTS).expand("heating pad or ice?") == "heating pad or ice?"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("amyotrophic lateral sclerosis (ALS)", {"ALS": "amyotrophic lateral sclerosis"}),
        ("They used electromyography (EMG) and more (see below).", {"EMG": "electromyography"}),
        ("exercise-associated muscle cramps (EAMC)", {"EAMC": "exercise-associated muscle cramps"}),
        ("a dose of magnesium (WHO)", {}),
        ("(ALS) begins a line", {}),
        ("a line before\n(ALS)", {}),
        ("in the years since (2006)", {}),
        ("the level is low (Level U)", {}),
    ],
)
def test_abbreviations_are_those_whose_letters_begin_in_the_words_before(
    text: str, found: dict[str, str]
) -> None:
    assert find_abbreviations([text]) == found


def test_the_first_definition_of_an_abbreviation_holds() -> None:
    texts = ["multiple sclerosis (MS)", "mitral stenosis (MS)"]

    assert find_abbreviations(texts) == {"MS": "multiple sclerosis"}


def test_what_is_read_back_expands_alike(tmp_path: Path) -> None:
    wording = Wording.of(TEXTS)
    wording.write(tmp_path / "wording.json")

    read = Wording.read(tmp_path / "wording.json")

    for query in (
        "water tablets",
        "PAD",
        "peripheral artery disease",
        "lioresal for muscle relaxers",
        "hello",
    ):
        assert read.expand(query) == wording.expand(query)
    assert (tmp_path / "wording.json").read_bytes() == _written(read, tmp_path / "again.json")


def _written(wording: Wording, path: Path) -> bytes:
    wording.write(path)
    return path.read_bytes()


def test_no_term_is_listed_twice_for_a_wording() -> None:
    listed = lay_terms()

    assert len(listed) > 400
    assert all(len(set(terms)) == len(terms) for terms in listed.values())
