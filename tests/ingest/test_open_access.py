"""What the services' answers mean, and what is made of an abstract."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.abstracts import abstract_article, plain_markup
from ingest.errors import FetchingError
from ingest.open_access import (
    Services,
    page_licence,
    read_crossref,
    read_europe_pmc,
    read_pmc_record,
    read_unpaywall,
)
from ingest.readers.registry import read_document
from ingest.reference_identity import Identity
from tests.ingest.services import (
    AUTHORS,
    DOI,
    NOT_OPEN_ACCESS,
    PMCID,
    PMID,
    TITLE,
    crossref,
    europe_pmc,
    europe_pmc_result,
    pmc_record,
    unpaywall,
)

ASKED = Identity(doi=DOI)


def test_a_europe_pmc_record_tells_the_work_with_all_its_identifiers() -> None:
    record = read_europe_pmc(europe_pmc(europe_pmc_result()), ASKED)

    assert record.identity == Identity(
        title=TITLE, first_author=AUTHORS[0], year=2020, doi=DOI, pmid=PMID, pmcid=PMCID
    )
    assert record.licence == "CC BY-NC"


def test_the_right_one_of_several_results_is_taken() -> None:
    other = europe_pmc_result(doi="10.5555/x", pmid="1", pmcid=None, title="Other.")

    assert read_europe_pmc(europe_pmc(other, europe_pmc_result()), ASKED).identity.title == TITLE


def test_a_sparse_record_is_read_as_far_as_it_goes() -> None:
    record = read_europe_pmc(europe_pmc({"id": "1", "source": "MED", "pmid": 7}), Identity(pmid="7"))

    assert (record.identity, record.authors, record.abstract) == (Identity(pmid="7"), (), None)


def test_tags_and_entities_in_a_title_are_taken_out() -> None:
    result = europe_pmc_result(title="Effects of Ca<sup>2+</sup> &amp; <i>Apis mellifera</i> venom.")

    title = read_europe_pmc(europe_pmc(result), ASKED).identity.title

    assert title == "Effects of Ca2+ & Apis mellifera venom"


def test_a_crossref_record_joins_title_and_subtitle_and_shortens_given_names() -> None:
    record = read_crossref(crossref(), DOI)

    assert record.identity.title == "Cold packs and stings of honey bees: a trial in beekeepers"
    assert record.authors == ("Alder BC", "Van Birch D")
    assert record.licence is None  # only text miners have one


def test_crossref_dates_and_groups_that_are_empty_do_no_harm() -> None:
    record = read_crossref(
        crossref(issued={"date-parts": [[None]]}, author=[{"name": "Sting Group"}, {}], title=[]), DOI
    )

    assert (record.identity.year, record.authors) == (None, ("Sting Group",))


def test_an_answer_about_another_doi_is_refused() -> None:
    with pytest.raises(FetchingError, match=r"10\.5555/x"):
        read_crossref(crossref(DOI="10.5555/x"), DOI)
    with pytest.raises(FetchingError, match=r"10\.5555/x"):
        read_unpaywall(unpaywall(doi="10.5555/x"), DOI)


def test_an_update_that_is_a_mere_correction_is_no_notice() -> None:
    record = read_crossref(crossref(**{"updated-by": [{"type": "correction", "DOI": "10.5555/c"}]}), DOI)

    assert record.notices == ()


def test_a_retraction_notice_is_told_from_what_it_retracts() -> None:
    record = read_crossref(crossref(**{"update-to": [{"type": "retraction", "DOI": "10.5555/r"}]}), DOI)

    assert record.notices == ("This is a retraction notice, not the work itself.",)


def test_pubmed_centrals_entry_gives_licence_retraction_and_the_pdf_over_https() -> None:
    record = read_pmc_record(pmc_record(retracted="yes", pdf="ftp://ftp.pmc.test/a.pdf"), PMCID)

    assert (record.licence, record.pdf_url) == ("CC BY-NC", "https://ftp.pmc.test/a.pdf")
    assert record.notices == ("This work has been retracted.",)


def test_pubmed_centrals_refusal_is_passed_on() -> None:
    with pytest.raises(FetchingError, match="is not Open Access"):
        read_pmc_record(NOT_OPEN_ACCESS, PMCID)
    with pytest.raises(FetchingError, match="no record of PMC1"):
        read_pmc_record(pmc_record(), "PMC1")


def test_each_free_copy_is_named_once_and_pages_without_a_pdf_not_at_all() -> None:
    best = {"url_for_pdf": "https://a.test/1.pdf", "version": "publishedVersion"}

    copies = read_unpaywall(unpaywall(best, best, {"url_for_pdf": None, "url": "https://a.test/"}), DOI)

    assert [copy.url for copy in copies] == ["https://a.test/1.pdf"]
    with pytest.raises(FetchingError, match="no free PDF"):
        read_unpaywall(unpaywall(), DOI)


def test_addresses_carry_identifiers_with_odd_characters_safely() -> None:
    services = Services()
    doi = '10.1002/(sici)1"?&#/x'

    assert services.crossref_work(doi).endswith("/works/10.1002%2F%28sici%291%22%3F%26%23%2Fx")
    assert "&email=" not in services.unpaywall_work(doi, email="a&b@c").partition("?")[0]
    assert "email=a%26b%40c" in services.unpaywall_work(doi, email="a&b@c")


@pytest.mark.parametrize(
    "url", ["https://medlineplus.gov.evil.test/ency/1", "https://health.test/medlineplus.gov"]
)
def test_another_site_has_no_licence_of_medlineplus(url: str) -> None:
    assert page_licence(url) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resultList", "result", "message", "DOI", "title", "author", "doi", "issued"]),
            inner,
            max_size=4,
        )
    ),
)


@given(_JSON)
def test_any_json_is_either_read_or_refused_in_words(value: object) -> None:
    data = json.dumps(value).encode()
    for read in (
        lambda: read_europe_pmc(data, ASKED),
        lambda: read_crossref(data, DOI),
        lambda: read_unpaywall(data, DOI),
    ):
        with pytest.raises(FetchingError):
            read()


# --- abstracts ---------------------------------------------------------------------------------------

WORK = Identity(title="Bees & <bugs>", first_author="Alder B", year=2020, doi=DOI)


def sections(markup: str) -> list[tuple[tuple[str, ...], str]]:
    reading = read_document(abstract_article(WORK, ["Alder B"], markup), name="")
    return [
        (block.section, reading.text[block.start : block.end])
        for block in reading.blocks
        if block.kind == "paragraph"
    ]


@pytest.mark.parametrize(
    "markup",
    [
        "<h4>Aim</h4>To see.<h4>Result</h4>It fell, p&lt;0.05.",
        "<h4> Aim</h4><p>To see.</p><h4>Result </h4><p>It fell, p&lt;0.05.</p>",
        "<jats:title>Abstract</jats:title><jats:sec><jats:title>Aim</jats:title><jats:p>To see.</jats:p></jats:sec>"
        "<jats:sec><jats:title>Result</jats:title>"
        "<jats:p>It fell, <jats:italic>p</jats:italic>&lt;0.05.</jats:p></jats:sec>",
    ],
)
def test_the_sections_of_an_abstract_are_kept(markup: str) -> None:
    assert sections(markup) == [
        (("Abstract", "Aim"), "To see."),
        (("Abstract", "Result"), "It fell, p<0.05."),
    ]


def test_raised_digits_stay_raised() -> None:
    assert sections("10<sup>3</sup> cells <b>and</b> Ca<sup>2+</sup>") == [
        (("Abstract",), "10³ cells and Ca²⁺")
    ]


def test_an_abstract_says_of_itself_what_is_known() -> None:
    reading = read_document(abstract_article(WORK, ["Alder B", "Sting Group"], "Text."), name="")

    assert reading.title == "Bees & <bugs>"
    assert reading.metadata["authors"] == "Alder B; Sting Group"
    assert (reading.metadata["doi"], reading.metadata["published"]) == (DOI, "2020")


@pytest.mark.parametrize("markup", ["", " ", "<p></p>", "<h4>Aim</h4>", "<jats:sec/>", "<!-- x -->"])
def test_an_abstract_without_text_is_refused(markup: str) -> None:
    with pytest.raises(FetchingError, match="no text"):
        abstract_article(WORK, [], markup)


@given(st.text(max_size=60))
def test_any_text_as_an_abstract_is_readable_or_refused(text: str) -> None:
    try:
        article = abstract_article(WORK, [], text)
    except FetchingError:
        return

    assert read_document(article, name="").title == WORK.title


@given(st.text(st.sampled_from("<>/abp&;lt!-?[]\0"), max_size=40))
def test_broken_tags_never_break_what_reads_them(markup: str) -> None:
    plain_markup(markup)
