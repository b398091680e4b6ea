"""Reading what stands behind authors and date in a printed reference: title, container, volume, issue, pages.

Volume and pages are found first, because their notation is the plainest; the words before them are then cut
into title and container at the end of a sentence.
"""

import re
from dataclasses import dataclass

__all__ = ["MONTH", "YEAR", "PublicationPlace", "read_place"]

MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|spring|summer|autumn|fall|winter)\b\.?"
)
YEAR = r"(?:1[5-9]|20)\d\d"


@dataclass(frozen=True, slots=True)
class PublicationPlace:
    """Title and place of a work; `year` only where it stands with the place, not before the title.

    The container is the journal, the book that holds a chapter, the site of a page, or else the publisher.
    """

    title: str | None = None
    container: str | None = None
    year: int | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None


_PAGE = r"(?:(?:[A-Z]{0,10}|[A-Za-z]{0,4})\d{1,9}[A-Za-z]{0,2}|[ivxlc]{1,6}\b)(?:\.\w{1,8}){0,2}"
_DASH = r"\s?[-–—‐‑−]{1,2}\s?"
_RANGE = rf"{_PAGE}(?:{_DASH}{_PAGE})?"
_PP = r"(?:(?i:pp?|pages?|S|art(?:icle)?|id)\b\.?\s*(?:(?i:no|number|id)\b\.?:?\s*)?)?"
_PAGES = rf"{_PP}(?P<pages>{_RANGE}(?:[,;]\s?{_RANGE}(?![\w(:])){{0,4}})"
_VOLUME = r"(?P<volume>[A-Z]{0,3}\d{1,4}(?:-?[A-Za-z])?(?:[-–/]\d{1,4}[A-Z]?)?|[IVXLC]{1,7})(?![\w])"
_ISSUE = r"(?:\s*\(\s*(?P<issue>[^()]{1,40}?)\s*\))"
_NUMBER = r"(?:(?i:no|iss(?:ue)?|nr|number)\b\.?\s*(?P<issue>(?:(?i:suppl|pt|part)\b\.?\s)?\w+(?:[-–/]\w+)?))"
_SUPPLEMENT = (
    r"(?:[,\s]\s*\(?(?P<supplement>(?i:suppl(?:ement)?\b\.?|pt\b\.?|part\b|spec(?:ial)?\b\.?\s?(?:no|issue)\b\.?)"
    r"(?:\s?[A-Z]?\d{0,3}\b)?)\)?)"
)
_DATE = rf"(?P<year>{YEAR})[a-z]?(?:[\s,]*(?i:{MONTH})(?:[-–/](?i:{MONTH}))?)?(?:\s*\d{{1,2}}\b(?:[-–]\d{{1,2}})?)?"
_IN_BRACKETS = rf"\((?:[^()]*\b)?(?P<year>{YEAR})\b[^()]*\)"
_END = r"(?=\s*(?:[.;,]|$))"
#: How volume, issue and pages of a journal are printed, from the most telling notation to the least.
_LOCATORS = tuple(
    re.compile(pattern)
    for pattern in (
        # 2004;12(3):45-6
        rf"[\s.,(]{_DATE}\s*;\s*(?i:vol\.?\s*)?{_VOLUME}?{_SUPPLEMENT}?{_ISSUE}?(?:\s*[:,]\s*{_PAGES})?",
        # vol. 12, no. 3, pp. 45-6, 2004
        rf"[\s,](?i:vol(?:ume)?\b\.?\s*){_VOLUME}(?:[\s,]*{_NUMBER})?"
        rf"(?:\s*,\s*(?:(?i:{MONTH})\s*)?{_DATE})?(?:\s*[,:]\s*{_PAGES})?",
        # 12, no. 3 (2004): 45-6
        rf"[\s,]{_VOLUME},?\s+{_NUMBER}\s*,?\s*(?:{_IN_BRACKETS}|,?\s*{_DATE.replace('year', 'later')})?"
        rf"(?:\s*[:,]\s*{_PAGES})?",
        # 2004, 12(3):45-6
        rf"[\s.]{_DATE}\s*,\s*{_VOLUME}{_SUPPLEMENT}?{_ISSUE}?{_SUPPLEMENT.replace('supplement', 'second')}?"
        rf"\s*:\s*{_PAGES}",
        # 2004:45-6
        rf"[\s.,(]{_DATE}\s*;?\s*:\s*{_PAGES}",
        # 12 (2004): 45-6
        rf"[\s,]{_VOLUME}\s*{_IN_BRACKETS}\s*[:,]\s*{_PAGES}",
        # 12(3): 45-6
        rf"[\s,]{_VOLUME}{_SUPPLEMENT}?{_ISSUE}?{_SUPPLEMENT.replace('supplement', 'second')}?\s*:\s*{_PAGES}",
        # 12(3), 45-6
        rf"[,\s]{_VOLUME}(?:{_SUPPLEMENT}|{_ISSUE})\s*(?:,?\s*{_PAGES})?{_END}",
        # , 12, 45-6
        rf",\s*{_VOLUME}{_SUPPLEMENT}?\s*,\s*{_PAGES}{_END}",
        # 2004, 12
        rf"[\s.]{_DATE}\s*,\s*{_VOLUME}{_SUPPLEMENT}?\.?$",
        # , 12
        r",\s*(?P<volume>\d{1,3})\.?$",
    )
)
#: Pages that stand without a volume: "pp. 45-6", "p. 12".
_ONLY_PAGES = re.compile(rf"(?<![\s,.;:(])[\s,.;:(]+(?i:pp?\b\.?|pages?\b)\s*(?P<pages>{_RANGE})\)?")
_YEAR_AT_END = re.compile(
    rf"(?<![\s.,;:(])[\s.,;:(]+(?:\d{{1,2}}\s+)?(?:(?i:{MONTH})\s*(?:\d{{1,2}},\s*)?)?{_DATE}[\s).,;]*$"
)
_YEAR_BEFORE_SEMICOLON = re.compile(rf"[;,(]\s*(?:(?i:{MONTH})\s*)?{_DATE}(?=\s*[;.,)])")


def read_place(text: str) -> PublicationPlace:
    """Read what follows authors and leading date; a field that cannot be told apart is None."""
    locator = _find_locator(text)
    if locator is None:
        return _read_unlocated(text)
    groups = {**locator.groupdict()}
    groups["year"] = groups.get("year") or groups.get("later")
    head, year = _cut_year(text[: locator.start()])
    title, container = _cut_title(head, located=True)
    issue = groups.get("issue")
    if issue and re.fullmatch(YEAR, issue) and not groups["year"]:
        groups["year"], issue = issue, None
    supplement = groups.get("supplement") or groups.get("second")
    late = _YEAR_AT_END.search(text, locator.end() - 1) if not groups.get("year") else None
    years = (groups.get("year"), year, late["year"] if late else None)
    return PublicationPlace(
        title=title,
        container=container,
        year=next((int(one) for one in years if one), None),
        volume=groups.get("volume"),
        issue=" ".join(filter(None, (issue, supplement))) or None,
        pages=_tidy_pages(groups.get("pages")),
    )


def _tidy_pages(pages: str | None) -> str | None:
    return re.sub(r"\s", "", pages).rstrip(".") if pages else None


#: More words than this behind a supposed locator, and it was part of a title.
_LONGEST_TAIL_CHARS = 90


def _find_locator(text: str) -> re.Match[str] | None:
    for pattern in _LOCATORS:
        matches = [one for one in pattern.finditer(text) if len(text) - one.end() <= _LONGEST_TAIL_CHARS]
        # A year of the 1900s or a lone number after a colon is no volume unless words stand before it.
        matches = [one for one in matches if re.search(r"[^\W\d_]{2}", text[: one.start()])]
        if matches:
            return matches[-1]
    return None


def _cut_year(head: str) -> tuple[str, str | None]:
    """Cut a year off the end of what stands before a volume: "J Med (2004)", "J Med 2004"."""
    match = re.search(rf"(?<![\s,.])[\s,.]*\(?\b(?:(?i:{MONTH})\s*)?(?P<year>{YEAR})[a-z]?\)?[\s,.;]*$", head)
    return (head[: match.start()], match["year"]) if match and match.start() > 0 else (head, None)


def _read_unlocated(text: str) -> PublicationPlace:
    """Read an entry without volume: a book, a chapter, a report or a page."""
    pages = _ONLY_PAGES.search(text)
    body = text[: pages.start()] + "." + text[pages.end() :] if pages else text
    year = _YEAR_AT_END.search(body)
    if year is None:
        year = next(iter([*_YEAR_BEFORE_SEMICOLON.finditer(body)][-1:]), None)
    outside = year is not None and year.start() > 0
    if year is not None and outside:
        body = body[: year.start()] + "." + body[year.end() :]
    title, container = _cut_title(body, located=False)
    return PublicationPlace(
        title=title,
        container=container,
        year=int(year["year"]) if year is not None and outside else None,
        pages=_tidy_pages(pages["pages"]) if pages else None,
    )


_QUOTES = {"“": "”", '"': '"', "‘": "’", "'": "'", "«": "»", "„": "“"}
_BREAK = re.compile(r"[.?!…][\"”’'»)\]]{0,2}\s+(?=[^\s,;:.&)])")
_IN = re.compile(r"^\s*[Ii]n:?\s+(?=[\"“‘«]?[^\W\d_])")
_EDITORS = re.compile(r"^.{0,200}?(?:\(?\b[Ee]ds?\b\.?\)?|\b[Ee]ditors?\b|\bHrsg\.?\)?)\s*[.,:;)]*\s*(?=\S)")
#: A stop behind one of these, or behind a single letter, does not end a sentence.
_ABBREVIATION = re.compile(
    r"(?:^|[\s(“\"‘.])(?:[^\W\d_]|vs|st|dr|prof|mr|mrs|ms|sp|spp|subsp|var|no|nos|vol|ca|cf|e\.g|i\.e|eg|ie|al|approx"
    r"|fig|ed|eds|dept|univ|inc|u\.s|u\.k)\.$",
    re.IGNORECASE,
)


def _cut_title(head: str, *, located: bool) -> tuple[str | None, str | None]:
    """Cut the words before the locator, or all words if there is none, into title and container."""
    head = head.strip(" ,.;:")
    quoted = _quoted_title(head)
    if quoted is not None:
        title, rest = quoted
    else:
        at = _container_start(head) if located else _first_sentence_end(head)
        title, rest = (head[:at], head[at:]) if at is not None else _cut_at_comma(head, located=located)
    return _tidy(title), _tidy_container(rest)


def _quoted_title(head: str) -> tuple[str, str] | None:
    closer = _QUOTES.get(head[:1])
    if closer is None:
        quoted = re.search(r"[“\"](?P<title>[^“”\"]{8,}[.,?!])[”\"]\s*", head)
        return (quoted["title"].rstrip(" ,"), head[quoted.end() :]) if quoted else None
    for match in re.finditer(re.escape(closer), head[1:]):
        at = 1 + match.start()
        if head[at - 1] in ".,?!" or re.match(r"\s*(?:$|[.,;(]|[Ii]n\b)", head[at + 1 :]):
            return head[1:at].rstrip(" ,"), head[at + 1 :]
    return None


def _cut_at_comma(head: str, *, located: bool) -> tuple[str, str]:
    """Cut "Title of the paper, Journal" at the last comma before capitals, for styles whose italics are lost."""
    if not located:
        return head, ""
    commas = [match.end() for match in re.finditer(r",\s+(?=[^\W\d_a-z])", head)]
    capitalised = [at for at in commas if _is_name_like(head[at:])]
    return (head[: capitalised[0]], head[capitalised[0] :]) if capitalised else (head, "")


def _is_name_like(words: str) -> bool:
    """Say whether all words but small ones are capitalised."""
    small = {"of", "and", "the", "in", "for", "on", "de", "et", "und", "der", "&", "to", "a"}
    return all(word[0].isupper() or word in small or not word[0].isalpha() for word in words.split())


def _first_sentence_end(head: str) -> int | None:
    for at in _breaks(head):
        if not _ends_abbreviated(head[:at]):
            return at
    return None


def _ends_abbreviated(words: str) -> bool:
    return _ABBREVIATION.search(words[-12:].rstrip()) is not None


def _container_start(head: str) -> int | None:
    """The last end of a sentence, moved back over the stops of an abbreviated title: "J. Biol. Chem."."""
    breaks = _breaks(head)
    if not breaks:
        return None
    place = len(breaks) - 1
    while place > 0 and _is_abbreviated(head[breaks[place - 1] : breaks[place]]):
        place -= 1
    if place == 0 and _ends_abbreviated(head[: breaks[0]]) and " " not in head[: breaks[0]].strip():
        return None
    return breaks[place]


def _breaks(head: str) -> list[int]:
    """Where sentences end, brackets left out; each place is that of the next word."""
    return [
        match.end()
        for match in _BREAK.finditer(head)
        if head.count("(", 0, match.start()) <= head.count(")", 0, match.end())
    ]


_ABBREVIATED = re.compile(
    r"(?:[^\W\d_a-z]\.?){1,4}|[^\W\d_a-z]\w{0,4}|[^\W\d_a-z]\w*(?:ol|path|ther|diagn|surg|obstet|diatr|iatr|immun|genet"
    r"|nutr|orthop|metab|bioch|phys|demiol|ogr|thal|hepat|rheum|scand|pharm|pharmacol|infect|biophys|anat)"
)


def _is_abbreviated(segment: str) -> bool:
    """Say whether words up to a stop can belong to the abbreviated title of a journal."""
    words = segment.strip().rstrip(".").split()
    ends_plainly = segment.rstrip().endswith(".")
    return ends_plainly and len(words) <= 3 and all(_ABBREVIATED.fullmatch(word) for word in words)


def _tidy(title: str) -> str | None:
    title = re.sub(r"\s*\[[A-Za-z -]{1,30}\]\s*$", "", title.strip(" ,;:."))
    title = title.strip(" ,;:.").strip('“”"«»') if title.count('"') != 1 else title
    return title if re.search(r"[^\W_]", title) else None


def _tidy_container(rest: str) -> str | None:
    rest = rest.strip(" ,.;:")
    inside = _IN.match(rest)
    if inside:
        rest = _EDITORS.sub("", rest[inside.end() :], count=1)
        rest = re.split(r"\.\s|\s\(|,\s(?=\()", rest, maxsplit=1)[0]
    elif len(sentences := _breaks(rest)) > 0 and not _is_abbreviated(rest[: sentences[0]]):
        rest = rest[: _first_sentence_end(rest)]
    rest = rest.strip(" ,.;:").strip('“”"«»').strip(" ,.;:")
    return rest if re.search(r"[^\W\d_]", rest) else None
