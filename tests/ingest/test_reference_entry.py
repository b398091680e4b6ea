"""What one printed entry says of itself, in the styles that health articles use."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.records import Reference
from ingest.reference_entry import MISSING_PROBLEMS, parse_reference

ARTICLE = {
    "title": "Salt and cramps",
    "authors": ("Ames BC", "Cole D"),
    "year": 2004,
    "container": "Journal of Limb Medicine",
    "volume": "12",
    "issue": "3",
    "pages": "45-67",
}


def fields(reference: Reference, names: Any) -> dict[str, object]:
    return {name: getattr(reference, name) for name in names}


@pytest.mark.parametrize(
    "text",
    [
        "Ames, B. C., & Cole, D. (2004). Salt and cramps. Journal of Limb Medicine, 12(3), 45-67.",
        "Ames BC, Cole D. Salt and cramps. Journal of Limb Medicine. 2004;12(3):45-67.",
        "Ames BC, Cole D. Salt and cramps. Journal of Limb Medicine. 2004 Oct 3;12(3):45-67. Epub 2003 Dec 1.",
        "Ames BC, Cole D: Salt and cramps. Journal of Limb Medicine 2004, 12(3):45-67.",
        "Ames BC, Cole D (2004) Salt and cramps. Journal of Limb Medicine 12(3): 45-67.",
        "Ames BC, Cole D. 2004. Salt and cramps. Journal of Limb Medicine 12(3):45-67.",
        "Ames, B.C. and Cole, D. (2004) ‘Salt and cramps’, Journal of Limb Medicine, 12(3), pp. 45-67.",
        "Ames, BC & Cole, D 2004, 'Salt and cramps', Journal of Limb Medicine, vol. 12, no. 3, pp. 45-67.",
        "Ames, B. C., Cole, D., 2004. Salt and cramps. Journal of Limb Medicine 12 (3), 45-67.",
        "Ames, B. C., and D. Cole. “Salt and cramps.” Journal of Limb Medicine 12, no. 3 (2004): 45-67.",
        "B. C. Ames and D. Cole, “Salt and cramps,” Journal of Limb Medicine, vol. 12, no. 3, pp. 45-67, Mar. 2004.",
        "**Ames BC, Cole D.** Salt and cramps. *Journal of Limb Medicine*. 2004;12(3):45-67.",
    ],
)
def test_an_article_is_read_alike_in_every_style(text: str) -> None:
    reference = parse_reference(text, 1)

    assert fields(reference, ARTICLE) == ARTICLE
    assert reference.problems == ()


def test_the_text_is_kept_as_printed_with_white_space_made_plain() -> None:
    assert parse_reference("  Ames B.\tOn  salt.\n2004. ", 3).text == "Ames B. On salt. 2004."


def test_identifiers_are_read_and_play_no_part_in_the_other_fields() -> None:
    reference = parse_reference(
        "Ames BC, Cole D. Salt and cramps. Journal of Limb Medicine. 2004;12(3):45-67. doi: 10.5555/JLM.7. "
        "PMID: 123456; PMCID: PMC98765. [PubMed] [Google Scholar]",
        1,
    )

    assert fields(reference, ARTICLE) == ARTICLE
    assert (reference.doi, reference.pmid, reference.pmcid) == ("10.5555/jlm.7", "123456", "PMC98765")
    assert reference.url == "https://doi.org/10.5555/jlm.7"


def test_a_doi_without_its_ten_is_corrected_in_doi_and_address_and_a_problem_says_so() -> None:
    reference = parse_reference("Ames, B. (2004). Salt. Limb, 1(2), 3. https://doi.org/5555/limb.7", 1)

    assert reference.doi == "10.5555/limb.7"
    assert reference.url == "https://doi.org/10.5555/limb.7"
    assert reference.text.endswith("https://doi.org/5555/limb.7")
    assert reference.problems == (
        "The DOI is printed as 5555/limb.7, without its leading “10.”; corrected to 10.5555/limb.7.",
    )


def test_two_different_dois_in_one_entry_are_a_problem() -> None:
    reference = parse_reference("Ames B. Salt. Limb 2004;1:2. doi:10.5555/a doi:10.5555/b", 1)

    assert reference.doi == "10.5555/a"
    assert any("10.5555/b" in problem for problem in reference.problems)


@pytest.mark.parametrize(
    ("text", "authors"),
    [
        (
            "van der Berg K, de la Cruz-Ortiz M, von Zed A. Salt. Limb 2004;1:2.",
            ("van der Berg K", "de la Cruz-Ortiz M", "von Zed A"),
        ),
        ("Østergård Å, Żuk Ł, Müller J-P. Salt. Limb 2004;1:2.", ("Østergård Å", "Żuk Ł", "Müller J-P")),
        ("O'Neil BC, D’Arcy L, Al-Ani S. Salt. Limb 2004;1:2.", ("O'Neil BC", "D’Arcy L", "Al-Ani S")),
        ("De Los Reyes J, Ames B Jr. Salt. Limb 2004;1:2.", ("De Los Reyes J", "Ames B")),
        ("Ames BC, Cole D, et al. Salt. Limb 2004;1:2.", ("Ames BC", "Cole D")),
        ("Ames, B. C., Cole, D., … Fox, E. (2004). Salt. Limb, 1, 2.", ("Ames BC", "Cole D", "Fox E")),
        ("Ames, Bertha, and Dan Cole. “Salt.” Limb 1 (2004): 2.", ("Ames Bertha", "Cole Dan")),
        (
            "Ames B, Cole D, the CRAMP Study Group. Salt. Limb 2004;1:2.",
            ("Ames B", "Cole D", "the CRAMP Study Group"),
        ),
        ("Ames B, cole DE, Fox E (2004) Salt. Limb 1: 2.", ("Ames B", "cole DE", "Fox E")),
    ],
)
def test_names_of_many_kinds_are_read(text: str, authors: tuple[str, ...]) -> None:
    reference = parse_reference(text, 1)

    assert reference.authors == authors
    assert (reference.title, reference.year) == ("Salt", 2004)


def test_names_that_cannot_all_be_told_apart_are_a_problem() -> None:
    reference = parse_reference("Ames, B. C., Qq7 ldziej, S. 2., & Fox, E. (2004). Salt. Limb, 1, 2.", 1)

    assert reference.authors[0] == "Ames BC"
    assert (reference.title, reference.year) == ("Salt", 2004)
    assert "Not all authors could be told apart in the printed entry." in reference.problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "MediLibrary. (2019, October). Quinine: MediLibrary Drug Information. National Library of Limbs. https://example.org/q1.html",
            {
                "authors": ("MediLibrary",),
                "year": 2019,
                "title": "Quinine: MediLibrary Drug Information",
                "container": "National Library of Limbs",
                "url": "https://example.org/q1.html",
            },
        ),
        (
            "World Limb Organization. Guidelines for limb care. Geneva: WLO; 2008.",
            {"authors": ("World Limb Organization",), "year": 2008, "title": "Guidelines for limb care"},
        ),
        (
            "Northern Health Service. Leg cramps [Internet]. London: NHS; 2020 [updated 2021 May 3; "
            "cited 2022 Jun 4]. Available from: https://example.org/leg-cramps/",
            {
                "authors": ("Northern Health Service",),
                "year": 2020,
                "title": "Leg cramps",
                "url": "https://example.org/leg-cramps/",
            },
        ),
        (
            "Fox E. Salt and water. In: Ames B, Cole D, editors. The limb book. New York: Limb Press; 2008. p. 12-15.",
            {
                "authors": ("Fox E",),
                "year": 2008,
                "title": "Salt and water",
                "container": "The limb book",
                "pages": "12-15",
            },
        ),
        (
            "Fox, E. (2008). Salt and water. In B. Ames & C. Cole (Eds.), The limb book (pp. 12–15). Limb Press.",
            {
                "authors": ("Fox E",),
                "year": 2008,
                "title": "Salt and water",
                "container": "The limb book",
                "pages": "12–15",
            },
        ),
        (
            "Leg cramps. Limb Clinic. https://example.org/leg-cramps. Accessed May 3, 2020.",
            {"authors": (), "year": None, "title": "Leg cramps", "container": "Limb Clinic"},
        ),
    ],
)
def test_books_chapters_and_pages_are_read(text: str, expected: dict[str, object]) -> None:
    assert fields(parse_reference(text, 1), expected) == expected


@pytest.mark.parametrize(
    ("text", "title", "container"),
    [
        ("Ames B. Does salt help? Limb 2004;1:2.", "Does salt help?", "Limb"),
        (
            "Ames B. Where? When? Why? Limbs in pain. Limb 2004;1:2.",
            "Where? When? Why? Limbs in pain",
            "Limb",
        ),
        (
            "Ames B. Salt in C. elegans. A review. J. Biol. Limb. 2004;1:2.",
            "Salt in C. elegans. A review",
            "J. Biol. Limb",
        ),
        (
            "Ames B (2004) Salt vs. water: a trial. Limb (Oxf. ed.) 1: 2.",
            "Salt vs. water: a trial",
            "Limb (Oxf. ed.)",
        ),
        ("Ames B. Type 2: the story. Limb 2004;1:2.", "Type 2: the story", "Limb"),
        ("Ames B. Vitamin D in 2003, and after. Limb 2004;1:2.", "Vitamin D in 2003, and after", "Limb"),
    ],
)
def test_titles_with_stops_colons_and_question_marks_end_in_the_right_place(
    text: str, title: str, container: str
) -> None:
    reference = parse_reference(text, 1)

    assert (reference.title, reference.container, reference.year) == (title, container, 2004)


def test_an_undated_entry_says_so_and_has_no_year() -> None:
    reference = parse_reference(
        "Limb Clinic. (n.d.). Night cramps. Retrieved May 3, 2020, from https://example.org/n", 1
    )

    assert (reference.year, reference.title) == (None, "Night cramps")
    assert reference.problems == ("The entry is printed without a date (“n.d.”).",)


@pytest.mark.parametrize(
    "date", ["(2019, October)", "(2019a)", "(2019, May 3)", "(2019/2020)", "2019.", "(Oct 2019)"]
)
def test_the_year_is_read_from_dates_of_many_forms(date: str) -> None:
    assert parse_reference(f"Ames, B. {date} Salt and cramps. Limb, 1(2), 3–4.", 1).year == 2019


def test_a_date_of_access_is_not_the_year() -> None:
    reference = parse_reference("Ames B. Salt. Available from: https://example.org/s Accessed 3 May 2020.", 1)

    assert reference.year is None
    assert MISSING_PROBLEMS["year"] in reference.problems


def test_an_address_alone_yields_nothing_but_the_address_and_problems() -> None:
    reference = parse_reference("https://example.org/limbs/cramps", 4)

    assert reference == Reference(
        4,
        "https://example.org/limbs/cramps",
        url="https://example.org/limbs/cramps",
        problems=tuple(MISSING_PROBLEMS.values()),
    )


def test_a_text_too_long_for_an_entry_is_kept_whole_and_only_its_identifiers_are_read() -> None:
    text = "Ames B. Salt. Limb 2004;1:2. " + "and so on " * 400 + "doi:10.5555/limb"

    reference = parse_reference(text, 1)

    assert reference.text == text
    assert (reference.doi, reference.title) == ("10.5555/limb", None)
    assert any("only identifiers were looked for" in problem for problem in reference.problems)


@given(st.text(max_size=300))
def test_whatever_is_printed_is_kept_and_nothing_is_made_up(text: str) -> None:
    reference = parse_reference(text, 1)
    visible = "".join(reference.text.split())

    assert reference.text == " ".join(text.split())
    for value in (reference.container, reference.volume, reference.pages, *reference.authors[:1]):
        assert value is None or set(value) - set(" -") <= set(visible) | {" "}
    assert reference.title or MISSING_PROBLEMS["title"] in reference.problems
