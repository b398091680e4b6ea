"""The report: one page that opens offline, says everything in text, and trusts no text."""

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evaluation.comparing import compare_results
from evaluation.report import comparison_page, results_page
from evaluation.results import Results
from tests.evaluation.test_comparing import BAD, GOOD, results
from tests.evaluation.test_question_sets import GOOD as REPLIES
from tests.evaluation.test_question_sets import score

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
                assert (tag, value) == ("link", "data:,")
    assert "url(" not in pages()[kind]
    assert "@import" not in pages()[kind]


def test_every_plot_has_a_description_and_a_table_behind_it() -> None:
    text = results_page(evaluation())
    figures = re.findall(r"<figure>.*?</figure>", text, re.DOTALL)

    # Measures, reliability, risk and coverage, latency, values of every query.
    assert len(figures) == 5
    for figure in figures:
        page = Page(figure)
        assert (page.count("svg"), page.count("table")) == (1, 1)
        (svg,) = [attributes for tag, attributes in page.elements if tag == "svg"]
        assert svg["role"] == "img"
        assert len(svg["aria-label"] or "") > 20


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
    assert "false_answer (less is better)" in text
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
    assert Page(text).count("svg") == 2


CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), None)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("kind", ["results", "comparison"])
def test_a_browser_shows_a_page_without_complaint(kind: str, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    (tmp_path / "page.html").write_text(pages()[kind], encoding="utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--window-size=400,800",
    ]
    picture = f"--screenshot={tmp_path / 'page.png'}"

    said = subprocess.run(
        [CHROMIUM, *options, picture, (tmp_path / "page.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert "CONSOLE" not in said.stderr
    assert (tmp_path / "page.png").stat().st_size > 10_000
