"""The report: one page that opens offline, says everything in text, and trusts no text."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from itertools import islice
from pathlib import Path

import pytest

from answer.confidence import calibrate
from evaluation.charts import ticks
from evaluation.comparing import compare_results
from evaluation.glossary import marked, meaning
from evaluation.ranking_sets import read_beir_folder, read_corpus
from evaluation.report import comparison_page, results_page
from evaluation.results import Results
from index.building import build_index
from index.vector_cache import VectorCache
from service.evaluation_runs import Request, evaluate_sets
from service.settings import Settings
from tests.chromium import Visit, Visitor
from tests.evaluation.test_comparing import BAD, GOOD, results
from tests.evaluation.test_question_sets import GOOD as REPLIES
from tests.evaluation.test_question_sets import score
from tests.twins import TwinEmbedder

EVIL = '<script>alert("1")</script> & "quoted"'
_VOID = {"meta", "link", "path", "rect", "circle"}


class Page(HTMLParser):
    """Counts elements, and holds that every one of them is closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def evaluation() -> Results:
    took = {query: 10.0 + at for at, query in enumerate(REPLIES)}
    return Results(
        settings={"top_k": 10},
        target={"kind": "snapshot", "version": "v1"},
        machine={"cpus": 2},
        packages={"numpy": "2"},
        sets=(score(REPLIES),),
        timings={"set": {"wall_s": 1, "p50_ms": 12.0, "p99_ms": 14.0, "per_query_ms": took}},
    )


def pages() -> dict[str, str]:
    compared = compare_results(results(GOOD), results(BAD))
    return {
        "results": results_page(evaluation()),
        "comparison": comparison_page(compared, name_a="a", name_b="b"),
    }


@pytest.mark.parametrize("kind", ["results", "comparison"])
def test_a_page_is_well_formed_and_needs_nothing_from_outside(kind: str) -> None:
    page = Page(pages()[kind])

    assert page.open == []
    assert page.count("script") == 0
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert (tag, value) == ("link", "data:,") or (value or "").startswith("#")
    assert "url(" not in pages()[kind]
    assert "@import" not in pages()[kind]


def test_every_plot_has_a_description_and_a_table_behind_it() -> None:
    text = results_page(evaluation())
    figures = re.findall(r"<figure>.*?</figure>", text, re.DOTALL)

    # Reliability, risk and coverage, latency, values of every query.
    assert len(figures) == 4
    for figure in figures:
        page = Page(figure)
        assert (page.count("svg"), page.count("table")) == (1, 1)
        (svg,) = [attributes for tag, attributes in page.elements if tag == "svg"]
        assert svg["role"] == "img"
        assert len(svg["aria-label"] or "") > 20


def test_an_interval_is_drawn_beside_its_numbers_and_not_read_twice() -> None:
    text = results_page(evaluation())
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", text, re.DOTALL)

    drawn = [row for row in rows if "<svg" in row]
    assert len(drawn) > 15
    assert all('aria-hidden="true"' in row for row in drawn)
    assert all(row.count('class="number"') == 4 for row in drawn)


def test_every_measure_is_explained() -> None:
    unexplained = [name for name in evaluation().sets[0].estimates if not meaning(name)]

    assert unexplained == []
    assert meaning("Success@5") == "a relevant one is among the first 5"
    assert marked("false_answer") == "false_answer ↓"


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ((0, 771.6), [0, 200, 400, 600]),
        ((-0.5, 0.5), [-0.4, -0.2, 0, 0.2, 0.4]),
        ((0, 3), [0, 1, 2, 3]),
    ],
)
def test_axes_are_labelled_with_round_numbers(limits: tuple[float, float], expected: list[float]) -> None:
    assert ticks(limits) == expected


def test_all_text_is_escaped() -> None:
    made = evaluation()
    (dev,) = made.sets
    queries = {
        query: replace(each, text=EVIL, answer=EVIL, failure=EVIL, wrong_numbers=(EVIL,))
        for query, each in dev.queries.items()
    }
    evil = replace(dev, name=EVIL, queries=queries, failed={EVIL: EVIL})
    made = replace(made, sets=(evil,), settings={EVIL: EVIL}, target={"kind": EVIL}, timings={})

    text = results_page(made)

    assert "<script" not in text
    assert Page(text).open == []
    assert "&lt;script&gt;" in text


def test_the_numbers_of_the_measures_stand_in_the_page() -> None:
    text = results_page(evaluation())

    assert "Success@1" in text
    assert "false_answer ↓" in text
    assert "0.3333" in text


def test_a_comparison_says_what_fell_and_shows_both_rankings() -> None:
    text = pages()["comparison"]

    assert "nDCG@10 on dev fell from" in text
    assert text.count("<h3>A</h3>") == text.count("<h3>B</h3>") == 20


def test_a_comparison_without_change_says_so() -> None:
    same = compare_results(results(GOOD), results(GOOD))

    assert "identical on every query" in comparison_page(same, name_a="a", name_b="b")


def test_an_evaluation_without_answers_or_times_has_no_empty_plots() -> None:
    text = results_page(replace(results(GOOD), timings={}))

    assert "Reliability" not in text
    assert "Latency" not in text
    assert len(re.findall("<figure>", text)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("kind", ["results", "comparison"])
def test_a_browser_shows_a_page_without_complaint(
    kind: str, width: int, scheme: str, tmp_path: Path, visit: Visit
) -> None:
    path = tmp_path / "page.html"
    path.write_text(pages()[kind], encoding="utf-8")

    reader = visit(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
    reader.page.goto(path.as_uri())

    assert_undisturbed(reader, path)


@pytest.mark.slow
def test_a_long_address_in_an_answer_makes_a_page_no_wider_than_a_phone(tmp_path: Path, visit: Visit) -> None:
    made = evaluation()
    (dev,) = made.sets
    address = "https://example.org/" + "onelongname" * 20
    queries = {query: replace(each, text=address, answer=address) for query, each in dev.queries.items()}
    path = tmp_path / "page.html"
    path.write_text(results_page(replace(made, sets=(replace(dev, queries=queries),))), encoding="utf-8")

    reader = visit(viewport={"width": 390, "height": 800}, offline=True)
    reader.page.goto(path.as_uri())
    for folded in reader.page.locator("details").all():
        folded.evaluate("each => each.open = true")

    assert_undisturbed(reader, path)


def assert_undisturbed(reader: Visitor, path: Path) -> None:
    """Hold that a page said nothing on the console, asked for nothing but itself, and is not wider than the window."""
    page = reader.page
    assert reader.watch.console == []
    assert reader.watch.failures == []
    assert {each.url for each in reader.watch.requests} <= {path.as_uri(), "data:,"}
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for label in page.locator("svg[role=img] text").all()[:40]:
        box = label.bounding_box()
        assert box is not None
        assert max(box["height"], box["width"]) >= 7, "a label is too small to be read"


SHARED = Path(__file__).parents[2].parent / "shared" / "eval" / "nfcorpus"
CORPUS = Path(__file__).parents[2] / "corpus"


def sample(folder: Path, to: Path, *, n_documents: int = 250) -> Path:
    """Write the first documents of a BEIR folder, with the queries and judgments that are about them."""
    asked = read_beir_folder(folder, split="test")
    assert asked.corpus is not None
    documents = list(islice(read_corpus(asked.corpus), n_documents))
    names = {each.name for each in documents}
    judged = [
        (query, document, grade)
        for query, grades in asked.qrels.items()
        for document, grade in grades.items()
        if document in names
    ]
    (to / "qrels").mkdir(parents=True)
    lines = [json.dumps({"_id": each.name, "title": each.title, "text": each.text}) for each in documents]
    (to / "corpus.jsonl").write_text("\n".join(lines), encoding="utf-8")
    lines = [json.dumps({"_id": query, "text": text}) for query, text in asked.queries.items()]
    (to / "queries.jsonl").write_text("\n".join(lines), encoding="utf-8")
    lines = ["\t".join(map(str, row)) for row in [("query-id", "corpus-id", "score"), *judged]]
    (to / "qrels" / "test.tsv").write_text("\n".join(lines), encoding="utf-8")
    return to


@pytest.mark.slow
def test_the_report_of_the_dev_questions_and_of_a_large_collection_opens_offline(
    tmp_path: Path, visit: Visit
) -> None:
    settings = Settings(corpus_dir=CORPUS, index_dir=tmp_path / "index", cache_dir=tmp_path / "cache")
    shutil.copytree(CORPUS, tmp_path / "corpus")
    build_index(
        tmp_path / "corpus",
        settings.index_dir,
        embedder=TwinEmbedder(),
        cache=VectorCache(settings.cache_dir / "vectors.sqlite"),
        calibrate=calibrate,
    )
    # The sets are the real ones; which encoder ranked them makes no difference to how a page opens.
    sets = [CORPUS / "questions" / "dev.jsonl"]
    if SHARED.is_dir():
        sets.append(sample(SHARED, tmp_path / "nfcorpus"))
    evaluate_sets(
        Request(tuple(sets), out=tmp_path / "out"),
        settings,
        progress=lambda _stage, _done, _total: None,
        load_embedder=TwinEmbedder,
    )

    for width in (390, 1280):
        reader = visit(viewport={"width": width, "height": 800}, offline=True)
        reader.page.goto((tmp_path / "out" / "report.html").as_uri())
        for folded in reader.page.locator("details").all()[:30]:
            folded.evaluate("each => each.open = true")

        assert_undisturbed(reader, tmp_path / "out" / "report.html")
        assert reader.page.locator("h2").count() == len(sets) + 1
    if not SHARED.is_dir():
        pytest.skip("../shared/eval/nfcorpus is not there; only the dev questions were looked at")
