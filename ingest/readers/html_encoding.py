"""The characters of a web page, whatever it declares itself to be written in."""

import codecs
import re
from typing import Final

from ingest.errors import UnreadableDocumentError
from ingest.readers.text_encoding import DecodedText

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED: Final = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_DECLARED_WITHIN_BYTES: Final = 4096
#: What browsers read pages as that declare the left, by the WHATWG Encoding Standard.
_READ_AS: Final = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}
#: Encodings whose bytes are all ASCII.
_SEVEN_BIT: Final = ("iso2022", "hz")


def decode_html(data: bytes) -> DecodedText:
    """Return a page's text, without the NULs that parsers stop at.

    A byte order mark decides, then what the bytes are, then what the page declares: bytes that are UTF-8
    are read as UTF-8 whatever it declares.

    Raises:
        UnreadableDocumentError: If it is binary.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _checked(data[len(mark) :].decode(encoding, errors="replace"), ())
    wide = _wide_encoding(data)
    if wide:
        return _checked(data.decode(wide, errors="replace"), ())
    match = _DECLARED.search(data[:_DECLARED_WITHIN_BYTES])
    return _checked(*_decode(data, match[1].decode("ascii") if match else None))


def _decode(data: bytes, declared: str | None) -> tuple[str, tuple[str, ...]]:
    codec = _codec(declared)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_as(data, codec, declared)
    if text.isascii() and codec and codec.startswith(_SEVEN_BIT):
        return _decode_as(data, codec, declared)
    if text.isascii() or codec in {None, "utf-8"}:
        return text, ()
    return text, (f"The page declares the encoding {declared!r} but is UTF-8; it was read as UTF-8.",)


def _codec(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    return _READ_AS.get(found, found)


def _wide_encoding(data: bytes) -> str | None:
    """Return UTF-16 in the byte order that a page without a mark shows by its NULs."""
    head = data[:_DECLARED_WITHIN_BYTES]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 3 < len(head) or min(even, odd) * 10 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _decode_as(data: bytes, codec: str | None, declared: str | None) -> tuple[str, tuple[str, ...]]:
    if codec is not None and codec != "utf-8":
        try:
            return data.decode(codec), ()
        except UnicodeDecodeError:
            pass
    said = f"declares the encoding {declared!r}, which it is not in" if declared else "declares no encoding"
    warning = (
        f"The page {said}; it was read as Windows-1252. Check letters with accents, and save it as UTF-8."
    )
    return data.decode("cp1252", errors="replace"), (warning,)


def _checked(text: str, warnings: tuple[str, ...]) -> DecodedText:
    nuls = text.count("\0")
    if nuls * 20 > len(text):
        raise UnreadableDocumentError(
            f"The file of {len(text):,} characters holds {nuls:,} NULs: it is binary, not a web page. "
            "Save the page again."
        )
    if nuls:
        warnings = (*warnings, f"{nuls:,} NUL characters were taken out.")
    return DecodedText(text.replace("\0", ""), warnings)
