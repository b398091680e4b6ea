"""A page copied from a browser, from file to API: its references, its markers, and none of its furniture."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.ingest.test_mutated_pages import mutate_page, needs_seed, read_seed
from tests.service.conftest import build_corpus, make_app, open_serving

ROOT = Path(__file__).parents[2]
SEEDS = range(3)


@dataclass(frozen=True)
class CopiedPage:
    """A page as it was put into a corpus, and what the API says of it."""

    text: str
    document: dict[str, Any]
    references: list[dict[str, Any]]

    @property
    def article(self) -> str:
        return self.text.split("\nReferences\n")[0]

    @property
    def behind_the_references(self) -> list[str]:
        tail = self.text.split("\nReferences\n")[1]
        return [line.strip() for line in tail.splitlines() if line.strip() and not line.startswith("[")]


def without_prefix_in_third_doi(page: str) -> str:
    """Return the page with the third DOI printed without its `10.`, as the real page does."""
    broken, times = re.subn(r"(?m)^(\[3\].*doi\.org/)10\.", r"\1", page)
    assert times == 1
    return broken


@contextmanager
def serving_page(text: str, corpus: Path) -> Iterator[CopiedPage]:
    """Add a page to a corpus as a file that no manifest names, build, and ask the API about it."""
    (corpus / "copied-page.txt").write_text(text, encoding="utf-8")
    build_corpus(corpus, corpus.parent / "index")
    with TestClient(make_app(open_serving(corpus.parent / "index"))) as client:
        document = client.get("/v1/documents/copied-page").json()
        yield CopiedPage(text, document, client.get("/v1/references").json()["references"])


@pytest.fixture(scope="module")
def seed_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CopiedPage]:
    """The page beside the real corpus."""
    corpus = tmp_path_factory.mktemp("seed") / "corpus"
    shutil.copytree(ROOT / "corpus", corpus, ignore=shutil.ignore_patterns("questions"))
    with serving_page(read_seed(), corpus) as page:
        yield page


@pytest.fixture(scope="module", params=SEEDS)
def mutated_page(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CopiedPage]:
    """The page in other words, names and numbers, alone in a corpus."""
    corpus = tmp_path_factory.mktemp("mutated") / "corpus"
    corpus.mkdir()
    text = without_prefix_in_third_doi(mutate_page(read_seed(), request.param).text)
    with serving_page(text, corpus) as page:
        yield page


def assert_five_references(page: CopiedPage) -> None:
    assert [each["number"] for each in page.references] == [1, 2, 3, 4, 5]
    assert [(each["number"], each["reference"]) for each in page.document["references"]] == [
        (number, number) for number in range(1, 6)
    ]


def assert_third_doi_corrected(page: CopiedPage) -> None:
    printed = re.search(r"(?m)^\[3\].*doi\.org/(\S+)", page.text)
    assert printed is not None
    corrected = f"10.{printed[1]}"

    for entry in (page.references[2], page.document["references"][2]):
        assert entry["doi"] == corrected
        assert entry["url"] == f"https://doi.org/{corrected}"
        assert any(corrected in problem for problem in entry["problems"])
    others = [each for each in page.document["references"] if each["number"] != 3]
    assert all(not each["problems"] for each in others)


def assert_every_marker_attached(page: CopiedPage) -> None:
    document = page.document
    expected = re.findall(r"\[(\d)\]", page.article)

    assert [str(number) for each in document["citations"] for number in each["references"]] == expected
    text = document["text"]
    for citation in document["citations"]:
        sentence = text[citation["sentence_start"] : citation["sentence_end"]]
        assert text[citation["start"] : citation["end"]] in sentence
        holding = [
            passage
            for passage in document["passages"]
            if passage["start"] <= citation["start"] and citation["end"] <= passage["end"]
        ]
        assert holding
        assert all(set(citation["references"]) <= set(passage["references"]) for passage in holding)


def assert_no_furniture(page: CopiedPage) -> None:
    body = [line.strip().removeprefix("• ") for line in page.article.splitlines()]
    passages = [
        line for each in page.document["passages"] for line in each["text"].splitlines() if line.strip()
    ]
    known = {" ".join(line.split()) for line in body}

    assert passages
    assert all(" ".join(line.split()) in known or any(line in each for each in known) for line in passages)
    omitted = "\n".join(each["text"] for each in page.document["omitted"])
    assert all(line in omitted for line in page.behind_the_references)


CHECKS = [
    assert_five_references,
    assert_third_doi_corrected,
    assert_every_marker_attached,
    assert_no_furniture,
]


@needs_seed
@pytest.mark.parametrize("check", CHECKS)
def test_a_copied_page_beside_the_corpus_is_read_whole(
    seed_page: CopiedPage, check: Callable[[CopiedPage], None]
) -> None:
    check(seed_page)


@needs_seed
@pytest.mark.parametrize("check", CHECKS)
def test_a_copied_page_in_other_words_is_read_whole(
    mutated_page: CopiedPage, check: Callable[[CopiedPage], None]
) -> None:
    check(mutated_page)
