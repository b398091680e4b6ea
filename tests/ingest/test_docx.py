"""What the Word reader promises, on documents made here."""

import io
import unicodedata
import zipfile
from collections.abc import Callable
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import UnreadableDocumentError
from ingest.readers.docx import read_docx
from ingest.readers.reading import Reading
from ingest.records import Document

WORD = nsdecls("w")
ENTRIES = (
    "Archer A. Calves at rest. J Invent Med. 2001;1:1-9. doi:10.5555/one",
    "Baker B. Cramps at night. J Invent Med. 2002;2:1-9. doi:10.5555/two",
)
FOOTNOTES = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
FOOTNOTES_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"


def make(fill: Callable[[Any], None]) -> bytes:
    document = docx.Document()
    fill(document)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def append_xml(document: Any, xml: str) -> None:
    body = document.element.body
    body.insert(len(body) - 1, parse_xml(xml))


def rewritten(data: bytes, change: Callable[[str, bytes], bytes], **added: bytes) -> bytes:
    """Return a package with its parts changed and parts added (`__` in a name stands for a slash)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, content in added.items():
            new.writestr(name.replace("__", "/") + ".xml", content)
    return buffer.getvalue()


def with_footnotes(fill: Callable[[Any], None], notes: list[str]) -> bytes:
    items = "".join(
        f'<w:footnote w:id="{at}"><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:footnote>'
        for at, text in enumerate(notes, start=1)
    )
    separator = '<w:footnote w:type="separator" w:id="-1"><w:p/></w:footnote>'
    part = f"<w:footnotes {WORD}>{separator}{items}</w:footnotes>".encode()

    def change(name: str, content: bytes) -> bytes:
        if name == "[Content_Types].xml":
            override = f'<Override PartName="/word/footnotes.xml" ContentType="{FOOTNOTES}"/></Types>'
            return content.replace(b"</Types>", override.encode())
        if name == "word/_rels/document.xml.rels":
            relation = f'<Relationship Id="rIdN" Type="{FOOTNOTES_RELATION}" Target="footnotes.xml"/></Relationships>'
            return content.replace(b"</Relationships>", relation.encode())
        return content

    return rewritten(make(fill), change, word__footnotes=part)


def add_cited(document: Any, text: str, note: int, after: str = "") -> None:
    paragraph = document.add_paragraph(text)
    run = paragraph.add_run()
    run._r.append(parse_xml(f'<w:footnoteReference {WORD} w:id="{note}"/>'))
    paragraph.add_run(after)


def blocks(reading: Reading) -> list[tuple[str, str]]:
    Document("d", reading.title or "t", "article", "full_text", reading.text, reading.blocks)
    return [(block.kind, reading.text[block.start : block.end]) for block in reading.blocks]


def omitted(reading: Reading) -> list[tuple[str, str]]:
    return [(omission.text, omission.reason) for omission in reading.omitted]


# --- Structure ----------------------------------------------------------------------------------------


def test_title_and_headings_have_the_levels_of_their_styles() -> None:
    def fill(document: Any) -> None:
        document.add_heading("Night cramps", 0)
        document.add_heading("Causes", 1)
        document.add_heading("Muscles", 2)
        document.add_paragraph("They tire.")

    reading = read_docx(make(fill))

    assert reading.title == "Night cramps"
    assert [block.level for block in reading.blocks] == [1, 2, 3, 0]
    assert reading.blocks[-1].section == ("Causes", "Muscles")


def test_a_lone_first_heading_is_the_title_where_nothing_is_styled_so() -> None:
    def fill(document: Any) -> None:
        document.add_heading("Night cramps", 1)
        document.add_heading("Causes", 2)
        document.add_paragraph("They tire.")
        document.add_heading("Care", 2)
        document.add_paragraph("Stretch.")

    reading = read_docx(make(fill))

    assert reading.title == "Night cramps"
    assert [block.level for block in reading.blocks if block.kind == "heading"] == [1, 2, 2]


def test_lists_have_depths_and_tables_have_rows_with_cells() -> None:
    def fill(document: Any) -> None:
        document.add_paragraph("warmth", style="List Bullet")
        document.add_paragraph("slow stretching", style="List Number")
        table = document.add_table(2, 2)
        for at, text in enumerate(("Drug", "Dose", "Calmol", "5 mg")):
            table.cell(at // 2, at % 2).text = text
        table.cell(1, 1).add_table(1, 1).cell(0, 0).text = "with food"

    assert blocks(read_docx(make(fill))) == [
        ("list_item", "warmth"),
        ("list_item", "slow stretching"),
        ("table_row", "Drug | Dose"),
        ("table_row", "Calmol | 5 mg"),
        ("table_row", "with food"),
    ]


def test_raised_runs_become_superscripts_however_they_are_cut() -> None:
    def fill(document: Any) -> None:
        paragraph = document.add_paragraph("Rest helps.")
        for text in ("1", ",", " 2"):
            paragraph.add_run(text).font.superscript = True
        paragraph.add_run(" On the 4")
        paragraph.add_run("th").font.superscript = True
        paragraph.add_run(" day.")

    assert read_docx(make(fill)).text == "Rest helps.¹,² On the 4th day."


def test_the_text_of_links_fields_and_equations_is_kept() -> None:
    math = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    paragraph = (
        f"<w:p {WORD} {math}><w:r><w:t xml:space='preserve'>See </w:t></w:r>"
        "<w:hyperlink><w:r><w:t>the page</w:t></w:r></w:hyperlink>"
        "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>ADDIN CITE</w:instrText></w:r>"
        "<w:r><w:fldChar w:fldCharType='separate'/></w:r>"
        "<w:r><w:t xml:space='preserve'> [1] where </w:t></w:r>"
        "<m:oMath><m:r><m:t>a+b</m:t></m:r></m:oMath></w:p>"
    )

    def fill(document: Any) -> None:
        append_xml(document, paragraph)

    assert read_docx(make(fill)).text == "See the page [1] where a+b"


def test_text_boxes_are_paragraphs_once() -> None:
    compatibility = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    box = "<w:txbxContent><w:p><w:r><w:t>A word in a box.</w:t></w:r></w:p></w:txbxContent>"
    paragraph = (
        f"<w:p {WORD} {compatibility}><w:r><w:t>Around it.</w:t><mc:AlternateContent>"
        f"<mc:Choice Requires='wps'>{box}</mc:Choice><mc:Fallback><w:pict>{box}</w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p>"
    )

    def fill(document: Any) -> None:
        append_xml(document, paragraph)

    assert [text for _, text in blocks(read_docx(make(fill)))] == ["Around it.", "A word in a box."]


# --- References ---------------------------------------------------------------------------------------


def test_a_numbered_list_under_its_heading_is_the_reference_list() -> None:
    def fill(document: Any) -> None:
        document.add_heading("Night cramps", 0)
        document.add_paragraph("Rest helps [1, 2].")
        document.add_heading("References", 1)
        for entry in ENTRIES:
            document.add_paragraph(entry, style="List Number")

    reading = read_docx(make(fill))

    assert [(one.number, one.doi) for one in reading.references] == [(1, "10.5555/one"), (2, "10.5555/two")]
    assert [citation.numbers for citation in reading.citations] == [(1, 2)]


def test_footnotes_that_hold_references_are_the_reference_list() -> None:
    def fill(document: Any) -> None:
        add_cited(document, "Rest helps.", 2, " So does warmth.")
        add_cited(document, "Stretching does.", 1)

    reading = read_docx(with_footnotes(fill, [ENTRIES[0], ENTRIES[1]]))

    assert reading.text.startswith("Rest helps.¹ So does warmth.\n\nStretching does.²")
    assert [(one.number, one.doi) for one in reading.references] == [(1, "10.5555/two"), (2, "10.5555/one")]
    assert [citation.numbers for citation in reading.citations] == [(1,), (2,)]


def test_other_footnotes_stand_as_paragraphs_after_their_own() -> None:
    def fill(document: Any) -> None:
        add_cited(document, "Rest helps.", 1)
        document.add_paragraph("Warmth does too.")

    reading = read_docx(with_footnotes(fill, ["As far as anyone can say."]))

    assert [text for _, text in blocks(reading)] == [
        "Rest helps.",
        "As far as anyone can say.",
        "Warmth does too.",
    ]
    assert reading.references == ()


# --- What is left out, and named ----------------------------------------------------------------------


def test_tracked_deletions_go_and_insertions_stay() -> None:
    paragraph = (
        f"<w:p {WORD}><w:r><w:t xml:space='preserve'>Rest </w:t></w:r>"
        "<w:del w:id='1'><w:r><w:delText>never</w:delText></w:r></w:del>"
        "<w:ins w:id='2'><w:r><w:t>always</w:t></w:r></w:ins>"
        "<w:r><w:t xml:space='preserve'> helps.</w:t></w:r></w:p>"
    )

    def fill(document: Any) -> None:
        append_xml(document, paragraph)

    reading = read_docx(make(fill))

    assert reading.text == "Rest always helps."
    assert omitted(reading) == [("never", "tracked deletion")]


def test_headers_footers_comments_and_hidden_text_are_left_out() -> None:
    def fill(document: Any) -> None:
        document.sections[0].header.paragraphs[0].text = "Draft of May"
        document.sections[0].footer.paragraphs[0].text = "Page 1"
        paragraph = document.add_paragraph("Rest helps.")
        paragraph.add_run("unseen").font.hidden = True
        document.add_comment(paragraph.runs[0], text="Is that so?", author="Ed")

    reading = read_docx(make(fill))

    assert reading.text == "Rest helps."
    assert sorted(omitted(reading)) == [
        ("Draft of May", "page header"),
        ("Is that so?", "comment by Ed"),
        ("Page 1", "page footer"),
        ("unseen", "hidden text"),
    ]


def test_core_properties_are_metadata() -> None:
    def fill(document: Any) -> None:
        document.add_paragraph("Rest helps.")
        document.core_properties.author = "A. Archer; B. Baker"
        document.core_properties.language = "en-GB"

    reading = read_docx(make(fill))

    assert reading.metadata["authors"] == "A. Archer; B. Baker"
    assert reading.metadata["language"] == "en-GB"


# --- What is refused ----------------------------------------------------------------------------------


def simple() -> bytes:
    return make(lambda document: document.add_paragraph("Rest helps."))


def bomb() -> bytes:
    return rewritten(simple(), lambda _, content: content, word__huge=bytes(20_000_000))


def other_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "no document")
    return buffer.getvalue()


def with_entities(encoding: str) -> bytes:
    declared = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE w [<!ENTITY a "aaaa">]><w/>'.encode(
        encoding
    )
    return rewritten(simple(), lambda name, content: declared if name == "word/styles.xml" else content)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (simple()[:2000], "truncated or damaged"),
        (other_zip(), "no Word document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "old binary format"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        (bomb(), "unpacks to"),
        (with_entities("utf-8"), "declares a document type"),
        (with_entities("utf-16"), "declares a document type"),
        (make(lambda _: None), "no text"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableDocumentError, match=reason):
        read_docx(data)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_bytes_give_a_reading_or_a_refusal(data: st.DataObject) -> None:
    whole = bytearray(simple())
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    try:
        blocks(read_docx(bytes(whole)))
    except UnreadableDocumentError:
        return


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.text(st.characters(categories=["L", "N", "Zs"]), min_size=1, max_size=40), min_size=1, max_size=8
    )
)
def test_no_letter_is_lost(paragraphs: list[str]) -> None:
    def fill(document: Any) -> None:
        document.add_paragraph("Begin.")
        for text in paragraphs:
            document.add_paragraph(text)

    read = "".join(text for _, text in blocks(read_docx(make(fill))))

    printed = "Begin." + unicodedata.normalize("NFC", "".join(paragraphs))
    assert "".join(read.split()) == "".join(printed.split())
