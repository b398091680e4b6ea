"""Raised text in plain Unicode: what markup writes as `10<sup>3</sup>` is `10³` in the canonical text."""

import re
from typing import Final

_PLAIN: Final = "0123456789+-‐‑‒–—−()"
_RAISED: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁻⁻⁻⁻⁽⁾"
_CLASS: Final = re.escape(_PLAIN)
_RAISE: Final = str.maketrans(_PLAIN, _RAISED)
_LOWER: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾", "0123456789+–()")
_LETTERS: Final = dict(zip("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True))
_RAISABLE: Final = re.compile(rf"[{_CLASS},;.*†‡§¶\s]*[{_CLASS}][{_CLASS},;.*†‡§¶\s]*")


def is_raisable(text: str) -> bool:
    """Return whether raised text can be written in Unicode: digits and signs, or one small letter.

    What is in brackets (`<sup>[3]</sup>`) is as clear on the line and stays there, and so do words
    (`19<sup>th</sup>`).
    """
    return text.strip() in _LETTERS or bool(_RAISABLE.fullmatch(text))


def raise_text(text: str) -> str:
    """Return raisable text as superscripts; commas and stops, which have none, stay, spaces go."""
    if text.strip() in _LETTERS:
        return _LETTERS[text.strip()]
    return re.sub(r"\s+", "", text).translate(_RAISE)


def lower_text(text: str) -> str:
    """Return text with superscript digits and signs back on the line; a raised minus becomes a dash."""
    return text.translate(_LOWER)
