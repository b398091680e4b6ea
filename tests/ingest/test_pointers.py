from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.canonical import Marker
from ingest.readers.pointers import Fragment, Pointer, join_pointers

KNOWN = range(1, 21)


def marker(*fragments: Fragment, known: Sequence[int] = KNOWN) -> Marker:
    """Return the only marker of some fragments."""
    markers = [one for one in join_pointers(fragments, known=known) if isinstance(one, Marker)]
    assert len(markers) == 1
    return markers[0]


def link(number: int, text: str | None = None) -> Pointer:
    return Pointer(str(number) if text is None else text, (number,))


def test_a_dash_between_two_links_stands_for_the_entries_between() -> None:
    assert marker("pain [", link(3), "]–[", link(7), "].") == Marker("[3]–[7]", (3, 4, 5, 6, 7))


def test_brackets_that_belong_to_the_links_join_as_well() -> None:
    assert marker("pain ", link(1, "[1]"), "–", link(4, "[4]"), ", and") == Marker("[1]–[4]", (1, 2, 3, 4))


def test_links_between_commas_are_one_marker_with_the_brackets_around_it() -> None:
    assert marker("pain [", link(3), ", ", link(9), "] lasts") == Marker("[3, 9]", (3, 9))


def test_raised_links_keep_their_place_and_their_range() -> None:
    assert marker("pain", link(3, "³"), "⁻", link(5, "⁵"), " lasts") == Marker("³⁻⁵", (3, 4, 5))


def test_a_range_stands_only_for_numbers_of_the_list() -> None:
    assert marker(link(3), "–", link(6), known=[3, 5, 6]).numbers == (3, 5, 6)


def test_a_range_printed_in_one_link_is_read_where_it_holds_the_target() -> None:
    assert marker("[", link(3, "3-5"), "]").numbers == (3, 4, 5)
    assert marker("[", link(9, "3-5"), "]").numbers == (9,)


def test_years_with_a_dash_between_are_no_range() -> None:
    assert marker("(", Pointer("2002", (4,)), "–", Pointer("2004", (9,)), ")").numbers == (4, 9)


def test_authors_and_years_in_one_bracket_are_one_marker() -> None:
    found = marker("seen (", Pointer("Roe 2004", (4,)), "; ", Pointer("Poe 2005", (2,)), ") once")

    assert found == Marker("(Roe 2004; Poe 2005)", (4, 2))


def test_a_name_in_the_sentence_stays_there_and_only_its_year_is_the_marker() -> None:
    assert join_pointers([Pointer("Roe et al. (2004)", (4,)), " saw it"], known=KNOWN) == [
        "Roe et al. ",
        Marker("(2004)", (4,)),
        " saw it",
    ]


def test_links_without_text_add_their_numbers_to_the_marker_around_them() -> None:
    assert marker("[", link(3), Pointer("", (9,)), "]") == Marker("[3]", (3, 9))
    assert marker("pain", Pointer("", (3,)), " lasts") == Marker("[3]", (3,))


def test_words_keep_markers_apart() -> None:
    joined = join_pointers(["[", link(3), "] but not [", link(4), "]"], known=KNOWN)

    assert [one.text for one in joined if isinstance(one, Marker)] == ["[3]", "[4]"]


@given(st.lists(st.text("ab ,;–-[]()") | st.builds(link, st.integers(1, 20)), max_size=12))
def test_joining_keeps_all_text_in_order(fragments: list[Fragment]) -> None:
    before = "".join(one if isinstance(one, str) else one.text for one in fragments)

    joined = join_pointers(fragments, known=KNOWN)

    assert "".join(one if isinstance(one, str) else one.text for one in joined) == before


@given(st.lists(st.text("ab ,;–-[]()") | st.builds(link, st.integers(1, 20)), max_size=12))
def test_no_number_is_lost_and_none_is_unknown(fragments: list[Fragment]) -> None:
    printed = {number for one in fragments if isinstance(one, Pointer) for number in one.numbers}

    joined = join_pointers(fragments, known=KNOWN)

    found = {number for one in joined if isinstance(one, Marker) for number in one.numbers}
    assert printed <= found <= set(KNOWN)


@pytest.mark.parametrize("separator", [",", "", "["])
def test_very_many_links_in_a_row_are_one_marker(separator: str) -> None:
    fragments = [piece for _ in range(20_000) for piece in (link(1), separator)]

    assert len(join_pointers(fragments, known=KNOWN)) <= 2
