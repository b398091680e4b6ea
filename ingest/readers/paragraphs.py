"""From lines in reading order to paragraphs, headings, list items and table rows.

Set apart by what a typographer sets them apart with: space, indents, short last lines, size and weight. A
paragraph that a column's end, a page's end or a figure's caption cuts in two is one paragraph again.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ingest.readers.page_lines import Line
from ingest.references import is_reference_list_heading

ParagraphKind = Literal["paragraph", "list_item", "table_row"]

_STEP = 1.3  # times the usual distance between lines: more is a space between paragraphs
_INDENT = 0.6  # of the size
_SIZE_CHANGE = 0.07  # of the size
_BULLETS = "•‣▪▫◦●○■□–—*-·∙➢✓"
_BULLET = re.compile(rf"[{re.escape(_BULLETS)}\uf0b7\uf0a7]\s*(?=\S)")
_LABEL = re.compile(
    r"(?:\((?P<enclosed>\d{1,3}|[a-z]|[ivx]{1,4})\)|(?P<plain>\d{1,3}|[a-z]|[ivx]{1,4})[.)])\s+(?=\S)"
)
_CAPTION = re.compile(
    r"(?:(?:supplement(?:ary|al)|extended data)\s+)?"
    r"(?:fig(?:ure|\.)?|table|box|panel|scheme|chart|abbildung|tabelle|tableau|figura|tabla)\s*"
    r"(?:S?\d{1,3}[A-Za-z]?|[IVX]{1,4})\s*(?:[.:|–—]|$|\s[A-Z])",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?:;。！？؟][\"”’')\]]*(?:\s?(?:[⁰¹²³⁴-⁹,⁻–]+|\[[\d,;\s–-]+\]))?$")
_TAIL_CHARS = 200  # of a line, in which its last marker stands
_FLOATS_BETWEEN = 8
_JOINABLE_SIZES = 0.3  # points


@dataclass(slots=True)
class Paragraph:
    """Lines that belong together, in reading order."""

    kind: ParagraphKind
    lines: list[Line]
    level: int = 0  # of a list item
    bullet: str = ""  # the sign that opens it, which is not part of its text
    space_before: bool = True  # more than the usual distance, or the start of a column

    @property
    def size(self) -> float:
        """Size of its first line, in points."""
        return self.lines[0].size

    @property
    def is_caption(self) -> bool:
        """Whether it begins as the caption of a figure, table or box does."""
        return bool(_CAPTION.match(self.lines[0].text))

    @property
    def texts(self) -> list[str]:
        """Its lines, without the bullet."""
        first = self.lines[0].text
        return [first[len(self.bullet) :].lstrip(), *(line.text for line in self.lines[1:])]


@dataclass(frozen=True, slots=True)
class ColumnEdges:
    """Where the lines of one column of one page begin and end, in points."""

    left: float
    right: float

    @property
    def width(self) -> float:
        """Width of the column in points."""
        return self.right - self.left


class Typography:
    """What is usual in a document: its body size, distances between lines, edges of columns."""

    def __init__(self, lines: Sequence[Line]) -> None:
        chars: Counter[float] = Counter()
        bold = italic = 0
        for line in lines:
            chars[round(line.size, 1)] += len(line.text)
            bold += len(line.text) * line.bold
            italic += len(line.text) * line.italic
        self.body_size = chars.most_common(1)[0][0] if chars else 0.0
        total = sum(chars.values()) or 1
        self.bold_is_usual = bold > 0.6 * total
        self.italic_is_usual = italic > 0.6 * total
        self._steps = _usual_steps(lines)
        self._edges = _column_edges(lines)

    def step(self, size: float) -> float:
        """Return the usual distance between lines of a size, in points."""
        return self._steps.get(round(size), 1.2 * size)

    def edges(self, line: Line) -> ColumnEdges:
        """Return the edges of the column that a line stands in."""
        return self._edges[line.page, line.column]


def _usual_steps(lines: Sequence[Line]) -> dict[int, float]:
    steps: dict[int, Counter[float]] = defaultdict(Counter)
    for above, below in pairwise(lines):
        step = below.baseline - above.baseline
        same_size = abs(below.size - above.size) <= _SIZE_CHANGE * above.size
        if same_size and _in_one_column(above, below) and 0.8 * above.size <= step <= 3 * above.size:
            steps[round(below.size)][round(step * 2) / 2] += 1
    return {size: counted.most_common(1)[0][0] for size, counted in steps.items() if counted.total() >= 3}


def _in_one_column(above: Line, below: Line) -> bool:
    return (above.page, above.column) == (below.page, below.column) and below.baseline > above.baseline


def _column_edges(lines: Sequence[Line]) -> dict[tuple[int, int], ColumnEdges]:
    starts: dict[tuple[int, int], list[float]] = defaultdict(list)
    ends: dict[tuple[int, int], list[float]] = defaultdict(list)
    for line in lines:
        starts[line.page, line.column].append(line.x0)
        ends[line.page, line.column].append(line.x1)
    return {key: ColumnEdges(_left_edge(starts[key]), max(ends[key])) for key in starts}


def _left_edge(starts: Sequence[float]) -> float:
    """Return the leftmost place at which at least an eighth of the lines begin."""
    counted = Counter(round(start) for start in starts)
    settled = [start for start, count in counted.items() if count >= max(1, len(starts) / 8)]
    return float(min(settled, default=min(starts)))


# --- Cutting ------------------------------------------------------------------------------------------


def group_paragraphs(lines: Sequence[Line], typography: Typography) -> list[Paragraph]:
    """Group lines in reading order into paragraphs, list items and table rows."""
    rows = _table_rows(lines)
    paragraphs: list[Paragraph] = []
    for at, line in enumerate(lines):
        above = lines[at - 1] if at else None
        following = lines[at + 1] if at + 1 < len(lines) else None
        space = above is None or _has_space(above, line, typography)
        if at in rows:
            paragraphs.append(Paragraph("table_row", [line], space_before=space))
        elif (
            not paragraphs
            or above is None
            or at - 1 in rows
            or _begins_paragraph(paragraphs[-1], above, line, following, typography)
        ):
            paragraphs.append(_open_paragraph(line, space_before=space))
        else:
            paragraphs[-1].lines.append(line)
    _set_list_levels(paragraphs)
    return _rejoin(paragraphs, typography)


def _open_paragraph(line: Line, *, space_before: bool) -> Paragraph:
    bullet = _BULLET.match(line.text)
    if bullet and len(line.text) > bullet.end() and not _is_number(line.text):
        return Paragraph("list_item", [line], bullet=bullet.group(), space_before=space_before)
    return Paragraph("paragraph", [line], space_before=space_before)


def _is_number(text: str) -> bool:
    return len(text) > 1 and text[1].isdigit()


def _table_rows(lines: Sequence[Line]) -> set[int]:
    """Return which lines have cells, next to another such line: wide gaps alone are no table."""
    rows: set[int] = set()
    for at, (above, below) in enumerate(pairwise(lines)):
        close = 0 < below.baseline - above.baseline <= 4 * above.size and above.page == below.page
        if close and above.cells and below.cells and (_has_cells(above) or _has_cells(below)):
            rows |= {at, at + 1}
    return rows


def _has_cells(line: Line) -> bool:
    """Return whether gaps set off more than a list's label from its text."""
    return len(line.cells) > 2 or len(line.cells[0]) > 4


def _has_space(above: Line, line: Line, typography: Typography) -> bool:
    step = line.baseline - above.baseline
    usual = max(typography.step(above.size), typography.step(line.size))
    return not _in_one_column(above, line) or step > _STEP * usual


def _begins_paragraph(
    paragraph: Paragraph, above: Line, line: Line, following: Line | None, typography: Typography
) -> bool:
    """Say whether a line begins a new paragraph after the line above it."""
    if _is_set_apart(above, line, typography) or is_reference_list_heading(line.text):
        return True
    if line.size > 1.1 * typography.body_size:
        return False  # the lines of a heading are cut where they sound best
    return (
        _is_indented(paragraph, above, line, following, typography)
        or _is_outdented(paragraph, line)
        or _ends_short(above, line, typography)
    )


def _is_set_apart(above: Line, line: Line, typography: Typography) -> bool:
    """Say whether place, space, size, weight or a bullet sets a line apart from the one above."""
    columns = {above.column, line.column}
    moved = above.page != line.page or (len(columns) == 2 and 0 not in columns)
    if moved or line.baseline <= above.baseline:
        return True  # what continues there is joined later
    bullet = _BULLET.match(line.text) and not _is_number(line.text)
    return (
        _has_space_between(above, line, typography)
        or abs(line.size - above.size) > _SIZE_CHANGE * above.size
        or _changes_weight(above, line)
        or (bool(bullet) and not _is_dash_in_text(above, line, typography))
    )


def _has_space_between(above: Line, line: Line, typography: Typography) -> bool:
    usual = min(typography.step(above.size), typography.step(line.size))
    return line.baseline - above.baseline > _STEP * usual


def _changes_weight(above: Line, line: Line) -> bool:
    return (above.bold and not line.starts_bold) or (line.bold and not above.bold and len(line.text) > 3)


def _is_dash_in_text(above: Line, line: Line, typography: Typography) -> bool:
    """Say whether a dash at the start of a line is punctuation: the line above is full and goes on."""
    if line.text[0] not in "–—-*·":
        return False
    return not _ends_sentence(above) and not _could_hold(above, line, typography)


def _is_indented(
    paragraph: Paragraph, above: Line, line: Line, following: Line | None, typography: Typography
) -> bool:
    """Say whether a line is indented as the first of a paragraph is, and not as all but the first are."""
    indent = line.x0 - above.x0
    if indent <= _INDENT * line.size or indent > 8 * line.size:
        return False
    if paragraph.kind == "list_item" or _LABEL.match(paragraph.lines[0].text):
        return False
    if len(paragraph.lines) > 1:
        return True
    hangs = (
        following is not None
        and _in_one_column(line, following)
        and abs(following.x0 - line.x0) <= 0.3 * line.size
    )
    # One line, then an indented one: a hanging indent if the next keeps to it or this is its short end.
    return not hangs and not (_fills(above, typography) and not _ends_sentence(above))


def _is_outdented(paragraph: Paragraph, line: Line) -> bool:
    """Say whether a line stands to the left of a paragraph's lines other than its first."""
    rest = paragraph.lines[1:] or (paragraph.lines if paragraph.kind == "list_item" else [])
    if not rest:
        return False
    return line.x0 < rest[-1].x0 - _INDENT * line.size


def _ends_sentence(line: Line) -> bool:
    return bool(_SENTENCE_END.search(line.text[-_TAIL_CHARS:]))


def _fills(line: Line, typography: Typography) -> bool:
    return typography.edges(line).right - line.x1 <= 2 * line.size


def _could_hold(above: Line, line: Line, typography: Typography) -> bool:
    """Say whether the first word of a line would have fitted on the line above."""
    edges = typography.edges(above)
    free = edges.right - above.x1 - line.first_word_width - 0.3 * line.size
    return free > max(line.size, 0.04 * edges.width)


def _ends_short(above: Line, line: Line, typography: Typography) -> bool:
    if not _could_hold(above, line, typography):
        return False
    if _ends_sentence(above):
        return True
    begins = line.text[0]
    labelled = bool(_LABEL.match(line.text)) or bool(_CAPTION.match(line.text))
    free = typography.edges(above).right - above.x1
    return labelled or (begins.isupper() and free > 0.35 * typography.edges(above).width)


def _set_list_levels(paragraphs: Sequence[Paragraph]) -> None:
    open_at: list[float] = []
    for paragraph in paragraphs:
        if paragraph.kind != "list_item":
            open_at = []
            continue
        x0, tolerance = paragraph.lines[0].x0, 0.5 * paragraph.size
        while open_at and x0 < open_at[-1] - tolerance:
            open_at.pop()
        if not open_at or x0 > open_at[-1] + tolerance:
            open_at.append(x0)
        paragraph.level = len(open_at) - 1


# --- Joining what a column or page end cut ------------------------------------------------------------


def _rejoin(paragraphs: list[Paragraph], typography: Typography) -> list[Paragraph]:
    """Join the halves of paragraphs; what stood between the halves, such as a caption, comes after."""
    result: list[Paragraph] = []
    taken: set[int] = set()
    for at, paragraph in enumerate(paragraphs):
        if at in taken:
            continue
        result.append(paragraph)
        last_at = at
        while (rest := _continuation(paragraphs, paragraph, last_at, taken, typography)) is not None:
            paragraph.lines += paragraphs[rest].lines
            taken.add(rest)
            last_at = rest
    return result


def _continuation(
    paragraphs: Sequence[Paragraph], paragraph: Paragraph, at: int, taken: set[int], typography: Typography
) -> int | None:
    if paragraph.kind == "table_row" or not _is_unfinished(paragraph):
        return None
    for later in _candidates_after(paragraphs, paragraph, at):
        candidate = paragraphs[later]
        if later not in taken and _continues(paragraph, candidate, typography):
            return later
        if not _is_float(candidate, paragraph):
            return None
    return None


def _candidates_after(paragraphs: Sequence[Paragraph], paragraph: Paragraph, at: int) -> Iterator[int]:
    page = paragraph.lines[-1].page
    for later in range(at + 1, len(paragraphs)):
        # Rows of one table count as one thing that stands between.
        if later - at > _FLOATS_BETWEEN and paragraphs[later].kind != "table_row":
            return
        if paragraphs[later].lines[0].page > page + 1 or later - at > 40 * _FLOATS_BETWEEN:
            return
        yield later


def _is_unfinished(paragraph: Paragraph) -> bool:
    return not _ends_sentence(paragraph.lines[-1])


def _is_float(candidate: Paragraph, paragraph: Paragraph) -> bool:
    """Say whether a candidate may stand between the halves of a paragraph: a caption, a table, a note."""
    if candidate.kind == "table_row" or candidate.is_caption:
        return True
    return candidate.size < paragraph.size - _JOINABLE_SIZES


def _continues(paragraph: Paragraph, candidate: Paragraph, typography: Typography) -> bool:
    """Say whether a candidate is the rest of an unfinished paragraph."""
    last, first = paragraph.lines[-1], candidate.lines[0]
    if (
        _in_one_column(last, first)
        and not candidate.is_caption
        and first.baseline - last.baseline < 3 * last.size
    ):
        return False  # cut for a reason that stands between the two lines
    if candidate.kind != "paragraph" or candidate.is_caption or abs(last.size - first.size) > _JOINABLE_SIZES:
        return False
    if first.bold != last.bold or _LABEL.match(first.text):
        return False
    if last.text.endswith(("-", "\u00ad")) or first.text[0].islower():
        return True
    return _fills(last, typography) and len(paragraph.lines) + len(candidate.lines) > 2
