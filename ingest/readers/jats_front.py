"""What a JATS article says of itself: title, authors, dates, identifiers, licence."""

import re
from typing import Final

from lxml import etree

from ingest.canonical import normalize_text
from ingest.readers.jats_references import person_name
from ingest.readers.superscripts import is_raisable, raise_text

#: Dates in order of preference: the first publication is what a reader means.
_DATE_KINDS: Final = ("epub", "pub", "ppub", "epub-ppub", "epreprint", "collection", "pmc-release")
_LICENCE_URL: Final = re.compile(r"https?://creativecommons\.org/\S+?(?=[\s,;)]|\.(?:\s|$)|$)")


def article_title(article: etree._Element) -> str | None:
    """Return the title with its subtitle, without the notes that hang on it."""
    group = article.find("front/article-meta/title-group")
    if group is None:
        return None
    parts = [_plain(part) for part in group.iterchildren("article-title", "subtitle")]
    return ": ".join(filter(None, parts)) or None


def read_metadata(article: etree._Element) -> dict[str, str]:
    """Return what is known, under the keys that `Reading.metadata` names."""
    meta = article.find("front/article-meta")
    if meta is None:
        return {}
    found = {
        "published": _published(meta),
        "last_updated": _date_of(meta.find("history/date[@date-type='corrected']")),
        "language": article.get("lang"),
        "url": _url(meta),
        "doi": _plain(meta.find("article-id[@pub-id-type='doi']")),
        "licence": _licence(meta),
        "authors": "; ".join(_authors(meta)),
        "journal": _plain(article.find("front/journal-meta//journal-title")),
    }
    return {key: value for key, value in found.items() if value}


def _plain(element: etree._Element | None) -> str:
    return "" if element is None else normalize_text(_text(element)).strip()


def _text(element: etree._Element) -> str:
    pieces = [element.text or ""]
    for child in element.iterchildren(etree.Element):
        if child.tag not in {"xref", "fn"}:
            text = _text(child)
            pieces.append(raise_text(text) if child.tag == "sup" and is_raisable(text) else text)
        pieces.append(child.tail or "")
    return "".join(pieces)


def _published(meta: etree._Element) -> str | None:
    dates = {
        date.get("pub-type") or date.get("date-type") or "": date for date in meta.iterchildren("pub-date")
    }
    ordered = [dates[kind] for kind in _DATE_KINDS if kind in dates] or list(dates.values())
    return next(filter(None, map(_date_of, ordered)), None)


def _date_of(date: etree._Element | None) -> str | None:
    """Return a date as ISO 8601, as far as it is given: year, month, day."""
    if date is None:
        return None
    year, month, day = (_plain(date.find(name)) for name in ("year", "month", "day"))
    if not re.fullmatch(r"\d{4}", year):
        return date.get("iso-8601-date")
    if not (month.isdigit() and 1 <= int(month) <= 12):
        return year
    if not (day.isdigit() and 1 <= int(day) <= 31):
        return f"{year}-{int(month):02}"
    return f"{year}-{int(month):02}-{int(day):02}"


def _url(meta: etree._Element) -> str | None:
    links = (element.get("href") or _plain(element) for element in meta.iterchildren("self-uri"))
    return next((link for link in links if link.startswith(("http://", "https://"))), None)


def _licence(meta: etree._Element) -> str | None:
    """Return the licence's address where one is given, else its words."""
    licence = meta.find("permissions/license")
    if licence is None:
        return _plain(meta.find("permissions/copyright-statement")) or None
    candidates = [licence.get("href") or "", *(_plain(one) for one in licence.iter("license_ref"))]
    candidates += [element.get("href") or "" for element in licence.iter("ext-link", "uri")]
    text = _plain(licence)
    named = next((one for one in candidates if one.startswith("http")), None)
    match = _LICENCE_URL.search(text)
    return named or (match[0] if match else text) or licence.get("license-type")


def _authors(meta: etree._Element) -> list[str]:
    names = []
    for contributor in meta.iterfind("contrib-group/contrib"):
        if contributor.get("contrib-type", "author") == "author":
            element = next(contributor.iter("name", "string-name", "collab"), None)
            name = "" if element is None else person_name(element)
            names += [name] if name else []
    return names
