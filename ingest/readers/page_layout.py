"""The order in which the lines of a page are read: columns, and what spans them.

A page's columns are found from the white gutters between them. Lines that span the columns cut the page
into bands; within a band the columns are read one after the other, from the left.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ingest.readers.page_lines import Fragment, Line, count_cells, group_rows, make_line, raise_continued

_MIN_COLUMN_WIDTH = 0.15  # of the page's width
_MIN_LINES = 5  # that a column must have, unless another page has the same gutter
_MIN_FILL = 0.55  # of the column's width that its median line takes up: table cells are shorter
_MIN_GUTTER = 4.0  # points
_STRAYS = 1  # fragments that may stand in a gutter
_MIN_ALIGNED = 0.3  # of a column's lines that begin at one place: words in loose lines do not line up
_OVERHANG = 0.03  # of the page's width: how far a line may reach over the gutter and still be of one column


@dataclass(frozen=True, slots=True)
class Gutter:
    """White space between two columns, in points from the left edge of the page."""

    x0: float
    x1: float

    @property
    def middle(self) -> float:
        """Halfway between its edges."""
        return (self.x0 + self.x1) / 2

    @property
    def width(self) -> float:
        """Its width in points."""
        return self.x1 - self.x0


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines of a page in reading order, and the gutters between its columns from the left."""

    lines: tuple[Line, ...]
    gutters: tuple[Gutter, ...]


def lay_out(
    fragments: Sequence[Fragment], *, page: int, width: float, expected: Sequence[Gutter] = ()
) -> Layout:
    """Put the lines of a page into reading order.

    Args:
        fragments: Pieces of lines, in any order.
        page: 1-based number of the page.
        width: Of the page, in points.
        expected: Gutters of earlier pages, believed here on less evidence.
    """
    gutters = find_gutters(fragments, width=width, expected=expected)
    rows = group_rows(fragments)
    if not gutters:
        lines = [make_line(row, page=page, column=0) for row in rows]
        return Layout(tuple(raise_continued(lines)), ())
    overhang = _OVERHANG * width
    tabular = _rows_of_wide_tables(rows, len(gutters) + 1)
    parted = [
        _PartedRow(row[0].baseline, row, {}) if at in tabular else _part_row(row, gutters, overhang)
        for at, row in enumerate(rows)
    ]
    _extend_spanning(parted, rows)
    return Layout(tuple(raise_continued(_read_bands(parted, page, len(gutters)))), gutters)


# --- Gutters ------------------------------------------------------------------------------------------


def find_gutters(
    fragments: Sequence[Fragment], *, width: float, expected: Sequence[Gutter] = ()
) -> tuple[Gutter, ...]:
    """Return the gutters of a page, from the left; none for a page of one column."""
    if len(fragments) < 2:
        return ()
    left = min(fragment.x0 for fragment in fragments)
    right = max(fragment.x1 for fragment in fragments)
    found = _split(list(fragments), left, right, width)
    if not found:
        found = [gutter for gutter in expected if _holds(fragments, gutter, _OVERHANG * width)]
    return tuple(sorted(found, key=lambda gutter: gutter.x0))


def _split(fragments: list[Fragment], left: float, right: float, width: float) -> list[Gutter]:
    """Find the best gutter between two edges, then look for more on both sides of it."""
    gutter = _best_gutter(fragments, left, right, width)
    if gutter is None:
        return []
    before = [fragment for fragment in fragments if fragment.x1 <= gutter.x0 + 0.5]
    after = [fragment for fragment in fragments if fragment.x0 >= gutter.x1 - 0.5]
    return [
        *_split(before, left, gutter.x0, width),
        gutter,
        *_split(after, gutter.x1, right, width),
    ]


def _best_gutter(fragments: list[Fragment], left: float, right: float, width: float) -> Gutter | None:
    if len(fragments) < 2 * _MIN_LINES or right - left < 2 * _MIN_COLUMN_WIDTH * width:
        return None
    ends = sorted(fragment.x1 for fragment in fragments)
    starts = sorted(fragment.x0 for fragment in fragments)
    low, high = left + _MIN_COLUMN_WIDTH * width, right - _MIN_COLUMN_WIDTH * width
    candidates: list[tuple[float, Gutter]] = []
    ended, begun = 0, 0
    for end in (end for end in ends if end <= high):
        ended += 1
        while begun < len(starts) and starts[begun] < end - 0.5:
            begun += 1
        if end < low or begun + _STRAYS >= len(starts):
            continue
        gutter = Gutter(end, starts[begun + _STRAYS])  # a page number may stand in the gutter
        crossing = len(fragments) - ended - (len(starts) - begun)
        score = min(ended, len(starts) - begun) - 0.5 * crossing
        if gutter.width >= _MIN_GUTTER:
            candidates.append((score, gutter))
    if not candidates:
        return None
    best_score = max(score for score, _ in candidates)
    nearly_best = [
        gutter for score, gutter in candidates if score >= best_score - max(1, len(fragments) // 40)
    ]
    widest = max(nearly_best, key=lambda gutter: gutter.width)
    return widest if _is_gutter(fragments, widest, left, right) else None


def _is_gutter(fragments: list[Fragment], gutter: Gutter, left: float, right: float) -> bool:
    """Return whether running text stands on both sides, for some lines side by side."""
    before = [fragment for fragment in fragments if fragment.x1 <= gutter.x0 + 0.5]
    after = [fragment for fragment in fragments if fragment.x0 >= gutter.x1 - 0.5]
    if min(len(before), len(after)) < _MIN_LINES:
        return False
    top = max(min(one.baseline for one in before), min(one.baseline for one in after))
    bottom = min(max(one.baseline for one in before), max(one.baseline for one in after))
    within = [one for one in fragments if top - 1 <= one.baseline <= bottom + 1]
    crossing = sum(one.x0 < gutter.x0 - 0.5 and one.x1 > gutter.x1 + 0.5 for one in within)
    left_side = [one for one in within if one.x1 <= gutter.x0 + 0.5]
    right_side = [one for one in within if one.x0 >= gutter.x1 - 0.5]
    return _is_column(left_side, gutter.x0 - left, crossing) and _is_column(
        right_side, right - gutter.x1, crossing
    )


def _is_column(fragments: list[Fragment], width: float, crossing: int) -> bool:
    """Return whether fragments are lines of running text, not cells of a table."""
    rows = group_rows(fragments)
    if len(rows) < max(_MIN_LINES, crossing):
        return False
    starts = Counter(round(row[0].x0 / 2) for row in rows)
    if max(starts.values()) < _MIN_ALIGNED * len(rows):
        return False
    whole = sum(_is_whole(row) for row in rows)
    return whole >= 0.7 * len(rows) and median(row[-1].x1 - row[0].x0 for row in rows) >= _MIN_FILL * width


def _is_whole(row: list[Fragment]) -> bool:
    return count_cells(row) == 1


def _holds(fragments: Sequence[Fragment], gutter: Gutter, overhang: float) -> bool:
    """Return whether most lines of the page keep clear of a gutter that earlier pages have."""
    crossing = sum(one.x0 < gutter.x0 - overhang and one.x1 > gutter.x1 + overhang for one in fragments)
    return 3 * crossing <= len(fragments)


# --- Bands --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _PartedRow:
    baseline: float
    spanning: list[Fragment]
    columns: dict[int, list[Fragment]]  # by the column's index, from 0


def _part_row(row: list[Fragment], gutters: Sequence[Gutter], overhang: float) -> _PartedRow:
    parted = _PartedRow(row[0].baseline, [], {})
    for fragment in row:
        crosses = any(
            fragment.x0 < gutter.x0 - overhang and fragment.x1 > gutter.x1 + overhang for gutter in gutters
        )
        if crosses and not _runs_into_neighbour(fragment, row):
            parted.spanning.append(fragment)
        else:
            place = fragment.x0 if crosses else (fragment.x0 + fragment.x1) / 2
            column = sum(gutter.middle < place for gutter in gutters)
            parted.columns.setdefault(column, []).append(fragment)
    if parted.spanning:
        return _PartedRow(parted.baseline, row, {})
    return parted


def _runs_into_neighbour(fragment: Fragment, row: Sequence[Fragment]) -> bool:
    """Say whether a fragment, such as a long address, is printed over the column beside its own."""
    return any(
        other is not fragment and other.x0 > fragment.x0 and other.x0 < fragment.x1 - other.size
        for other in row
    )


def _rows_of_wide_tables(rows: Sequence[list[Fragment]], columns: int) -> set[int]:
    """Return which rows are of a table as wide as the page: neighbours with more pieces than columns explain."""
    many = [count_cells(row) > 2 * columns for row in rows]
    return {
        at for at in range(len(rows)) if many[at] and (any(many[at - 1 : at]) or any(many[at + 1 : at + 2]))
    }


def _extend_spanning(parted: list[_PartedRow], rows: list[list[Fragment]]) -> None:
    """Let the short last line of a spanning paragraph span too."""
    for at in range(1, len(parted)):
        before, this = parted[at - 1], parted[at]
        if not before.spanning or this.spanning or set(this.columns) != {0}:
            continue
        step = this.baseline - before.baseline
        next_step = parted[at + 1].baseline - this.baseline if at + 1 < len(parted) else step * 2
        aligned = abs(rows[at][0].x0 - rows[at - 1][0].x0) <= 2 * rows[at][0].size
        same_size = abs(rows[at][0].size - rows[at - 1][0].size) < 0.5
        if aligned and same_size and step <= 1.6 * _size(rows[at]) and next_step > 1.15 * step:
            parted[at] = _PartedRow(this.baseline, rows[at], {})


def _size(row: list[Fragment]) -> float:
    return max(fragment.size for fragment in row)


def _read_bands(parted: list[_PartedRow], page: int, gutter_count: int) -> list[Line]:
    lines: list[Line] = []
    band: list[_PartedRow] = []

    def read_band() -> None:
        for column in range(gutter_count + 1):
            lines.extend(
                make_line(row.columns[column], page=page, column=column + 1)
                for row in band
                if column in row.columns
            )
        band.clear()

    for row in parted:
        if row.spanning:
            read_band()
            lines.append(make_line(row.spanning, page=page, column=0))
        else:
            band.append(row)
    read_band()
    return lines
