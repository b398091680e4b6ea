"""When a text is taken for the work that was asked for, and when it is not."""

import pytest

from ingest.readers.registry import read_document
from ingest.reference_identity import Identity
from ingest.work_checking import Verdict, check_identity, check_reading

TITLE = "Cold packs and stings of honey bees: a trial in beekeepers"
LISTED = Identity(title=TITLE, first_author="Van Alder BC", year=2020)


def verdict(**changes: object) -> Verdict:
    found = {"title": TITLE, "first_author": "Van Alder BC", "year": 2020} | changes
    return check_identity(Identity(**found), LISTED).verdict  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"title": TITLE.upper() + "."},
        {"title": "Cold packs and stings of honey-bees : A trial in beekeepers"},
        {"title": "Cold packs and stings of honey bees"},
        {"title": f"RETRACTED: {TITLE}"},
        {"title": f"{TITLE} - Apiary Medicine"},
        {"first_author": "Bea C. van Alder"},
        {"first_author": "Alder, Bea"},
        {"first_author": None},
        {"year": 2021},
        {"year": None},
    ],
)
def test_the_same_work_in_another_print_agrees(changes: dict[str, object]) -> None:
    assert verdict(**changes) is Verdict.AGREES


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Cold packs"},
        {"title": "Warm packs and stings of honey bees and wasps in gardeners"},
        {"title": f"Correction to: {TITLE}"},
        {"title": f"{TITLE}: reply"},
        {"title": f"Retraction: {TITLE}"},
        {"title": TITLE + " II"},
        {"title": TITLE + ", part 2"},
        {"first_author": "Birch D"},
        {"year": 2017},
    ],
)
def test_another_work_contradicts(changes: dict[str, object]) -> None:
    assert verdict(**changes) is Verdict.CONTRADICTS


def test_another_doi_contradicts_whatever_else_agrees() -> None:
    one, other = (Identity(title=TITLE, doi=f"10.5555/{name}") for name in "ab")

    assert check_identity(one, other).verdict is Verdict.CONTRADICTS


def test_one_doi_makes_up_for_a_shortened_title_but_not_for_another() -> None:
    listed = Identity(title=TITLE, doi="10.5555/a")

    assert check_identity(Identity(title="Cold packs", doi="10.5555/a"), listed).verdict is Verdict.AGREES
    other = Identity(title="Frostbite of toes", doi="10.5555/a")
    assert check_identity(other, listed).verdict is Verdict.CONTRADICTS


def test_without_a_title_nothing_is_confirmed() -> None:
    assert (
        check_identity(Identity(first_author="Van Alder BC", year=2020), LISTED).verdict
        is Verdict.UNCONFIRMED
    )


def text_verdict(text: str) -> Verdict:
    return check_reading(read_document(text.encode(), name="a.txt"), LISTED).verdict


def test_a_title_and_author_in_the_first_lines_are_enough() -> None:
    text = f"2020;7:1\n\nORIGINAL ARTICLE\n\n{TITLE}\n\nB. C. van Alder and D. Birch\n\nBees sting.\n"

    assert text_verdict(text) is Verdict.AGREES


@pytest.mark.parametrize(
    "text",
    [
        f"Letter\n\nComment on: {TITLE}\n\nE. Cedar writes that Alder was wrong about bees.\n",
        "Nettle rash in gardeners\n\nAlder says that dock leaves do not help.\n",
        "filler " * 2_000 + f"\n\n{TITLE}\n\nAlder\n",
    ],
)
def test_a_text_that_only_mentions_the_work_is_not_the_work(text: str) -> None:
    assert text_verdict(text) is not Verdict.AGREES
