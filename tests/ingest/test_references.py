"""Which headings announce a reference list, where its entries end, and which number each one gets."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.references import is_reference_list_heading, parse_reference_list, split_reference_list

ENTRIES = (
    "Ames, B. C., & Cole, D. (2019). Night cramps in nurses: Causes and care. Journal of Limb Medicine, 26(2), "
    "214–221. https://doi.org/10.5555/jlm.13799",
    "van der Fox, E. (2004). Salt, water and the calf. Annals of Stretching, 12, 45–67.",
    "Northern Health Service. (2020, May). Leg cramps. https://example.org/leg-cramps",
    "Gray, H. I., O’Hara, J.-P., & Ízz, K. (2011). Does magnesium help? A trial. Limb, 3(1), e12.",
)


@pytest.mark.parametrize(
    "heading",
    [
        "References",
        "REFERENCES:",
        "7. References",
        "VII. Bibliography",
        "Works cited",
        "Literature Cited",
        "Sources (12)",
        "**Citations**",
        "## Reference list",
        "Notes and references",
        "References & notes",
        "Literaturverzeichnis",
        "Références",
        "Bibliografía",
        "参考文献",
    ],
)
def test_a_heading_of_a_reference_list_is_recognised(heading: str) -> None:
    assert is_reference_list_heading(heading)


@pytest.mark.parametrize(
    "heading",
    [
        "Further reading",
        "Reference ranges",
        "Data sources",
        "Sources of magnesium",
        "Resources",
        "Results",
        "",
        "7.",
    ],
)
def test_other_headings_are_not(heading: str) -> None:
    assert not is_reference_list_heading(heading)


@pytest.mark.parametrize(
    "label", ["[{}] ", "{}. ", "{}) ", "({}) ", "{} ", "{}.", "[{}]", "- [{}] ", "\\[{}\\] "]
)
def test_wrapped_numbered_entries_are_put_together(label: str) -> None:
    entries = [label.format(place) + entry for place, entry in enumerate(ENTRIES, 1)]
    lines = [line for entry in entries for line in textwrap.wrap(entry, 60)]

    split = split_reference_list(lines)

    assert [" ".join(one.split()) for one in split] == [one.strip() for one in entries]


@pytest.mark.parametrize("gap", [[""], []])
def test_wrapped_unnumbered_entries_are_put_together(gap: list[str]) -> None:
    lines = [line for entry in ENTRIES for line in [*textwrap.wrap(entry, 60), *gap]]

    assert split_reference_list(lines) == list(ENTRIES)


def test_hanging_indents_tell_entries_apart() -> None:
    lines = ["Cramps explained", "    for everyone", "Stretching", "    at work", "    and at home"]

    assert split_reference_list(lines) == ["Cramps explained for everyone", "Stretching at work and at home"]


def test_entries_that_run_together_on_one_line_are_split_at_their_numbers() -> None:
    line = "[1] Ames B. On salt. [2] Cole D. On water (see [1]). [3] Fox E. On sleep."

    assert split_reference_list([line]) == [
        "[1] Ames B. On salt.",
        "[2] Cole D. On water (see [1]).",
        "[3] Fox E. On sleep.",
    ]


def test_a_number_missing_at_the_line_starts_is_found_within_a_line() -> None:
    lines = ["1. Ames B. On salt. Limb 2001;3:4. 2. Cole D. On water. Limb 2001;3:5.", "3. Fox E. On sleep."]

    assert [entry[:2] for entry in split_reference_list(lines)] == ["1.", "2.", "3."]


def test_a_wrapped_line_that_begins_with_a_number_starts_no_entry() -> None:
    lines = ["1. Ames B. On salt. Limb", "2004. 12:3-4.", "2. Cole D. On water, part", "12. Limb 2001;3:5."]

    assert split_reference_list(lines) == [
        "1. Ames B. On salt. Limb 2004. 12:3-4.",
        "2. Cole D. On water, part 12. Limb 2001;3:5.",
    ]


def test_an_address_broken_at_the_end_of_a_line_is_joined_without_a_space() -> None:
    lines = [
        "[1] Ames B. On salt. https://doi.org/10.5555/",
        "limb-7",
        "[2] Cole D. https://example.org/a",
        "-b.html",
    ]

    assert split_reference_list(lines) == [
        "[1] Ames B. On salt. https://doi.org/10.5555/limb-7",
        "[2] Cole D. https://example.org/a-b.html",
    ]


def test_an_unnumbered_paragraph_behind_a_finished_entry_is_not_glued_to_it() -> None:
    lines = ["[1] Ames B. On salt.", "", "[2] Cole D. On water.", "", "Was this useful?"]

    assert split_reference_list(lines) == [
        "[1] Ames B. On salt.",
        "[2] Cole D. On water.",
        "Was this useful?",
    ]


def test_a_paragraph_that_goes_on_with_an_entry_belongs_to_it() -> None:
    lines = ["[1] Ames B. On salt.", "", "doi:10.5555/limb.7", "", "[2] Cole D. On", "", "water."]

    assert split_reference_list(lines) == ["[1] Ames B. On salt. doi:10.5555/limb.7", "[2] Cole D. On water."]


def test_printed_numbers_are_kept_also_with_gaps_and_out_of_order() -> None:
    references = parse_reference_list(
        ["[3] Ames B. On salt.", "[1] Cole D. On water.", "[7] Fox E. On sleep."]
    )

    assert [one.number for one in references] == [3, 1, 7]
    assert [one.text for one in references] == ["Ames B. On salt.", "Cole D. On water.", "Fox E. On sleep."]


def test_without_printed_numbers_the_position_counts() -> None:
    references = parse_reference_list(ENTRIES)

    assert [one.number for one in references] == [1, 2, 3, 4]


def test_a_number_in_a_title_is_no_label() -> None:
    references = parse_reference_list(
        ["5 ways to stretch. https://example.org/5", "2019. Cramps. https://example.org/c"]
    )

    assert [one.number for one in references] == [1, 2]
    assert references[0].text.startswith("5 ways")
    assert references[1].text.startswith("2019.")


def test_a_number_printed_twice_is_kept_on_both_with_a_problem() -> None:
    references = parse_reference_list(["1. Ames B. On salt.", "2. Cole D. On water.", "2. Fox E. On sleep."])

    assert [one.number for one in references] == [1, 2, 2]
    for reference in references[1:]:
        assert "The number 2 is printed before 2 entries of one list; [2] is ambiguous." in reference.problems
    assert not any("ambiguous" in problem for problem in references[0].problems)


def test_an_entry_without_a_number_gets_one_that_nothing_prints() -> None:
    references = parse_reference_list(
        ["1. Ames B. On salt.", "Cole D. On water.", "3. Fox E. On sleep.", "Gray H. On."]
    )

    assert [one.number for one in references] == [1, 2, 3, 4]
    assert (
        "No number is printed before this entry of a numbered list; it is kept as 2."
        in references[1].problems
    )


def test_an_entry_without_a_number_never_takes_a_printed_one() -> None:
    references = parse_reference_list(["Cole D. On water.", "1. Ames B. On salt.", "2. Fox E. On sleep."])

    assert [one.number for one in references] == [3, 1, 2]


@given(
    st.lists(
        st.one_of(
            st.text(max_size=40), st.from_regex(r"\[?[1-9][0-9]?[\].)] [A-Z][a-z ]{0,9}\.", fullmatch=True)
        )
    )
)
def test_no_number_is_shared_in_silence(entries: list[str]) -> None:
    references = parse_reference_list(entries)
    numbers = [one.number for one in references]

    assert len(references) == sum(bool(entry.strip()) for entry in entries)
    for reference in references:
        if numbers.count(reference.number) > 1:
            assert any("ambiguous" in problem for problem in reference.problems)


@given(st.lists(st.text(max_size=30)))
def test_splitting_loses_no_letter(lines: list[str]) -> None:
    split = split_reference_list(lines)

    assert "".join("".join(split).split()) == "".join("".join(lines).split())
