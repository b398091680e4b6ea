"""Page furniture: what surrounds a text on a web page and was copied along with it.

Furniture is recognised by what it is like and where it stands: short fragments in runs, lines that repeat,
addresses and numbers, and lines in which a page speaks of itself ("subscribe", "all rights reserved").
Nothing here knows the words of any one site.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.readers.page_metadata import is_metadata_line
from ingest.records import BlockKind


@dataclass(frozen=True, slots=True)
class PageLine:
    """One unit of a copied page: what it would be in the document, and its text."""

    kind: BlockKind
    text: str
    has_marker: bool = False


#: Controls that stand alone on a line, in the words that web pages share.
_CONTROL = re.compile(
    r"(?:main\s+)?menu|navigation|search|home|back|share(?:\s+(?:this|on|via)\b.*)?"
    r"|print(?:\s+(?:this|page)\b.*)?|save"
    r"|(?:sponsored|advertisements?|ad|ads|promoted|sponsored\s+content)|(?:log|sign)\s?(?:in|up|out)"
    r"|register|subscribe(?:\s+(?:now|today))?|close|dismiss|cancel"
    r"|accept(?:\s+(?:all|cookies|all\s+cookies))?|reject(?:\s+all)?|decline"
    r"|manage\s+(?:cookies|preferences|options|choices)"
    r"|(?:view|see|show|load|read|learn|know)\s+(?:all|more|less)|continue(?:\s+reading)?.{0,20}"
    r"|skip\s+to\s+.{1,30}|(?:back|go|scroll)\s+to\s+(?:the\s+)?top|next|previous|listen|copy\s+link"
    r"|comments?(?:\s*\(\d+\))?|\d+\s+comments?|leave\s+a\s+(?:comment|reply)"
    r"|follow(?:\s+us)?(?:\s+on)?:?|facebook|twitter|x|whatsapp|linkedin|instagram|youtube|pinterest"
    r"|telegram|tiktok|reddit|tweet|e-?mail|bookmark|download|cart|my\s+account|newsletter|sitemap"
    r"|table\s+of\s+contents|contents|on\s+this\s+page|in\s+this\s+article"
    r"|book\s+(?:now|online|an?\s+appointment)|call\s+(?:us|now)|contact(?:\s+us)?|about(?:\s+us)?",
    re.IGNORECASE,
)
#: A page that speaks of itself, its makers or its readers' accounts.
_PAGE_TALK = re.compile(
    r"©|\(c\)\s*(?:19|20)\d\d|\bcopyright\b|\ball rights reserved\b"
    r"|\bcookies?\b.{0,80}\b(?:consent|accept|agree|use|policy|browser|preferences|settings|experience)\b"
    r"|\b(?:we|site|website)\b.{0,30}\buse\s+cookies\b"
    r"|\bprivacy\s+(?:policy|notice|statement|settings)\b"
    r"|\bterms\s+(?:of\s+(?:use|service)|(?:and|&)\s+conditions)\b|\bnewsletters?\b"
    r"|\bsubscri(?:be|ption)s?\b.{0,60}\b(?:updates?|newsletter|tips|inbox|offers?|promotions?|email)\b"
    r"|\bsign up (?:for|to)\b|\bfollow us\b|\bapp\s?store\b|\bplay\s?store\b|\bgoogle play\b"
    r"|\bdownload (?:our|the|now)\b|\bour\b.{0,30}\bapps?\b"
    r"|\bwas this (?:\w+ )?(?:\w+ )?(?:useful|helpful)\b|\bdid you find this\b"
    r"|\bfound? this\b.{0,25}\b(?:useful|helpful)\b|\brate this\b"
    r"|\bcustomer (?:service|care|support|representative)s?\b"
    r"|\bpayment (?:partners?|methods?|options?)\b|\bregistered (?:office|address|company)\b"
    r"|\bcontact us\b|\babout the authors?\b|\babout us\b|\bmeet (?:our|the)\b|\bshare this\b"
    r"|\benable javascript\b|\byour browser\b|\bpowered by\b|\bopening hours\b|\bfree delivery\b"
    r"|\badd to cart\b|\bselect (?:a |your )?(?:category|language|country|location|region)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?:\b(?:tel(?:ephone)?|phone|fax|call|mobile|e-?mail|helpline|hotline|ph|address)\b\s*(?:us|no|number)?[.:]?\s*\+?[\d(@\w].*)"
    r"|\+?\(?\d[\d\s().-]{7,17}\d|\S+@\S+\.\w{2,}|(?:https?://|www\.)\S+|@\w{2,30}",
    re.IGNORECASE,
)
_REGISTRATION = re.compile(
    r"\b(?=\w*\d)(?=\w*[A-Z])[A-Z0-9]{10,}\b|\b\d{5,6}\.?$|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b"
)
_VERSION = re.compile(r"v?\d+(?:\.\d+){1,3}", re.IGNORECASE)
_COUNT = re.compile(
    r"\(?[\d.,]+[kKmM+]?\)?(?:\s+\w+){0,2}|[\d.,]+\s+(?:people|readers|users|likes?|views?|shares?)\b.*",
    re.IGNORECASE,
)
_REPEATED_TOKEN = re.compile(r"(\w{3,40}?)\s?(?:\1\s?){2,}")
_DEGREE = re.compile(
    r"\(?(?:(?:[A-Z][a-z]{0,3}\.){2,4}[A-Z]?[a-z]{0,5}|[A-Z]\.(?:[A-Z][a-z]{1,5})?|[A-Z]{2,6}\.?"
    r"|[A-Z][a-z]{0,2}[A-Z][A-Za-z]{0,2}\.?|[A-Z]\.?[A-Z][a-z]?\.?)\)?"
)
_SENTENCE_END = re.compile(r"[.!?…。:;]['\"”’)\]]*(?:\s*\[[\d,;\s–-]+\])*$")
_BREADCRUMB = re.compile(r"[^/>»›|→]{1,80}(?:\s?[/>»›|→]\s?[^/>»›|→]{1,160}){2,}")
_RELATED = re.compile(
    r""
    r"(?:related|recommended|popular|trending|latest|similar|more)\s+(?:articles?|stor(?:y|ies)|posts?|content|topics?|reading|reads|links|news|coverage|videos?)\b.{0,30}"
    r"|(?:read|watch|see)\s+(?:also|next|more)\b:?.{0,100}"
    r"|(?:related|also\s+read|more\s+on\s+this)\s*:.{0,120}"
    r"|(?:you\s+(?:may|might)\s+also\s+(?:like|be\s+interested)|more\s+from|most\s+(?:read|popular|viewed)|don['’]t\s+miss|up\s+next)\b.{0,60}",
    re.IGNORECASE,
)
#: What sites put below every text that they publish.
_BOILERPLATE = re.compile(
    r"\bsubstitute for\b.{0,40}\badvice\b|\b(?:informational|information|educational)\s+purposes\b"
    r"|\bnot\s+(?:intended|meant)\s+to\s+(?:diagnose|treat|replace)|\b(?:editorial|review)\s+(?:policy|process|standards)\b"
    r"|\bour\s+(?:\w+\s+)?(?:experts?|editors?|editorial|writers?|reviewers?|team|partners?|readers?)\b",
    re.IGNORECASE,
)
#: Sections that scholarly and medical texts put behind their references.
_BACK_MATTER = re.compile(
    r"(?:\w\.?\s+)?(?:appendi(?:x|ces)|annex(?:es)?|glossary|abbreviations?|acknowledge?ments?|funding"
    r"|financial\s+support|(?:declaration\s+of\s+)?(?:conflicts?\s+of\s+|competing\s+)?interests?|disclosures?"
    r"|declarations?|ethic\w*|authors?['’]?\s+contributions?|data\s+availability|availability\s+of\s+data"
    r"|supplement\w*|tables?|figures?|figure\s+legends?|further\s+reading|footnotes?|endnotes?)\b.{0,80}",
    re.IGNORECASE,
)
_MAX_FRAGMENT_WORDS = 7
_MAX_SHORT_WORDS = 12
_MAX_STRONG_WORDS = 30


def is_control(text: str) -> bool:
    """Say whether a line is a control of a page, such as "Share" or "Back to top"."""
    return _CONTROL.fullmatch(text.strip()) is not None


def is_page_talk(text: str) -> bool:
    """Say whether a page speaks of itself here: cookies, rights, accounts, its app."""
    return _PAGE_TALK.search(text) is not None


def is_breadcrumb(text: str) -> bool:
    """Say whether a line shows the way to the page: three or more names with separators between."""
    return (
        _BREADCRUMB.fullmatch(text.strip()) is not None
        and "://" not in text
        and not _SENTENCE_END.search(text)
    )


def is_fragment(text: str) -> bool:
    """Say whether a line is short and no sentence."""
    return len(text.split()) <= _MAX_FRAGMENT_WORDS and not _SENTENCE_END.search(text)


def find_controls(lines: Sequence[PageLine]) -> dict[int, str]:
    """Return the lines within a text that are controls or links to other texts, each with the reason."""
    found = {
        at: "control of the page"
        for at, line in enumerate(lines)
        if line.kind in ("paragraph", "heading") and is_control(line.text) and _is_unlikely_heading(lines, at)
    }
    for at, line in enumerate(lines):
        if line.kind in ("paragraph", "heading") and _RELATED.fullmatch(line.text.strip()):
            found.update(dict.fromkeys(range(at, _links_end(lines, at)), "links to other texts"))
    return found


def _is_unlikely_heading(lines: Sequence[PageLine], at: int) -> bool:
    """A heading such as "Next" may be real when prose follows; controls of more than a name are not."""
    return (
        lines[at].kind != "heading"
        or re.match(
            r"(?:ad|ads|advert|sponsor|share|print|sub|sign|log|back to|continue|skip|follow|read|load|view)",
            lines[at].text,
            re.I,
        )
        is not None
    )


def _links_end(lines: Sequence[PageLine], start: int) -> int:
    """Return where the titles below a "Related" line end; the heading of the prose after them is no title."""
    at = start + 1
    while at < len(lines) and lines[at].kind != "reference" and not _SENTENCE_END.search(lines[at].text):
        if len(lines[at].text.split()) > 20 or lines[at].has_marker:
            break
        at += 1
    if at == start + 1 or at == len(lines):
        return at
    return at - 1 if lines[at - 1].kind == "heading" and at - 1 > start else at


def find_tail(lines: Sequence[PageLine], *, after_references: bool) -> dict[int, str]:
    """Return which lines at the end of a page are furniture, each with the reason.

    Args:
        lines: What follows the reference list; without such a list, all lines of the text.
        after_references: Whether it follows a reference list. Without one, only an ending that is
            furniture beyond doubt is found.

    Back matter (an appendix, acknowledgements), tables and sections with citation markers stay, and so
    does everything where no furniture begins.
    """
    signs = _strong_signs(lines)
    start = _start_after_references(lines, signs) if after_references else _start_without(lines, signs)
    if start is None:
        return {}
    kept = _protected(lines, signs)
    where = "after the reference list" if after_references else "at the end of the page"
    return {
        at: f"page furniture {where}: {signs.get(at, 'among fragments')}"
        for at in range(start, len(lines))
        if at not in kept
    }


def _strong_signs(lines: Sequence[PageLine]) -> dict[int, str]:
    """Return the lines that hardly any text has but most pages do, each with what it is."""
    times = Counter(line.text.casefold() for line in lines if len(line.text.split()) <= _MAX_FRAGMENT_WORDS)
    signs: dict[int, str] = {}
    for at, line in enumerate(lines):
        sign = None if line.kind in ("table_row", "reference") or line.has_marker else _strong_sign(line.text)
        if sign is None and times[line.text.casefold()] > 1 and line.kind != "table_row":
            sign = "repeated line"
        if sign is not None:
            signs[at] = sign
    return signs


def _strong_sign(text: str) -> str | None:
    stripped = text.strip()
    words = stripped.split()
    tests: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("repeated word", _REPEATED_TOKEN.fullmatch),
        ("control of the page", is_control),
        ("about the page", lambda line: len(words) <= _MAX_STRONG_WORDS and is_page_talk(line)),
        ("address or number", _ADDRESS.fullmatch),
        ("version", _VERSION.fullmatch),
        ("count", _COUNT.fullmatch),
        ("date or byline", is_metadata_line),
        (
            "address or number",
            lambda line: len(words) <= 20 and _REGISTRATION.search(line) and line[-1] != ":",
        ),
        ("degrees", lambda _: _is_degrees(words)),
    )
    return next((sign for sign, test in tests if test(stripped)), None) if stripped else None


def _is_degrees(words: Sequence[str]) -> bool:
    """Say whether a line is nothing but titles and degrees, at least half of them abbreviated."""
    cleaned = [word.strip(",;") for word in words]
    abbreviated = sum(_DEGREE.fullmatch(word) is not None for word in cleaned)
    return 0 < len(words) <= 12 and 2 * abbreviated >= len(words)


def _start_after_references(lines: Sequence[PageLine], signs: Collection[int]) -> int | None:
    """Return the first line of furniture behind the reference list, None where there is none to speak of."""
    fragments = [at for at, line in enumerate(lines) if _is_loose(line)]
    few = not signs or (len(signs) < 3 and 2 * len({*fragments, *signs}) < len(lines))
    if few and not _runs(fragments, 6):
        return None
    # Where furniture is beyond doubt, a single fragment that heads nothing is its beginning.
    stray = [at for at in fragments if lines[at].kind == "paragraph"] if len(signs) >= 3 else []
    starts = [*signs, *_runs(fragments, 3), *stray]
    return _reach_back(lines, min(starts)) if starts else None


def _start_without(lines: Sequence[PageLine], signs: Collection[int]) -> int | None:
    """Return where an ending begins that is mostly fragments and signs, with no stretch of text in it."""
    start: int | None = None
    loose = strong = prose = 0
    for at in range(len(lines) - 1, -1, -1):
        line = lines[at]
        if line.has_marker or line.kind in ("reference", "table_row"):
            break
        is_loose = at in signs or _is_loose(line)
        prose = 0 if is_loose else prose + 1
        if prose > 2:
            break
        loose += is_loose
        strong += at in signs
        if at in signs and strong >= 3 and 10 * loose >= 6 * (len(lines) - at):
            start = at
    if start is None or not any(is_page_talk(line.text) or is_control(line.text) for line in lines[start:]):
        return None
    return _with_heading(lines, start)


def _is_loose(line: PageLine) -> bool:
    return line.kind in ("paragraph", "heading") and not line.has_marker and is_fragment(line.text)


def _runs(positions: Sequence[int], length: int) -> list[int]:
    """Return where runs of at least so many consecutive positions begin."""
    starts: list[int] = []
    begin = 0
    breaks = [at for at, (low, high) in enumerate(pairwise(positions), 1) if high != low + 1]
    for end in [*breaks, len(positions)]:
        if end - begin >= length:
            starts.append(positions[begin])
        begin = end
    return starts


def _with_heading(lines: Sequence[PageLine], start: int) -> int:
    """Include the heading right above furniture: it is the furniture's."""
    while (
        start > 0 and lines[start - 1].kind == "heading" and not _BACK_MATTER.fullmatch(lines[start - 1].text)
    ):
        start -= 1
    return start


def _reach_back(lines: Sequence[PageLine], start: int) -> int:
    """Include what stands between the reference list and the first sure sign, if short or boilerplate."""
    while start > 0 and _leads_to_furniture(lines[start - 1]):
        start -= 1
    return start


def _leads_to_furniture(line: PageLine) -> bool:
    if line.has_marker or line.kind not in ("heading", "paragraph"):
        return False
    return len(line.text.split()) <= _MAX_SHORT_WORDS or _BOILERPLATE.search(line.text) is not None


def _protected(lines: Sequence[PageLine], signs: Collection[int]) -> set[int]:
    """Return the lines of sections that are back matter by their heading and text, or bear markers."""
    kept: set[int] = {at for at, line in enumerate(lines) if line.kind == "table_row"}
    heads = [at for at, line in enumerate(lines) if line.kind == "heading"]
    for start, end in pairwise([*heads, len(lines)]):
        body = lines[start + 1 : end]
        marked = any(line.has_marker for line in body) or lines[start].has_marker
        real = sum(start + 1 + at not in signs for at in range(len(body)))
        if marked or (_BACK_MATTER.fullmatch(lines[start].text.strip()) and 2 * real > len(body)):
            kept.update(range(start, _without_trailing_signs(start, end, signs)))
    kept.update(at for at, line in enumerate(lines) if line.has_marker)
    return kept


def _without_trailing_signs(start: int, end: int, signs: Collection[int]) -> int:
    """Return where a section ends once the furniture that runs on from it is taken off."""
    while end - 1 > start and end - 1 in signs:
        end -= 1
    return end
