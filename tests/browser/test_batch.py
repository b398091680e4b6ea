"""The batch page: a question set in, a table of replies out."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.chromium import Visit, Visitor

pytestmark = pytest.mark.slow

QUESTIONS = [
    {"id": "b", "question": "Is quinine safe for cramps?"},
    {"id": "a", "question": "Which form do I need for my tax return?"},
    {"id": "c", "question": "What happens if I stop baclofen suddenly?"},
]
AS_JSON_LINES = "\n".join(json.dumps(each) for each in QUESTIONS)


def read_in_page(page: Page, text: str) -> dict[str, Any]:
    """Read a question set with the page's own module."""
    folder = page.locator("link[rel=stylesheet]").get_attribute("href")
    found: dict[str, Any] = page.evaluate(
        "async ([module, text]) => (await import(module)).readQuestions(text)",
        [f"/{folder}".replace("style.css", "questions.js"), text],
    )
    return found


def run_all(page: Page, text: str) -> None:
    page.goto("/batch")
    page.get_by_label("Questions").fill(text)
    page.get_by_role("button", name="Ask all").click()
    expect(page.locator("#progress-words")).to_contain_text("asked in")


def column(page: Page, at: int) -> list[str]:
    return page.locator(f"tbody tr > :nth-child({at})").all_text_contents()


@pytest.mark.parametrize(
    ("text", "form", "read"),
    [
        ("Why?\n\nHow?\n", "lines", [("q1", "Why?"), ("q2", "How?")]),
        ('{"question": "Why?"}\n{"id": 7, "question": "How?"}', "jsonl", [("q1", "Why?"), ("7", "How?")]),
        (
            'id,question\n1,"Why, and\nhow?"\n2,"Say ""ow"""\n',
            "csv",
            [("1", "Why, and\nhow?"), ("2", 'Say "ow"')],
        ),
        ("\ufeffQuestion;Id\r\nWhy?;x\r\n", "csv", [("x", "Why?")]),
        ("question\nWhy?\n", "csv", [("q1", "Why?")]),
        ("Is it so, really?\nYes, or no?\n", "lines", [("q1", "Is it so, really?"), ("q2", "Yes, or no?")]),
    ],
)
def test_a_question_set_is_read_in_the_form_that_it_has(
    reader: Visitor, text: str, form: str, read: list[tuple[str, str]]
) -> None:
    reader.page.goto("/batch")

    found = read_in_page(reader.page, text)

    assert found["form"] == form
    assert [(each["id"], each["question"]) for each in found["questions"]] == read
    assert found["faults"] == []


def test_a_line_that_cannot_be_used_is_told_with_its_reason_and_the_others_are_kept(reader: Visitor) -> None:
    reader.page.goto("/batch")
    lines = [
        '{"id": "x", "question": "Why?"}',
        "{oops",
        '{"id": "x", "question": "How?"}',
        '{"question": " "}',
    ]
    text = "\n".join([*lines, '{"n": 1}', json.dumps({"question": "w" * 2_001})])

    found = read_in_page(reader.page, text)

    assert [each["id"] for each in found["questions"]] == ["x"]
    assert [(each["line"], each["reason"]) for each in found["faults"]] == [
        (2, "json"), (3, "repeated"), (4, "empty"), (5, "json"), (6, "long"),
    ]  # fmt: skip


def test_every_question_gets_its_row_with_what_the_service_said(reader: Visitor) -> None:
    run_all(reader.page, AS_JSON_LINES)

    assert column(reader.page, 1) == ["b", "a", "c"]
    assert column(reader.page, 2) == [each["question"] for each in QUESTIONS]
    assert column(reader.page, 3) == ["yes", "no", "yes"]
    assert column(reader.page, 5) == ["3", "", "5"]
    expect(reader.page.locator("tr.refused")).to_contain_text("Nearest, not an answer:")
    expect(reader.page.locator("#progress-words")).to_contain_text("2 answered, 1 not answered, 0 failed")


def test_a_column_sorts_up_and_then_down(reader: Visitor) -> None:
    run_all(reader.page, AS_JSON_LINES)
    by_id = reader.page.get_by_role("button", name="Sort by Id")

    by_id.click()
    up = column(reader.page, 1)
    expect(reader.page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    by_id.click()

    assert up == ["a", "b", "c"]
    assert column(reader.page, 1) == ["c", "b", "a"]


def test_results_are_taken_away_as_json_lines_and_as_csv(reader: Visitor) -> None:
    run_all(reader.page, AS_JSON_LINES)

    with reader.page.expect_download() as lines:
        reader.page.get_by_role("button", name="Download JSON Lines").click()
    with reader.page.expect_download() as table:
        reader.page.get_by_role("button", name="Download CSV").click()

    rows = [json.loads(line) for line in Path(lines.value.path()).read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["b", "a", "c"]
    assert rows[0]["passages"]
    read = list(csv.DictReader(io.StringIO(Path(table.value.path()).read_text("utf-8"))))
    assert [(row["id"], row["answered"], row["references"]) for row in read] == [
        ("b", "true", "3"), ("a", "false", ""), ("c", "true", "5"),
    ]  # fmt: skip


def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless(reader: Visitor) -> None:
    reader.page.goto("/batch")
    folder = str(reader.page.locator("link[rel=stylesheet]").get_attribute("href"))

    row = reader.page.evaluate(
        "async (module) => (await import(module)).csvRow(['=1+1', '-3', '@x', 'a,b', 'say \"ow\"'])",
        f"/{folder}".replace("style.css", "questions.js"),
    )

    assert row == '\'=1+1,-3,\'@x,"a,b","say ""ow"""'


def test_a_dropped_file_is_read(reader: Visitor) -> None:
    reader.page.goto("/batch")

    data = reader.page.evaluate_handle(
        "text => { const data = new DataTransfer(); data.items.add(new File([text], 'set.jsonl')); return data; }",
        AS_JSON_LINES,
    )
    reader.page.dispatch_event("#drop-zone", "drop", {"dataTransfer": data})

    expect(reader.page.locator("#found")).to_contain_text("3 questions read as JSON Lines.")


def test_a_service_that_takes_no_batches_is_asked_one_by_one(visit: Visit, site: str) -> None:
    reader = visit(base_url=site)
    reader.page.route(
        "**/v1/ask/batch", lambda route: route.fulfill(status=404, json={"detail": "nothing here"})
    )

    run_all(reader.page, AS_JSON_LINES)

    assert column(reader.page, 3) == ["yes", "no", "yes"]


def test_asking_can_be_stopped_and_keeps_what_there_is(reader: Visitor) -> None:
    first = json.dumps({"id": "q1", "answerable": False, "confidence": 0.1, "answer": None, "passages": [],
                        "references": [], "notices": [], "took_ms": 1})  # fmt: skip
    asked = 0

    def answer_once(route: Any) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            route.fulfill(body=f"{first}\n", content_type="application/x-ndjson")

    reader.page.route("**/v1/ask/batch", answer_once)
    reader.page.goto("/batch")
    reader.page.get_by_label("Questions").fill("\n".join(f"Why number {n}?" for n in range(150)))
    reader.page.get_by_role("button", name="Ask all").click()
    expect(reader.page.locator("tbody tr")).to_have_count(1)
    expect(reader.page.locator("#progress-words")).to_contain_text("1 of 150 asked")

    reader.page.get_by_role("button", name="Stop").click()

    expect(reader.page.locator("#progress-words")).to_have_text("Stopped after 1 of 150.")
    expect(reader.page.locator("tbody tr")).to_have_count(1)
