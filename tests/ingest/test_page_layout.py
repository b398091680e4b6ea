"""Lines, columns and furniture from characters with places; nothing here needs a PDF."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.readers.line_joining import Vocabulary, join_lines
from ingest.readers.page_furniture import PageLines, remove_furniture
from ingest.readers.page_layout import lay_out
from ingest.readers.page_lines import Fragment, Line, glyphs_to_text, join_glyphs
from ingest.readers.pdf_glyphs import Glyph

WIDTH = 600.0
STEP = 12.0


def glyphs(
    text: str, x: float, y: float, *, size: float = 10.0, width: float = 5.0, bold: bool = False
) -> list[Glyph]:
    """Set text on one line, all characters equally wide."""
    placed: list[Glyph] = []
    spaced = False
    for at, char in enumerate(text):
        if char == " ":
            spaced = True
            continue
        x0 = x + at * width
        placed.append(Glyph(char, x0, x0 + width, y, size, bold, False, spaced, False))
        spaced = False
    return placed


def fragments(*lines: tuple[str, float, float]) -> list[Fragment]:
    return join_glyphs([glyph for text, x, y in lines for glyph in glyphs(text, x, y)])


def two_columns(rows: int, *, top: float = 100.0) -> list[tuple[str, float, float]]:
    """Return lines of two columns, drawn row by row across the page."""
    lines: list[tuple[str, float, float]] = []
    for row in range(rows):
        y = top + row * STEP
        lines.append((f"left column line {row:02} with some words here", 50.0, y))
        lines.append((f"right column line {row:02} with other words now", 310.0, y))
    return lines


def texts(pieces: list[Fragment]) -> list[str]:
    return [line.text for line in lay_out(pieces, page=1, width=WIDTH).lines]


def line(text: str, y: float, *, page: int = 1, x0: float = 50.0, size: float = 10.0) -> Line:
    return Line(text, page, 0, x0, x0 + 5.0 * len(text), y, size)


# --- Columns ------------------------------------------------------------------------------------------


def test_two_columns_drawn_row_by_row_are_read_one_after_the_other() -> None:
    read = texts(fragments(*two_columns(12)))

    assert [text.split()[0] for text in read] == ["left"] * 12 + ["right"] * 12
    assert [text.split()[3] for text in read[:12]] == [f"{row:02}" for row in range(12)]


def test_a_title_as_wide_as_the_page_comes_before_both_columns() -> None:
    title = ("A title that runs over the whole width of the page and both of its columns", 60.0, 70.0)

    read = texts(fragments(*two_columns(12), title))

    assert read[0].startswith("A title")
    assert len(read) == 25


def test_a_wide_caption_parts_the_page_into_two_bands() -> None:
    caption = ("Figure 1. A caption that is set over the whole width of both of the columns", 60.0, 260.0)
    pieces = fragments(*two_columns(12), caption, *two_columns(12, top=290.0))

    read = texts(pieces)

    assert [text.split()[0] for text in read] == (
        ["left"] * 12 + ["right"] * 12 + ["Figure"] + ["left"] * 12 + ["right"] * 12
    )


def test_the_cells_of_a_table_in_one_column_of_text_are_no_columns() -> None:
    prose = [
        (
            "one column of running text over the full width of the page, as in a letter " * 1,
            50.0,
            40.0 + STEP * at,
        )
        for at in range(8)
    ]
    table = [
        (text, x, 160.0 + STEP * row)
        for row in range(8)
        for text, x in ((f"drug {row}", 50.0), (f"{row} mg", 250.0), (f"{row} days", 450.0))
    ]

    read = texts(fragments(*prose, *table))

    assert read[8:] == [f"drug {row} {row} mg {row} days" for row in range(8)]


def test_an_address_that_sticks_out_of_its_column_does_not_mix_the_columns() -> None:
    lines = two_columns(12)
    lines[4] = ("https://example.org/" + "a-long-address/" * 4, 50.0, lines[4][2])

    read = texts(fragments(*lines))

    assert [text.split()[0] for text in read[12:]] == ["right"] * 12


def test_the_gutter_of_an_earlier_page_holds_on_a_page_with_little_text() -> None:
    first = lay_out(fragments(*two_columns(12)), page=1, width=WIDTH)

    second = lay_out(fragments(*two_columns(2)), page=2, width=WIDTH, expected=first.gutters)

    assert [one.text.split()[0] for one in second.lines] == ["left", "left", "right", "right"]


@given(st.permutations(list(range(24))))
def test_the_order_of_drawing_plays_no_part(order: list[int]) -> None:
    pieces = fragments(*two_columns(12))

    assert texts([pieces[at] for at in order]) == texts(pieces)


# --- Raised numbers and directions --------------------------------------------------------------------


def test_small_raised_digits_become_superscripts() -> None:
    line_of_text = [*glyphs("rest helped.", 0, 100), *glyphs("1,2", 60, 96, size=6, width=3)]

    assert glyphs_to_text([*line_of_text, *glyphs("So it was", 74, 100)]) == "rest helped.¹,² So it was"


def test_small_lowered_digits_stay_digits() -> None:
    assert glyphs_to_text([*glyphs("CO", 0, 100), *glyphs("2", 10, 102, size=6, width=3)]) == "CO2"


def test_a_marker_drawn_after_its_line_stands_where_it_was_put() -> None:
    before, after = glyphs("it helped.", 0, 100), glyphs("Later it did", 60, 100)
    marker = glyphs("7", 51, 96, size=6, width=3)

    read = texts(join_glyphs([*before, *after, *marker]))

    assert read == ["it helped.⁷ Later it did"]


def test_a_line_of_nothing_but_raised_numbers_goes_on_with_the_marker_above() -> None:
    above = [*glyphs("as shown before", 0, 100), *glyphs("1,2,", 75, 96, size=6, width=3)]
    below = glyphs("3,4", 0, 108, size=6, width=3)

    read = texts(join_glyphs([*above, *below]))

    assert read == ["as shown before¹,²,", "³,⁴"]


def test_hebrew_drawn_from_the_left_is_read_from_the_right() -> None:
    word = "שלום"
    drawn = [
        Glyph(char, 5.0 * at, 5.0 * at + 5, 100, 10, False, False, False, False)
        for at, char in enumerate(reversed(word))
    ]

    assert texts(join_glyphs(drawn)) == [word]


# --- Furniture ----------------------------------------------------------------------------------------


def page(number: int, *, head: str | None = None, foot: str | None = None, rows: int = 20) -> PageLines:
    body = [line(f"body of page {number} row {row}", 120 + STEP * row, page=number) for row in range(rows)]
    lines = [line(head, 40, page=number)] if head else []
    lines += body
    lines += [line(foot, 780, page=number, x0=300)] if foot else []
    return PageLines(number, 842.0, tuple(lines))


def test_running_heads_and_page_numbers_are_left_out_and_named() -> None:
    pages = [page(number, head="Annals of Sleep", foot=str(number + 30)) for number in range(1, 6)]

    kept, omitted = remove_furniture(pages)

    assert [one.text for one in kept if not one.text.startswith("body")] == []
    assert {one.reason for one in omitted} == {"running head of pages 1–5", "page numbers of pages 1–5"}


def test_heads_that_differ_on_left_and_right_pages_are_both_recognised() -> None:
    heads = ["A. Writer and others", "Night cramps in runners"]
    pages = [page(number, head=heads[number % 2]) for number in range(1, 9)]

    kept, _ = remove_furniture(pages)

    assert all(one.text.startswith("body") for one in kept)


def test_a_head_that_names_the_section_is_recognised_by_its_place() -> None:
    pages = [page(number, head="Annals of Sleep") for number in range(1, 8)]
    pages.append(page(8, head="Acknowledgements and funding"))

    kept, _ = remove_furniture(pages)

    assert all(one.text.startswith("body") for one in kept)


def test_a_heading_at_the_top_of_one_page_is_text() -> None:
    pages = [page(number) for number in range(1, 4)]
    pages.append(page(4, head="Results of the second year"))

    kept, omitted = remove_furniture(pages)

    assert "Results of the second year" in [one.text for one in kept]
    assert omitted == ()


def test_body_text_that_begins_alike_on_each_page_is_text() -> None:
    pages = [
        PageLines(
            number,
            842.0,
            tuple(line("the same words again", 60 + STEP * row, page=number) for row in range(30)),
        )
        for number in range(1, 5)
    ]

    kept, omitted = remove_furniture(pages)

    assert len(kept) == 120
    assert omitted == ()


def test_a_year_at_the_foot_of_one_page_is_no_page_number() -> None:
    pages = [page(1, foot="1998"), page(2), page(3)]

    kept, _ = remove_furniture(pages)

    assert "1998" in [one.text for one in kept]


# --- Joining lines ------------------------------------------------------------------------------------


def joined(*lines: str, elsewhere: str = "") -> str:
    return join_lines(lines, Vocabulary.of_lines([elsewhere, "", *lines]))


def test_a_word_cut_by_a_line_end_is_joined() -> None:
    assert joined("we recom-", "mend rest") == "we recommend rest"


def test_a_hyphen_that_the_document_writes_elsewhere_is_kept() -> None:
    assert joined("a follow-", "up visit", elsewhere="each follow-up took an hour") == "a follow-up visit"


def test_a_hyphen_between_two_words_of_the_document_is_kept() -> None:
    assert joined("a double-", "blind trial", elsewhere="blind to the double dose") == "a double-blind trial"


def test_a_joined_form_elsewhere_outweighs_two_words() -> None:
    assert joined("the over-", "view says", elsewhere="an overview, over and in view") == "the overview says"


def test_ranges_names_and_suspended_hyphens_keep_their_hyphen() -> None:
    assert joined("in 1990-", "1995") == "in 1990-1995"
    assert joined("the anti-", "HIV drugs") == "the anti-HIV drugs"
    assert joined("short-", "and long-term") == "short- and long-term"
    assert joined("pages 12–", "19") == "pages 12–19"


def test_soft_hyphens_disappear() -> None:
    assert joined("we recom\u00ad", "mend re\u00adst") == "we recommend rest"


def test_an_address_goes_on_over_a_line_end() -> None:
    assert joined("doi: 10.1234/", "abc.5") == "doi: 10.1234/abc.5"
    assert joined("see https://example.org/a-", "b/c for more") == "see https://example.org/a-b/c for more"
    assert joined("doi:10.1234/ab.", "Next entry") == "doi:10.1234/ab. Next entry"


def test_scripts_without_spaces_are_joined_without_one() -> None:
    assert joined("睡眠不足", "有害健康") == "睡眠不足有害健康"
    assert joined("밤에", "다리가") == "밤에 다리가"


@given(st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1), min_size=1))
def test_no_letter_or_digit_is_lost_between_lines(lines: list[str]) -> None:
    text = join_lines(lines, Vocabulary.of_lines(lines))

    assert [char for char in text if char.isalnum()] == [
        char for one in lines for char in one if char.isalnum()
    ]
