"""The characters of a PDF page with their places: the only module that calls pdfium's raw interface.

Places are in points with the origin at the page's upper left corner and y growing downwards, whatever the
page's own boxes and rotation say: a page set sideways is turned so that its text runs from left to right.
"""

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

from ingest.records import Omission

_HYPHEN_AT_LINE_END = 0x02  # what pdfium makes of a hyphen that ends a line
_SOFT_HYPHEN = "\u00ad"
_SPACES = frozenset({0x09, 0x0A, 0x0D, 0x20, 0xA0, 0x1680, 0x202F, 0x205F, 0x3000, *range(0x2000, 0x200B)})
_BOLD_NAME = re.compile(
    r"bold|black|heavy|demi(?!lig)|CMBX|CMSSBX|SFBX|NimbusRomNo9L-Medi|-Medi(?!um)|,B\b", re.I
)
_ITALIC_NAME = re.compile(r"italic|oblique|slanted|CMTI|CMSL|SFTI|-Ital|-It\b", re.I)
_FORCE_BOLD, _ITALIC = 1 << 18, 1 << 6  # font descriptor flags, ISO 32000-1 table 123
_BOLD_WEIGHT = 600
_SKEWED_DEGREES = 8.0


class Glyph(NamedTuple):
    """One printed character; `text` has more than one code point where a ligature was taken apart."""

    text: str
    x0: float
    x1: float
    baseline: float
    size: float  # of the font, as printed
    bold: bool
    italic: bool
    spaced: bool  # white space stands before it
    same_place: bool  # shares its box with the glyph before it: one glyph that stands for several characters


@dataclass(frozen=True, slots=True)
class PageGlyphs:
    """All characters of one page in the order in which the file draws them."""

    number: int  # 1-based
    width: float
    height: float
    glyphs: list[Glyph]
    omitted: tuple[Omission, ...]
    unmapped: int  # glyphs for which the file names no character


class _Style(NamedTuple):
    size: float
    quarter: int | None  # quarter turns counter-clockwise; None for any other angle
    bold: bool
    italic: bool


class _Placed(NamedTuple):
    text: str
    box: tuple[float, float, float, float]  # left, bottom, right, top, in the page's own space
    origin: tuple[float, float]
    style: _Style
    spaced: bool


def read_page_glyphs(page: Any, number: int, *, max_chars: int) -> PageGlyphs | None:
    """Read the characters of one page.

    Args:
        page: A `pypdfium2.PdfPage`.
        number: Its 1-based number.
        max_chars: Largest number of characters that is read.

    Returns:
        The page, or None when it holds more than `max_chars` characters.
    """
    left, bottom, right, top = page.get_bbox()
    textpage = page.get_textpage()
    try:
        if textpage.count_chars() > max_chars:
            return None
        reader = _TextPageReader(textpage)
        placed = list(reader.characters())
    finally:
        textpage.close()
    turn = _common_turn(placed)
    kept, omitted = _set_aside(placed, turn, (left, bottom, right, top), number)
    frame = _Frame(left, bottom, right, top, turn)
    return PageGlyphs(number, frame.width, frame.height, frame.glyphs(kept), omitted, reader.unmapped)


class _TextPageReader:
    """Walks over the characters of a pdfium text page."""

    def __init__(self, textpage: pypdfium2.PdfTextPage) -> None:
        self.unmapped = 0
        self._raw = textpage.raw
        self._count = textpage.count_chars()
        self._object = 0
        self._style = _Style(0.0, 0, bold=False, italic=False)

    def characters(self) -> Iterator[_Placed]:
        """Yield what is printed, white space as a mark on the character after it."""
        raw, box, x, y = self._raw, pdfium.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
        unicode_of, box_of = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetLooseCharBox
        origin_of = pdfium.FPDFText_GetCharOrigin
        spaced, high_surrogate = False, 0
        for index in range(self._count):
            code = unicode_of(raw, index)
            if code in _SPACES:
                spaced = True
                continue
            if 0xD800 <= code < 0xDC00:
                high_surrogate = code
                continue
            if 0xDC00 <= code < 0xE000:
                code = 0x10000 + ((high_surrogate - 0xD800) << 10) + (code - 0xDC00) if high_surrogate else 0
            high_surrogate = 0
            text = _text_of(code)
            if not text:
                self.unmapped += code != 0xFEFF
                continue
            box_of(raw, index, box)
            origin_of(raw, index, x, y)
            place = (box.left, box.bottom, box.right, box.top)
            yield _Placed(text, place, (x.value, y.value), self._style_at(index), spaced)
            spaced = False

    def _style_at(self, index: int) -> _Style:
        # All characters of one text object have one font, size and direction.
        address = ctypes.cast(pdfium.FPDFText_GetTextObject(self._raw, index), ctypes.c_void_p).value or 0
        if not address or address != self._object:
            self.unmapped += pdfium.FPDFText_HasUnicodeMapError(self._raw, index) == 1
            self._object, self._style = address, self._read_style(index)
        return self._style

    def _read_style(self, index: int) -> _Style:
        matrix, flags = pdfium.FS_MATRIX(), ctypes.c_int()
        name = ctypes.create_string_buffer(128)
        size = pdfium.FPDFText_GetFontSize(self._raw, index)
        pdfium.FPDFText_GetFontInfo(self._raw, index, name, 128, flags)
        if pdfium.FPDFText_GetMatrix(self._raw, index, matrix):
            size *= math.hypot(matrix.c, matrix.d)
        font = name.value.decode("utf-8", "replace")
        bold = bool(_BOLD_NAME.search(font)) or bool(flags.value & _FORCE_BOLD)
        bold = bold or pdfium.FPDFText_GetFontWeight(self._raw, index) >= _BOLD_WEIGHT
        italic = bool(_ITALIC_NAME.search(font)) or bool(flags.value & _ITALIC)
        return _Style(round(abs(size), 1), _quarter_turns(matrix.a, matrix.b), bold, italic)


def _text_of(code: int) -> str:
    """Return the text of one character code, empty for what is no character."""
    if code == _HYPHEN_AT_LINE_END:
        return "-"
    if code == 0xAD:
        return _SOFT_HYPHEN
    if code < 0x20 or 0x7F <= code < 0xA0 or 0xFFF9 <= code <= 0xFFFF or code > 0x10FFFF or code == 0xFEFF:
        return ""
    if 0xFB00 <= code <= 0xFDFB or 0xFE70 <= code <= 0xFEFC:  # Latin, Hebrew and Arabic presentation forms
        return unicodedata.normalize("NFKC", chr(code)).strip()
    return chr(code)


def _quarter_turns(a: float, b: float) -> int | None:
    degrees = math.degrees(math.atan2(b, a))
    quarter = round(degrees / 90)
    return quarter % 4 if abs(degrees - 90 * quarter) <= _SKEWED_DEGREES else None


def _common_turn(placed: list[_Placed]) -> int:
    turns = Counter(one.style.quarter for one in placed if one.style.quarter is not None)
    return turns.most_common(1)[0][0] or 0 if turns else 0


def _set_aside(
    placed: list[_Placed], turn: int, page_box: tuple[float, float, float, float], number: int
) -> tuple[list[_Placed], tuple[Omission, ...]]:
    """Split off what is printed at another angle than the page's text, and what lies outside of the page."""
    left, bottom, right, top = page_box
    kept: list[_Placed] = []
    turned: list[_Placed] = []
    outside: list[_Placed] = []
    for one in placed:
        x, y = one.origin
        if one.style.quarter != turn:
            turned.append(one)
        elif not (left - 1 <= x <= right + 1 and bottom - 1 <= y <= top + 1):
            outside.append(one)
        else:
            kept.append(one)
    reasons = (
        (turned, f"printed at an angle to the text of page {number}"),
        (outside, f"lies outside of the visible part of page {number}"),
    )
    return kept, tuple(Omission(_printed(group), reason) for group, reason in reasons if group)


def _printed(placed: list[_Placed]) -> str:
    return "".join(" " + one.text if one.spaced else one.text for one in placed).strip()


class _Frame:
    """Maps the page's own space to ours: origin at the upper left, text running to the right."""

    def __init__(self, left: float, bottom: float, right: float, top: float, turn: int) -> None:
        self._edges = (left, bottom, right, top)
        self._turn = turn
        sideways = turn % 2 == 1
        self.width = top - bottom if sideways else right - left
        self.height = right - left if sideways else top - bottom

    def glyphs(self, placed: list[_Placed]) -> list[Glyph]:
        result: list[Glyph] = []
        before: tuple[float, float, float, float] | None = None
        for one in placed:
            x0, x1 = self._extent(one.box)
            style = one.style
            baseline = self._baseline(one.origin)
            same_place = one.box == before
            result.append(
                Glyph(
                    one.text, x0, x1, baseline, style.size, style.bold, style.italic, one.spaced, same_place
                )
            )
            before = one.box
        return result

    def _extent(self, box: tuple[float, float, float, float]) -> tuple[float, float]:
        left, bottom, right, top = self._edges
        low, high = [
            (box[0] - left, box[2] - left),
            (box[1] - bottom, box[3] - bottom),
            (right - box[2], right - box[0]),
            (top - box[3], top - box[1]),
        ][self._turn]
        return (low, high) if low <= high else (high, low)

    def _baseline(self, origin: tuple[float, float]) -> float:
        left, bottom, right, top = self._edges
        x, y = origin
        return round((top - y, x - left, y - bottom, right - x)[self._turn], 1)
