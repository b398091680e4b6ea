"""Links to entries of a reference list, joined into whole markers.

Markup ties every printed number to its own entry, so "[3–7]" is two links with a dash between them. Here the
links of one marker are joined, with what separates and encloses them, and what the dash stands for is added.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ingest.canonical import Marker
from ingest.readers.superscripts import lower_text


@dataclass(frozen=True, slots=True)
class Pointer:
    """One link: its text as printed, and the numbers of the entries that it leads to, at least one."""

    text: str
    numbers: tuple[int, ...]


Fragment = str | Pointer

_DASHES: Final = "‐‑‒–—−⁻~～-"  # the hyphen last, for character classes
_OPENERS: Final = "[(（［【〔⁽"
_CLOSERS: Final = dict(zip(_OPENERS, "])）］】〕⁾", strict=True))
_SEPARATOR: Final = re.compile(
    rf"\s*[])）］】〕⁾]?\s*(?P<sign>[,;，；、/{_DASHES}]|(?P<word>\b(?:and|to)\b|&))?\s*[\[(（［【〔⁽]?\s*"
)
_RANGE_SIGNS: Final = frozenset(_DASHES) | {"to"}
_PRINTED_NUMBERS: Final = re.compile(rf"\d{{1,4}}(?:\s*[,;，；、{_DASHES}]\s*\d{{1,4}})*")
_PRINTED_RANGE: Final = re.compile(rf"(\d+)(?:\s*[{_DASHES}]\s*(\d+))?")
_NAME_AND_YEAR: Final = re.compile(
    r"(?P<name>.*[^\W\d].*?)(?P<year>\s*\((?:1[89]|20)\d\d[a-z]?\))", re.DOTALL
)


def join_pointers(fragments: Iterable[Fragment], *, known: Collection[int]) -> list[str | Marker]:
    """Turn links into markers, one for each that a reader would see as one.

    Links that only a comma, a dash or brackets separate become one marker, with the brackets around
    them. A dash between two numbers stands for the entries between them. In "Smith (2004)" only the
    year is the marker, for the name belongs to the sentence. A link without text shows as "[n]".

    Args:
        fragments: Text and links in reading order.
        known: The numbers of the reference list; a range stands for those of them that lie in it.

    Returns:
        The same text, in order, with markers in place of links.
    """
    pending = _coalesce(_narrow(fragments))
    if not any(isinstance(fragment, Pointer) for fragment in pending):
        return [fragment for fragment in pending if isinstance(fragment, str)]
    ordered = sorted(set(known))
    joined: list[str | Marker] = []
    at = 0
    while at < len(pending):
        if isinstance(pending[at], str):
            joined.append(str(pending[at]))
            at += 1
            continue
        end = _run_end(pending, at)
        before = joined.pop() if joined and isinstance(joined[-1], str) else ""
        after = pending[end] if end < len(pending) and isinstance(pending[end], str) else ""
        text = "".join(_text_of(fragment) for fragment in pending[at:end])
        opener, closer = _enclosing(str(before), text, str(after))
        if closer:
            pending[end] = str(after)[len(closer) :]
        numbers = _numbers_of(pending[at:end], ordered)
        joined += [str(before)[: len(str(before)) - len(opener)], _marker(opener + text + closer, numbers)]
        at = end
    return [fragment for fragment in joined if fragment]


def _marker(text: str, numbers: tuple[int, ...]) -> Marker:
    shown = text if any(character.isalnum() for character in lower_text(text)) else ""
    return Marker(shown or f"[{', '.join(map(str, numbers))}]", numbers)


def _narrow(fragments: Iterable[Fragment]) -> Iterable[Fragment]:
    for fragment in fragments:
        if isinstance(fragment, str):
            yield fragment
            continue
        text = fragment.text
        stripped = text.strip()
        match = _NAME_AND_YEAR.fullmatch(stripped)
        yield text[: len(text) - len(text.lstrip())]
        if match:
            yield match["name"] + " "
            yield Pointer(match["year"].strip(), fragment.numbers)
        else:
            yield Pointer(stripped, fragment.numbers)
        yield text[len(text.rstrip()) :] if stripped else ""


def _coalesce(fragments: Iterable[Fragment]) -> list[Fragment]:
    kept: list[Fragment] = []
    pieces: list[str] = []
    for fragment in fragments:
        if isinstance(fragment, str):
            pieces.append(fragment)
            continue
        if text := "".join(pieces):
            kept.append(text)
        pieces = []
        kept.append(fragment)
    if text := "".join(pieces):
        kept.append(text)
    return kept


def _text_of(fragment: Fragment) -> str:
    return fragment if isinstance(fragment, str) else fragment.text


def _run_end(fragments: Sequence[Fragment], start: int) -> int:
    """Return the index after the last link of the run that starts here."""
    end = start + 1
    opened = start > 0 and _text_of(fragments[start - 1]).rstrip().endswith(tuple(_OPENERS))
    while end < len(fragments):
        if isinstance(fragments[end], Pointer):
            end += 1
        elif end + 1 < len(fragments) and _separates(str(fragments[end]), opened=opened):
            end += 2
        else:
            break
    return end


def _separates(text: str, *, opened: bool) -> bool:
    match = _SEPARATOR.fullmatch(text)
    return bool(match) and (opened or not match["word"])  # type: ignore[index]


def _enclosing(before: str, text: str, after: str) -> tuple[str, str]:
    """Return the bracket before a run and the one after it that belong to it, each possibly empty."""
    opener, closer = before[-1:], after[:1]
    if _CLOSERS.get(opener) == closer and closer and text.count(opener) == text.count(closer):
        return opener, closer
    if opener in _CLOSERS and text.count(_CLOSERS[opener]) == text.count(opener) + 1:
        return opener, ""
    if any(text.count(one) == text.count(closer) + 1 for one, other in _CLOSERS.items() if other == closer):
        return "", closer
    return "", ""


def _numbers_of(run: Sequence[Fragment], known: Sequence[int]) -> tuple[int, ...]:
    numbers: list[int] = []
    previous: Pointer | None = None
    ranging = False
    for fragment in run:
        if isinstance(fragment, str):
            match = _SEPARATOR.fullmatch(fragment)
            ranging = ranging or bool(match and match["sign"] in _RANGE_SIGNS)
            continue
        if ranging and previous is not None:
            numbers += _between(previous, fragment, known)
        numbers += _stands_for(fragment, known)
        if fragment.text:
            previous, ranging = fragment, False
    return tuple(dict.fromkeys(numbers))


def _between(left: Pointer, right: Pointer, known: Sequence[int]) -> list[int]:
    """Return what a dash between two links stands for: nothing, unless both print numbers of the list."""
    low, high = left.numbers[-1], right.numbers[0]
    low_printed, high_printed = _printed(left.text), _printed(right.text)
    # Years ("2002–2004") and numbers of another list are not what they lead to.
    if not low_printed or not high_printed or low_printed[-1][1] - low != high_printed[0][0] - high:
        return []
    return list(known[bisect_right(known, low) : bisect_left(known, high)])


def _stands_for(pointer: Pointer, known: Sequence[int]) -> tuple[int, ...]:
    """Return the numbers of one link; a range that it prints ("3–7") counts where it holds the target."""
    printed: list[int] = []
    for low, high in _printed(pointer.text):
        printed += known[bisect_left(known, low) : bisect_right(known, high)]
    return tuple(printed) if set(pointer.numbers) <= set(printed) else pointer.numbers


def _printed(text: str) -> list[tuple[int, int]]:
    """Return the ranges of numbers that a link prints, and none when it prints anything else."""
    plain = lower_text(text).strip().strip("[]()（）［］【】〔〕").strip()
    if not _PRINTED_NUMBERS.fullmatch(plain):
        return []
    found = [(int(low), int(high or low)) for low, high in _PRINTED_RANGE.findall(plain)]
    return found if all(low <= high for low, high in found) else []
