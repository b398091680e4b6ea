"""A printed table of contents, which repeats the headings with the numbers of their pages."""

import re
from collections.abc import Sequence

from ingest.readers.page_lines import Line
from ingest.records import Omission

_HEADINGS = frozenset(
    {
        "contents", "table of contents", "list of figures", "list of tables", "inhalt", "inhaltsverzeichnis",
        "sommaire", "table des matières", "índice", "indice", "sumário", "inhoud", "innehåll", "目录", "目次",
    }
)  # fmt: skip
_LEADERS = re.compile(r"(?:[.·…]\s?){4,}\s*[\divxl]{1,5}$")
_ENDS_IN_NUMBER = re.compile(r"\S\s+[\divxl]{1,5}$")
_MIN_ENTRIES = 2
_TAIL_CHARS = 100  # of a line, in which its leaders and its number stand


def remove_contents(lines: Sequence[Line]) -> tuple[list[Line], tuple[Omission, ...]]:
    """Take printed tables of contents out of lines in reading order.

    Entries are lines with dot leaders before a number, and, below a heading that says so, lines that end in
    a number that never falls.
    """
    kept: list[Line] = []
    taken: list[Line] = []
    at = 0
    while at < len(lines):
        end = _contents_end(lines, at)
        if end > at:
            taken += lines[at:end]
            at = end
        elif _LEADERS.search(lines[at].text[-_TAIL_CHARS:]):
            taken.append(lines[at])
            at += 1
        else:
            kept.append(lines[at])
            at += 1
    if not taken:
        return kept, ()
    return kept, (Omission("\n".join(line.text for line in taken), "table of contents"),)


def _contents_end(lines: Sequence[Line], at: int) -> int:
    """Return the index after the contents whose heading stands at an index, that index if it is none."""
    if lines[at].text.strip(" :").casefold() not in _HEADINGS:
        return at
    end, last_page = at + 1, 0
    while end < len(lines) and _ENDS_IN_NUMBER.search(lines[end].text[-_TAIL_CHARS:]):
        page = lines[end].text.rsplit(maxsplit=1)[-1]
        if page.isdecimal() and int(page) < last_page:
            break
        last_page = int(page) if page.isdecimal() else last_page
        end += 1
    return end if end - at > _MIN_ENTRIES else at
