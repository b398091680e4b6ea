"""The page at /, as a reader meets it: real questions to a real service, but where a reply must be of one kind."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect

from tests.chromium import Visit, Visitor

pytestmark = pytest.mark.slow

ANSWERED = "What happens if I stop baclofen suddenly?"
UNANSWERED = "Which form do I need for my tax return?"
URGENT = "my calf is red, hot and swollen, what should I do?"
CORRECTED = "Is quinine safe for cramps?"


def ask(page: Page, question: str) -> None:
    """Type a question as a reader does, and wait for what comes of it."""
    page.goto("/")
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator("#passages-heading, .failure")).to_be_visible()


def link_to(question: str) -> str:
    return f"/?q={quote(question)}"


def api_reply(page: Page, question: str) -> dict[str, Any]:
    reply: dict[str, Any] = page.request.get(f"/v1/ask?question={quote(question)}").json()
    return reply


def answer_with(page: Page, **changes: Any) -> None:
    """Let the service's reply through with parts of it changed."""

    def change(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=json.dumps({**response.json(), **changes}))

    page.route("**/v1/ask", change)


def test_an_answer_quotes_sentences_with_the_numbers_that_the_service_gave(reader: Visitor) -> None:
    ask(reader.page, ANSWERED)
    reply = api_reply(reader.page, ANSWERED)

    sentences = reader.page.locator(".answer .sentence")
    shown = [
        (
            node.evaluate("node => node.firstChild.textContent"),
            [int(number) for number in node.locator(".chip").all_text_contents()],
        )
        for node in sentences.all()
    ]

    assert shown == [(each["text"], each["references"]) for each in reply["answer"]["sentences"]]


def test_passages_stand_in_order_each_with_its_number_place_and_label(reader: Visitor) -> None:
    ask(reader.page, ANSWERED)
    expected = api_reply(reader.page, ANSWERED)["passages"]

    passages = reader.page.locator(".passage")

    expect(passages).to_have_count(len(expected))
    for node, passage in zip(passages.all(), expected, strict=True):
        expect(node.locator("h3")).to_have_text(f"Passage {passage['rank']}: {passage['document']['title']}")
        expect(node.locator(".trail")).to_have_text(" › ".join(passage["section"]))
        expect(node.locator(".fidelity summary")).to_have_text("Digest")
        assert [int(each) for each in node.locator(".behind .chip").all_text_contents()] == passage[
            "references"
        ]
        lines = node.locator(".passage-text p").all_text_contents()
        assert lines == [line for line in passage["text"].split("\n") if line.strip()]
        marked = "".join(node.locator("mark").all_text_contents())
        wanted = "".join(passage["text"][each["start"] : each["end"]] for each in passage["highlights"])
        assert marked == wanted.replace("\n", "")
        address = node.locator("a.outside").get_attribute("href") if passage["url"] else None
        assert address == passage["url"]


def test_a_passage_that_can_be_found_in_its_source_leads_to_that_place(reader: Visitor) -> None:
    place = "https://example.org/article#:~:text=salt%20water"
    passages = api_reply(reader.page, ANSWERED)["passages"]
    answer_with(reader.page, passages=[{**passages[0], "url": place}, *passages[1:]])
    ask(reader.page, ANSWERED)

    link = reader.page.locator(".passage").first.get_by_role("link", name="Open this place in the source")

    assert link.get_attribute("href") == place
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_a_screen_reader_is_told_what_came_of_a_question(reader: Visitor) -> None:
    said = reader.page.get_by_role("status")

    ask(reader.page, ANSWERED)
    sentences = len(api_reply(reader.page, ANSWERED)["answer"]["sentences"])
    expect(said).to_have_text(f"Answer found: {sentences} sentence{'s' * (sentences > 1)}.")
    ask(reader.page, UNANSWERED)
    expect(said).to_contain_text("The documents don’t answer this.")


def test_every_reply_says_that_it_is_no_medical_advice(reader: Visitor) -> None:
    reader.page.goto("/")
    expect(reader.page.locator(".page-foot")).to_contain_text("not medical advice")

    for question in (ANSWERED, UNANSWERED):
        ask(reader.page, question)
        expect(reader.page.locator(".disclaimer")).to_have_text(
            api_reply(reader.page, question)["disclaimer"]
        )


def test_a_chip_shows_its_reference_when_it_is_pointed_at_and_escape_closes_it(reader: Visitor) -> None:
    ask(reader.page, CORRECTED)

    reader.page.locator(".answer .chip").first.hover()
    card = reader.page.get_by_role("tooltip")

    expect(card).to_contain_text("Symptomatic treatment for muscle cramps")
    expect(card).to_contain_text("2010")
    reader.page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_a_focused_chip_is_described_by_its_reference(reader: Visitor) -> None:
    ask(reader.page, CORRECTED)
    chip = reader.page.locator(".answer .chip").first

    chip.focus()  # a browser tells the focus that a keyboard gave; the last key was Enter

    expect(chip).to_have_accessible_description(re.compile("Symptomatic treatment for muscle cramps"))


def test_a_followed_chip_leads_to_its_entry_and_back(reader: Visitor) -> None:
    ask(reader.page, CORRECTED)
    chip = reader.page.locator(".answer .chip").first

    chip.click()
    entry = reader.page.locator("#reference-3")
    expect(entry).to_be_focused()
    entry.get_by_role("button", name="Back to the text").click()

    expect(chip).to_be_focused()


def test_a_corrected_doi_is_said_to_be_corrected_and_leads_to_the_right_place(reader: Visitor) -> None:
    ask(reader.page, CORRECTED)

    entry = reader.page.locator("#reference-3")

    expect(entry.locator(".reference-text")).to_contain_text("https://doi.org/1212/wnl.0b013e3181d0ccca")
    expect(entry.locator(".problem")).to_contain_text("10.1212/wnl.0b013e3181d0ccca")
    link = entry.get_by_role("link", name="10.1212/wnl.0b013e3181d0ccca")
    assert link.get_attribute("href") == "https://doi.org/10.1212/wnl.0b013e3181d0ccca"


@pytest.mark.parametrize(
    ("form", "beginning"),
    [
        ("APA", "Katzberg, H. D., Khan, A. H., & So, Y. T. (2010)."),
        ("BibTeX", "@article{katzberg2010_3,"),
        ("RIS", "TY  - JOUR"),
    ],
)
def test_a_reference_is_copied_in_the_form_that_is_asked_for(
    visit: Visit, site: str, form: str, beginning: str
) -> None:
    reader = visit(base_url=site, permissions=["clipboard-read", "clipboard-write"])
    ask(reader.page, CORRECTED)

    reader.page.get_by_role("button", name=f"Copy reference 3 as {form}").click()
    expect(reader.page.get_by_role("status")).to_have_text("Copied.")

    assert reader.page.evaluate("navigator.clipboard.readText()").startswith(beginning)


def cited(page: Page, form: str, **changes: Any) -> str:
    """Write a reference in a form with the page's own module."""
    page.goto("/")
    folder = str(page.locator("link[rel=stylesheet]").get_attribute("href"))
    nothing = dict.fromkeys(("title", "year", "container", "volume", "issue", "pages", "doi", "pmid", "url"))
    reference = {
        "number": 7,
        "text": "As it was printed.",
        "authors": [],
        "problems": [],
        **nothing,
        **changes,
    }
    written: str = page.evaluate(
        "async ([module, form, reference]) => (await import(module))[form](reference)",
        [f"/{folder}".replace("style.css", "citing.js"), form, reference],
    )
    return written


ARTICLE = {
    "title": "Salt & 50% water_{x}",
    "authors": ["van Engelen BGM", "National Heart Institute"],
    "year": 2019,
    "container": "Nose Journal",
    "volume": "4",
    "issue": "2",
    "pages": "11-19",
    "doi": "10.5555/nose_1",
    "pmid": "123",
    "url": "https://doi.org/10.5555/nose_1",
}


def test_a_whole_reference_is_written_as_apa_bibtex_and_ris_want_it(reader: Visitor) -> None:
    assert cited(reader.page, "apa", **ARTICLE) == (
        "van Engelen, B. G. M., & National Heart Institute. (2019). Salt & 50% water_{x}. "
        "Nose Journal, 4(2), 11–19. https://doi.org/10.5555/nose_1"
    )
    assert cited(reader.page, "bibtex", **ARTICLE) == "\n".join(
        [
            "@article{vanengelen2019_7,",
            "  author = {van Engelen, B. G. M. and {National Heart Institute}},",
            "  title = {{Salt \\& 50\\% water\\_\\{x\\}}},",
            "  journal = {Nose Journal},",
            "  year = {2019},",
            "  volume = {4},",
            "  number = {2},",
            "  pages = {11--19},",
            "  doi = {10.5555/nose_1},",
            "  url = {https://doi.org/10.5555/nose_1},",
            "}",
        ]
    )
    assert cited(reader.page, "ris", **ARTICLE).split("\r\n") == [
        "TY  - JOUR", "AU  - van Engelen, B. G. M.", "AU  - National Heart Institute", "TI  - Salt & 50% water_{x}",
        "T2  - Nose Journal", "PY  - 2019", "VL  - 4", "IS  - 2", "SP  - 11", "EP  - 19", "DO  - 10.5555/nose_1",
        "AN  - 123", "UR  - https://doi.org/10.5555/nose_1", "ER  - ", "",
    ]  # fmt: skip


def test_a_reference_of_which_little_is_known_is_copied_as_it_was_printed(reader: Visitor) -> None:
    assert cited(reader.page, "apa") == "As it was printed."
    assert cited(reader.page, "bibtex") == "@misc{reference_7,\n  note = {As it was printed.},\n}"
    assert "TI  - As it was printed." in cited(reader.page, "ris")
    assert cited(reader.page, "apa", title="Dry noses", authors=["Alder B"]) == "Alder, B. (n.d.). Dry noses."


def test_of_more_than_twenty_authors_apa_names_nineteen_and_the_last(reader: Visitor) -> None:
    written = cited(reader.page, "apa", title="Noses", authors=[f"Alder{chr(65 + n)} B" for n in range(25)])

    assert written.startswith("AlderA, B., ")
    assert "AlderS, B., … AlderY, B. (n.d.)." in written
    assert "AlderT" not in written


def test_a_passage_is_marked_in_its_document_where_markers_lead_to_references(reader: Visitor) -> None:
    ask(reader.page, "What helps a calf cramp at night?")
    passage = api_reply(reader.page, "What helps a calf cramp at night?")["passages"][0]

    reader.page.get_by_role("link", name="Read in context").first.click()
    expect(reader.page.get_by_role("heading", level=1)).to_have_text(passage["document"]["title"])

    marked = "".join(reader.page.locator(".document-text mark").all_text_contents())
    # The brackets of a chip are drawn, not written.
    assert re.sub(r"\s", "", marked) == re.sub(r"[\s\[\]]", "", passage["text"])
    expect(reader.page.locator("#marked-passage")).to_be_in_viewport()
    reader.page.locator(".document-text mark .chip").first.click()
    expect(reader.page.locator(".reference:focus")).to_be_visible()


def test_the_document_view_shows_every_character_of_the_canonical_text(reader: Visitor) -> None:
    detail = reader.page.request.get("/v1/documents/katzberg-2010").json()

    reader.page.goto("/?doc=katzberg-2010")
    reader.page.locator(".document-text").wait_for()

    shown = reader.page.locator("#document-title, .document-text").all_text_contents()
    assert re.sub(r"\s", "", "".join(shown)) == re.sub(r"\s", "", detail["text"])


def test_going_back_from_a_document_shows_the_reply_again_without_asking(reader: Visitor) -> None:
    ask(reader.page, ANSWERED)
    reader.page.get_by_role("link", name="Read in context").first.click()
    reader.page.locator(".document").wait_for()
    asked = len([each for each in reader.watch.requests if each.url.endswith("/v1/ask")])

    reader.page.go_back()
    expect(reader.page.locator(".answer")).to_be_visible()

    assert len([each for each in reader.watch.requests if each.url.endswith("/v1/ask")]) == asked


def test_the_address_of_a_question_shows_its_answer(reader: Visitor) -> None:
    reader.page.goto(link_to(ANSWERED))

    expect(reader.page.locator(".answer")).to_contain_text("seizures")
    expect(reader.page.get_by_label("Your question")).to_have_value(ANSWERED)
    assert reader.page.title() == f"{ANSWERED} · Citewell"


def test_asking_makes_the_address_of_the_question(reader: Visitor) -> None:
    ask(reader.page, "What about 50 % & more? #1 + ü")

    assert (
        reader.page.evaluate("new URLSearchParams(location.search).get('q')")
        == "What about 50 % & more? #1 + ü"
    )


def test_a_refusal_gives_no_answer_and_sets_the_nearest_passages_apart(reader: Visitor) -> None:
    ask(reader.page, UNANSWERED)

    expect(reader.page.get_by_role("heading", name="The documents don’t answer this")).to_be_visible()
    expect(reader.page.locator(".answer")).to_have_count(0)
    apart = reader.page.get_by_role("region", name="Nearest in subject, but not an answer")
    expect(apart.locator(".passage")).to_have_count(5)
    expect(apart.locator("mark")).to_have_count(0)


def test_an_urgent_notice_stands_before_everything_else_and_is_an_alert(reader: Visitor) -> None:
    ask(reader.page, URGENT)

    notice = reader.page.get_by_role("alert")
    expect(notice).to_contain_text("blood clot")
    for height in (900, 568):  # of a desk and of the smallest telephone
        reader.page.set_viewport_size({"width": 320, "height": height})
        expect(notice.get_by_role("heading")).to_be_in_viewport(ratio=1)
    first = reader.page.evaluate("document.querySelector('.main-column').firstElementChild.className")
    assert first == "notice"


def test_an_urgent_notice_stands_before_a_refusal_too(reader: Visitor) -> None:
    answer_with(reader.page, answerable=False, answer=None)
    ask(reader.page, URGENT)

    shown = reader.page.evaluate(
        "[...document.querySelector('.main-column').children].map(each => each.className)"
    )
    assert shown[0] == "notice"
    assert "refusal" in shown[1:3]  # behind it at most the words that were searched for


def test_feedback_is_sent_without_the_question(reader: Visitor) -> None:
    sent: list[Any] = []

    def take(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(json={"status": "stored", "question_stored": False})

    reader.page.route("**/v1/feedback", take)
    ask(reader.page, ANSWERED)

    reader.page.get_by_role("button", name="Yes", exact=True).click()
    expect(reader.page.get_by_text("Thank you. Your question was not sent along.").first).to_be_visible()

    assert sent[0]["helpful"] is True
    assert ANSWERED not in json.dumps(sent)


def test_a_real_service_takes_feedback(reader: Visitor) -> None:
    ask(reader.page, UNANSWERED)

    reader.page.get_by_role("button", name="No", exact=True).click()

    expect(reader.page.locator(".feedback")).to_have_text("Thank you. Your question was not sent along.")


@pytest.mark.parametrize(("status", "said"), [(404, "not collected here"), (500, "could not be sent")])
def test_feedback_that_is_not_taken_is_told(visit: Visit, site: str, status: int, said: str) -> None:
    reader = visit(base_url=site)
    reader.page.route("**/v1/feedback", lambda route: route.fulfill(status=status, json={"detail": "No."}))
    ask(reader.page, ANSWERED)

    reader.page.get_by_role("button", name="Yes", exact=True).click()

    expect(reader.page.locator(".feedback")).to_contain_text(said)


def test_a_suggested_question_is_asked_by_one_click(reader: Visitor) -> None:
    reader.page.goto("/")

    reader.page.get_by_role("link", name="Is quinine safe for cramps?").click()

    expect(reader.page.locator(".answer")).to_contain_text("toxic")


def test_earlier_questions_are_kept_in_the_browser_until_they_are_forgotten(reader: Visitor) -> None:
    ask(reader.page, "Do pickles help?")
    reader.page.goto("/")
    earlier = reader.page.get_by_role("region", name="Asked before").or_(
        reader.page.locator("section", has_text="Asked before in this browser")
    )

    expect(earlier.get_by_role("link", name="Do pickles help?")).to_be_visible()
    reader.page.get_by_role("button", name="Forget these").click()
    reader.page.reload()
    expect(reader.page.get_by_role("link", name="Is quinine safe for cramps?")).to_be_visible()

    expect(reader.page.get_by_role("link", name="Do pickles help?")).to_have_count(0)
    assert reader.page.evaluate("localStorage.length") == 0


def test_a_misspelled_question_says_what_was_searched_for(reader: Visitor) -> None:
    answer_with(reader.page, searched_as="Is quinine safe for cramps?")
    ask(reader.page, "Is quinnine safe for crampz?")

    expect(reader.page.locator(".searched q")).to_have_text("Is quinine safe for cramps?")


def test_words_that_no_document_mentions_are_named(reader: Visitor) -> None:
    ask(reader.page, ANSWERED)
    expect(reader.page.locator(".not-mentioned")).to_have_count(0)

    ask(reader.page, "Does quinine help against muscle cramps better than levetiracetam?")

    expect(reader.page.locator(".not-mentioned")).to_have_text(
        "No document mentions: levetiracetam. What is shown is not about that."
    )
    expect(reader.page.locator(".confidence summary")).to_contain_text(
        "sure that the documents answer the rest"
    )


def test_without_a_connection_the_question_is_kept_and_can_be_sent_again(visit: Visit, site: str) -> None:
    reader = visit(base_url=site)
    reader.page.goto("/")
    reader.context.set_offline(True)

    reader.page.get_by_label("Your question").fill(ANSWERED)
    reader.page.keyboard.press("Enter")
    expect(reader.page.get_by_role("alert")).to_contain_text("You seem to be offline")
    expect(reader.page.get_by_label("Your question")).to_have_value(ANSWERED)
    reader.context.set_offline(False)
    reader.page.get_by_role("button", name="Try again").click()

    expect(reader.page.locator(".answer")).to_contain_text("seizures")
    assert reader.watch.failures == []


def test_a_busy_service_is_reported_in_its_own_words(visit: Visit, site: str) -> None:
    reader = visit(base_url=site)
    problem = {"title": "Too Many Requests", "status": 429, "detail": "Too many questions wait already."}
    reader.page.route(
        "**/v1/ask",
        lambda route: route.fulfill(
            status=429, headers={"Retry-After": "3"}, content_type="application/problem+json", json=problem
        ),
    )

    ask(reader.page, ANSWERED)

    expect(reader.page.get_by_role("alert")).to_contain_text("Too many questions wait already.")
    expect(reader.page.get_by_role("alert")).to_contain_text("try again in 3 seconds")


def test_on_a_slow_network_the_page_says_so_and_can_be_stopped(reader: Visitor) -> None:
    reader.page.clock.install()
    reader.page.route("**/v1/ask", lambda route: None)
    reader.page.goto("/")
    reader.page.get_by_label("Your question").fill(ANSWERED)
    reader.page.keyboard.press("Enter")

    reader.page.clock.run_for(200)
    expect(reader.page.locator(".waiting")).to_contain_text("Looking for passages…")
    expect(reader.page.get_by_role("status")).to_have_text("Looking for passages…")
    reader.page.clock.run_for(5_000)
    expect(reader.page.locator(".waiting")).to_contain_text("longer than usual")
    reader.page.get_by_role("button", name="Stop").click()

    expect(reader.page.locator("#view")).to_contain_text("Your question is still in the box")
    expect(reader.page.get_by_label("Your question")).to_be_focused()


def test_what_an_unknown_document_comes_to_is_said(visit: Visit, site: str) -> None:
    reader = visit(base_url=site)

    reader.page.goto("/?doc=nothing-of-the-kind")

    expect(reader.page.get_by_role("alert")).to_contain_text("nothing-of-the-kind")
    reader.page.get_by_role("link", name="Ask a question").click()
    expect(reader.page.get_by_label("Your question")).to_be_visible()


def test_a_reader_without_a_mouse_asks_reads_a_reference_and_opens_the_document(reader: Visitor) -> None:
    keyboard = reader.page.keyboard
    reader.page.goto("/")
    keyboard.press("Tab")
    expect(reader.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(reader.page.get_by_label("Your question")).to_be_focused()
    keyboard.type(CORRECTED)
    keyboard.press("Enter")
    expect(reader.page.locator(".answer")).to_be_visible()

    visited = _tab_until(reader.page, ".answer .chip")
    keyboard.press("Enter")
    expect(reader.page.locator("#reference-3")).to_be_focused()
    _tab_until(reader.page, ".back-to-text")
    keyboard.press("Enter")
    expect(reader.page.locator(".answer .chip").first).to_be_focused()
    _tab_until(reader.page, ".passage-links a[data-view]")
    keyboard.press("Enter")

    expect(reader.page.locator("#document-title")).to_be_focused()
    assert visited <= 3  # the button and what stands before the answer's first chip


def _tab_until(page: Page, selector: str) -> int:
    """Press Tab until something is focused that the selector names, seen all the way; return how often."""
    for pressed in range(1, 60):
        page.keyboard.press("Tab")
        state = page.evaluate(
            """selector => {
                const at = document.activeElement;
                const style = getComputedStyle(at);
                return { hit: at.matches(selector), ringed: style.outlineStyle !== "none" || at.matches("textarea") };
            }""",
            selector,
        )
        assert state["ringed"]
        if state["hit"]:
            return pressed
    raise AssertionError(f"no {selector} can be reached by Tab")


def test_a_dark_theme_is_dark(visit: Visit, site: str) -> None:
    reader = visit(base_url=site, color_scheme="dark")
    reader.page.goto("/")

    channels = re.findall(r"\d+", reader.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert max(map(int, channels[:3])) < 40


def test_right_to_left_mirrors_the_page_without_scrolling_sideways(visit: Visit, site: str) -> None:
    reader = visit(base_url=site, viewport={"width": 390, "height": 800})
    reader.page.goto(link_to(CORRECTED))
    reader.page.locator(".answer").wait_for()

    reader.page.evaluate("document.documentElement.dir = 'rtl'")

    assert reader.page.evaluate("document.documentElement.scrollWidth") == 390
    box = reader.page.locator(".wordmark").bounding_box()
    assert box is not None
    assert box["x"] > 195
