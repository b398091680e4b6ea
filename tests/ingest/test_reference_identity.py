"""When two references are one work, when they are not, and when their data contradict each other."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.records import Reference
from ingest.reference_identity import (
    SAME_TITLE_FROM,
    Identity,
    Likeness,
    author_key,
    compare,
    fingerprint,
    identity_of,
    same_first_author,
    title_similarity,
)

CRAMPS = Identity(title="Night cramps in nurses", first_author="Ames BC", year=2004)


@pytest.mark.parametrize(
    ("changes", "likeness"),
    [
        ({}, Likeness.SAME),
        ({"title": "Night cramps in nurse"}, Likeness.SAME),
        ({"first_author": "Ames Bertha"}, Likeness.SAME),
        ({"first_author": "Ames D"}, Likeness.DIFFERENT),
        ({"first_author": "Ames B"}, Likeness.SAME),
        ({"year": 2005}, Likeness.DIFFERENT),
        ({"title": "Cold rooms and stiff backs"}, Likeness.DIFFERENT),
        ({"volume": "3"}, Likeness.SAME),
    ],
)
def test_without_identifiers_title_first_author_and_year_decide(
    changes: dict[str, object], likeness: Likeness
) -> None:
    other = Identity(**{**{"title": CRAMPS.title, "first_author": "Ames BC", "year": 2004}, **changes})  # type: ignore[arg-type]

    assert compare(CRAMPS, other) is likeness
    assert compare(other, CRAMPS) is likeness


def test_a_shared_identifier_is_enough_and_another_one_that_differs_contradicts_it() -> None:
    one = Identity(doi="10.5555/a", pmid="1")

    assert compare(one, Identity(doi="10.5555/a")) is Likeness.SAME
    assert compare(one, Identity(doi="10.5555/a", pmid="2")) is Likeness.CONTRADICTORY
    assert compare(one, Identity(doi="10.5555/b", pmid="2")) is Likeness.DIFFERENT


def test_a_shared_identifier_with_an_unrelated_title_is_a_contradiction() -> None:
    one = replace(CRAMPS, doi="10.5555/a")

    assert (
        compare(one, Identity(title="Cold rooms and stiff backs", doi="10.5555/a")) is Likeness.CONTRADICTORY
    )
    assert (
        compare(one, Identity(title="Night cramps in nurses: a trial of salt", doi="10.5555/a"))
        is Likeness.SAME
    )


def test_one_title_at_two_places_is_a_contradiction_only_if_volume_and_page_both_differ() -> None:
    placed = replace(CRAMPS, volume="12", first_page="3")

    assert compare(placed, replace(CRAMPS, volume="12", first_page="e3")) is Likeness.SAME
    assert compare(placed, replace(CRAMPS, volume="13", first_page="44")) is Likeness.CONTRADICTORY
    assert (
        compare(placed, replace(placed, title="Night cramps in nurse", first_page="9"))
        is Likeness.CONTRADICTORY
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pain, part I", "Pain, part II"),
        ("Deaths among divers in 2010", "Deaths among divers in 2011"),
        ("Hyponatraemia after marathons", "Hypernatraemia after marathons"),
        ("Stretching with resistance bands", "Stretching without resistance bands"),
        ("Night cramps in older women and their care", "Night cramps in older men and their care"),
        ("Erratum: night cramps in nurses at work", "Night cramps in nurses at work"),
    ],
)
def test_a_decisive_word_makes_another_title(one: str, other: str) -> None:
    assert title_similarity(one, other) < SAME_TITLE_FROM


@pytest.mark.parametrize(
    "other",
    [
        "NIGHT CRAMPS – IN NURSES.",
        "Night cramps in nurses",
        "Níght cramps in nurses",
        "Night crampsin nurses",
        "“Night cramps” in nurses",
    ],
)
def test_capitals_accents_dashes_and_slips_make_no_other_title(other: str) -> None:
    assert title_similarity("Night cramps in nurses", other) >= SAME_TITLE_FROM


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("van der Meer K", "Meer K"),
        ("Müller J-P", "Muller JP"),
        ("Østergård Å", "Ostergard A"),
        ("O’Neil BC", "O'Neil B"),
        ("Ames BC", "Ames Bertha C"),
        ("Ames, B. C.", "Ames"),
        ("MediLibrary (National Library)", "MediLibrary"),
        ("World Limb Organization", "World limb organization"),
    ],
)
def test_forms_of_one_name_are_one_author(one: str, other: str) -> None:
    assert same_first_author(one, other)
    assert same_first_author(other, one)
    assert author_key(one) == author_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ames B", "Ames C"),
        ("Ames B", "Ames Cora"),
        ("Smith-Jones AB", "Smith AB"),
        ("World Limb Organization", "World Limb Organization Europe"),
        ("World", "World Limb Organization"),
    ],
)
def test_other_names_are_other_authors(one: str, other: str) -> None:
    assert not same_first_author(one, other)
    assert not same_first_author(other, one)


def test_the_first_page_is_taken_from_a_range() -> None:
    identity = identity_of(Reference(1, "a", pages="pp. 12–15", volume="3"))

    assert (identity.volume, identity.first_page) == ("3", "12")


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://www.example.org/a/", "example.org/a"),
        ("http://EXAMPLE.org/a#b", "example.org/a"),
        ("https://doi.org/10.5555/a", None),
        ("https://example.org/", None),
        ("https://example.org", None),
    ],
)
def test_addresses_are_compared_without_scheme_and_only_if_they_lead_to_a_page(
    url: str, bare: str | None
) -> None:
    assert identity_of(Reference(1, "a", url=url)).url == bare


def test_fingerprints_see_letters_and_digits_and_scope() -> None:
    assert fingerprint("Ames B. Salt, 2004.") == fingerprint("AMES B – salt (2004)")
    assert fingerprint("Ames B. Salt, 2004.") != fingerprint("Ames B. Salt, 2005.")
    assert fingerprint("Ibid.", "a") != fingerprint("Ibid.", "b")


identities = st.builds(
    Identity,
    title=st.sampled_from([None, "Night cramps", "Night cramp", "Stiff backs"]),
    first_author=st.sampled_from([None, "Ames B", "van Ames BC", "Cole D"]),
    year=st.sampled_from([None, 2004, 2005]),
    doi=st.sampled_from([None, "10.5555/a", "10.5555/b"]),
    pmid=st.sampled_from([None, "1", "2"]),
    url=st.sampled_from([None, "example.org/a", "example.org/b"]),
    volume=st.sampled_from([None, "1", "2"]),
    first_page=st.sampled_from([None, "1", "2"]),
)


@given(identities, identities)
def test_a_comparison_is_the_same_from_both_sides(one: Identity, other: Identity) -> None:
    assert compare(one, other) is compare(other, one)


@given(identities)
def test_nothing_contradicts_itself(one: Identity) -> None:
    assert compare(one, one) is not Likeness.CONTRADICTORY


@given(st.text(), st.text())
def test_similarity_is_between_0_and_100_and_whole_for_one_title(one: str, other: str) -> None:
    assert 0 <= title_similarity(one, other) <= 100
    assert title_similarity(one, one) == 100
    assert same_first_author(one, one)
