"""What the PDF reader promises, on PDFs made here and on real ones."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.rendering_pdf import Article, Marker, PrintedReference, Section, render_pdf, score_reading
from ingest.errors import UnreadableDocumentError
from ingest.readers.pdf import DEFAULT_LIMITS, PdfLimits, read_pdf
from ingest.readers.reading import Reading
from ingest.records import Document

canvas_module = pytest.importorskip("reportlab.pdfgen.canvas")
SHARED = Path(__file__).parents[2].parent / "shared" / "real" / "pdf"

SENTENCES = (
    "Night cramps wake many older runners and most of them never tell a nurse about it.",
    "Slow stretching of the calf before bed made the attacks rarer in a small trial.",
    "Nobody knows why they come, though tired muscle and long sitting are often blamed.",
    "Quinine helps a few people but its harms are grave, so it is no first choice.",
)
REFERENCES = tuple(
    PrintedReference(
        number,
        f"{name} AB. A study of calf muscles number {number}. J Invent Med. 20{number:02};{number}:10-19. "
        f"doi:10.5555/invented.{number}",
        doi=f"10.5555/invented.{number}",
        year=2000 + number,
        first_author=name,
    )
    for number, name in enumerate(
        ("Archer", "Baker", "Carter", "Dyer", "Fletcher", "Glover", "Hooper", "Mason", "Potter"), start=1
    )
)


def article(*, paragraphs: int = 9) -> Article:
    def paragraph(at: int) -> tuple[str | Marker, ...]:
        first, second = SENTENCES[at % 4], SENTENCES[(at + 1) % 4]
        numbers = (at % 9 + 1,) if at % 3 else (1, 2, 3, 5)
        return (f"{first} {second} It was shown before ", Marker(numbers), ". " + " ".join(SENTENCES))

    return Article(
        title="Cramps of the calf at night in people who run",
        sections=(
            Section("Background", 1, tuple(paragraph(at) for at in range(paragraphs))),
            Section("What was done", 1, tuple(paragraph(at) for at in range(paragraphs))),
            Section("Who took part", 2, (paragraph(2),)),
        ),
        references=REFERENCES,
        running_head="Annals of Invented Medicine",
    )


def draw(paint: Callable[..., None], *, pages: int = 1, **options: Any) -> bytes:
    """Return a PDF of pages that a function paints, of 595 by 842 points."""
    buffer = io.BytesIO()
    canvas = canvas_module.Canvas(buffer, pagesize=(595, 842), **options)
    for number in range(1, pages + 1):
        canvas.setFont("Helvetica", 10)
        paint_page(canvas, paint, number)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def paint_page(canvas: Any, paint: Callable[..., None], number: int) -> None:
    if paint.__code__.co_argcount == 2:
        paint(canvas, number)
    else:
        paint(canvas)


def write(canvas: Any, lines: list[str], *, x: float = 60, top: float = 780, step: float = 12) -> None:
    for at, text in enumerate(lines):
        canvas.drawString(x, top - at * step, text)


def blocks(reading: Reading) -> list[tuple[str, str]]:
    return [(block.kind, reading.text[block.start : block.end]) for block in reading.blocks]


def as_document(reading: Reading) -> Document:
    """Return the document, which checks that its blocks are in order and cover all text."""
    return Document("d", reading.title or "t", "article", "full_text", reading.text, reading.blocks)


# --- Whole articles -----------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("superscript", [False, True])
def test_an_article_is_read_back_with_every_marker_and_reference(columns: int, superscript: bool) -> None:
    made = article()

    reading = read_pdf(render_pdf(made, columns=columns, superscript=superscript))
    score = score_reading(made, reading)

    assert score.marker_f1 == 1.0
    assert (score.split_right, score.dois_right, score.years_right, score.authors_right) == (9, 9, 9, 9)
    assert score.leaked_heads == 0
    assert reading.title == made.title
    as_document(reading)


def test_headings_have_the_levels_of_their_sizes() -> None:
    reading = read_pdf(render_pdf(article(), columns=2, superscript=False))

    headings = [
        (reading.text[block.start : block.end], block.level)
        for block in reading.blocks
        if block.kind == "heading"
    ]
    assert headings == [
        ("Cramps of the calf at night in people who run", 1),
        ("Background", 2),
        ("What was done", 2),
        ("Who took part", 3),
        ("References", 2),
    ]


def test_paragraphs_are_whole_over_the_ends_of_columns_and_pages() -> None:
    made = article(paragraphs=20)

    reading = read_pdf(render_pdf(made, columns=2, superscript=False))

    assert max(block.page or 0 for block in reading.blocks) > 1
    paragraphs = [text for kind, text in blocks(reading) if kind == "paragraph"]
    assert len(paragraphs) == 41
    assert all(text.endswith(SENTENCES[3]) for text in paragraphs)


def test_pages_are_counted_from_one_and_never_fall() -> None:
    reading = read_pdf(render_pdf(article(paragraphs=20), columns=1, superscript=False))

    pages = [block.page for block in reading.blocks]
    assert pages[0] == 1
    assert pages == sorted(pages, key=lambda page: page or 0)


def test_running_heads_and_page_numbers_are_named_as_left_out() -> None:
    reading = read_pdf(render_pdf(article(paragraphs=20), columns=2, superscript=False))

    reasons = " ".join(omission.reason for omission in reading.omitted)
    assert "running head of pages 2" in reasons
    assert "page numbers of pages 1" in reasons
    assert "Annals of Invented Medicine" not in reading.text


WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=14)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(WORDS, min_size=1, max_size=120), min_size=1, max_size=6), st.sampled_from([1, 2]))
def test_every_word_survives_in_order(paragraphs: list[list[str]], columns: int) -> None:
    sections = tuple((f"{' '.join(words).capitalize()}.",) for words in paragraphs)
    made = Article("The title of an invented text", (Section("Background", 1, sections),))

    reading = read_pdf(render_pdf(made, columns=columns, superscript=False))

    as_document(reading)
    printed = "".join(f"{' '.join(words)}." for words in paragraphs)
    found = reading.text.split("Background", 1)[1]
    letters = [char for char in found.casefold() if char.isalpha()]
    assert letters == [char for char in printed.casefold() if char.isalpha()]


# --- Parts of a page ----------------------------------------------------------------------------------


def test_indents_part_paragraphs() -> None:
    def paint(canvas: Any) -> None:
        write(
            canvas,
            [
                "The first paragraph begins at the margin and goes on over the",
                "next line to a full end here, which fills the line to the margin.",
            ],
        )
        write(canvas, ["The second one is indented and goes on, as the first one did,"], x=75, top=756)
        write(canvas, ["until it stops."], top=744)

    texts = [text for _, text in blocks(read_pdf(draw(paint)))]

    assert len(texts) == 2
    assert texts[1].startswith("The second one")
    assert texts[1].endswith("until it stops.")


def test_bulleted_items_are_list_items_without_their_bullets() -> None:
    def paint(canvas: Any) -> None:
        write(canvas, ["These things are said to help against cramps in the night:"])
        write(
            canvas,
            ["• stretching the calf before bed, slowly and for a minute", "• warm water"],
            x=70,
            top=760,
        )

    assert blocks(read_pdf(draw(paint)))[1:] == [
        ("list_item", "stretching the calf before bed, slowly and for a minute"),
        ("list_item", "warm water"),
    ]


def test_rows_of_a_table_are_rows_with_cells() -> None:
    def paint(canvas: Any) -> None:
        write(canvas, ["The doses were these, and nobody was given more than one."])
        for row, cells in enumerate(
            [("Drug", "Dose", "Days"), ("Calmol", "5 mg", "14"), ("Restin", "7 mg", "21")]
        ):
            for column, cell in enumerate(cells):
                write(canvas, [cell], x=60 + 150 * column, top=740 - 14 * row)

    assert blocks(read_pdf(draw(paint)))[1:] == [
        ("table_row", "Drug | Dose | Days"),
        ("table_row", "Calmol | 5 mg | 14"),
        ("table_row", "Restin | 7 mg | 21"),
    ]


def test_a_caption_comes_after_the_paragraph_that_it_interrupts() -> None:
    def paint(canvas: Any) -> None:
        write(canvas, ["A paragraph that is cut in two by a figure below goes on after"])
        write(canvas, ["Figure 1. The calf at rest."], top=740)
        write(canvas, ["the caption and ends only there."], top=700)

    assert blocks(read_pdf(draw(paint))) == [
        (
            "paragraph",
            "A paragraph that is cut in two by a figure below goes on after the caption and ends only there.",
        ),
        ("paragraph", "Figure 1. The calf at rest."),
    ]


def test_ligatures_become_letters() -> None:
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415

    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))

    def paint(canvas: Any) -> None:
        canvas.setFont("Vera", 10)
        write(canvas, ["The \ufb01rst \ufb02uid was given to all."])

    assert read_pdf(draw(paint)).text == "The first fluid was given to all."


def test_text_after_the_reference_list_is_not_an_entry() -> None:
    def paint(canvas: Any) -> None:
        write(canvas, ["It is known to help [1,2]."])
        canvas.setFont("Helvetica-Bold", 12)
        write(canvas, ["References"], top=750)
        canvas.setFont("Helvetica", 10)
        write(
            canvas,
            [
                "1. Archer A. Calves. J Invent Med. 2001;1:1-2.",
                "2. Baker B. Cramps. J Invent Med. 2002;2:3-4.",
            ],
            top=730,
        )
        write(canvas, ["Correspondence should be sent to the first author by post."], top=680)

    reading = read_pdf(draw(paint))

    assert [reference.number for reference in reading.references] == [1, 2]
    assert blocks(reading)[-1] == ("paragraph", "Correspondence should be sent to the first author by post.")
    assert reading.citations[0].numbers == (1, 2)


def test_a_line_of_an_entry_that_begins_with_a_number_begins_no_entry() -> None:
    def paint(canvas: Any) -> None:
        write(canvas, ["It is known to help [1]."])
        write(canvas, ["References"], top=750)
        write(
            canvas,
            [
                "1. Archer A. Calves and how they are stretched. J Invent Med.",
                "2003. pages 1-2.",
                "2. Baker B. Cramps. J Invent Med. 2002;2:3-4.",
            ],
            top=730,
        )

    reading = read_pdf(draw(paint))

    assert [reference.number for reference in reading.references] == [1, 2]
    assert reading.references[0].year == 2003


def test_a_contents_list_is_left_out() -> None:
    def paint(canvas: Any) -> None:
        write(canvas, ["Contents", "Background ........ 2", "Methods ........ 4", "Results ........ 9"])
        write(canvas, ["This text is not part of the contents and stays where it is."], top=700)

    reading = read_pdf(draw(paint))

    assert reading.text == "This text is not part of the contents and stays where it is."
    assert [omission.reason for omission in reading.omitted] == ["table of contents"]


def test_text_at_an_angle_is_left_out_and_named() -> None:
    def paint(canvas: Any) -> None:
        write(canvas, ["The text of the page runs as it should from left to right."])
        canvas.saveState()
        canvas.rotate(90)
        canvas.drawString(200, -30, "Downloaded by a guest")
        canvas.restoreState()

    reading = read_pdf(draw(paint))

    assert reading.text == "The text of the page runs as it should from left to right."
    assert [(one.text, one.reason) for one in reading.omitted] == [
        ("Downloaded by a guest", "printed at an angle to the text of page 1")
    ]


def test_a_page_set_sideways_is_read() -> None:
    def paint(canvas: Any) -> None:
        canvas.rotate(90)
        canvas.drawString(100, -100, "A wide table is often set sideways.")
        canvas.drawString(100, -112, "So is its second line.")

    assert read_pdf(draw(paint)).text == "A wide table is often set sideways. So is its second line."


def test_the_title_property_counts_only_when_the_first_page_shows_it() -> None:
    def paint(canvas: Any) -> None:
        write(
            canvas,
            [
                "A plain line that is the title",
                "",
                "Body text of the usual kind follows it and goes on a while.",
            ],
        )

    def titled(title: str) -> bytes:
        def paint_with_title(canvas: Any) -> None:
            canvas.setTitle(title)
            paint(canvas)

        return draw(paint_with_title)

    shown = read_pdf(titled("A plain line that is the title"))
    other = read_pdf(titled("draft-7-final.doc"))

    assert shown.title == "A plain line that is the title"
    assert other.title is None


def test_pages_without_text_among_others_are_reported() -> None:
    def paint(canvas: Any, number: int) -> None:
        if number == 2:
            canvas.rect(50, 50, 400, 400, fill=1)
        else:
            write(canvas, [f"Page {number} has text of its own, which is read."])

    reading = read_pdf(draw(paint, pages=3))

    assert any("1 page of 3 have no text layer (2)" in warning for warning in reading.warnings)


# --- What is refused ----------------------------------------------------------------------------------


def hello(canvas: Any) -> None:
    write(canvas, ["A few words on a page."])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x00\x00", "empty"),
        (b"just some text", "no PDF"),
        (draw(hello)[:400], "truncated"),
        (draw(hello)[:-60], "truncated"),
        (draw(lambda canvas: canvas.rect(50, 50, 90, 90, fill=1)), "no text layer"),
        (b"%PDF-1.4\nnothing in here is an object\n%%EOF\n", "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableDocumentError, match=reason):
        read_pdf(data)


def test_a_pdf_behind_a_password_is_refused() -> None:
    encrypted = draw(hello, encrypt="secret")

    with pytest.raises(UnreadableDocumentError, match="password"):
        read_pdf(encrypted)


def test_more_pages_than_allowed_are_refused() -> None:
    with pytest.raises(UnreadableDocumentError, match="3 pages; at most 2"):
        read_pdf(draw(hello, pages=3), limits=PdfLimits(max_pages=2))


def test_more_characters_than_allowed_are_refused() -> None:
    with pytest.raises(UnreadableDocumentError, match="more than 10 characters"):
        read_pdf(draw(hello), limits=PdfLimits(max_chars=10))
    with pytest.raises(UnreadableDocumentError, match="Page 1 of the PDF holds more than 10"):
        read_pdf(draw(hello), limits=PdfLimits(max_page_chars=10))


def test_reading_stops_when_its_time_is_over() -> None:
    with pytest.raises(UnreadableDocumentError, match="stopped at page 1 of 2"):
        read_pdf(draw(hello, pages=2), limits=PdfLimits(max_seconds=0.0))


@pytest.mark.parametrize("layers", [1, 2])
def test_a_stream_that_unpacks_to_far_more_than_text_is_refused(layers: int) -> None:
    stream = bytes(3_000_000)
    for _ in range(layers):
        stream = zlib.compress(stream)
    filters = b" ".join([b"/FlateDecode"] * layers)
    bomb = b"\n9 0 obj\n<< /Filter [%s] /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (
        filters,
        len(stream),
        stream,
    )
    data = draw(hello).replace(b"\nxref", bomb + b"\nxref", 1)

    with pytest.raises(UnreadableDocumentError, match="unpacks to more than 1,000,000 bytes"):
        read_pdf(data, limits=PdfLimits(max_stream_bytes=1_000_000))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_bytes_give_a_reading_or_a_refusal(data: st.DataObject) -> None:
    whole = bytearray(draw(hello))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    try:
        reading = read_pdf(bytes(whole), limits=DEFAULT_LIMITS)
    except UnreadableDocumentError:
        return
    as_document(reading)


# --- Real files ---------------------------------------------------------------------------------------


def real(name: str) -> bytes:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not among the shared files")
    return path.read_bytes()


def test_a_real_paper_of_two_columns_is_read_in_order() -> None:
    reading = read_pdf(real("multicolumn.pdf"))

    paragraphs = [text for kind, text in blocks(reading) if kind == "paragraph"]
    body = [text for text in paragraphs if len(text) > 200]
    assert all(text[0].isupper() and text.endswith(".") for text in body)
    assert len(body) == 10
    assert not any(text.isdigit() for text in paragraphs)
    assert sum(kind == "table_row" for kind, _ in blocks(reading)) == 6
    as_document(reading)


def test_a_real_paragraph_of_four_pages_is_one_paragraph() -> None:
    reading = read_pdf(real("pdflatex-4-pages.pdf"))

    assert [block.kind for block in reading.blocks] == ["paragraph"]
    assert [omission.reason for omission in reading.omitted] == ["page numbers of pages 1–4"]


def test_real_headings_are_found_and_their_contents_list_is_left_out() -> None:
    reading = read_pdf(real("mistitled_outlines_example.pdf"))

    headings = [text for kind, text in blocks(reading) if kind == "heading"]
    assert [heading[0] for heading in headings] == [str(number) for number in range(1, 10)]
    assert {omission.reason for omission in reading.omitted} == {
        "page numbers of pages 1–4",
        "table of contents",
    }


def test_a_real_page_of_short_lines_keeps_its_lines_and_its_table() -> None:
    reading = read_pdf(real("google-doc-document.pdf"))

    kinds = [block.kind for block in reading.blocks]
    assert kinds.count("table_row") == 5
    assert kinds[0] == "heading"


def test_real_arabic_is_in_logical_order() -> None:
    assert "\u062d\u064e\u0628\u064a\u0628\u064a" in read_pdf(real("habibi.pdf")).text


@pytest.mark.parametrize(
    ("name", "reason"),
    [("grayscale-image.pdf", "OCR"), ("libreoffice-writer-password.pdf", "password")],
)
def test_a_real_scan_and_a_real_locked_file_are_refused(name: str, reason: str) -> None:
    with pytest.raises(UnreadableDocumentError, match=reason):
        read_pdf(real(name))
