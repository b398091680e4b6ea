"""PDF: text with its structure, from characters and their places on the page.

The steps, one module each: characters (`pdf_glyphs`), lines (`page_lines`), columns (`page_layout`), running
heads (`page_furniture`), paragraphs (`paragraphs`), headings (`page_headings`), and lines joined to text
(`line_joining`). Pages are read one after the other, and only their lines are kept.
"""

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pypdfium2
import pypdfium2.raw as pdfium

from ingest.canonical import CanonicalTextBuilder
from ingest.errors import UnreadableDocumentError
from ingest.markers import find_citations
from ingest.readers.line_joining import Vocabulary, join_lines
from ingest.readers.page_furniture import PageLines, remove_furniture
from ingest.readers.page_headings import Headings, find_headings
from ingest.readers.page_layout import Gutter, lay_out
from ingest.readers.page_lines import Line, join_glyphs
from ingest.readers.paragraphs import Paragraph, Typography, group_paragraphs
from ingest.readers.pdf_glyphs import PageGlyphs, read_page_glyphs
from ingest.readers.pdf_streams import check_streams
from ingest.readers.printed_contents import remove_contents
from ingest.readers.printed_references import entry_starts
from ingest.readers.reading import Reading
from ingest.records import Omission
from ingest.references import is_reference_list_heading, parse_reference_list, split_reference_list

_HEADER_WITHIN_BYTES = 1024
_TRAILER_WITHIN_BYTES = 2048
_LINEARIZED_LENGTH = re.compile(rb"/Linearized\b[^>]*?/L\s+(\d{1,12})")
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>,;]+")
_MAX_UNMAPPED_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class PdfLimits:
    """What a PDF may cost; larger ones are refused."""

    max_pages: int = 5_000
    max_chars: int = 30_000_000
    max_page_chars: int = 500_000
    max_stream_bytes: int = 64_000_000  # one stream, unpacked
    max_unpacked_bytes: int = 1_000_000_000  # all streams but images
    max_seconds: float = 900.0


DEFAULT_LIMITS = PdfLimits()


@dataclass(slots=True)
class _Pages:
    """What was read of all pages."""

    pages: list[PageLines] = field(default_factory=list)
    omitted: list[Omission] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)  # pages without text
    chars: int = 0
    unmapped: int = 0


def read_pdf(data: bytes, *, limits: PdfLimits = DEFAULT_LIMITS) -> Reading:
    """Read a PDF with a text layer.

    Blocks carry the 1-based page on which they start. Running heads and feet, page numbers, tables of
    contents and text set at an angle are left out and named in `omitted`.

    Args:
        data: The whole file.
        limits: What it may cost in pages, characters, unpacked bytes and time.

    Raises:
        UnreadableDocumentError: When it is empty, no PDF, truncated, protected by a password, without a
            text layer, or larger than the limits.
    """
    _refuse_broken(data)
    check_streams(data, max_stream_bytes=limits.max_stream_bytes, max_total_bytes=limits.max_unpacked_bytes)
    document = _open(data)
    try:
        properties = document.get_metadata_dict()
        read = _read_pages(document, limits)
    finally:
        document.close()
    _refuse_textless(read)
    return _assemble(read, properties)


def count_pages(data: bytes) -> int:
    """Return how many pages a PDF has; none of them is read.

    Raises:
        UnreadableDocumentError: As `read_pdf` does for a file that cannot be opened.
    """
    _refuse_broken(data)
    document = _open(data)
    try:
        return len(document)
    finally:
        document.close()


# --- Opening ------------------------------------------------------------------------------------------


def _refuse_broken(data: bytes) -> None:
    if not data.strip(b"\0 \t\r\n"):
        raise UnreadableDocumentError(f"The PDF is empty ({len(data)} bytes). Download it again.")
    if b"%PDF-" not in data[:_HEADER_WITHIN_BYTES]:
        raise UnreadableDocumentError(
            f"The file is no PDF: it begins with the bytes {data[:8].hex(' ')}. Check what was downloaded."
        )
    announced = _LINEARIZED_LENGTH.search(data[:_TRAILER_WITHIN_BYTES])
    if announced and int(announced[1]) > len(data):
        raise UnreadableDocumentError(
            f"The PDF is truncated: it announces {int(announced[1]):,} bytes and has {len(data):,}. "
            "Download it again."
        )
    if b"%%EOF" not in data[-_TRAILER_WITHIN_BYTES:] and b"startxref" not in data[-_TRAILER_WITHIN_BYTES:]:
        raise UnreadableDocumentError(
            f"The PDF is truncated: its end mark is missing after {len(data):,} bytes. Download it again."
        )


def _open(data: bytes) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(data)
        pages = len(document)
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocumentError(_reason(error, len(data))) from error
    if pages == 0:
        document.close()
        raise UnreadableDocumentError("The PDF has no pages. Export it again from its source.")
    return document


def _reason(error: pypdfium2.PdfiumError, size: int) -> str:
    code = getattr(error, "err_code", None)
    if code in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}:
        return "The PDF is protected by a password. Save a copy without one and add that."
    return f"The PDF ({size:,} bytes) is damaged and cannot be opened. Download it again or print it anew."


# --- Pages --------------------------------------------------------------------------------------------


def _read_pages(document: pypdfium2.PdfDocument, limits: PdfLimits) -> _Pages:
    if len(document) > limits.max_pages:
        raise UnreadableDocumentError(
            f"The PDF has {len(document):,} pages; at most {limits.max_pages:,} are read. Split it."
        )
    deadline = time.monotonic() + limits.max_seconds
    read = _Pages()
    gutters: tuple[Gutter, ...] = ()
    for index in range(len(document)):
        page = _read_page(document, index, limits)
        layout = lay_out(join_glyphs(page.glyphs), page=page.number, width=page.width, expected=gutters)
        gutters = layout.gutters or gutters
        read.pages.append(PageLines(page.number, page.height, layout.lines))
        read.omitted += page.omitted
        read.chars += sum(len(line.text) for line in layout.lines)
        read.unmapped += page.unmapped
        if not layout.lines:
            read.empty.append(page.number)
        if read.chars > limits.max_chars:
            raise UnreadableDocumentError(
                f"The PDF holds more than {limits.max_chars:,} characters by page {page.number}. Split it."
            )
        if time.monotonic() > deadline:
            raise UnreadableDocumentError(
                f"Reading the PDF took more than {limits.max_seconds:g} s; it was stopped at page "
                f"{page.number} of {len(document)}. Split it, or print it to a new PDF."
            )
    return read


def _read_page(document: pypdfium2.PdfDocument, index: int, limits: PdfLimits) -> PageGlyphs:
    try:
        page = document[index]
        try:
            glyphs = read_page_glyphs(page, index + 1, max_chars=limits.max_page_chars)
        finally:
            page.close()
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocumentError(
            f"Page {index + 1} of the PDF is damaged and cannot be read. Download the file again, or print it anew."
        ) from error
    if glyphs is None:
        raise UnreadableDocumentError(
            f"Page {index + 1} of the PDF holds more than {limits.max_page_chars:,} characters, which no "
            "printed page does. Check where the file comes from."
        )
    return glyphs


def _refuse_textless(read: _Pages) -> None:
    if read.chars == 0 and not read.unmapped:
        raise UnreadableDocumentError(
            f"The PDF has no text layer: its {_count(len(read.pages), 'page')} hold images only. "
            "Run OCR first, then add the result."
        )
    if read.unmapped > read.chars:
        raise UnreadableDocumentError(
            "The PDF's fonts do not say which characters they print, so that its text cannot be read. "
            "Run OCR first, or export it again from its source."
        )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


# --- Text ---------------------------------------------------------------------------------------------


def _assemble(read: _Pages, properties: dict[str, str]) -> Reading:
    first_page = [line.text for line in read.pages[0].lines]
    lines, furniture = remove_furniture(read.pages)
    lines, contents = remove_contents(lines)
    if not lines:
        raise UnreadableDocumentError(
            "The PDF has no text layer but for its running heads and page numbers. Run OCR first."
        )
    typography = Typography(lines)
    vocabulary = Vocabulary.of_lines(line.text for line in lines)
    paragraphs = group_paragraphs(lines, typography)
    headings = find_headings(paragraphs, typography, metadata_title=properties.get("Title", ""))
    writer = _Writer(typography, vocabulary)
    writer.write(paragraphs, headings)
    return writer.reading(
        metadata=_metadata(first_page, properties),
        omitted=(*furniture, *contents, *read.omitted),
        warnings=_page_warnings(read),
    )


class _Writer:
    """Puts paragraphs, headings and references into canonical text."""

    def __init__(self, typography: Typography, vocabulary: Vocabulary) -> None:
        self._typography = typography
        self._vocabulary = vocabulary
        self._builder = CanonicalTextBuilder()
        self._title: str | None = None
        self._entries: list[str] = []

    def write(self, paragraphs: Sequence[Paragraph], headings: Headings) -> None:
        """Add all blocks in reading order, the title first among its neighbours."""
        at = 0
        while at < len(paragraphs):
            if headings.title is not None and at == headings.title.start:
                self._title = self._add_heading([paragraphs[one] for one in headings.title], 1)
                at = headings.title.stop
            elif at in headings.levels:
                self._add_heading([paragraphs[at]], headings.levels[at])
                end = _section_end(paragraphs, headings, at)
                if is_reference_list_heading(self._join(paragraphs[at].texts)):
                    self._add_reference_list(paragraphs[at + 1 : end])
                    at = end
                else:
                    at += 1
            else:
                self._add(paragraphs[at])
                at += 1

    def reading(
        self, *, metadata: dict[str, str], omitted: tuple[Omission, ...], warnings: tuple[str, ...]
    ) -> Reading:
        """Return what was written, with its references and markers."""
        text, blocks = self._builder.text, tuple(self._builder.blocks)
        references = parse_reference_list(self._entries) if self._entries else ()
        found = find_citations(text, blocks, numbers={reference.number for reference in references})
        return Reading(
            title=self._title,
            text=text,
            blocks=blocks,
            references=references,
            citations=found.citations,
            metadata=metadata,
            omitted=omitted,
            warnings=(*warnings, *found.warnings),
        )

    def _join(self, texts: Sequence[str]) -> str:
        return join_lines(texts, self._vocabulary)

    def _add_heading(self, paragraphs: Sequence[Paragraph], level: int) -> str | None:
        text = self._join([text for paragraph in paragraphs for text in paragraph.texts])
        block = self._builder.add("heading", text, level=level, page=paragraphs[0].lines[0].page)
        return self._builder.text[block.start : block.end] if block else None

    def _add(self, paragraph: Paragraph) -> None:
        page, cells = paragraph.lines[0].page, paragraph.lines[0].cells
        text = " | ".join(cells) if paragraph.kind == "table_row" else self._join(paragraph.texts)
        self._builder.add(paragraph.kind, text, level=paragraph.level, page=page)

    def _add_reference_list(self, paragraphs: Sequence[Paragraph]) -> None:
        entries, after = _cut_entries(paragraphs, self._typography)
        printed = [self._join([line.text for line in entry]) for entry in entries]
        split = split_reference_list([part for text in printed for part in (text, "")])
        pages = [entry[0].page for entry in entries]
        for at, text in enumerate(split):
            page = pages[min(at, len(pages) - 1)]
            block = self._builder.add("reference", text, page=page)
            if block is not None:
                self._entries.append(self._builder.text[block.start : block.end])
        for paragraph in after:
            self._add(paragraph)


def _section_end(paragraphs: Sequence[Paragraph], headings: Headings, at: int) -> int:
    later = (
        one for one in range(at + 1, len(paragraphs)) if headings.levels.get(one, 9) <= headings.levels[at]
    )
    return next(later, len(paragraphs))


def _cut_entries(
    paragraphs: Sequence[Paragraph], typography: Typography
) -> tuple[list[list[Line]], list[Paragraph]]:
    """Return the lines of each entry of a reference list, and the paragraphs that are none."""
    members = [paragraph for paragraph in paragraphs if not paragraph.is_caption]
    after = [paragraph for paragraph in paragraphs if paragraph.is_caption]
    lines = [line for paragraph in members for line in paragraph.lines]
    starts = entry_starts(lines, list(_first_lines(members)), typography)
    ends = [*starts[1:], len(lines)]
    entries = [lines[start:end] for start, end in zip(starts, ends, strict=True)]
    if not entries:
        return [], after
    rest = _rest_after(members, entries[-1])
    if rest:
        count = sum(len(paragraph.lines) for paragraph in rest)
        entries[-1] = entries[-1][:-count]
    return entries, [*after, *rest]


def _first_lines(paragraphs: Iterable[Paragraph]) -> Iterator[int]:
    at = 0
    for paragraph in paragraphs:
        yield at
        at += len(paragraph.lines)


def _rest_after(paragraphs: Sequence[Paragraph], last_entry: Sequence[Line]) -> list[Paragraph]:
    """Return the paragraphs that stand, set off by space, in what would be the list's last entry."""
    rest: list[Paragraph] = []
    left = len(last_entry)
    for paragraph in reversed(paragraphs):
        left -= len(paragraph.lines)
        if left <= 0:
            break
        rest.insert(0, paragraph)
    for at, paragraph in enumerate(rest):
        before = last_entry[-sum(len(one.lines) for one in rest[at:]) - 1]
        if paragraph.space_before and paragraph.lines[0].page == before.page:
            return rest[at:]
    return []


# --- What the file says of itself ---------------------------------------------------------------------


def _metadata(first_page: Sequence[str], properties: dict[str, str]) -> dict[str, str]:
    metadata: dict[str, str] = {}
    author = " ".join(properties.get("Author", "").split())
    words = {word.casefold().strip(",;*") for line in first_page for word in line.split()}
    # The property often holds the name of a computer's user; the first page tells.
    if author and author.split()[-1].casefold() in words:
        metadata["authors"] = "; ".join(
            part.strip() for part in re.split(r";|,\s|\band\b", author) if part.strip()
        )
    dois = {match.group().rstrip(".)]") for line in first_page for match in _DOI.finditer(line)}
    if len(dois) == 1:
        metadata["doi"] = dois.pop()
    return metadata


def _page_warnings(read: _Pages) -> tuple[str, ...]:
    warnings: list[str] = []
    if read.empty:
        shown = ", ".join(map(str, read.empty[:10])) + (" ..." if len(read.empty) > 10 else "")
        warnings.append(
            f"{_count(len(read.empty), 'page')} of {len(read.pages)} have no text layer ({shown}). "
            "If they are scans, run OCR first."
        )
    if read.unmapped > _MAX_UNMAPPED_SHARE * read.chars:
        warnings.append(
            f"{_count(read.unmapped, 'piece')} of text are in fonts that do not say which characters they print."
        )
    return tuple(warnings)
