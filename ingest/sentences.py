"""Where sentences begin and end.

The rules of the language are `sentencex`'s; what it gets wrong on medical prose with citation markers is
put right here: a marker after a full stop closes the sentence before it; "approx. 5 mg" is not torn apart.
"""

import re
from collections.abc import Iterator
from itertools import chain

from sentencex import get_sentence_boundaries

#: `sentencex` takes quadratic time over unclosed quotation marks, so it sees no more than this at once.
_WINDOW_CHARS = 4_000

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*")
_CLOSERS = "\"'”’»)\\]"
_NUMBERS = r"\d[\d\s,;–-]{0,60}"
_BRACKETED = rf"(?:\[\^?{_NUMBERS}\]|［{_NUMBERS}］|【{_NUMBERS}】|〔{_NUMBERS}〕)"
_SUPERSCRIPT = r"[⁰¹²³⁴-⁹][⁰¹²³⁴-⁹,⁻–-]{0,40}"
_MARKERS = rf"(?:[^\S\n]{{0,3}}(?:{_BRACKETED}|{_SUPERSCRIPT})){{1,20}}"
#: Digits glued to a stop are what is left of superscripts on a copied page: "cramps.1,2 The next".
_GLUED_DIGITS = r"(?<=[a-z)][a-z)][.!?])\d{1,3}(?:[,–-]\d{1,3}){0,9}(?=\s+[A-Z])"
_STOP_WITH_MARKERS = re.compile(
    rf"(?P<stop>[.!?…。！？])[{_CLOSERS}]{{0,3}}(?:(?:{_MARKERS})|(?:\(\d{{1,3}}\)(?=\s+[A-Z]))|{_GLUED_DIGITS})"
)

#: These are always followed by what they announce.
_NEVER_LAST = re.compile(
    r"dr|prof|mr|mrs|ms|mx|rev|hon|e\.g|eg|i\.e|ie|vs|cf|viz|figs?|approx|eqs?|ca|esp|incl|resp"
)
#: These end a sentence only when the next one opens with a word that does so.
_SELDOM_LAST = re.compile(r"al|st|mt")
#: These belong to the number after them, if there is one.
_BEFORE_NUMBERS = re.compile(
    r"nos?|pp?|vol|ch|sec|tab|refs?|suppl|art|max|min|avg|temp|eds?|dept|est|var|wt"
    r"|[mkµμ]?g|mcg|[md]?l|[mc]m|hrs?|h|wks?|yrs?|mos?|oz|lbs?|ft"
)
_OPENERS = re.compile(
    r"The|This|These|Those|That|Its?|They|Their|There|Then|She|He|We|You|Our|Your|His|Her|An?|In|On|At|As|If"
    r"|When|While|Where|Although|However|Moreover|Furthermore|Thus|Therefore|Some|Many|Most|Other|Such|For|From"
    r"|With|To|Both|Each|Not?|But|And|Or|So|After|Before|During|Because|Since|Using|People|Patients"
)
_LAST_WORD = re.compile(r"[^\s(\[“\"'‘]*$")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
#: A unit of one letter looks like an initial, but those never follow a number or a stroke: "5 g. Then".
_UNIT_STOP = re.compile(r"(?:/[a-zA-Z]|\d\s?[a-zA-Z])\.(?=\s+[A-Z])")
_ENUMERATOR = re.compile(r"\(?(?:\d{1,3}(?:\.\d{1,3}){0,3}|[A-Za-z]|[ivxIVX]{1,5})[.)]")
_WORD_REACH_CHARS = 24


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return the span of every sentence, in order, without the white space around it.

    Every character that is not white space is in exactly one span. A paragraph break (an empty line) always
    ends a sentence; a single line feed never does by itself. Takes time linear in the length of the text.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for gap in _PARAGRAPH_BREAK.finditer(text):
        spans += _split_paragraph(text, start, gap.start())
        start = gap.end()
    return spans + _split_paragraph(text, start, len(text))


def _split_paragraph(text: str, start: int, end: int) -> list[tuple[int, int]]:
    paragraph = text[start:end]
    cuts = _cuts_after_markers(paragraph, _plain_cuts(paragraph))
    spans: list[tuple[int, int]] = []
    begin = 0
    for cut in [*sorted(cuts), len(paragraph)]:
        span = _trimmed(paragraph, begin, cut)
        if span is None:
            begin = max(begin, cut)
        elif cut == len(paragraph) or not _ENUMERATOR.fullmatch(paragraph, *span):
            spans.append((start + span[0], start + span[1]))
            begin = cut
    return spans


def _plain_cuts(paragraph: str) -> set[int]:
    """Places between sentences as far as punctuation tells, markers not considered."""
    units = (match.end() for match in _UNIT_STOP.finditer(paragraph))
    return {
        cut
        for cut in chain(_sentencex_cuts(paragraph), units)
        if _ends_a_sentence(paragraph, cut, _next_visible(paragraph, cut))
    }


def _sentencex_cuts(paragraph: str) -> Iterator[int]:
    """Yield the ends of what `sentencex` takes for sentences, in order, reading window by window.

    A window's last sentence may go on, so the next window starts where that one does; where a window holds no
    end at all, the sentence simply goes on through it.
    """
    start = 0
    while start < len(paragraph):
        window = paragraph[start : start + _WINDOW_CHARS]
        ends = [start + found["end_index"] for found in get_sentence_boundaries("en", window)]
        if start + len(window) == len(paragraph):
            yield from ends[:-1]
            return
        yield from ends[:-1]
        start = ends[-2] if len(ends) > 1 and ends[-2] > start else _window_end(window, start)


def _window_end(window: str, start: int) -> int:
    """After the last space of a window, so that no word or stop is torn apart; its end if there is none."""
    space = window.rfind(" ")
    return start + (space + 1 if space > 0 else len(window))


def _cuts_after_markers(paragraph: str, cuts: set[int]) -> set[int]:
    """Move cuts between a full stop and its markers behind the markers, and add those that are missing."""
    moved = set(cuts)
    for match in _STOP_WITH_MARKERS.finditer(paragraph):
        stop, end = match.end("stop"), match.end()
        moved.difference_update(range(stop, end + 1))
        onward = _next_visible(paragraph, end)
        moved.discard(onward)
        # Between an abbreviation and a marker ("et al. [3] found") there is no end of a sentence.
        if onward > end and _ends_a_sentence(paragraph, stop, onward):
            moved.add(end)
    return moved


def _ends_a_sentence(paragraph: str, stop: int, onward: int) -> bool:
    """Say whether the punctuation before `stop` ends a sentence, given that text goes on at `onward`."""
    before = paragraph[max(0, stop - _WORD_REACH_CHARS) : stop].rstrip()
    rest = paragraph[onward : onward + _WORD_REACH_CHARS]
    if not before.endswith("."):
        return True
    word = _last_word(before)
    if _NEVER_LAST.fullmatch(word):
        return False
    if _SELDOM_LAST.fullmatch(word):
        opener = _FIRST_WORD.match(rest.lstrip("\"'“‘(["))
        return opener is not None and _OPENERS.fullmatch(opener[0]) is not None
    if _BEFORE_NUMBERS.fullmatch(word) and rest[:1].isdigit():
        return False
    # Who writes all in lower case opens sentences so as well.
    return not _is_plain_word(rest) or _is_plain_word(paragraph[:_WORD_REACH_CHARS])


def _last_word(before: str) -> str:
    found = _LAST_WORD.search(before)
    return found[0].removesuffix(".").lower() if found else ""


def _is_plain_word(rest: str) -> bool:
    """Say whether the text goes on with a word in lower case, not with a name such as pH, mRNA or p53."""
    word = re.match(r"\w+", rest)
    return word is not None and word[0].islower() and word[0].isalpha() and len(word[0]) > 1


def _next_visible(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None
