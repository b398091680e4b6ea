"""The default corpus says what its facts lists say, under the right numbers, in words of its own."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
CORPUS = REPOSITORY / "corpus"
SHARED = REPOSITORY.parent / "shared"

MANIFEST: dict[str, Any] = tomllib.loads((CORPUS / "corpus.toml").read_text(encoding="utf-8"))
DOCUMENTS: list[dict[str, Any]] = MANIFEST["documents"]
REFERENCES: list[dict[str, Any]] = MANIFEST["references"]
SOURCES = [entry for entry in DOCUMENTS if entry["kind"] == "source"]

_MARKER = re.compile(r"\[(\d+)\]")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*%?")
_FACT = re.compile(r"^\d+\. (?P<statement>.+)$")
_FACT_NUMBER = re.compile(r"^\d+\. ", re.MULTILINE)
_FACT_TAG = re.compile(r"\{[^}]*\}|\[[^\]]*\]")
#: A quoted string in a fact is about the wording of the original, such as a part that it left out.
_QUOTED = re.compile(r"\"[^\"]*\"")
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z\"])")


def read_document(entry: dict[str, Any]) -> str:
    path: str = entry["path"]
    return (CORPUS / path).read_text(encoding="utf-8")


def read_facts(name: str) -> str:
    path = SHARED / "sources" / name
    if not path.exists():
        pytest.skip(f"{path.name} is not here: the facts lists are not part of the repository")
    return path.read_text(encoding="utf-8")


def facts_file(entry: dict[str, Any]) -> str:
    return "0-article.md" if entry["kind"] == "article" else Path(entry["path"]).name


def facts_of(text: str) -> list[str]:
    """The numbered statements, without page furniture and without the note of where they were seen."""
    body = re.split(r"^## (?:Page furniture|Seen in)", text, maxsplit=1, flags=re.MULTILINE)[0]
    return [match["statement"] for line in body.splitlines() if (match := _FACT.match(line))]


def front_matter(text: str) -> dict[str, Any]:
    """The fields between the first two rules; a value is JSON, perhaps with a comment after it."""
    lines = text.split("---", maxsplit=2)[1].strip().splitlines()
    pairs = (line.split(": ", maxsplit=1) for line in lines)
    return {key: json.JSONDecoder().raw_decode(value.strip())[0] for key, value in pairs}


def article_text() -> str:
    return read_document(next(entry for entry in DOCUMENTS if entry["kind"] == "article"))


def article_body() -> str:
    return article_text().split("## References")[0]


def sentences_of(text: str) -> list[str]:
    """The sentences of body text: no headings, no notice, no reference list."""
    lines = [line.removeprefix("- ").strip() for line in text.splitlines() if not line.startswith(("#", ">"))]
    return [sentence for line in lines if line for sentence in _SENTENCE_END.split(line)]


def sections_of(text: str) -> dict[str, str]:
    """Text under each heading below the title, by heading; what comes before the first is under ''."""
    pieces = re.split(r"^#{2,} (.+)$", text, flags=re.MULTILINE)
    return {"": pieces[0]} | {
        heading.strip(): body for heading, body in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def windows(text: str, length: int) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", re.sub(r"['’‘\-]", "", text.lower()))
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


def marker_of_fact(fact: str) -> int | None:
    tag = re.search(r"\[(\d)(?:\]|,)", fact)
    return int(tag[1]) if tag else None


def test_every_document_of_the_manifest_is_there_once() -> None:
    paths = [entry["path"] for entry in DOCUMENTS]

    assert len(set(paths)) == len(paths)
    assert len({entry["doc_id"] for entry in DOCUMENTS}) == len(DOCUMENTS)
    assert [path for path in paths if not (CORPUS / path).is_file()] == []


def test_every_text_beside_the_manifest_is_listed_in_it() -> None:
    there = {
        path.relative_to(CORPUS).as_posix() for path in [*CORPUS.glob("*.md"), *CORPUS.glob("sources/*")]
    }

    assert there == {entry["path"] for entry in DOCUMENTS}


def test_the_references_are_numbered_one_to_five() -> None:
    assert [reference["number"] for reference in REFERENCES] == [1, 2, 3, 4, 5]


def test_each_source_is_the_reference_that_its_number_says() -> None:
    assert [source["reference_number"] for source in SOURCES] == [1, 2, 3, 4, 5]
    for source, reference in zip(SOURCES, REFERENCES, strict=True):
        assert Path(source["path"]).name.startswith(f"{reference['number']}-")
        assert reference["title"].startswith(source["title"])
        assert source["url"] == reference["url"]


def test_the_article_has_no_reference_number() -> None:
    articles = [entry for entry in DOCUMENTS if entry["kind"] == "article"]

    assert len(articles) == 1
    assert "reference_number" not in articles[0]


@pytest.mark.parametrize("entry", DOCUMENTS, ids=lambda entry: entry["doc_id"])
def test_each_text_opens_with_its_title_and_says_that_it_is_a_digest(entry: dict[str, Any]) -> None:
    title, notice = [block for block in read_document(entry).split("\n\n") if block.strip()][:2]

    assert title == f"# {entry['title']}"
    assert notice.startswith("> ")
    assert "digest" in notice
    assert "our own words" in notice
    assert entry["fidelity"] == "digest"


@pytest.mark.parametrize("entry", DOCUMENTS, ids=lambda entry: entry["doc_id"])
def test_the_licence_names_the_digest_and_the_original(entry: dict[str, Any]) -> None:
    assert re.search(r"^Digest: Apache-2\.0.*; original: .+", entry["licence"])


def test_the_article_cites_all_five_references_and_no_other() -> None:
    assert {int(number) for number in _MARKER.findall(article_body())} == {1, 2, 3, 4, 5}


def test_each_marker_of_the_article_is_alone_and_right_before_a_full_stop() -> None:
    for sentence in sentences_of(article_body()):
        assert len(_MARKER.findall(sentence)) <= 1, sentence
        assert re.search(r" \[\d\]\.$", sentence) or not _MARKER.search(sentence), sentence


def test_the_reference_list_of_the_article_is_the_one_in_the_manifest() -> None:
    listed = [line for line in article_text().split("## References")[1].splitlines() if line.strip()]

    assert listed == [f"[{reference['number']}] {reference['printed']}" for reference in REFERENCES]


def test_a_doi_is_in_normal_form_and_printed_as_such_unless_a_problem_says_otherwise() -> None:
    for reference in REFERENCES:
        if doi := reference.get("doi"):
            assert re.fullmatch(r"10\.\d{4,9}/[^\sA-Z]+", doi)
            assert (f"https://doi.org/{doi}" in reference["printed"]) == (reference["problems"] == [])


def test_the_broken_doi_is_kept_as_printed_and_its_problem_gives_both_forms() -> None:
    problems = REFERENCES[2]["problems"]

    assert REFERENCES[2]["printed"].endswith("https://doi.org/1212/wnl.0b013e3181d0ccca")
    assert len(problems) == 1
    assert " 1212/wnl.0b013e3181d0ccca," in problems[0]
    assert " 10.1212/wnl.0b013e3181d0ccca." in problems[0]


@pytest.mark.parametrize("source", SOURCES, ids=lambda entry: entry["doc_id"])
def test_a_source_has_no_markers_and_links_to_nothing_but_its_original(source: dict[str, Any]) -> None:
    text = read_document(source)
    reference = REFERENCES[source["reference_number"] - 1]
    originals = {reference["url"], f"https://doi.org/{reference.get('doi')}"}
    links = {link.rstrip(".),") for link in re.findall(r"https?://\S+", text)}

    assert not _MARKER.search(text)
    assert links
    assert links <= originals


@pytest.mark.parametrize("entry", DOCUMENTS, ids=lambda entry: entry["doc_id"])
def test_every_figure_of_the_facts_is_in_the_text(entry: dict[str, Any]) -> None:
    present = set(_FIGURE.findall(read_document(entry)))
    missing = [
        (figure, fact)
        for fact in facts_of(read_facts(facts_file(entry)))
        for figure in _FIGURE.findall(_QUOTED.sub(" ", _FACT_TAG.sub(" ", fact)))
        if figure not in present
    ]

    assert missing == []


@pytest.mark.parametrize("entry", DOCUMENTS, ids=lambda entry: entry["doc_id"])
def test_no_figure_of_the_text_comes_from_anywhere_but_the_facts(entry: dict[str, Any]) -> None:
    facts = read_facts(facts_file(entry)).split("## Seen in")[0]
    known = set(_FIGURE.findall(_FACT_NUMBER.sub("", facts)))
    told = set(_FIGURE.findall(_FACT_NUMBER.sub("", read_document(entry))))

    assert told - known == set()


@pytest.mark.parametrize("entry", DOCUMENTS, ids=lambda entry: entry["doc_id"])
def test_the_headings_of_the_facts_are_the_headings_of_the_text_in_their_order(entry: dict[str, Any]) -> None:
    facts = read_facts(facts_file(entry)).split("## Page furniture")[0].split("## Seen in")[0]
    headings = re.findall(r"^##+ .+$", read_document(entry), flags=re.MULTILINE)
    expected = re.findall(r"^##+ .+$", facts, flags=re.MULTILINE)
    if entry["kind"] == "article":  # its opening has no heading, its list is called References
        expected = [*expected[1:-1], "## References"]
    if entry["doc_id"] == "medlineplus-baclofen":  # two origins, one heading each
        expected = [
            *expected[:-1],
            "## From an earlier version of the page",
            "## From a report about the page",
        ]

    assert headings == expected


def test_each_section_of_the_article_cites_what_its_facts_cite() -> None:
    facts = sections_of(read_facts("0-article.md").split("## References, as")[0])
    facts = {
        ("" if heading.startswith("Opening") else heading): text for heading, text in facts.items() if heading
    }
    told = sections_of(article_body())

    assert told.keys() == facts.keys()
    for heading, text in facts.items():
        marked = [marker_of_fact(fact) for fact in facts_of(text)]
        cited = [int(number) for number in _MARKER.findall(told[heading])]
        assert set(cited) == set(marked) - {None}, heading
        assert all(cited.count(number) <= marked.count(number) for number in cited), heading
        # A list's opening words ("These are the groups at risk:") are no statement and cite nothing.
        statements = [s for s in sentences_of(told[heading]) if not s.endswith(":")]
        assert any(not _MARKER.search(s) for s in statements) == (None in marked), heading


def test_no_eight_words_in_a_row_of_the_original_page_are_in_the_article() -> None:
    pages = sorted((SHARED / "seed").glob("*.txt"))
    if not pages:
        pytest.skip("the original page is not part of the repository")
    original = windows("\n".join(page.read_text(encoding="utf-8") for page in pages), 8)
    told: set[tuple[str, ...]] = set()
    for line in article_body().splitlines():
        if not line.startswith(("#", ">")):
            told |= windows(line, 8)

    assert {" ".join(words) for words in told & original} == set()


@pytest.mark.parametrize("entry", DOCUMENTS, ids=lambda entry: entry["doc_id"])
def test_no_sentence_of_a_facts_list_is_in_the_text(entry: dict[str, Any]) -> None:
    facts = {_FACT_TAG.sub("", fact).strip().lower() for fact in facts_of(read_facts(facts_file(entry)))}
    told = {_MARKER.sub("", s).replace(" .", ".").lower() for s in sentences_of(read_document(entry))}

    assert told & facts == set()


@pytest.mark.parametrize("source", SOURCES, ids=lambda entry: entry["doc_id"])
def test_the_manifest_gives_a_reference_the_bibliographic_data_of_its_source(source: dict[str, Any]) -> None:
    known = front_matter(read_facts(facts_file(source)))
    reference = REFERENCES[source["reference_number"] - 1]

    for key in ("number", "title", "authors", "year", "print_year", "pages", "pmid", "pmcid", "type"):
        assert reference.get(key) == known.get(key), key
    for key, name in (("volume", "volume"), ("issue", "issue"), ("container", "journal")):
        assert reference.get(key) == (str(known[name]) if known[name] else None), key
    assert reference.get("doi") == (known["doi"].lower() if known["doi"] else None)
    assert reference["url"].lower() == known["url"].lower()


def test_the_manifest_says_who_published_the_article_and_when_it_was_updated() -> None:
    known = front_matter(read_facts("0-article.md"))

    assert {key: DOCUMENTS[0][key] for key in ("title", "publisher", "last_updated")} == {
        key: known[key] for key in ("title", "publisher", "last_updated")
    }
    assert "url" not in DOCUMENTS[0]
