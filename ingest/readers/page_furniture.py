"""Running heads, running feet and page numbers: what a page repeats and no reader reads.

They stand in the margin, set off from the text, and are recognised by what repeats over the pages: the same
words at the same height, numbers that count the pages, or a line at the height where other pages have
furniture. A line that is none of these is text.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from ingest.readers.page_lines import Line
from ingest.records import Omission

_Zone = Literal["head", "foot"]
_MARGIN = 0.2  # of the page's height, at its top and at its bottom
_MAX_ROWS = 4
_FEW_ROWS = 2
_SET_OFF = 1.3  # times the usual distance between lines
_SAME_HEIGHT = 3.0  # points
_ROW = 2.5  # points
_MAX_CHARS = 200
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"(?:[^\W\d]{1,6}\.?\s*)?[-–—\[(|]*\s*(?P<number>\d{1,5}|[ivxl]{1,7})\s*[-–—\])|]*"
    r"(?:\s*(?:/|of|de|von|sur|di)\s*\d{1,5})?",
    re.IGNORECASE,
)
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50}


@dataclass(frozen=True, slots=True)
class PageLines:
    """The lines of one page in reading order."""

    number: int  # 1-based
    height: float  # points
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    line: Line
    zone: _Zone
    from_edge: float  # of the baseline, from the top of the page or from its bottom
    page: int
    alone: bool  # on a page with hardly anything else, where nothing shows that it is set off

    @property
    def place(self) -> tuple[_Zone, int]:
        return self.zone, round(self.from_edge / _SAME_HEIGHT)


def remove_furniture(pages: Sequence[PageLines]) -> tuple[list[Line], tuple[Omission, ...]]:
    """Take running heads and feet and page numbers out of a document.

    Returns:
        The other lines in reading order; and what was taken out, equal words once with their pages.
    """
    candidates = [candidate for page in pages for candidate in _candidates(page)]
    numbers = _page_numbers(candidates, len(pages))
    heads = _repeated(candidates, len(pages)) - numbers
    heads |= _at_known_places(candidates, numbers | heads, len(pages)) - numbers
    taken = {id(candidates[at].line) for at in numbers | heads}
    kept = [line for page in pages for line in page.lines if id(line) not in taken]
    omitted = [
        *_omissions([candidates[at] for at in sorted(heads)]),
        *_number_omission([candidates[at] for at in sorted(numbers)]),
    ]
    return kept, tuple(omitted)


# --- What stands in a margin, set off from the text ---------------------------------------------------


def _candidates(page: PageLines) -> list[_Candidate]:
    rows = _rows(page.lines)
    if not rows:
        return []
    steps = [below[0].baseline - above[0].baseline for above, below in pairwise(rows)]
    usual = _usual_step(steps, rows)
    top = _set_off(rows, steps, usual)
    bottom = _set_off(rows[::-1], steps[::-1], usual)
    alone = len(rows) <= _FEW_ROWS
    found: list[_Candidate] = []
    for line in (line for row in top for line in row if line.baseline <= _MARGIN * page.height):
        found.append(_Candidate(line, "head", line.baseline, page.number, alone))
    for line in (line for row in bottom for line in row if line.baseline >= (1 - _MARGIN) * page.height):
        found.append(_Candidate(line, "foot", page.height - line.baseline, page.number, alone))
    return [one for one in found if len(one.line.text) <= _MAX_CHARS]


def _rows(lines: Iterable[Line]) -> list[list[Line]]:
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.baseline):
        if rows and line.baseline - rows[-1][0].baseline <= _ROW:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _usual_step(steps: Sequence[float], rows: Sequence[Sequence[Line]]) -> float:
    size = median(line.size for row in rows for line in row)
    # In columns whose lines stand at different heights the steps are shorter than a line.
    return max(median(steps) if steps else 0.0, 1.1 * size)


def _set_off(rows: Sequence[list[Line]], steps: Sequence[float], usual: float) -> list[list[Line]]:
    """Return the outermost rows up to the last gap among them; all rows of a page that has few."""
    if len(rows) <= _FEW_ROWS:
        return list(rows)
    gaps = [at for at, step in enumerate(steps[:_MAX_ROWS]) if step >= _SET_OFF * usual]
    return list(rows[: gaps[-1] + 1]) if gaps else []


# --- What repeats -------------------------------------------------------------------------------------


def _page_numbers(candidates: Sequence[_Candidate], page_count: int) -> set[int]:
    """Return which candidates count the pages: the same difference from the page's place in the file."""
    by_offset: dict[int, set[int]] = defaultdict(set)
    for at, candidate in enumerate(candidates):
        number = _number(candidate.line.text)
        if number is not None:
            by_offset[number - candidate.page].add(at)
    found: set[int] = set()
    for offset, members in by_offset.items():
        pages = {candidates[at].page for at in members}
        if len(pages) >= min(3, page_count) or (offset == 0 and len(pages) >= min(2, page_count)):
            found |= members
    return found


def _number(text: str) -> int | None:
    match = _PAGE_NUMBER.fullmatch(text.strip())
    if not match:
        return None
    digits = match["number"].lower()
    return int(digits) if digits.isdecimal() else _from_roman(digits)


def _from_roman(digits: str) -> int:
    values = [_ROMAN[digit] for digit in digits]
    return sum(
        -value if after > value else value for value, after in zip(values, [*values[1:], 0], strict=True)
    )


def _repeated(candidates: Sequence[_Candidate], page_count: int) -> set[int]:
    groups: dict[tuple[_Zone, str], list[int]] = defaultdict(list)
    for at, candidate in enumerate(candidates):
        key = _pattern(candidate.line.text)
        if any(char.isalpha() for char in key):
            groups[candidate.zone, key].append(at)
    enough = 2 if page_count <= 4 else 3
    found: set[int] = set()
    for members in groups.values():
        for group in _at_one_height(candidates, members):
            if _repeats(candidates, group, enough):
                found.update(group)
    return found


def _pattern(text: str) -> str:
    return _DIGITS.sub("#", " ".join(text.casefold().split()))


def _repeats(candidates: Sequence[_Candidate], group: Sequence[int], enough: int) -> bool:
    """Say whether enough pages agree; where a line stands alone, only in the very same words."""
    if len({candidates[at].page for at in group if not candidates[at].alone}) >= enough:
        return True
    pages_by_text: dict[str, set[int]] = defaultdict(set)
    for at in group:
        pages_by_text[candidates[at].line.text].add(candidates[at].page)
    return any(len(pages) >= enough for pages in pages_by_text.values())


def _at_one_height(candidates: Sequence[_Candidate], members: Sequence[int]) -> list[list[int]]:
    groups: list[list[int]] = []
    for at in sorted(members, key=lambda at: candidates[at].from_edge):
        if groups and candidates[at].from_edge - candidates[groups[-1][-1]].from_edge <= _SAME_HEIGHT:
            groups[-1].append(at)
        else:
            groups.append([at])
    return groups


def _at_known_places(candidates: Sequence[_Candidate], known: set[int], page_count: int) -> set[int]:
    """Return candidates at the height of furniture on at least three pages and a third of all."""
    places: dict[tuple[_Zone, int], set[int]] = defaultdict(set)
    for at in known:
        places[candidates[at].place].add(candidates[at].page)
    enough = max(3, page_count // 3)
    settled = {place for place, pages in places.items() if len(pages) >= enough}
    return {at for at, candidate in enumerate(candidates) if candidate.place in settled} - known


# --- What was taken out -------------------------------------------------------------------------------


def _omissions(candidates: Sequence[_Candidate]) -> list[Omission]:
    pages: dict[tuple[str, str], list[int]] = defaultdict(list)
    for candidate in candidates:
        name = "running head" if candidate.zone == "head" else "running foot"
        pages[candidate.line.text, name].append(candidate.page)
    return [
        Omission(text, f"{name} of {_pages_in_words(numbers)}") for (text, name), numbers in pages.items()
    ]


def _number_omission(candidates: Sequence[_Candidate]) -> list[Omission]:
    if not candidates:
        return []
    counted = Counter(candidate.page for candidate in candidates)
    text = ", ".join(candidate.line.text for candidate in candidates)
    return [Omission(text, f"page numbers of {_pages_in_words(sorted(counted))}")]


def _pages_in_words(numbers: Sequence[int]) -> str:
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    parts = [str(low) if low == high else f"{low}–{high}" for low, high in ranges]
    return ("page " if len(set(numbers)) == 1 else "pages ") + ", ".join(parts)
