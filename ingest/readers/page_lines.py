"""From characters with places to lines of text with places."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise

from ingest.readers.pdf_glyphs import Glyph
from ingest.readers.superscripts import is_raisable, raise_text

_RAISED_MAX_SIZE = 0.88  # of the line's own size
_RAISED_MIN_SHIFT = 0.12  # of the line's own size
_WORD_GAP = 0.33  # of the size: a wider gap is a space even where the file has none
_FRAGMENT_GAP = 0.95  # a wider gap may be the space between two columns
_CELL_GAP = 2.0  # a wider gap within a column separates the cells of a table
_SHELF = 24.0  # in points; more than any superscript is raised
_RTL = frozenset({"R", "AL"})
_LTR = frozenset({"L", "EN", "AN"})


@dataclass(slots=True)
class Fragment:
    """Characters that stand side by side on one line, superscripts and subscripts with them."""

    glyphs: list[Glyph]
    baseline: float
    size: float
    x0: float
    x1: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a column. Places are in points, y counts downwards."""

    text: str
    page: int
    column: (
        int  # 0 for a line that spans columns, or where there is one column only; else 1, 2 ... from the left
    )
    x0: float
    x1: float
    baseline: float
    size: float  # of most of its characters
    bold: bool = False  # all of it
    italic: bool = False  # all of it
    starts_bold: bool = False
    first_word_width: float = 0.0
    cells: tuple[str, ...] = field(default=())  # two or more where wide gaps part it


# --- Fragments ----------------------------------------------------------------------------------------


def join_glyphs(glyphs: Iterable[Glyph]) -> list[Fragment]:
    """Join characters that follow each other on a line, in the order in which the file draws them."""
    fragments: list[Fragment] = []
    for glyph in glyphs:
        if fragments and _continues(fragments[-1], glyph):
            _append(fragments[-1], glyph)
        else:
            fragments.append(Fragment([glyph], glyph.baseline, glyph.size, glyph.x0, glyph.x1))
    return [fragment for fragment in fragments if any(glyph.text.strip() for glyph in fragment.glyphs)]


def _continues(fragment: Fragment, glyph: Glyph) -> bool:
    if glyph.same_place:
        return True
    size = max(fragment.size, glyph.size)
    if not _on_one_line(fragment.baseline, fragment.size, glyph.baseline, glyph.size):
        return False
    gap = glyph.x0 - fragment.x1
    if -0.5 * size <= gap <= _FRAGMENT_GAP * size:
        return True
    last = fragment.glyphs[-1]  # right to left, drawn in the order of reading
    return _is_rtl(glyph.text) and _is_rtl(last.text) and -size <= last.x0 - glyph.x1 <= 0.5 * size


def _on_one_line(baseline: float, size: float, other: float, other_size: float) -> bool:
    shift, larger = abs(baseline - other), max(size, other_size)
    if shift <= 0.15 * larger:
        return True
    return min(size, other_size) <= _RAISED_MAX_SIZE * larger and shift <= 0.6 * larger


def _append(fragment: Fragment, glyph: Glyph) -> None:
    fragment.glyphs.append(glyph)
    fragment.x0, fragment.x1 = min(fragment.x0, glyph.x0), max(fragment.x1, glyph.x1)
    if glyph.size > 1.1 * fragment.size:  # what came before was raised or lowered
        fragment.baseline, fragment.size = glyph.baseline, glyph.size


def merge_fragments(fragments: Sequence[Fragment]) -> Fragment:
    """Return the fragments of one line as one, its characters from left to right."""
    main = max(fragments, key=lambda fragment: (len(fragment.glyphs), fragment.size))
    x0 = min(fragment.x0 for fragment in fragments)
    x1 = max(fragment.x1 for fragment in fragments)
    return Fragment(_from_left_to_right(fragments), main.baseline, main.size, x0, x1)


def _from_left_to_right(fragments: Sequence[Fragment]) -> list[Glyph]:
    ordered = [
        replace(fragment, glyphs=_visual_order(fragment.glyphs))
        for fragment in sorted(fragments, key=lambda one: one.x0)
    ]
    glyphs = [glyph for fragment in ordered for glyph in fragment.glyphs]
    if not any(_fits_into(after, before) for before, after in pairwise(ordered)):
        return glyphs
    return sorted(glyphs, key=lambda glyph: glyph.x0)


def _fits_into(fragment: Fragment, before: Fragment) -> bool:
    """Return whether a fragment stands in a gap that the one before it leaves, as late-drawn markers do."""
    if fragment.x0 >= before.x1 - 0.3 * before.size:
        return False
    slack = 0.2 * before.size
    return all(glyph.x1 <= fragment.x0 + slack or glyph.x0 >= fragment.x1 - slack for glyph in before.glyphs)


def group_rows(fragments: Iterable[Fragment]) -> list[list[Fragment]]:
    """Group fragments that stand on one line; rows from top to bottom, each from left to right."""
    rows: list[list[Fragment]] = []
    shelves: dict[int, list[list[Fragment]]] = {}  # rows by the height at which they stand
    for fragment in sorted(fragments, key=lambda one: (-round(one.size), one.baseline)):
        row = next((row for row in _near(shelves, fragment) if _belongs(row, fragment)), None)
        if row is None:
            row = []
            rows.append(row)
            shelves.setdefault(int(fragment.baseline // _SHELF), []).append(row)
        row.append(fragment)
    rows.sort(key=lambda row: row[0].baseline)
    return [sorted(row, key=lambda fragment: fragment.x0) for row in rows]


def _near(shelves: dict[int, list[list[Fragment]]], fragment: Fragment) -> list[list[Fragment]]:
    shelf = int(fragment.baseline // _SHELF)
    close = [row for at in (shelf - 1, shelf, shelf + 1) for row in shelves.get(at, ())]
    return sorted(close, key=lambda row: abs(row[0].baseline - fragment.baseline))


def _belongs(row: list[Fragment], fragment: Fragment) -> bool:
    first = row[0]
    shift = abs(first.baseline - fragment.baseline)
    if shift <= 0.2 * max(first.size, fragment.size):
        return True
    # A raised or lowered piece belongs to the line only if it touches it.
    small = fragment.size <= _RAISED_MAX_SIZE * first.size and shift <= 0.6 * first.size
    reach = 0.4 * first.size
    return small and any(one.x0 - reach <= fragment.x1 and fragment.x0 <= one.x1 + reach for one in row)


# --- Lines --------------------------------------------------------------------------------------------


def make_line(fragments: Sequence[Fragment], *, page: int, column: int) -> Line:
    """Turn the fragments of one line, from left to right, into a line of text."""
    whole = merge_fragments(fragments)
    size, baseline = _main_size(whole.glyphs)
    letters = [glyph for glyph in whole.glyphs if any(char.isalnum() for char in glyph.text)] or whole.glyphs
    text = glyphs_to_text(whole.glyphs)
    cells = _cells(fragments, size)
    return Line(
        text=text,
        page=page,
        column=column,
        x0=whole.x0,
        x1=whole.x1,
        baseline=baseline,
        size=round(size, 2),
        bold=all(glyph.bold for glyph in letters),
        italic=all(glyph.italic for glyph in letters),
        starts_bold=letters[0].bold,
        first_word_width=_first_word_width(whole.glyphs),
        cells=tuple(glyphs_to_text(merge_fragments(cell).glyphs) for cell in cells) if len(cells) > 1 else (),
    )


def count_cells(row: Sequence[Fragment]) -> int:
    """Return into how many pieces wide gaps part a row, given from left to right."""
    return len(_cells(row, max(fragment.size for fragment in row)))


def _cells(fragments: Sequence[Fragment], size: float) -> list[list[Fragment]]:
    cells: list[list[Fragment]] = []
    for fragment in fragments:
        if cells and fragment.x0 - max(one.x1 for one in cells[-1]) <= _CELL_GAP * size:
            cells[-1].append(fragment)
        else:
            cells.append([fragment])
    return cells


def _main_size(glyphs: Sequence[Glyph]) -> tuple[float, float]:
    """Return size and baseline of most characters; of the others, where most are raised numbers."""
    size, baseline = _commonest(glyphs)
    larger = [glyph for glyph in glyphs if size <= _RAISED_MAX_SIZE * glyph.size]
    if larger and _are_raised_numbers(glyphs, size, baseline, larger[0]):
        return _commonest(larger)
    return size, baseline


def _commonest(glyphs: Sequence[Glyph]) -> tuple[float, float]:
    sizes = Counter([glyph.size for glyph in glyphs])
    size = max(sizes, key=lambda one: (sizes[one], one))
    baselines = Counter([glyph.baseline for glyph in glyphs if glyph.size == size])
    return size, max(baselines, key=lambda one: (baselines[one], one))


def _are_raised_numbers(glyphs: Sequence[Glyph], size: float, baseline: float, larger: Glyph) -> bool:
    text = "".join(glyph.text for glyph in glyphs if glyph.size <= 1.05 * size)
    return larger.baseline - baseline >= _RAISED_MIN_SHIFT * larger.size and is_raisable(text)


_NUMBERS_ONLY = re.compile(r"[\d,;–‐-]+(?=\s|[.,;:)]|$)")


def raise_continued(lines: Sequence[Line]) -> list[Line]:
    """Raise the numbers of a line that holds nothing else, where the line above ends in raised ones.

    A long marker that goes over a line end leaves a line on which nothing shows that it is raised, but for
    its size.
    """
    result: list[Line] = []
    for line in lines:
        above = result[-1] if result else None
        small = above is not None and line.size <= _RAISED_MAX_SIZE * above.size
        if above is not None and small and _goes_on(above, line) and _NUMBERS_ONLY.fullmatch(line.text):
            result.append(replace(line, text=raise_text(line.text), size=above.size))
        else:
            result.append(line)
    return result


def _goes_on(above: Line, line: Line) -> bool:
    return above.column == line.column and above.text.rstrip(",;⁻")[-1:] in set("⁰¹²³⁴⁵⁶⁷⁸⁹")


def _first_word_width(glyphs: Sequence[Glyph]) -> float:
    end = next((at for at in range(1, len(glyphs)) if glyphs[at].spaced), len(glyphs))
    return max(glyph.x1 for glyph in glyphs[:end]) - glyphs[0].x0


def glyphs_to_text(glyphs: Sequence[Glyph]) -> str:
    """Return the text of characters in order from left to right, raised digits as Unicode superscripts."""
    size, baseline = _main_size(glyphs)
    pieces: list[tuple[str, bool, bool]] = []  # text, spaced, raised
    for at, glyph in enumerate(glyphs):
        spaced = at > 0 and _is_spaced(glyphs[at - 1], glyph)
        raised = (
            glyph.size <= _RAISED_MAX_SIZE * size and baseline - glyph.baseline >= _RAISED_MIN_SHIFT * size
        )
        pieces.append((glyph.text, spaced, raised))
    if any(_is_rtl(text) for text, _, _ in pieces):
        return _logical_order(glyphs)
    return _with_superscripts(pieces)


def _is_spaced(before: Glyph, glyph: Glyph) -> bool:
    gap, size = glyph.x0 - before.x1, max(glyph.size, before.size)
    if glyph.same_place:
        return False
    if gap > _WORD_GAP * size:
        return True
    # pdfium sees a space before many a raised digit; a real one is as wide as a thin space.
    shifted = abs(glyph.baseline - before.baseline) > 0.1 * size
    return glyph.spaced and not (shifted and gap < 0.12 * size and not before.text.isspace())


def _with_superscripts(pieces: Sequence[tuple[str, bool, bool]]) -> str:
    result: list[str] = []
    at = 0
    while at < len(pieces):
        end = at + 1
        while end < len(pieces) and pieces[end][2] == pieces[at][2]:
            end += 1
        run = "".join(" " + text if spaced else text for text, spaced, _ in pieces[at:end])
        result.append(_superscript(run) if pieces[at][2] else run)
        at = end
    return "".join(result).strip()


def _superscript(run: str) -> str:
    if not is_raisable(run):
        return run
    return run[: len(run) - len(run.lstrip())] + raise_text(run)


# --- Right to left ------------------------------------------------------------------------------------


def _is_rtl(text: str) -> bool:
    # Nearly all text is decided by the first test; Hebrew is the first script from right to left.
    return max(text, default="") >= "\u0590" and any(unicodedata.bidirectional(char) in _RTL for char in text)


def _direction(text: str) -> str:
    classes = {unicodedata.bidirectional(char) for char in text}
    if classes & _RTL:
        return "R"
    return "L" if classes & _LTR else "N"


def _logical_order(glyphs: Sequence[Glyph]) -> str:
    """Return a line that holds right-to-left text, given from left to right, in the order of reading.

    Right-to-left runs are read backwards, and so are the runs where that is the line's direction.
    """
    visual: list[tuple[str, str]] = []
    before: Glyph | None = None
    for glyph in glyphs:
        if before is not None and _parts(before, glyph):
            visual.append((" ", "N"))
        visual.append((glyph.text, _direction(glyph.text)))
        before = glyph
    right_to_left = sum(kind == "R" for _, kind in visual) >= sum(kind == "L" for _, kind in visual)
    return "".join(_ordered_runs(visual, right_to_left=right_to_left)).strip()


def _parts(before: Glyph, glyph: Glyph) -> bool:
    gap = glyph.x0 - before.x1
    # The space may have been read before either of the two, depending on the direction of drawing.
    return gap > _WORD_GAP * glyph.size or ((glyph.spaced or before.spaced) and gap > 0.15 * glyph.size)


def _visual_order(glyphs: list[Glyph]) -> list[Glyph]:
    """Return characters as they stand from the left; only where right-to-left text may be drawn otherwise."""
    if not any(_is_rtl(glyph.text) for glyph in glyphs):
        return glyphs
    # A combining mark stands to the left of its letter when both are to be read backwards.
    return sorted(
        glyphs,
        key=lambda glyph: (glyph.x0, glyph.same_place or not unicodedata.combining(glyph.text[0])),
    )


def _ordered_runs(visual: Sequence[tuple[str, str]], *, right_to_left: bool) -> list[str]:
    base = "R" if right_to_left else "L"
    directions = _resolve_neutrals([kind for _, kind in visual], base)
    runs: list[tuple[str, list[str]]] = []
    for (text, _), direction in zip(visual, directions, strict=True):
        if runs and runs[-1][0] == direction:
            runs[-1][1].append(text)
        else:
            runs.append((direction, [text]))
    parts = ["".join(reversed(texts) if kind == "R" else texts) for kind, texts in runs]
    return parts[::-1] if right_to_left else parts


def _resolve_neutrals(kinds: Sequence[str], base: str) -> list[str]:
    """Give white space and punctuation the direction around it, or the line's between two directions."""
    resolved: list[str] = []
    before = base
    for kind, group in groupby(enumerate(kinds), key=lambda pair: pair[1]):
        places = [at for at, _ in group]
        after = kinds[places[-1] + 1] if places[-1] + 1 < len(kinds) else base
        direction = kind if kind != "N" else (before if before == after else base)
        resolved += [direction] * len(places)
        before = direction
    return resolved
