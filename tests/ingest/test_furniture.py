"""What of a copied page is furniture, by its shape and place."""

import pytest

from ingest.furniture import (
    PageLine,
    find_controls,
    find_tail,
    is_breadcrumb,
    is_control,
    is_fragment,
    is_page_talk,
)

PROSE = "Stretching before bed made cramps rarer in most of the people who took part in the trial."


def lines(*texts: str) -> list[PageLine]:
    """Lines as the reader hands them over; "# " makes a heading, "- " an item."""
    kinds = {"# ": "heading", "- ": "list_item"}
    return [
        PageLine("heading", text[2:])
        if text[:2] == "# "
        else PageLine("list_item", text[2:])
        if text[:2] in kinds
        else PageLine("paragraph", text, has_marker="[1]" in text)
        for text in texts
    ]


def left_out(*texts: str, after_references: bool = True) -> list[str]:
    found = find_tail(lines(*texts), after_references=after_references)
    return [texts[at].removeprefix("# ").removeprefix("- ") for at in sorted(found)]


def test_an_author_box_is_furniture_by_its_repeated_names_degrees_and_years() -> None:
    box = [
        "Vera Lindqvist",
        "Vera Lindqvist",
        "MBChB, MSc",
        "12 years",
        "Otto Farkas",
        "Otto Farkas",
        "RN",
        "3 years",
    ]

    assert left_out(*box) == box


def test_prose_between_fragments_is_furniture_too() -> None:
    tail = [
        "Choose a topic",
        "# Stay informed",
        PROSE,
        "# Head office",
        "Keep up",
        "Our seal",
        "By mail",
        "12 Mill Lane",
        "+44 1632 960123",
        "© 2021 Zellora",
    ]

    assert left_out(*tail) == [text.removeprefix("# ") for text in tail]


def test_a_disclaimer_between_the_references_and_the_fragments_is_furniture() -> None:
    note = "This text is for educational purposes only and replaces no visit to a doctor who knows you."
    tail = ["# Please note", note, "# Ways to pay", "cardIconcardIconcardIcon", "© 2021 Zellora", "Share"]

    assert left_out(*tail) == [text.removeprefix("# ") for text in tail]
    assert left_out("# Later work", PROSE, *tail)[0] == "Please note"


def test_repeated_words_versions_and_numbers_alone_are_furniture() -> None:
    tail = ["# Ways to pay", "cardIconcardIconcardIcon", "v3.12.1", "4.8", "01632 960 777"]

    assert left_out(*tail) == [text.removeprefix("# ") for text in tail]


def test_document_prose_behind_the_references_is_kept() -> None:
    assert left_out("# Later work", PROSE, PROSE, "# Other groups", PROSE) == []


@pytest.mark.parametrize(
    "heading", ["Appendix B", "Glossary", "Acknowledgements", "Conflicts of interest", "Funding"]
)
def test_back_matter_is_kept_among_furniture(heading: str) -> None:
    assert left_out("Share", "Print", f"# {heading}", PROSE, "# More", "Facebook", "© 2021 Zellora") == [
        "Share",
        "Print",
        "More",
        "Facebook",
        "© 2021 Zellora",
    ]


def test_a_section_that_bears_markers_is_kept_among_furniture() -> None:
    assert "It was confirmed [1]." not in left_out(
        "Share", "Print", "# Update", "It was confirmed [1].", "© 2021 Z"
    )


def test_table_rows_behind_the_references_are_kept() -> None:
    tail = [*lines("Share", "Facebook", "© 2021 Zellora"), PageLine("table_row", "Iron | 5 mg")]

    assert sorted(find_tail(tail, after_references=True)) == [0, 1, 2]


def test_without_references_only_an_ending_beyond_doubt_is_furniture() -> None:
    ending = [
        "# Opening hours",
        "Mon-Fri 8-18",
        "Call us: 01632 960 123",
        "hello@zellora.example",
        "© 2021 Zellora",
    ]

    assert left_out(PROSE, PROSE, PROSE, *ending, after_references=False) == [
        text.removeprefix("# ") for text in ending
    ]
    assert left_out(PROSE, PROSE, "# When to call", PROSE, "- at night", after_references=False) == []
    assert left_out(PROSE, "Best wishes,", "Tom", "tom@ferris.example", after_references=False) == []


def test_controls_within_a_text_are_found_and_headings_before_prose_are_not() -> None:
    found = find_controls(lines(PROSE, "Advertisement", "# Next", PROSE, "Share", PROSE))

    assert sorted(found) == [1, 4]


def test_links_to_other_texts_end_at_the_heading_of_the_prose_that_follows() -> None:
    found = find_controls(lines(PROSE, "Related articles", "Salt and you", "Five soups", "# Causes", PROSE))

    assert sorted(found) == [1, 2, 3]


@pytest.mark.parametrize(
    "text", ["Share", "Accept all", "Back to top", "Follow us on", "SUBSCRIBE", "Read more"]
)
def test_controls_are_known_by_the_words_that_pages_share(text: str) -> None:
    assert is_control(text)


@pytest.mark.parametrize(
    "text", ["Symptoms", "Shared decisions", "Home remedies", "Next steps for you", "Causes"]
)
def test_headings_of_articles_are_no_controls(text: str) -> None:
    assert not is_control(text)


@pytest.mark.parametrize(
    "text",
    [
        "We use cookies to improve your experience.",
        "© 2021 Zellora",
        "All rights reserved.",
        "Was this page helpful?",
    ],
)
def test_a_page_that_speaks_of_itself_is_recognised(text: str) -> None:
    assert is_page_talk(text)


@pytest.mark.parametrize("text", [PROSE, "Take the tablets with food.", "Download speed is not a symptom."])
def test_advice_to_readers_is_not_taken_for_that(text: str) -> None:
    assert not is_page_talk(text)


def test_a_way_of_names_is_a_breadcrumb_and_a_sentence_is_not() -> None:
    assert is_breadcrumb("Home / Health / Legs / Cramps: causes")
    assert is_breadcrumb("Home > Health > Cramps")
    assert not is_breadcrumb("Take 5 mg/kg/day for a week.")
    assert not is_breadcrumb("https://example.org/a/b/c")


def test_a_fragment_is_short_and_no_sentence() -> None:
    assert is_fragment("Our quality seal")
    assert not is_fragment("It helps.")
    assert not is_fragment(PROSE)
