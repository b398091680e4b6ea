"""What a web page says of itself in its head: meta elements, links and JSON-LD."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from lxml import etree

from ingest.canonical import normalize_text
from ingest.identifiers import normalize_doi

_TITLE_NAMES: Final = ("citation_title", "dc.title", "dcterms.title", "og:title", "twitter:title")
#: From a key of `Reading.metadata` to the names that give it, the most reliable first.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "published": (
        "citation_publication_date", "citation_online_date", "citation_date", "article:published_time",
        "dcterms.issued", "dc.date.issued", "dc.date", "dcterms.date", "prism.publicationdate", "date",
    ),
    "last_updated": ("article:modified_time", "og:updated_time", "dcterms.modified", "last-modified"),
    "language": ("citation_language", "dc.language", "dcterms.language", "og:locale"),
    "url": ("citation_public_url", "citation_fulltext_html_url", "og:url"),
    "licence": ("dc.rights", "dcterms.rights", "dcterms.license", "dc.license", "citation_license"),
    "journal": ("citation_journal_title", "prism.publicationname"),
}  # fmt: skip
_DOI_NAMES: Final = ("citation_doi", "dc.identifier", "dcterms.identifier", "prism.doi", "doi")
_AUTHOR_NAMES: Final = ("citation_author", "dc.creator", "dcterms.creator", "author", "article:author")
_JSON_KEYS: Final = {
    "published": "datePublished",
    "last_updated": "dateModified",
    "language": "inLanguage",
    "licence": "license",
}
_DATE: Final = re.compile(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?")
_MAX_CHARS: Final = 2_000


def read_head_title(root: etree._Element) -> str | None:
    """Return the title that the page's head gives, without the site's name where it can be told."""
    tags = _meta(root)
    named = next((tags[name][0] for name in _TITLE_NAMES if tags.get(name)), None)
    element = root.find(".//head/title")
    plain = normalize_text("".join(map(str, element.itertext()))).strip() if element is not None else ""
    return named or plain or None


def read_html_metadata(root: etree._Element) -> dict[str, str]:
    """Return what is known, under the keys that `Reading.metadata` names."""
    tags = _meta(root)
    articles = list(_json_articles(root))
    found = {
        key: _first(tags, names) or _first_json(articles, _JSON_KEYS.get(key))
        for key, names in _NAMES.items()
    }
    found["url"] = _link(root, "canonical") or found["url"]
    found["language"] = found["language"] or _language(root)
    found["licence"] = _link(root, "license") or found["licence"]
    dois = (normalize_doi(value) for name in _DOI_NAMES for value in tags.get(name, ()))
    found["doi"] = next(filter(None, dois), None)
    named = next((tags[name] for name in _AUTHOR_NAMES if tags.get(name)), [])
    found["authors"] = "; ".join(dict.fromkeys(named or _json_authors(articles))) or None
    for key in ("published", "last_updated"):
        found[key] = _iso_date(found[key])
    return {key: value for key, value in found.items() if value}


def _meta(root: etree._Element) -> dict[str, list[str]]:
    tags: dict[str, list[str]] = {}
    for element in root.iter("meta"):
        name = element.get("name") or element.get("property") or element.get("itemprop") or ""
        content = normalize_text(element.get("content") or "").strip()
        if name and content and len(content) <= _MAX_CHARS:
            tags.setdefault(name.lower(), []).append(content)
    return tags


def _first(tags: Mapping[str, list[str]], names: Iterable[str]) -> str | None:
    return next((tags[name][0] for name in names if tags.get(name)), None)


def _link(root: etree._Element, relation: str) -> str | None:
    for element in root.iter("link", "a"):
        href = element.get("href") or ""
        if relation in (element.get("rel") or "").lower().split() and href.startswith(
            ("http://", "https://")
        ):
            return href
    return None


def _language(root: etree._Element) -> str | None:
    return next((one.get("lang") for one in root.iter("html", "body") if one.get("lang")), None)


def _iso_date(value: str | None) -> str | None:
    match = _DATE.search(value or "")
    if not match:
        return None
    return "-".join(part.zfill(2) for part in match.groups() if part)


# --- JSON-LD -----------------------------------------------------------------------------------------


def _json_articles(root: etree._Element) -> Iterator[Mapping[str, object]]:
    for element in root.iter("script"):
        if (element.get("type") or "").lower() != "application/ld+json":
            continue
        try:
            data = json.loads(element.text or "")
        except (json.JSONDecodeError, RecursionError):
            continue
        for item in _items(data):
            kind = item.get("@type")
            kinds = kind if isinstance(kind, list) else [kind]
            if any(isinstance(one, str) and one.endswith(("Article", "WebPage", "Posting")) for one in kinds):
                yield item


def _items(data: object) -> Iterator[Mapping[str, object]]:
    for item in data if isinstance(data, list) else [data]:
        if isinstance(item, dict):
            yield item
            graph = item.get("@graph")
            yield from (one for one in graph if isinstance(one, dict)) if isinstance(graph, list) else ()


def _first_json(articles: Iterable[Mapping[str, object]], key: str | None) -> str | None:
    values = (article.get(key) for article in articles if key)
    return next((value for value in values if isinstance(value, str) and value), None)


def _json_authors(articles: Iterable[Mapping[str, object]]) -> Iterator[str]:
    for article in articles:
        authors = article.get("author")
        for author in authors if isinstance(authors, list) else [authors]:
            name = author.get("name") if isinstance(author, dict) else author
            if isinstance(name, str) and name.strip():
                yield name.strip()
