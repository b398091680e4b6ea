"""Text that tries to become a program: in questions, documents, file names, references and services' errors.

Every line of `hostile_texts.txt` is shown in every place that shows text. A line that ran would call `ran`.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from evaluation.report import results_page
from tests.browser.hostile import HOSTILE, listen, settle
from tests.chromium import Visit, Visitor
from tests.evaluation.test_report import evaluation

pytestmark = pytest.mark.slow

ALL = " ".join(HOSTILE)
JSON = "application/json"


@pytest.fixture
def victim(visit: Visit, site: str) -> Iterator[Visitor]:
    """A reader whose browser says if any text ran, was refused as a script, or asked somebody for something."""
    victim = visit(base_url=site)
    ran: list[Any] = []
    listen(victim, ran)
    yield victim
    protocols = victim.page.locator("a").evaluate_all("links => links.map(each => each.protocol)")
    assert set(protocols) <= {"http:", "https:"}
    assert ran == []
    assert victim.watch.origins() <= {site}
    assert not [
        said for said in victim.watch.console if "Content Security Policy" in said or "Trusted" in said
    ]


def reference(text: str, number: int) -> dict[str, Any]:
    """Return a reference all of whose parts are hostile."""
    return {
        "number": number, "text": text, "title": text, "authors": [text, text], "year": 2020, "container": text,
        "volume": text, "issue": text, "pages": text, "doi": text, "pmid": text, "pmcid": text, "url": text,
        "problems": [text],
    }  # fmt: skip


def document_head(text: str) -> dict[str, Any]:
    return {"doc_id": text, "title": text, "kind": "source", "fidelity": "digest", "reference_number": 1}


def reply(texts: list[str], *, answerable: bool = True) -> dict[str, Any]:
    """Return a reply all of whose texts are hostile."""
    passages = [
        {
            "rank": rank, "passage_id": f"{rank:016x}", "score": 1.0, "scores": {"dense": 1.0, "lexical": 1.0},
            "text": text, "highlights": [{"start": 0, "end": len(text)}], "document": document_head(text),
            "section": [text], "references": [rank], "start": 0, "end": len(text), "page": None, "url": text,
        }
        for rank, text in enumerate(texts, start=1)
    ]  # fmt: skip
    sentences = [
        {
            "text": text,
            "passage_id": f"{rank:016x}",
            "doc_id": text,
            "start": 0,
            "end": len(text),
            "references": [rank],
        }
        for rank, text in enumerate(texts, start=1)
    ]
    return {
        "question": ALL[:500], "searched_as": ALL, "not_mentioned": texts, "answerable": answerable, "confidence": 0.9,
        "answer": {"kind": "extractive", "text": ALL, "sentences": sentences} if answerable else None,
        "passages": passages, "references": [reference(text, n) for n, text in enumerate(texts, start=1)],
        "notices": [{"kind": "urgent_care", "text": text, "passage_id": None} for text in texts],
        "disclaimer": ALL, "index": {"version": "0" * 16, "built_at": ALL}, "took_ms": 1.0,
    }  # fmt: skip


def shows_all(page: Page, selector: str) -> None:
    for text in HOSTILE:
        expect(page.locator(selector).filter(has_text=text.strip()).first).to_be_attached()


def test_a_line_that_did_run_would_be_noticed(visit: Visit, site: str) -> None:
    reader = visit(base_url=site, bypass_csp=True)
    ran: list[Any] = []
    listen(reader, ran)
    reader.page.goto("/health/live")

    reader.page.set_content(HOSTILE[1])
    settle(reader.page)

    assert ran == [2]


def test_a_reply_shows_hostile_text_as_text(victim: Visitor) -> None:
    victim.page.route("**/v1/ask", lambda route: route.fulfill(json=reply(HOSTILE)))
    victim.page.goto("/?q=Why")
    expect(victim.page.locator(".passage")).to_have_count(len(HOSTILE))

    for chip in victim.page.locator(".answer .chip").all()[:5]:
        chip.hover()
    settle(victim.page)

    shows_all(victim.page, ".passage h3")
    shows_all(victim.page, ".reference-text")
    shows_all(victim.page, ".notice p")
    shows_all(victim.page, ".answer .sentence")


def test_a_refusal_shows_hostile_text_as_text(victim: Visitor) -> None:
    victim.page.route("**/v1/ask", lambda route: route.fulfill(json=reply(HOSTILE, answerable=False)))
    victim.page.goto("/?q=Why")
    expect(victim.page.locator(".passage")).to_have_count(len(HOSTILE))
    settle(victim.page)

    shows_all(victim.page, ".passage-text")


def test_a_hostile_question_is_a_question(victim: Visitor) -> None:
    for text in HOSTILE[::4]:
        victim.page.goto(f"/?q={quote(text)}")
        expect(victim.page.locator("#passages-heading, .failure")).to_be_visible()
        assert victim.page.get_by_label("Your question").input_value() == text.strip()
    victim.page.evaluate(
        "texts => localStorage.setItem('citewell.questions', JSON.stringify(texts))", HOSTILE[:12]
    )
    victim.page.goto("/")
    expect(victim.page.locator(".questions").first).to_contain_text(HOSTILE[0])
    settle(victim.page)


def test_a_hostile_document_is_shown_as_text(victim: Visitor) -> None:
    text = "\n".join(HOSTILE)
    ends = [len("\n".join(HOSTILE[: at + 1])) for at in range(len(HOSTILE))]
    spans = [(end - len(line), end) for end, line in zip(ends, HOSTILE, strict=True)]
    kinds = ["paragraph", "heading", "list_item", "table_row", "reference"]
    detail = {
        **document_head(ALL), "url": "javascript:ran(0)", "licence": ALL, "retrieved_at": ALL, "sha256": "",
        "text": text, "citations": [], "references": [{**reference(each, 9), "reference": None} for each in HOSTILE],
        "blocks": [
            {"kind": kinds[at % 5], "start": start, "end": end, "section": [], "level": 2, "page": 1}
            for at, (start, end) in enumerate(spans)
        ],
        "passages": [], "omitted": [{"text": each, "reason": each} for each in HOSTILE],
        "index": {"version": "0" * 16, "built_at": ""},
    }  # fmt: skip
    victim.page.route("**/v1/documents/*", lambda route: route.fulfill(json=detail))
    victim.page.route(
        "**/v1/references", lambda route: route.fulfill(json={"references": [reference(ALL, 1)]})
    )

    victim.page.goto(f"/?doc={quote(HOSTILE[0], safe='')}")
    victim.page.locator(".document-text").wait_for()
    settle(victim.page)

    shows_all(victim.page, ".document-text, .own-list, .omitted")


def test_a_hostile_error_is_shown_as_text(victim: Visitor) -> None:
    victim.page.route(
        "**/v1/ask",
        lambda route: route.fulfill(status=500, json={"detail": ALL}, headers={"Retry-After": ALL[:9]}),
    )
    victim.page.goto("/?q=Why")
    settle(victim.page)

    expect(victim.page.locator(".failure")).to_contain_text(HOSTILE[0])


def test_hostile_file_names_reasons_and_titles_are_text_on_the_admin_page(victim: Visitor) -> None:
    _stub_admin(victim.page)
    victim.page.goto("/admin")
    victim.page.get_by_label("Admin key").fill("any")
    victim.page.get_by_role("button", name="Unlock").click()
    expect(victim.page.locator("#documents-section tbody tr")).to_have_count(len(HOSTILE))
    for text in HOSTILE[:3]:
        file = FilePayload(name=text.replace("/", "_"), mimeType="text/plain", buffer=b"x")
        victim.page.locator("#files").set_input_files([file])
    victim.page.get_by_role("button", name="What changed").first.click()
    shows_all(victim.page, "#diff li")
    victim.page.get_by_role("button", name="Remove").first.click()
    settle(victim.page)

    shows_all(victim.page, "#documents-section th")
    shows_all(victim.page, "#quarantine-section th")
    shows_all(victim.page, "#quarantine-section td")
    expect(victim.page.get_by_role("dialog")).to_contain_text(HOSTILE[0])


def _stub_admin(page: Page) -> None:
    index = {
        "version": ALL, "built_at": ALL, "title": ALL, "documents": 1, "passages": 1, "references": 1, "sentences": 1,
        "model": {"model": ALL}, "self_score": {"pairs": 1, "success_at_1": 0.5, "mrr_at_10": 0.5},
        "quarantined": [{"path": text, "reason": text} for text in HOSTILE],
    }  # fmt: skip
    listed = [{**document_head(text), "url": text, "licence": text, "passages": 1} for text in HOSTILE]
    versions = [
        {"version": text, "built_at": text, "is_current": at == 0, "detail": text, "documents": 1, "self_score": None,
         "problem": text if at % 2 else None}
        for at, text in enumerate(HOSTILE)
    ]  # fmt: skip
    jobs = [
        {"job_id": str(at), "kind": "add", "state": "quarantined", "name": text, "target": text, "doc_id": text,
         "outcome": None, "warnings": [text], "progress": None, "build": None, "error": text}
        for at, text in enumerate(HOSTILE)
    ]  # fmt: skip

    def refuse(route: Route) -> None:
        route.fulfill(status=422, json={"detail": ALL})

    page.route("**/v1/index", lambda route: route.fulfill(json=index))
    page.route(
        "**/v1/documents",
        lambda route: (
            refuse(route) if route.request.method == "POST" else route.fulfill(json={"documents": listed})
        ),
    )
    page.route("**/v1/jobs*", lambda route: route.fulfill(json={"jobs": jobs}))
    page.route("**/v1/index/versions", lambda route: route.fulfill(json={"versions": versions}))
    changed = [{"doc_id": text, "start": 0, "text": text} for text in HOSTILE]
    names = ("documents_added", "documents_removed", "documents_changed")
    numbers = ("references_added", "references_removed", "references_changed")
    diff = {
        "before": ALL, "after": ALL, **dict.fromkeys(names, HOSTILE), **{name: [] for name in numbers},
        "passages_added": changed, "passages_removed": changed, "n_passages_added": 99, "n_passages_removed": 99,
    }  # fmt: skip
    page.route("**/v1/index/diff*", lambda route: route.fulfill(json=diff))


def test_hostile_sets_and_replies_are_text_on_the_batch_page(victim: Visitor) -> None:
    lines = [json.dumps({"id": text.strip(), **reply([text])}) for text in HOSTILE]
    victim.page.route(
        "**/v1/ask/batch", lambda route: route.fulfill(body="\n".join(lines), content_type=JSON)
    )
    victim.page.goto("/batch")
    questions = [json.dumps({"id": text, "question": text}) for text in HOSTILE]
    victim.page.get_by_label("Questions").fill("\n".join(questions))
    victim.page.get_by_role("button", name="Ask all").click()
    expect(victim.page.locator("tbody tr")).to_have_count(len(HOSTILE))
    settle(victim.page)

    shows_all(victim.page, "tbody td:nth-child(1)")
    shows_all(victim.page, "tbody td:nth-child(2)")


def test_hostile_replies_are_text_in_the_widget(victim: Visitor) -> None:
    victim.page.route("**/v1/ask", lambda route: route.fulfill(json=reply(HOSTILE)))
    victim.page.goto("/health/live")
    victim.page.evaluate(
        """async () => {
            const script = document.createElement("script");
            script.src = "/widget.js";
            await new Promise(done => { script.onload = done; document.body.append(script); });
            const widget = document.createElement("citewell-ask");
            widget.setAttribute("src", location.origin);
            document.body.append(widget);
            await widget.ask("Why?");
        }"""
    )
    settle(victim.page)

    shows_all(victim.page, "citewell-ask blockquote")
    shows_all(victim.page, "citewell-ask .references li")
    assert victim.page.locator("citewell-ask a").count() > 1  # whose protocols the fixture looks at


def test_hostile_queries_answers_and_settings_are_text_in_the_report_of_an_evaluation(
    visit: Visit, tmp_path: Path
) -> None:
    made = evaluation()
    (dev,) = made.sets
    queries = {
        query: replace(each, text=ALL, answer=ALL, failure=ALL, wrong_numbers=tuple(HOSTILE))
        for query, each in dev.queries.items()
    }
    evil = replace(dev, name=ALL, queries=queries, failed={text: text for text in HOSTILE})
    report = tmp_path / "report.html"
    report.write_text(
        results_page(replace(made, sets=(evil,), settings={ALL: ALL}, timings={})), encoding="utf-8"
    )
    # Without its policy: the words alone must be harmless.
    reader = visit(bypass_csp=True)
    ran: list[Any] = []
    listen(reader, ran)

    reader.page.goto(report.as_uri())
    settle(reader.page)

    assert ran == []
    assert reader.watch.origins() == set()
    assert reader.page.locator("script, img, iframe, object, embed, base, form").count() == 0
    shows_all(reader.page, "main")
