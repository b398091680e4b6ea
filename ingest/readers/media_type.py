"""Which format a file is in, told by its content."""

import codecs
import io
import re
import zipfile

from ingest.errors import UnreadableDocumentError

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ZIP = "application/zip"
JATS = "application/jats+xml"
XML = "application/xml"
HTML = "text/html"
MARKDOWN = "text/markdown"
PLAIN_TEXT = "text/plain"

#: Some producers put bytes before a PDF's header; readers accept it anywhere in the first kilobyte.
_PDF_HEADER_WITHIN_BYTES = 1024
_HEAD_CHARS = 4096

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TEXT_NAMES = {".md": MARKDOWN, ".markdown": MARKDOWN, ".txt": PLAIN_TEXT, ".text": PLAIN_TEXT}
_HTML_START = re.compile(
    r"(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|article|main|div|section|p|h1)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML_START = re.compile(r"<(?:\?xml\b|!DOCTYPE\b|!--|[A-Za-z_][\w:.-]*[\s/>])")
_XML_PROLOGUE = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)*", re.DOTALL)
_ROOT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")
_JATS_DOCTYPE = re.compile(r"<!DOCTYPE\s+article\b[^>]*(?:JATS|NLM)", re.IGNORECASE)
_JATS_CHILD = re.compile(r"<(?:front|journal-meta|article-meta)\b|\bxlink:|\bdtd-version=")
_JATS_ROOTS = frozenset({"article", "pmc-articleset"})
#: Signs that only markdown gives; one of each kind, or two of one, are wanted.
_MARKDOWN_SIGNS = (
    re.compile(r"^#{1,6} +\S", re.MULTILINE),
    re.compile(r"\A---\n.*?^---$", re.MULTILINE | re.DOTALL),
    re.compile(r"^(?:```|~~~)", re.MULTILINE),
    re.compile(r"\[[^\]\n]{1,200}\]\([^)\s]{1,500}\)"),
    re.compile(r"\*\*[^*\n]{1,200}\*\*"),
    re.compile(r"^\[\^[^\]\s]+\]: ", re.MULTILINE),
    re.compile(r"^\|?(?: *:?-{3,}:? *\|)+(?: *:?-{3,}:? *)?$", re.MULTILINE),
)


def detect_media_type(data: bytes, *, name: str) -> str:
    """Return the media type of a file.

    Content decides; the name's extension only tells markdown from plain text. HTML, XML and text are told
    apart by how they begin. A zip archive that is no word processor's is `application/zip`, XML that is not
    JATS is `application/xml`.

    Args:
        data: The whole file.
        name: The file's name; `""` if it has none.

    Raises:
        UnreadableDocumentError: If the file is empty or in none of these formats.
    """
    if not data.strip(b"\0 \t\r\n"):
        raise UnreadableDocumentError(f"{_named(name)} is empty. Supply the file again.")
    if b"%PDF-" in data[:_PDF_HEADER_WITHIN_BYTES]:
        return PDF
    if data.startswith(b"PK\x03\x04"):
        return _zip_type(data)
    text = _head_of_text(data)
    if text is None:
        raise UnreadableDocumentError(
            f"{_named(name)} is neither text nor a known format: it begins with {data[:8].hex(' ')} (hex). "
            "Supply it as PDF, Word (docx), HTML, JATS XML, markdown or plain text."
        )
    return _text_type(text.lstrip(), extension=_extension(name))


def _named(name: str) -> str:
    return f"The file {name!r}" if name else "The file"


def _extension(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def _zip_type(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile:
        # A truncated file still is what it was; its reader says what is wrong with it.
        return DOCX if b"word/" in data else ZIP
    return DOCX if "word/document.xml" in names else ZIP


def _head_of_text(data: bytes) -> str | None:
    """Decode the beginning of a text file; None when there are bytes that no text has."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[: 2 * _HEAD_CHARS].decode(encoding, errors="ignore")
    head = data[:_HEAD_CHARS]
    if b"\0" in data:
        return None
    controls = sum(1 for byte in head if byte < 0x20 and byte not in b"\t\n\r\f\x1b")
    return head.decode("utf-8", errors="replace") if controls * 50 <= len(head) else None


def _text_type(text: str, *, extension: str) -> str:
    if text.startswith("<"):
        marked_up = _markup_type(text)
        if marked_up is not None:
            return marked_up
    if extension in _TEXT_NAMES:
        return _TEXT_NAMES[extension]
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    signs = [len(sign.findall(lines)) for sign in _MARKDOWN_SIGNS]
    return MARKDOWN if sum(map(bool, signs)) >= 2 or max(signs) >= 2 else PLAIN_TEXT


def _markup_type(text: str) -> str | None:
    if _HTML_START.match(text):
        if text[:8].lower() == "<article" and _JATS_CHILD.search(text):
            return JATS
        return HTML
    prologue = _XML_PROLOGUE.match(text)
    root = _ROOT.match(text, prologue.end() if prologue else 0)
    if root is None:
        return XML if _XML_START.match(text) else None
    if root[1].lower() == "html":
        return HTML
    if root[1] in _JATS_ROOTS or _JATS_DOCTYPE.search(text):
        return JATS
    return XML if _XML_START.match(text) else None
