"""Which reader reads which format: one table, one row per format."""

from collections.abc import Callable
from dataclasses import dataclass

from ingest.errors import UnreadableDocumentError
from ingest.readers import pdf
from ingest.readers.docx import read_docx
from ingest.readers.html import read_html
from ingest.readers.jats import read_jats
from ingest.readers.markdown import read_markdown
from ingest.readers.media_type import DOCX, HTML, JATS, MARKDOWN, PDF, PLAIN_TEXT, detect_media_type
from ingest.readers.pdf import read_pdf
from ingest.readers.plain_text import read_plain_text
from ingest.readers.reading import Reading


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read, with the endings of file names that announce it."""

    media_type: str
    label: str  # what people call it
    suffixes: tuple[str, ...]
    read: Callable[[bytes], Reading]


#: No file is larger, whatever its format; some formats have a lower limit of their own.
MAX_FILE_BYTES = 128_000_000

#: To support another format, add its row.
FORMATS: tuple[Format, ...] = (
    Format(DOCX, "Word", (".docx",), read_docx),
    Format(HTML, "HTML", (".html", ".htm", ".xhtml"), read_html),
    Format(JATS, "JATS XML", (".xml", ".nxml"), read_jats),
    Format(MARKDOWN, "markdown", (".md", ".markdown"), read_markdown),
    Format(PDF, "PDF", (".pdf",), read_pdf),
    Format(PLAIN_TEXT, "plain text", (".txt", ".text"), read_plain_text),
)

#: Endings of the files that a corpus folder is searched for; the reader is still picked by content.
SUPPORTED_SUFFIXES: tuple[str, ...] = tuple(suffix for format_ in FORMATS for suffix in format_.suffixes)

_BY_MEDIA_TYPE = {format_.media_type: format_ for format_ in FORMATS}


def read_document(data: bytes, *, name: str) -> Reading:
    """Read a file with the reader for what it contains.

    Args:
        data: The whole file.
        name: Its name; the ending only tells markdown from plain text. May be empty.

    Raises:
        UnreadableDocumentError: If it is empty, too large, in no supported format, or damaged.
    """
    if len(data) > MAX_FILE_BYTES:
        raise UnreadableDocumentError(
            f"{name or 'The file'} has {len(data):,} bytes; at most {MAX_FILE_BYTES:,} are read. Split it into parts."
        )
    media_type = detect_media_type(data, name=name)
    chosen = _BY_MEDIA_TYPE.get(media_type)
    if chosen is None:
        supported = ", ".join(f"{format_.label} ({'/'.join(format_.suffixes)})" for format_ in FORMATS)
        raise UnreadableDocumentError(
            f"{name or 'The file'} is {media_type}, which no reader supports. Convert it to {supported}."
        )
    return chosen.read(data)


def count_pages(data: bytes, *, name: str) -> int | None:
    """Return how many pages a file has, None for a format that has none of its own.

    Raises:
        UnreadableDocumentError: If the file cannot be opened.
    """
    return pdf.count_pages(data) if detect_media_type(data, name=name) == PDF else None


def suffix_of(data: bytes, *, name: str) -> str:
    """Return the ending that a file should have by what it contains, such as `.html`.

    Args:
        data: The whole file.
        name: As in `read_document`, which must be able to read the file.
    """
    return _BY_MEDIA_TYPE[detect_media_type(data, name=name)].suffixes[0]
