"""Word documents (docx): structure from styles, text without what is deleted, hidden or said in comments."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import docx
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import PackageNotFoundError
from lxml import etree

from ingest.canonical import Marker
from ingest.errors import UnreadableDocumentError
from ingest.readers.assembly import Unit, assemble_reading, mark_references, text_unit
from ingest.readers.docx_package import check_package
from ingest.readers.docx_text import ParagraphText, Piece, paragraph_text, word
from ingest.readers.reading import Reading
from ingest.readers.superscripts import raise_text
from ingest.records import Omission
from ingest.references import is_reference_list_heading

_HEADING_STYLE: Final = re.compile(r"heading (\d)", re.IGNORECASE)
_TITLE_STYLES: Final = frozenset({"title"})
_CONTENTS_STYLE: Final = re.compile(r"(?:toc|table of figures)\b", re.IGNORECASE)
_DEEPEST_HEADING: Final = 6
_MAX_STYLE_DEPTH: Final = 20
_BODY_TEXT_OUTLINE: Final = 9
_LOOKS_LIKE_REFERENCE: Final = re.compile(
    r"\b(?:1[89]|20)\d\d[a-z]?\b|\b10\.\d{4,9}/|https?://", re.IGNORECASE
)
_MIN_SHARE_OF_REFERENCES: Final = 0.6
#: What python-docx raises when a part is missing or is not what it should be.
_DAMAGE: Final = (KeyError, ValueError, AttributeError, TypeError)
_COMMENTS: Final = RELATIONSHIP_TYPE.COMMENTS
_NOTE_PARTS: Final = {
    "footnote": RELATIONSHIP_TYPE.FOOTNOTES,
    "endnote": RELATIONSHIP_TYPE.ENDNOTES,
}


def read_docx(data: bytes) -> Reading:
    """Read a Word document.

    Footnotes or endnotes become the reference list where they hold references and the document has no other
    list; otherwise each stands as a paragraph after the one that it belongs to. Comments, tracked deletions,
    hidden text, headers and footers and tables of contents are named in `omitted`.

    Args:
        data: The whole file.

    Raises:
        UnreadableDocumentError: When it is empty, encrypted, damaged, no Word document, made to exhaust
            memory, or without text.
    """
    check_package(data)
    try:
        document = docx.Document(io.BytesIO(data))
        walker = _Walker(_Styles(document), _notes(document))
        units = walker.units(document.element.body)
    except (PackageNotFoundError, etree.XMLSyntaxError, zipfile.BadZipFile, zlib.error, *_DAMAGE) as error:
        raise UnreadableDocumentError(
            f"The Word file is damaged: {' '.join(str(error).split()) or type(error).__name__}. Supply it again."
        ) from error
    if not any(unit.text.strip() for unit in units):
        raise UnreadableDocumentError("The Word file holds no text. If it holds scans, run OCR first.")
    properties = _properties(document)
    units, title = _with_title(units)
    return assemble_reading(
        [*mark_references(units), *walker.entries()],
        title=title or properties.pop("title", None),
        metadata={key: value for key, value in properties.items() if key != "title"},
        omitted=(*_merged(walker.omitted), *_margins(document), *_comments(document)),
        warnings=(),
    )


# --- Styles -------------------------------------------------------------------------------------------


class _Styles:
    """What paragraph styles say, directly or by what they are based on."""

    def __init__(self, document: Document) -> None:
        self._by_id = {
            style.get(word("styleId")): style for style in document.styles.element.iterchildren(word("style"))
        }

    def chain(self, paragraph: etree._Element) -> Iterator[etree._Element]:
        """Yield the paragraph's style and the styles below it."""
        properties = paragraph.find(word("pPr"))
        named = properties.find(word("pStyle")) if properties is not None else None
        identifier = named.get(word("val")) if named is not None else None
        for _ in range(_MAX_STYLE_DEPTH):
            style = self._by_id.get(identifier)
            if style is None:
                return
            yield style
            based = style.find(word("basedOn"))
            identifier = based.get(word("val")) if based is not None else None

    def names(self, paragraph: etree._Element) -> list[str]:
        """Return the names of the paragraph's style and those below it."""
        names = (style.find(word("name")) for style in self.chain(paragraph))
        return [name.get(word("val"), "") for name in names if name is not None]

    def setting(self, paragraph: etree._Element, name: str) -> etree._Element | None:
        """Return a paragraph property, the paragraph's own or its style's."""
        for owner in (paragraph, *self.chain(paragraph)):
            properties = owner.find(word("pPr"))
            found = properties.find(word(name)) if properties is not None else None
            if found is not None:
                return found
        return None

    def heading_level(self, paragraph: etree._Element) -> int | None:
        """Return 0 for the title, 1 to 9 for a heading of that level, None for text."""
        for name in self.names(paragraph):
            if name.lower() in _TITLE_STYLES:
                return 0
            match = _HEADING_STYLE.fullmatch(name)
            if match:
                return int(match[1])
        outline = self.setting(paragraph, "outlineLvl")
        level = _number(outline.get(word("val"))) if outline is not None else None
        return level + 1 if level is not None and level < _BODY_TEXT_OUTLINE else None

    def list_level(self, paragraph: etree._Element) -> int | None:
        """Return the depth of a list item, None for what is none."""
        numbering = self.setting(paragraph, "numPr")
        if numbering is None:
            return None
        number, level = numbering.find(word("numId")), numbering.find(word("ilvl"))
        # The number 0 takes a paragraph out of the list that its style puts it in.
        if number is not None and number.get(word("val")) == "0":
            return None
        return (_number(level.get(word("val"))) if level is not None else None) or 0

    def is_contents(self, paragraph: etree._Element) -> bool:
        """Say whether a paragraph is a line of a table of contents."""
        return any(_CONTENTS_STYLE.match(name) for name in self.names(paragraph))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and len(text) < 4 else None


# --- Notes --------------------------------------------------------------------------------------------


def _notes(document: Document) -> dict[tuple[str, str], list[etree._Element]]:
    """Return the paragraphs of each footnote and endnote by kind and identifier."""
    notes: dict[tuple[str, str], list[etree._Element]] = {}
    for kind, relationship in _NOTE_PARTS.items():
        for root in _related_roots(document, relationship):
            for note in root.iterchildren(word(kind)):
                # Separators and notices of continuation have a type; notes have none.
                if note.get(word("type"), "normal") == "normal":
                    notes[kind, note.get(word("id"), "")] = list(note.iter(word("p")))
    return notes


def _related_roots(document: Document, relationship: str) -> list[etree._Element]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return [
        etree.fromstring(related.target_part.blob, parser)
        for related in document.part.rels.values()
        if related.reltype == relationship and not related.is_external
    ]


# --- Body ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Walker:
    """Turns the body of a document into units, in order."""

    styles: _Styles
    notes: dict[tuple[str, str], list[etree._Element]]
    omitted: list[Omission] = field(default_factory=list)
    _units: list[Unit] = field(default_factory=list)
    _reference_notes: dict[tuple[str, str], int] = field(default_factory=dict)

    def units(self, body: etree._Element) -> list[Unit]:
        """Return the units of the body; headings have the levels of their styles, 0 for the title."""
        self._reference_notes = self._numbered_notes(body)
        self._walk(body)
        return self._units

    def entries(self) -> list[Unit]:
        """Return the references that stand in notes."""
        return [
            text_unit("reference", f"{number}. {self._note_text(key)}")
            for key, number in self._reference_notes.items()
        ]

    def _numbered_notes(self, body: etree._Element) -> dict[tuple[str, str], int]:
        """Return the number of each note that is a reference; none where the document has another list."""
        headings = (
            paragraph_text(paragraph).text
            for paragraph in body.iter(word("p"))
            if self.styles.heading_level(paragraph) is not None
        )
        if any(is_reference_list_heading(text) for text in headings):
            return {}
        for kind in ("endnote", "footnote"):
            keys = [(kind, element.get(word("id"), "")) for element in body.iter(word(f"{kind}Reference"))]
            keys = [key for key in dict.fromkeys(keys) if self._note_text(key)]
            like = sum(bool(_LOOKS_LIKE_REFERENCE.search(self._note_text(key))) for key in keys)
            if keys and like >= _MIN_SHARE_OF_REFERENCES * len(keys):
                return {key: number for number, key in enumerate(keys, start=1)}
        return {}

    def _note_text(self, key: tuple[str, str]) -> str:
        texts = (paragraph_text(paragraph).text for paragraph in self.notes.get(key, ()))
        return " ".join(" ".join(texts).split())

    def _walk(self, parent: etree._Element) -> None:
        for child in parent.iterchildren(etree.Element):
            if child.tag == word("p"):
                self._add_paragraph(child)
            elif child.tag == word("tbl"):
                self._add_table(child)
            elif child.tag in {
                word("sdt"),
                word("sdtContent"),
                word("customXml"),
                word("ins"),
                word("moveTo"),
            }:
                self._walk(child)

    def _add_paragraph(self, paragraph: etree._Element) -> None:
        text = self._read(paragraph)
        if self.styles.is_contents(paragraph):
            if text.text.strip():
                self.omitted.append(Omission(text.text.strip(), "table of contents"))
            return
        heading, list_level = self.styles.heading_level(paragraph), self.styles.list_level(paragraph)
        fragments, after = self._fragments(text.pieces)
        if heading is not None:
            self._units.append(Unit("heading", fragments, heading))
        elif list_level is not None:
            self._units.append(Unit("list_item", fragments, list_level))
        else:
            self._units.append(Unit("paragraph", fragments))
        for key in after:
            self._units.append(text_unit("paragraph", self._note_text(key)))
        for box in text.boxes:
            self._add_paragraph(box)

    def _read(self, paragraph: etree._Element) -> ParagraphText:
        text = paragraph_text(paragraph)
        self.omitted += [Omission(left_out.strip(), reason) for left_out, reason in text.omitted]
        return text

    def _fragments(self, pieces: Iterable[Piece]) -> tuple[tuple[str | Marker, ...], list[tuple[str, str]]]:
        """Return text with markers for references in notes, and the other notes."""
        fragments: list[str | Marker] = []
        others: list[tuple[str, str]] = []
        for piece in pieces:
            if isinstance(piece, str):
                fragments.append(piece)
                continue
            key = (piece.kind, piece.identifier)
            number = self._reference_notes.get(key)
            if number is not None:
                fragments.append(Marker(raise_text(str(number)), (number,)))
            elif self._note_text(key):
                others.append(key)
        return _parted(fragments), others

    def _add_table(self, table: etree._Element) -> None:
        for row in table.iterchildren(word("tr")):
            if row.find(f"{word('trPr')}/{word('del')}") is not None:
                text = " ".join(paragraph_text(paragraph).text for paragraph in row.iter(word("p")))
                self.omitted.append(Omission(text.strip() or "(an empty row)", "tracked deletion"))
                continue
            self._add_row(row)

    def _add_row(self, row: etree._Element) -> None:
        cells: list[tuple[str | Marker, ...]] = []
        after: list[tuple[str, str]] = []
        nested: list[etree._Element] = []
        boxes: list[etree._Element] = []
        for cell in row.iter(word("tc")):
            if next(cell.iterancestors(word("tr")), None) is not row:
                continue
            pieces: list[Piece] = []
            for paragraph in _own_paragraphs(cell):
                text = self._read(paragraph)
                pieces += [*text.pieces, " "]
                boxes += text.boxes
            fragments, notes = self._fragments(pieces)
            if any(_shown(fragment).strip() for fragment in fragments):
                cells.append(_trimmed(fragments))
            after += notes
            nested += [table for table in cell.iter(word("tbl")) if _owner(table) is cell]
        if cells:
            joined = [fragment for cell_fragments in cells for fragment in (" | ", *cell_fragments)][1:]
            self._units.append(Unit("table_row", tuple(joined)))
        self._units += [text_unit("paragraph", self._note_text(key)) for key in after]
        for box in boxes:
            self._add_paragraph(box)
        for table in nested:
            self._add_table(table)


def _own_paragraphs(cell: etree._Element) -> list[etree._Element]:
    return [paragraph for paragraph in cell.iter(word("p")) if _owner(paragraph) is cell]


def _owner(element: etree._Element) -> etree._Element | None:
    """Return the cell or text box that an element stands in."""
    return next(element.iterancestors(word("tc"), word("txbxContent")), None)


def _shown(fragment: str | Marker) -> str:
    return fragment if isinstance(fragment, str) else fragment.text


def _trimmed(fragments: tuple[str | Marker, ...]) -> tuple[str | Marker, ...]:
    kept = list(fragments)
    while kept and isinstance(kept[-1], str) and not kept[-1].strip():
        kept.pop()
    if kept and isinstance(kept[-1], str):
        kept[-1] = kept[-1].rstrip()
    return tuple(kept)


def _parted(fragments: Sequence[str | Marker]) -> tuple[str | Marker, ...]:
    """Put a comma between markers that follow each other: ¹ and ² are not ¹²."""
    result: list[str | Marker] = []
    for fragment in fragments:
        if isinstance(fragment, Marker) and result and isinstance(result[-1], Marker):
            before = result.pop()
            assert isinstance(before, Marker)
            result.append(Marker(f"{before.text},{fragment.text}", before.numbers + fragment.numbers))
        else:
            result.append(fragment)
    return tuple(result)


# --- Title and what stands outside of the body --------------------------------------------------------


def _with_title(units: Sequence[Unit]) -> tuple[list[Unit], str | None]:
    """Return units with headings at their levels, 1 for the title alone, and the title.

    The title is what is styled so, else a first heading that is the only one of its level and comes first.
    """
    headings = [unit for unit in units if unit.kind == "heading" and unit.text.strip()]
    title = next((unit for unit in headings if unit.level == 0), None)
    lift = 1
    if title is None and headings:
        first_text = next(unit for unit in units if unit.text.strip())
        top = min(unit.level for unit in headings)
        alone = sum(unit.level == top for unit in headings) == 1
        is_list = is_reference_list_heading(headings[0].text)
        if headings[0].level == top and alone and first_text is headings[0] and not is_list:
            title, lift = headings[0], 0
    leveled = [
        Unit("heading", unit.fragments, 1 if unit is title else _heading_level(unit.level, lift))
        if unit.kind == "heading"
        else unit
        for unit in units
    ]
    return leveled, " ".join(title.text.split()) if title else None


def _heading_level(level: int, lift: int) -> int:
    return min(max(level + lift, 2), _DEEPEST_HEADING)


def _properties(document: Document) -> dict[str, str]:
    """Return what the core properties say; nothing when there are none."""
    package = document.part.package
    if package is None or not any(
        related.reltype == RELATIONSHIP_TYPE.CORE_PROPERTIES for related in package.rels.values()
    ):
        return {}
    core = document.core_properties
    found = {
        "title": core.title,
        "authors": "; ".join(part.strip() for part in core.author.split(";") if part.strip()),
        "language": core.language,
        "last_updated": core.modified.date().isoformat() if core.modified else "",
    }
    return {key: value.strip() for key, value in found.items() if value.strip()}


def _margins(document: Document) -> list[Omission]:
    found: dict[tuple[str, str], None] = {}
    for relationship, reason in (
        (RELATIONSHIP_TYPE.HEADER, "page header"),
        (RELATIONSHIP_TYPE.FOOTER, "page footer"),
    ):
        for root in _related_roots(document, relationship):
            texts = (paragraph_text(paragraph).text.strip() for paragraph in root.iter(word("p")))
            found |= {(text, reason): None for text in texts if text}
    return [Omission(text, reason) for text, reason in found]


def _comments(document: Document) -> list[Omission]:
    found: list[Omission] = []
    for root in _related_roots(document, _COMMENTS):
        for comment in root.iterchildren(word("comment")):
            text = " ".join(paragraph_text(paragraph).text for paragraph in comment.iter(word("p"))).strip()
            author = comment.get(word("author"), "").strip()
            if text:
                found.append(Omission(text, f"comment by {author}" if author else "comment"))
    return found


def _merged(omitted: Sequence[Omission]) -> list[Omission]:
    """Return neighbours with the same reason as one."""
    merged: list[Omission] = []
    for omission in omitted:
        if merged and merged[-1].reason == omission.reason:
            merged[-1] = Omission(f"{merged[-1].text}\n{omission.text}", omission.reason)
        else:
            merged.append(omission)
    return merged
