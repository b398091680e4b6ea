"""The services' documented answers about one invented article, and a web that gives them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from reportlab.pdfgen.canvas import Canvas

from ingest.open_access import Services
from tests.local_web import Answer, LocalWeb, Request

DOI = "10.5555/sting.2020.7"
PMID = "90000007"
PMCID = "PMC9900007"
TITLE = "Cold packs and stings of honey bees: a trial in beekeepers"
AUTHORS = ("Alder BC", "Van Birch D")


def europe_pmc_result(**changes: Any) -> dict[str, Any]:
    """One result of a search, with resultType=core."""
    return {
        "id": PMID,
        "source": "MED",
        "pmid": PMID,
        "pmcid": PMCID,
        "doi": DOI.upper(),
        "title": f"{TITLE}.",
        "authorString": "Alder BC, Van Birch D.",
        "authorList": {"author": [{"fullName": name, "initials": "X"} for name in AUTHORS]},
        "journalInfo": {"volume": "7", "yearOfPublication": 2020, "journal": {"title": "Apiary medicine"}},
        "pubYear": "2020",
        "abstractText": "<h4>Background</h4>Bees sting beekeepers. <h4>Results</h4>Swelling fell by 3 cm<sup>2</sup>.",
        "isOpenAccess": "Y",
        "license": "cc by-nc",
        "pubTypeList": {"pubType": ["Journal Article", "research-article"]},
        **changes,
    }


def europe_pmc(*results: Mapping[str, Any]) -> bytes:
    return json.dumps(
        {"version": "6.9", "hitCount": len(results), "resultList": {"result": list(results)}}
    ).encode()


def crossref(**changes: Any) -> bytes:
    """An answer of the route /works/{doi}."""
    work = {
        "DOI": DOI.upper(),
        "type": "journal-article",
        "title": ["Cold packs and stings of honey bees"],
        "subtitle": ["a trial in beekeepers"],
        "author": [
            {"given": "Bea C.", "family": "Alder", "sequence": "first", "affiliation": []},
            {"given": "Dora", "family": "Van Birch", "sequence": "additional", "affiliation": []},
        ],
        "issued": {"date-parts": [[2020, 5]]},
        "container-title": ["Apiary Medicine"],
        "abstract": "<jats:title>Abstract</jats:title><jats:sec><jats:title>Aim</jats:title>"
        "<jats:p>To cool &amp; calm.</jats:p></jats:sec>",
        "license": [{"URL": "https://licences.test/tdm", "content-version": "tdm", "delay-in-days": 0}],
        **changes,
    }
    return json.dumps({"status": "ok", "message-type": "work", "message": work}).encode()


def unpaywall(*locations: Mapping[str, Any], doi: str = DOI) -> bytes:
    best = locations[0] if locations else None
    return json.dumps(
        {"doi": doi, "is_oa": bool(best), "title": TITLE, "best_oa_location": best, "oa_locations": locations}
    ).encode()


def jats(
    *, title: str = TITLE, doi: str = DOI, first_author: str = "Alder", body: bool = True, extra: str = ""
) -> bytes:
    text = "<body><sec><title>Methods</title><p>Forty beekeepers cooled each sting for ten minutes.</p></sec></body>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving DTD v1.3//EN" "archivearticle.dtd">
<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="research-article"><front>
<journal-meta><journal-title-group><journal-title>Apiary Medicine</journal-title></journal-title-group></journal-meta>
<article-meta><article-id pub-id-type="doi">{doi}</article-id>
<title-group><article-title>{title}</article-title></title-group>
<contrib-group><contrib contrib-type="author"><name>
<surname>{first_author}</surname><given-names>Bea</given-names></name></contrib>
</contrib-group><pub-date pub-type="epub"><year>2020</year></pub-date>
<permissions><license xlink:href="https://creativecommons.org/licenses/by/4.0/"><license-p>CC BY</license-p></license>
</permissions>{extra}<abstract><p>Cooling eases stings.</p></abstract></article-meta></front>{text if body else ""}
</article>""".encode()


def pmc_record(*, retracted: str = "no", pdf: str | None = None) -> bytes:
    link = f'<link format="pdf" updated="2021-01-01 00:00:00" href="{pdf}"/>' if pdf else ""
    return f"""<OA><responseDate>2024-01-01 00:00:00</responseDate><request id="{PMCID}">x</request>
<records returned-count="1" total-count="1"><record id="{PMCID}" citation="Apiary Med. 2020" license="CC BY-NC"
retracted="{retracted}"><link format="tgz" href="ftp://ftp.pmc.test/{PMCID}.tar.gz"/>{link}</record></records></OA>""".encode()


NOT_OPEN_ACCESS = (
    f"<OA><error code=\"idIsNotOpenAccess\">identifier '{PMCID}' is not Open Access</error></OA>".encode()
)


def pdf(lines: Sequence[str]) -> bytes:
    canvas = Canvas("unused")
    for at, line in enumerate(lines):
        canvas.setFont("Helvetica", 16 if at == 0 else 10)
        canvas.drawString(72, 760 - 28 * at, line)
    return canvas.getpdfdata()  # type: ignore[no-any-return]


ARTICLE_PDF = pdf(
    [
        TITLE,
        "Bea C Alder, Dora Van Birch",
        "Forty beekeepers cooled each sting for ten minutes and felt relief.",
    ]
)


_UNKNOWN = Answer(b"Resource not found.", status=404)


@dataclass
class FakeServices:
    """All services at once; what a test leaves out, none of them knows."""

    web: LocalWeb
    search: bytes | Answer = b'{"resultList": {"result": []}}'
    full_text: bytes | Answer = _UNKNOWN
    record: bytes | Answer = NOT_OPEN_ACCESS
    efetch: bytes | Answer = _UNKNOWN
    crossref: bytes | Answer = _UNKNOWN
    unpaywall: bytes | Answer = _UNKNOWN
    files: dict[str, bytes | Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for host in ("epmc.test", "pmc.test", "crossref.test", "unpaywall.test", "files.test"):
            self.web.sites[host] = self._answer

    @property
    def services(self) -> Services:
        return Services(
            europe_pmc=self.web.url_of("epmc.test", "/rest"),
            pmc_open_access=self.web.url_of("pmc.test", "/oa.fcgi"),
            efetch=self.web.url_of("pmc.test", "/efetch.fcgi"),
            crossref=self.web.url_of("crossref.test", "/works"),
            unpaywall=self.web.url_of("unpaywall.test", "/v2"),
        )

    def _answer(self, request: Request) -> Answer:
        found = self._find(request)
        return Answer(found) if isinstance(found, bytes) else found

    def _find(self, request: Request) -> bytes | Answer:
        host, path = request.host.split(":")[0], unquote(request.path)
        query = parse_qs(urlsplit(request.target).query)
        routes = {
            ("epmc.test", "/rest/search"): self.search,
            ("epmc.test", f"/rest/{PMCID}/fullTextXML"): self.full_text,
            ("pmc.test", "/oa.fcgi"): self.record if query.get("id") == [PMCID] else Answer(status=400),
            ("pmc.test", "/efetch.fcgi"): self.efetch if query.get("db") == ["pmc"] else Answer(status=400),
            ("crossref.test", f"/works/{DOI}"): self.crossref,
            ("unpaywall.test", f"/v2/{DOI}"): self.unpaywall if query.get("email") else Answer(status=422),
            **{("files.test", at): file for at, file in self.files.items()},
        }
        return routes.get((host, path), Answer(status=404))
