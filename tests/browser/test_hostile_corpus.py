"""Hostile text from file to page: a corpus of it is built, served, read, asked, managed and judged; nothing runs.

The other tests of hostile text put it into replies; here it goes the whole way, through readers, index and API.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hostile import HOSTILE, listen, settle
from tests.browsing import CITEWELL, build, environment, serving
from tests.chromium import Visit, Visitor
from tests.conftest import share_exports

pytestmark = pytest.mark.slow

KEY = "a-key-that-only-this-test-knows-0123456789"
QUESTION = "Does salt water wash pollen out of the nose?"
#: As titles, in references and in the names of files; a name can hold no slash.
TITLES = [text for text in HOSTILE if "\t" not in text][:12]
NAMES = [text.replace("/", "\u2215") for text in TITLES]


def article(title: str, number: int) -> str:
    """Return a document whose title, text and references are hostile."""
    lines = "\n\n".join(
        f"{text} Salt water washes pollen {number} out of the nose [{number}]."
        for text in HOSTILE[number::12]
    )
    references = "\n".join(
        f"{at + 1}. Alder B. {text}. Nose Journal. 2019;4:{at}." for at, text in enumerate(TITLES)
    )
    # A file that begins with a tag is no plain text, and is left out.
    return f"About {title}\n\n{lines}\n\nReferences\n\n{references}\n"


@pytest.fixture(scope="module")
def hostile_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("hostile")
    corpus = home / "corpus"
    (corpus / "questions").mkdir(parents=True)
    for number, (title, name) in enumerate(zip(TITLES, NAMES, strict=True)):
        (corpus / f"{name}.txt").write_text(article(title, number), encoding="utf-8")
        (corpus / f"broken {name}.pdf").write_bytes(b"%PDF-1.7 broken")
    (corpus / "questions" / "suggested.txt").write_text("\n".join(HOSTILE), encoding="utf-8")
    # All twelve say the same, so that without judged questions none would be known to answer it.
    asked = [QUESTION, *(f"Does salt water wash pollen {at} out of the nose?" for at in range(len(NAMES)))]
    judged = [
        {"id": str(at), "question": question, "kind": "lookup", "answerable": True}
        for at, question in enumerate(asked)
    ]
    (corpus / "questions" / "judged.jsonl").write_text("\n".join(map(json.dumps, judged)), encoding="utf-8")
    share_exports(home / "cache")
    build(home)
    return home


@pytest.fixture(scope="module")
def hostile_site(hostile_home: Path) -> Iterator[str]:
    with serving(
        hostile_home, CITEWELL_ADMIN_KEY=KEY, CITEWELL_KEYS_FILE=str(hostile_home / "keys")
    ) as address:
        yield address


@pytest.fixture
def victim(visit: Visit, hostile_site: str) -> Iterator[Visitor]:
    """A reader whose browser says if any text ran, or asked somebody for something."""
    victim = visit(base_url=hostile_site)
    ran: list[Any] = []
    listen(victim, ran)
    yield victim
    settle(victim.page)
    assert ran == []
    assert victim.watch.origins() <= {hostile_site}
    assert not [said for said in victim.watch.console if "Security Policy" in said or "Trusted" in said]


def shows(page: Page, selector: str, texts: list[str]) -> None:
    for text in texts:
        expect(page.locator(selector).filter(has_text=text).first).to_be_attached()


def test_a_hostile_document_is_asked_and_read(victim: Visitor) -> None:
    documents = victim.page.request.get("/v1/documents").json()["documents"]
    titles = [each["title"] for each in documents]
    assert len(documents) == len(NAMES)
    assert sum("<" in title for title in titles) > 5  # the readers let titles through as they are

    victim.page.goto("/")
    victim.page.locator(".document-list").wait_for()
    shows(victim.page, ".document-list", titles)
    shows(victim.page, ".questions", HOSTILE[:4])
    victim.page.get_by_label("Your question").fill(QUESTION)
    victim.page.keyboard.press("Enter")
    expect(victim.page.locator(".passage")).to_have_count(5)
    victim.page.locator(".chip").first.hover()
    victim.page.get_by_role("tooltip").wait_for()
    settle(victim.page)
    for document in documents[:6]:
        victim.page.goto(f"/?doc={document['doc_id']}")
        expect(victim.page.locator("#document-title")).to_have_text(document["title"])
        settle(victim.page)


def test_hostile_files_are_managed(victim: Visitor) -> None:
    victim.page.goto("/admin")
    victim.page.get_by_label("Admin key").fill(KEY)
    victim.page.get_by_role("button", name="Unlock").click()
    victim.page.locator("#versions-section").wait_for()

    expect(victim.page.locator("#documents-section tbody tr")).to_have_count(len(NAMES))
    shows(victim.page, "#quarantine-section th", [f"broken {name}.pdf" for name in NAMES])


def test_hostile_replies_come_to_the_widget_and_the_batch_page(victim: Visitor) -> None:
    victim.page.goto("/batch")
    victim.page.get_by_role("button", name="Use an example").click()
    victim.page.get_by_role("button", name="Ask all").click()
    expect(victim.page.locator("#progress-words")).to_contain_text("asked in")
    settle(victim.page)
    victim.page.goto("/health/live")
    victim.page.evaluate(
        """async question => {
            const script = document.createElement("script");
            script.src = "/widget.js";
            await new Promise(done => { script.onload = done; document.body.append(script); });
            const widget = document.createElement("citewell-ask");
            widget.setAttribute("src", location.origin);
            document.body.append(widget);
            await widget.ask(question);
        }""",
        QUESTION,
    )

    expect(victim.page.locator("citewell-ask blockquote").first).to_contain_text("Salt water washes pollen")


def test_a_hostile_question_set_is_judged_and_its_report_read(
    visit: Visit, hostile_home: Path, tmp_path: Path
) -> None:
    questions = tmp_path / f"{NAMES[1]}.jsonl"
    lines = [
        {
            "id": "".join(text.split()),
            "question": text,
            "kind": text,
            "answerable": True,
            "refs": [1],
            "nuggets": [["salt"]],
        }
        for text in TITLES
    ]
    questions.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")

    done = subprocess.run(
        [*CITEWELL, "evaluate", str(questions), "--out", str(tmp_path / "out")],
        env=environment(hostile_home),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    reader = visit(bypass_csp=True)  # without its policy: the words alone must be harmless
    ran: list[Any] = []
    listen(reader, ran)
    reader.page.goto((tmp_path / "out" / "report.html").as_uri())
    settle(reader.page)

    assert ran == []
    assert reader.watch.origins() == set()
    shows(reader.page, "main", [" ".join(text.split()) for text in TITLES])
