"""The characters of a text file, whatever encoding it came in."""

import codecs
import re
from dataclasses import dataclass

from ingest.errors import UnreadableDocumentError

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # UTF-32's little-endian mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_LINE_ENDS = re.compile("\r\n?|\x0b|\x85|\u2028|\u2029")
_MAX_CONTROLS = 0.01  # of all characters; more is no text


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A file's text with line feeds only, and what had to be guessed on the way."""

    text: str
    warnings: tuple[str, ...] = ()


def decode_text(data: bytes) -> DecodedText:
    """Return the text of a file: in UTF-8, as its byte order mark says, or else in Windows-1252.

    A form feed becomes an empty line.

    Raises:
        UnreadableDocumentError: If it is empty or not text.
    """
    text, warnings = _decode(data)
    if "\0" in text or len(_CONTROLS.findall(text)) > _MAX_CONTROLS * len(text):
        raise UnreadableDocumentError(
            f"The file of {len(data):,} bytes is binary, not text. Supply the document as text, or "
            "whole if it is in another format."
        )
    text = _LINE_ENDS.sub("\n", text.replace("\f", "\n\n"))
    if not text.strip(" \n\t\ufeff\u200b"):
        raise UnreadableDocumentError(
            "The file holds no text. Supply it again, or take it out of the corpus."
        )
    return DecodedText(text, warnings)


def _decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding), ()
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise UnreadableDocumentError(
                f"The file begins as {encoding.upper()}, but byte {error.start:,} does not fit "
                f"({error.reason}). It is damaged or cut off; supply it again."
            ) from error
        unmapped = sum(byte in b"\x81\x8d\x8f\x90\x9d" for byte in data)
        lost = f" {unmapped} bytes that stand for no character were replaced." if unmapped else ""
        warning = (
            f"Byte {error.start:,} is not UTF-8, so the file was read as Windows-1252.{lost} Check letters "
            "with accents, and save it as UTF-8."
        )
        return data.decode("cp1252", errors="replace"), (warning,)
