"""What identifiers are found in printed text, and what is put right on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.identifiers import find_doi, find_dois, find_pmcid, find_pmid, find_url, find_urls, normalize_doi


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("https://doi.org/10.5555/Limb.2019.7", "10.5555/limb.2019.7"),
        ("http://dx.doi.org/10.5555/limb.7.", "10.5555/limb.7"),
        ("doi:10.5555/limb.7; PMID: 12", "10.5555/limb.7"),
        ("DOI 10.5555/limb.7, accessed in May", "10.5555/limb.7"),
        ("(doi: 10.5555/limb.7)", "10.5555/limb.7"),
        ("doi: 10.5555/S0140-6736(04)17018-9.", "10.5555/s0140-6736(04)17018-9"),
        ("(see 10.5555/S0140-6736(04)17018-9)", "10.5555/s0140-6736(04)17018-9"),
        (
            "10.5555/(SICI)1097-0258(1996)15:4<361::AID-LIM168>3.0.CO;2-4.",
            "10.5555/(sici)1097-0258(1996)15:4<361::aid-lim168>3.0.co;2-4",
        ),
        ("doi:10.5555/ j.limb.2019.7", "10.5555/j.limb.2019.7"),
        ("doi:10.5555/j. limb.2019.7", "10.5555/j.limb.2019.7"),
        ("doi:10.5555/limb- 2019-7", "10.5555/limb-2019-7"),
        ("https://doi.org/10.5555/\nlimb-7", "10.5555/limb-7"),
        ("10.5555/limb.7PMID: 123456", "10.5555/limb.7"),
        ("10.5555/limb.7[PubMed]", "10.5555/limb.7"),
        ("[10.5555/limb.7](https://doi.org/10.5555/limb.7)", "10.5555/limb.7"),
        ("https://doi.org/10.5555%2Flimb.7", "10.5555/limb.7"),
        ("https://example.org/doi/10.5555/limb.7/full", "10.5555/limb.7"),
        ("https://example.org/article?id=10.5555/limb.7&type=printable", "10.5555/limb.7"),
        ("https://doi.org/10.5555/limb.7?utm_source=x", "10.5555/limb.7"),
        ("“doi:10.5555/limb.7”", "10.5555/limb.7"),
    ],
)
def test_a_doi_is_found_in_normal_form_however_it_is_printed(text: str, value: str) -> None:
    found = find_doi(text)

    assert found is not None
    assert (found.value, found.problem) == (value, None)


@pytest.mark.parametrize(
    ("text", "printed", "value"),
    [
        ("https://doi.org/5555/limb.0b013e.", "5555/limb.0b013e", "10.5555/limb.0b013e"),
        ("doi: 5555/j.limb.7", "5555/j.limb.7", "10.5555/j.limb.7"),
        ("http://dx.doi.org/5555/limb(7)1", "5555/limb(7)1", "10.5555/limb(7)1"),
    ],
)
def test_a_doi_without_its_ten_is_corrected_and_flagged(text: str, printed: str, value: str) -> None:
    found = find_doi(text)

    assert found is not None
    assert found.value == value
    assert found.problem == (
        f"The DOI is printed as {printed}, without its leading “10.”; corrected to {value}."
    )


def test_a_doi_that_lost_a_part_of_its_ten_is_corrected_and_flagged() -> None:
    found = find_doi("https://doi.org/0.5555/limb.7")

    assert found is not None
    assert found.value == "10.5555/limb.7"
    assert found.problem is not None
    assert "0.5555/limb.7" in found.problem


@pytest.mark.parametrize(
    "text",
    [
        "of 5555/limb animals",
        "10.5555 / 7 days",
        "https://doi.org/10/abcd",
        "10.55/limb",
        "doi: 10.5555/",
        "a/b",
        "",
    ],
)
def test_what_only_resembles_a_doi_is_none(text: str) -> None:
    assert find_doi(text) is None


def test_a_doi_printed_as_text_and_as_link_is_one() -> None:
    assert [one.value for one in find_dois("doi:10.5555/a.1 https://doi.org/10.5555/A.1")] == ["10.5555/a.1"]


def test_two_different_dois_are_two_in_order_of_place() -> None:
    assert [one.value for one in find_dois("10.5555/b and 10.5555/a")] == ["10.5555/b", "10.5555/a"]


@given(
    st.from_regex(r"10\.[1-9][0-9]{3,5}/[a-z0-9][a-z0-9.-]{0,20}[a-z0-9]", fullmatch=True),
    st.sampled_from(["", "doi:", "doi: ", "DOI ", "https://doi.org/", "http://dx.doi.org/", "("]),
    st.sampled_from(["", ".", ",", ");", ".)", " and more", "\n"]),
)
def test_any_doi_is_found_again_behind_any_label_and_before_any_punctuation(
    doi: str, lead: str, tail: str
) -> None:
    found = find_doi(f"Ames B. Title. {lead}{doi}{tail}")

    assert found is not None
    assert found.value == doi


def test_a_span_covers_the_label_and_the_identifier() -> None:
    text = "In the text, doi: 10.5555/limb.7, and on"
    found = find_doi(text)

    assert found is not None
    assert text[found.start : found.end] == "doi: 10.5555/limb.7"
    assert found.printed == "10.5555/limb.7"


def test_normalizing_takes_a_doi_alone_and_nothing_before_it() -> None:
    assert normalize_doi("https://doi.org/10.5555/LIMB") == "10.5555/limb"
    assert normalize_doi("see 10.5555/limb") is None
    assert normalize_doi("limb") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("PMID: 123456.", "123456"),
        ("PMID 0012", "12"),
        ("[PubMed: 1234]", "1234"),
        ("PubMed PMID: 99", "99"),
        ("https://pubmed.ncbi.nlm.nih.gov/1234567/", "1234567"),
        ("http://www.ncbi.nlm.nih.gov/pubmed/321", "321"),
        ("https://europepmc.org/article/MED/321", "321"),
    ],
)
def test_a_pubmed_number_is_found_by_its_label_or_address(text: str, value: str) -> None:
    found = find_pmid(text)

    assert found is not None
    assert found.value == value


@pytest.mark.parametrize("text", ["23722212", "12 PMIDs", "PMCID: PMC123456"])
def test_a_number_without_its_label_is_no_pubmed_number(text: str) -> None:
    assert find_pmid(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "PMCID: PMC123456",
        "PMC 123456",
        "PMCID: 123456",
        "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC123456/",
        "https://pmc.ncbi.nlm.nih.gov/articles/PMC123456/",
    ],
)
def test_a_pubmed_central_number_is_found_with_its_prefix(text: str) -> None:
    found = find_pmcid(text)

    assert found is not None
    assert found.value == "PMC123456"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Available: http://www.example.org/a.html. Accessed", "http://www.example.org/a.html"),
        ("(https://example.org/A_(b))", "https://example.org/A_(b)"),
        ("www.example.org/x, in May", "https://www.example.org/x"),
        ("from example.org/limbs/a6.html.", "https://example.org/limbs/a6.html"),
        ("https://example.org/ limbs/a6.html", "https://example.org/limbs/a6.html"),
        ("https://example.org/ accessed in May", "https://example.org/"),
        ("[page](https://example.org/b)", "https://example.org/b"),
        (
            "https://archive.example.org/2020/https://example.org/b.",
            "https://archive.example.org/2020/https://example.org/b",
        ),
    ],
)
def test_an_address_is_found_without_what_the_sentence_adds(text: str, value: str) -> None:
    found = find_url(text)

    assert found is not None
    assert found.value == value


@given(st.text())
def test_no_text_upsets_the_search(text: str) -> None:
    for found in (*find_dois(text), *find_urls(text), find_pmid(text), find_pmcid(text)):
        assert found is None or 0 <= found.start < found.end <= len(text)
