"""From a DOI or an address to the right text, or to a reason for each thing that was tried."""

from typing import Any

import pytest

from ingest.acquiring import Acquired, acquire, asked_identity
from ingest.errors import FetchingError
from ingest.reference_identity import Identity
from tests.ingest.services import (
    ARTICLE_PDF,
    AUTHORS,
    DOI,
    NOT_OPEN_ACCESS,
    PMCID,
    PMID,
    TITLE,
    FakeServices,
    crossref,
    europe_pmc,
    europe_pmc_result,
    jats,
    pdf,
    pmc_record,
    unpaywall,
)
from tests.local_web import Answer, LocalWeb

TODAY = "2026-02-03"
EMAIL = "editor@clinic.example"
LISTED = Identity(title=TITLE, first_author=AUTHORS[0], year=2020, doi=DOI)


def fetch(fake: FakeServices, target: str = DOI, **options: Any) -> Acquired:
    client = fake.web.client()
    return acquire(target, get=client.get, today=TODAY, services=fake.services, **options)


def outcomes(found: Acquired) -> list[tuple[str, bool]]:
    return [(attempt.what, attempt.succeeded) for attempt in found.attempts]


def test_a_doi_gives_the_full_text_of_europe_pmc_with_all_that_is_known_of_it(web: LocalWeb) -> None:
    fake = FakeServices(web, search=europe_pmc(europe_pmc_result()), full_text=jats(), crossref=crossref())

    found = fetch(fake, f"https://doi.org/{DOI.upper()}", expected=LISTED)

    assert found.data == jats()
    assert (found.title, found.doi, found.fidelity) == (TITLE, DOI, "full_text")
    assert found.licence == "https://creativecommons.org/licenses/by/4.0/"
    assert found.url == f"https://pmc.ncbi.nlm.nih.gov/articles/{PMCID}/"
    assert found.retrieved_from == fake.services.europe_pmc_full_text(PMCID)
    assert found.retrieved_at == TODAY
    assert found.problems == ()
    assert outcomes(found) == [
        ("Europe PMC record", True),
        ("Crossref record", True),
        ("Europe PMC full text", True),
    ]


@pytest.mark.parametrize("target", [PMCID, f"PMID: {PMID}", f"https://pubmed.ncbi.nlm.nih.gov/{PMID}/"])
def test_a_pubmed_number_serves_as_well(web: LocalWeb, target: str) -> None:
    fake = FakeServices(web, search=europe_pmc(europe_pmc_result()), full_text=jats())

    assert fetch(fake, target).doi == DOI


def test_pubmed_central_is_asked_where_europe_pmc_has_no_text(web: LocalWeb) -> None:
    fake = FakeServices(web, europe_pmc(europe_pmc_result()), record=pmc_record(), efetch=jats())

    found = fetch(fake)

    assert found.retrieved_from == fake.services.pmc_full_text(PMCID)
    assert outcomes(found)[2:] == [
        ("Europe PMC full text", False),
        ("PubMed Central record", True),
        ("PubMed Central full text", True),
    ]


def test_the_pdf_of_pubmed_central_is_taken_over_https_where_there_is_no_jats(web: LocalWeb) -> None:
    record = pmc_record(pdf="ftp://files.test/a.pdf")
    fake = FakeServices(web, europe_pmc(europe_pmc_result()), record=record, files={"/a.pdf": ARTICLE_PDF})
    asked: list[str] = []
    client = web.client()

    def get(url: str) -> Any:
        asked.append(url)
        return client.get(url.replace("https://files.test", web.url_of("files.test", "")))

    found = acquire(DOI, get=get, today=TODAY, services=fake.services)

    assert "https://files.test/a.pdf" in asked
    assert (found.data, found.licence, found.fidelity) == (ARTICLE_PDF, "CC BY-NC", "full_text")


def test_a_free_pdf_is_found_by_unpaywall_and_said_to_be_a_manuscript(web: LocalWeb) -> None:
    place = {
        "url_for_pdf": web.url_of("files.test", "/b.pdf"),
        "license": "cc-by",
        "version": "acceptedVersion",
    }
    fake = FakeServices(web, crossref=crossref(), unpaywall=unpaywall(place), files={"/b.pdf": ARTICLE_PDF})

    found = fetch(fake, email=EMAIL)

    assert (found.url, found.licence) == (place["url_for_pdf"], "cc-by")
    assert "accepted manuscript" in found.problems[0]
    assert not any(EMAIL in attempt.address for attempt in found.attempts)
    assert any(f"email={EMAIL.replace('@', '%40')}" in request.target for request in web.requests)


def test_a_published_version_is_preferred_to_a_better_placed_manuscript(web: LocalWeb) -> None:
    manuscript = {"url_for_pdf": web.url_of("files.test", "/m.pdf"), "version": "submittedVersion"}
    published = {"url_for_pdf": web.url_of("files.test", "/p.pdf"), "version": "publishedVersion"}
    files = {"/m.pdf": ARTICLE_PDF, "/p.pdf": ARTICLE_PDF}
    fake = FakeServices(
        web, crossref=crossref(), unpaywall=unpaywall(manuscript, published), files=dict(files)
    )

    assert fetch(fake, email=EMAIL).url == published["url_for_pdf"]


def test_without_an_email_address_unpaywall_is_not_asked_and_that_is_said(web: LocalWeb) -> None:
    found = fetch(FakeServices(web, crossref=crossref()))

    assert not [request for request in web.requests if request.host.startswith("unpaywall")]
    assert any("CITEWELL_CONTACT_EMAIL" in attempt.outcome for attempt in found.attempts)


def test_where_nobody_has_the_text_the_abstract_is_taken_and_called_one(web: LocalWeb) -> None:
    found = fetch(FakeServices(web, europe_pmc(europe_pmc_result()), crossref=crossref()), email=EMAIL)

    assert found.fidelity == "abstract"
    assert "Swelling fell by 3 cm²." in found.reading.text
    assert ("Abstract", "Results") in {block.section for block in found.reading.blocks}
    assert found.reading.title == TITLE
    assert found.url == f"https://europepmc.org/article/MED/{PMID}"
    assert found.licence == "CC BY-NC"


def test_crossrefs_abstract_is_the_last_resort(web: LocalWeb) -> None:
    found = fetch(FakeServices(web, crossref=crossref()))

    assert found.reading.text.endswith("Abstract\n\nAim\n\nTo cool & calm.")
    assert found.url == f"https://doi.org/{DOI}"


# --- the wrong work ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        jats(doi="10.5555/other.1"),
        jats(title="Nettle rash in gardeners and what to do about it"),
        jats(title=f"Comment on: {TITLE}"),
        jats(title=f"Correction to: {TITLE}"),
        jats(title=TITLE.replace("beekeepers", "beekeepers: reply"), doi=""),
        jats(doi="", first_author="Zebra"),
    ],
)
def test_another_article_than_the_one_asked_for_is_not_believed(web: LocalWeb, wrong: bytes) -> None:
    fake = FakeServices(web, europe_pmc(europe_pmc_result()), full_text=wrong, crossref=crossref())

    found = fetch(fake)

    assert found.fidelity == "abstract"
    refused = next(attempt for attempt in found.attempts if attempt.what == "Europe PMC full text")
    assert "another work" in refused.outcome


def test_a_record_of_another_work_than_the_bibliographys_is_not_believed(web: LocalWeb) -> None:
    fake = FakeServices(web, europe_pmc(europe_pmc_result()), full_text=jats(), crossref=crossref())
    listed = Identity(title="Wasps in late summer and how to avoid them", first_author="Cedar E", year=2011)

    with pytest.raises(FetchingError, match="another work"):
        fetch(fake, expected=listed)


def test_a_search_result_with_another_doi_is_not_taken(web: LocalWeb) -> None:
    other = europe_pmc_result(doi="10.5555/other.2", pmid="90000008")

    with pytest.raises(FetchingError, match=r"does not know this work \(it names 10\.5555/other\.2"):
        fetch(FakeServices(web, europe_pmc(other)))


def test_a_pdf_of_another_work_is_not_believed(web: LocalWeb) -> None:
    other = pdf(["Wasps in late summer", "E Cedar", "Wasps come to the table in August, mostly for the jam."])
    comment = pdf([f"Comment on: {TITLE}", "E Cedar", "Alder and colleagues cooled stings; we did not."])
    places = [{"url_for_pdf": web.url_of("files.test", f"/{at}.pdf")} for at in range(2)]
    fake = FakeServices(
        web,
        crossref=crossref(),
        unpaywall=unpaywall(*places),
        files={"/0.pdf": other, "/1.pdf": comment},
    )

    found = fetch(fake, email=EMAIL)

    assert found.fidelity == "abstract"
    assert [each.succeeded for each in found.attempts if each.what == "free PDF"] == [False, False]


def test_a_landing_page_in_place_of_a_pdf_is_not_taken_for_the_text(web: LocalWeb) -> None:
    page = f"<html><head><title>{TITLE}</title></head><body><p>Buy this article.</p></body></html>".encode()
    place = {"url_for_pdf": web.url_of("files.test", "/b.pdf")}
    fake = FakeServices(web, crossref=crossref(), unpaywall=unpaywall(place), files={"/b.pdf": page})

    refused = [each for each in fetch(fake, email=EMAIL).attempts if each.what == "free PDF"]

    assert "text/html, not a PDF" in refused[0].outcome


def test_jats_without_a_body_is_not_called_full_text(web: LocalWeb) -> None:
    fake = FakeServices(
        web,
        europe_pmc(europe_pmc_result()),
        full_text=jats(body=False),
        record=pmc_record(),
        efetch=jats(body=False),
    )

    assert fetch(fake).fidelity == "abstract"


# --- retractions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ({"search": {"pubTypeList": {"pubType": ["Retracted Publication"]}}}, "has been retracted"),
        (
            {
                "search": {
                    "commentCorrectionList": {
                        "commentCorrection": [{"type": "Retraction in", "reference": "Apiary Med. 2022;9:1"}]
                    }
                }
            },
            "has been retracted. Notice: Apiary Med. 2022;9:1",
        ),
        (
            {"crossref": {"updated-by": [{"type": "retraction", "DOI": "10.5555/notice"}]}},
            "has been retracted. Notice: https://doi.org/10.5555/notice",
        ),
        ({"crossref": {"updated-by": [{"type": "expression_of_concern"}]}}, "expression of concern"),
        ({"crossref": {"title": [f"RETRACTED: {TITLE}"], "subtitle": []}}, "title says"),
    ],
)
def test_a_retraction_is_kept_wherever_it_is_noted(
    web: LocalWeb, services: dict[str, Any], words: str
) -> None:
    fake = FakeServices(
        web,
        europe_pmc(europe_pmc_result(**services.get("search", {}))),
        full_text=jats(),
        crossref=crossref(**services.get("crossref", {})),
    )

    found = fetch(fake)

    assert found.fidelity == "full_text"
    assert len(found.problems) == 1
    assert words in found.problems[0]


def test_a_retraction_that_pubmed_central_notes_is_kept(web: LocalWeb) -> None:
    fake = FakeServices(
        web, europe_pmc(europe_pmc_result()), record=pmc_record(retracted="yes"), efetch=jats()
    )

    assert fetch(fake).problems == ("This work has been retracted.",)


def test_a_retraction_that_the_articles_own_file_points_to_is_kept(web: LocalWeb) -> None:
    link = '<related-article related-article-type="retraction-forward" ext-link-type="doi" xlink:href="10.5555/n"/>'
    fake = FakeServices(web, europe_pmc(europe_pmc_result()), full_text=jats(extra=link))

    assert fetch(fake).problems == ("This work has been retracted.",)


def test_it_is_said_when_nobody_could_say_whether_a_work_was_retracted(web: LocalWeb) -> None:
    fake = FakeServices(web, Answer(status=503), full_text=jats(), crossref=Answer(status=503))
    listed = Identity(title=TITLE, first_author=AUTHORS[0], year=2020, doi=DOI, pmcid=PMCID)

    assert "could not be checked" in fetch(fake, expected=listed).problems[0]


# --- faults ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=500),
        Answer(status=429, headers={"Retry-After": "60"}),
        Answer(b"{", length=1),
        Answer(b'{"resultList": [1, 2]}'),
        Answer(b'{"resultList": {"result": [{"title": {"no": "text"}}]}}'),
        Answer(b"[" * 100_000),
        Answer(b"<html>Down for maintenance</html>"),
        Answer(b"\xff\xfe\x00"),
        Answer(b"half", length=99),
    ],
)
def test_a_fault_of_one_service_leaves_the_others_to_answer(web: LocalWeb, fault: Answer) -> None:
    found = fetch(FakeServices(web, fault, crossref=crossref()))

    assert found.fidelity == "abstract"
    assert outcomes(found)[0] == ("Europe PMC record", False)
    assert found.attempts[0].outcome


@pytest.mark.parametrize(
    "fault",
    [
        b"<article><front>",
        b"<OA><error code='x'>no</error></OA>",
        b"",
        b"{}",
        b'<!DOCTYPE a [<!ENTITY b "c">]><article><front/><body><p>&b;</p></body></article>',
    ],
)
def test_a_faulty_full_text_is_noted_and_passed_over(web: LocalWeb, fault: bytes) -> None:
    fake = FakeServices(web, europe_pmc(europe_pmc_result()), full_text=fault, record=fault)

    found = fetch(fake)

    assert found.fidelity == "abstract"
    assert ("Europe PMC full text", False) in outcomes(found)
    assert ("PubMed Central record", False) in outcomes(found)


def test_when_all_fails_each_attempt_is_told_with_its_reason(web: LocalWeb) -> None:
    fake = FakeServices(web, europe_pmc(europe_pmc_result(abstractText=None)), record=NOT_OPEN_ACCESS)

    with pytest.raises(FetchingError) as caught:
        fetch(fake)

    message = str(caught.value)
    for words in (
        "Europe PMC full text",
        "404 (Not Found)",
        "is not Open Access",
        "Crossref record",
        "add the file",
    ):
        assert words in message


# --- web pages ---------------------------------------------------------------------------------------

PAGE = b"""<html><head><title>Bee stings</title></head><body><main><h1>Bee stings</h1>
<p>Scrape the sting out at once, then cool the place with a cold pack for ten minutes.</p>
<p>Call for help at once if breathing becomes hard or the tongue swells.</p></main></body></html>"""


def test_a_web_page_is_fetched_as_it_is(web: LocalWeb) -> None:
    web.pages("health.test", {"/old": Answer(status=301, headers={"Location": "/stings"}), "/stings": PAGE})

    found = fetch(FakeServices(web), web.url_of("health.test", "/old"))

    assert found.data == PAGE
    assert (found.title, found.fidelity, found.licence) == ("Bee stings", "full_text", None)
    assert found.url == found.retrieved_from == web.url_of("health.test", "/stings")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/druginfo/meds/a1.html", "Health-System Pharmacists"),
        ("/ency/article/1.htm", "A.D.A.M."),
        ("/spanish/beestings.html", "public domain"),
    ],
)
def test_a_page_of_medlineplus_has_the_licence_of_its_part(web: LocalWeb, path: str, words: str) -> None:
    web.pages("medlineplus.gov", {path: PAGE})

    assert words in str(fetch(FakeServices(web), web.url_of("medlineplus.gov", path)).licence)


def test_a_page_that_moved_on_to_something_else_is_not_believed(web: LocalWeb) -> None:
    web.pages("health.test", {"/": PAGE})
    expected = Identity(title="Frostbite on the fingers", first_author="Garden Health", year=2019)

    with pytest.raises(FetchingError, match="another work"):
        fetch(FakeServices(web), web.url_of("health.test", "/"), expected=expected)


def test_a_living_page_at_the_listed_address_may_be_of_a_later_year(web: LocalWeb) -> None:
    page = PAGE.replace(b"<head>", b'<head><meta name="article:published_time" content="2024-01-01">')
    web.pages("health.test", {"/stings": page})
    url = web.url_of("health.test", "/stings")
    expected = Identity(title="Bee stings", year=2019, url=url.removeprefix("http://"))

    assert fetch(FakeServices(web), url, expected=expected).title == "Bee stings"


def test_a_file_that_no_reader_supports_is_refused_with_its_kind(web: LocalWeb) -> None:
    web.pages("health.test", {"/x.pdf": b"\x89PNG\r\n\x1a\n" + bytes(100)})

    with pytest.raises(FetchingError, match="neither text nor a known format"):
        fetch(FakeServices(web), web.url_of("health.test", "/x.pdf"))


@pytest.mark.parametrize("target", ["", "bee stings", "12345", "./a.pdf", "doi:nothing"])
def test_what_is_neither_identifier_nor_address_is_refused(target: str) -> None:
    with pytest.raises(FetchingError, match="neither a DOI"):
        asked_identity(target)


@pytest.mark.parametrize(
    ("target", "identity"),
    [
        (DOI, Identity(doi=DOI)),
        (f" doi:{DOI.upper()} ", Identity(doi=DOI)),
        (f"http://dx.doi.org/{DOI}", Identity(doi=DOI)),
        (f"https://pmc.ncbi.nlm.nih.gov/articles/{PMCID}/", Identity(pmcid=PMCID)),
        (f"https://publisher.test/doi/{DOI}", None),
        ("https://health.test/a?b=PMID:123", None),
    ],
)
def test_a_target_is_an_identifier_only_as_a_whole(target: str, identity: Identity | None) -> None:
    assert asked_identity(target) == identity
