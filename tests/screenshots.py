"""Pictures of every view at 390 and 1280 pixels, light and dark, for somebody to look at: `make screenshots`."""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, Route, sync_playwright

from tests.browsing import ROOT, build, serving
from tests.chromium import ARGUMENTS, WAIT_MS

KEY = "a-key-for-pictures-only-0123456789abcdef"
_WIDTHS = {390: 844, 1280: 900}
_URGENT = "my calf is red, hot and swollen, what should I do?"
View = Callable[[Page], None]


def _question(question: str, then: str) -> View:
    def view(page: Page) -> None:
        page.goto(f"/?q={quote(question)}")
        page.locator(then).first.wait_for()

    return view


def _start(page: Page) -> None:
    page.goto("/")
    page.locator(".document-list").wait_for()
    page.locator(".questions").first.wait_for()


def _start_again(page: Page) -> None:
    _question("Is quinine safe for cramps?", ".answer")(page)
    _start(page)


def _start_of_nothing(page: Page) -> None:
    page.route("**/suggestions.json", lambda route: route.fulfill(json={"questions": []}))
    page.route("**/v1/documents", lambda route: route.fulfill(json={"documents": []}))
    page.goto("/", wait_until="networkidle")


def _references(page: Page) -> None:
    _question("Is quinine safe for cramps?", ".answer")(page)
    page.locator(".answer .chip").first.click()
    page.locator(".reference:focus").wait_for()


def _card(page: Page) -> None:
    _question("Is quinine safe for cramps?", ".answer")(page)
    page.locator(".answer .chip").first.hover()
    page.get_by_role("tooltip").wait_for()


def _passage(page: Page) -> None:
    _question("What helps a calf cramp at night?", ".answer")(page)
    page.get_by_role("link", name="Read in context").first.click()
    page.locator("#marked-passage").wait_for()


def _document_top(page: Page) -> None:
    page.goto("/?doc=katzberg-2010")
    page.locator(".document-text").wait_for()


def _waiting(page: Page) -> None:
    page.route("**/v1/ask", _leave_waiting)
    page.goto("/?q=Why")
    page.locator(".waiting").wait_for()


_WAITING: list[Route] = []


def _leave_waiting(route: Route) -> None:
    """Answer nothing until the picture is taken."""
    _WAITING.append(route)


def answer_the_waiting() -> None:
    """Let go of every request that a view has left waiting; to be called before its page is closed."""
    while _WAITING:
        _WAITING.pop().abort()


def _fail(route: Route) -> None:
    route.abort()


def _offline(page: Page) -> None:
    page.route("**/v1/ask", _fail)
    page.goto("/?q=Why")
    page.locator(".failure").wait_for()


def _busy(page: Page) -> None:
    problem = {"detail": "Too many questions wait already. Ask again in a moment."}
    page.route(
        "**/v1/ask", lambda route: route.fulfill(status=429, headers={"Retry-After": "3"}, json=problem)
    )
    page.goto("/?q=Why")
    page.locator(".failure").wait_for()


def _missing(page: Page) -> None:
    page.goto("/?doc=nothing")
    page.locator(".failure").wait_for()


def _batch_empty(page: Page) -> None:
    page.goto("/batch")
    page.get_by_role("button", name="Use an example").wait_for()


def _batch(page: Page) -> None:
    page.goto("/batch")
    page.get_by_role("button", name="Use an example").click()
    page.get_by_role("button", name="Ask all").click()
    page.locator("#downloads").wait_for()


def _batch_failed(page: Page) -> None:
    page.route("**/v1/ask/batch", _fail)
    page.goto("/batch")
    page.get_by_role("button", name="Use an example").click()
    page.get_by_role("button", name="Ask all").click()
    page.locator("#progress-words.problem").wait_for()


def _batch_faults(page: Page) -> None:
    page.goto("/batch")
    page.get_by_label("Questions").fill(
        '{"id": "a", "question": "Why?"}\n{oops\n{"id": "a", "question": "How?"}'
    )
    page.locator("#found .problem").wait_for()


def _admin_locked(page: Page) -> None:
    page.goto("/admin")
    page.get_by_label("Admin key").fill("wrong")
    page.get_by_role("button", name="Unlock").click()
    page.get_by_role("alert").wait_for()


def _admin(page: Page) -> None:
    page.goto("/admin")
    page.get_by_label("Admin key").fill(KEY)
    page.get_by_role("button", name="Unlock").click()
    page.locator("#versions-section").wait_for()


def _admin_at_work(page: Page) -> None:
    def job(at: int, **fields: object) -> dict[str, object]:
        nothing = dict.fromkeys(("target", "doc_id", "outcome", "progress", "build", "error"))
        return {**nothing, "job_id": str(at), "kind": "add", "warnings": [], **fields}

    progress = {"stage": "embed passages", "done": 31, "total": 91}
    jobs = [
        job(1, name="night-cramps.md", state="queued"),
        job(2, name="statins-and-cramps.pdf", state="running", progress=progress),
        job(3, name="scan.pdf", state="quarantined", error="The file holds pictures of pages and no text."),
    ]
    page.route("**/v1/jobs*", lambda route: route.fulfill(json={"jobs": jobs}))
    page.route("**/v1/jobs/*/events", _leave_waiting)
    _admin(page)


def _admin_empty(page: Page) -> None:
    nothing = {"detail": "There is no index yet."}
    for path in ("**/v1/index", "**/v1/documents", "**/v1/index/versions"):
        page.route(path, lambda route: route.fulfill(status=503, json=nothing))
    _admin(page)


def _admin_changed(page: Page) -> None:
    """Three versions, one of which cannot be read, files that are left out, and a difference."""

    def version(name: str, *, score: float | None, **fields: object) -> dict[str, object]:
        known = {"pairs": 34, "success_at_1": score, "mrr_at_10": 0.6} if score is not None else None
        told = {"is_current": False, "detail": "", "documents": 6, "problem": None, **fields}
        return {"version": name, "built_at": "2026-03-02T09:30:00Z", "self_score": known, **told}

    stored = [
        version("98add04d9e0429af", score=0.41, is_current=True, documents=7),
        version("1f00aa0b2c3d4e5f", score=0.38, detail="serves no longer: rolled back"),
        version(
            "0a1b2c3d4e5f6071", score=None, documents=None, problem="content.sqlite is not as it was built"
        ),
    ]
    diff: dict[str, object] = {
        "before": "1f00aa0b2c3d4e5f", "after": "98add04d9e0429af", "documents_added": ["night-cramps"],
        "n_passages_added": 3, "n_passages_removed": 0, "passages_removed": [],
        "passages_added": [
            {"doc_id": "night-cramps", "start": 0, "text": "Cramps at night wake one adult in three now and then."}
        ],
    }  # fmt: skip
    others = ("documents_removed", "documents_changed", "references_added", "references_removed",
              "references_changed")  # fmt: skip
    diff |= {name: [] for name in others}

    def with_quarantine(route: Route) -> None:
        files = [
            {"path": "sources/scan-of-a-very-old-article-1987.pdf", "reason": "It holds pictures and no text."},
            {"path": "notes.md", "reason": "The file is empty."},
        ]  # fmt: skip
        route.fulfill(json={**route.fetch().json(), "quarantined": files})

    page.route("**/v1/index", with_quarantine)
    page.route("**/v1/index/versions", lambda route: route.fulfill(json={"versions": stored}))
    page.route("**/v1/index/diff*", lambda route: route.fulfill(json=diff))
    _admin(page)
    page.get_by_role("button", name="What changed").first.click()
    page.locator("#diff .sheet").wait_for()


def _admin_refused(page: Page) -> None:
    _admin(page)
    page.locator(".known summary").click()
    page.locator("#files").set_input_files(
        [FilePayload(name="empty.md", mimeType="text/markdown", buffer=b"")]
    )
    page.locator("#upload-log .problem").wait_for()


def _admin_removing(page: Page) -> None:
    _admin(page)
    page.get_by_role("button", name="Remove Muscular cramp").click()
    page.get_by_role("dialog").wait_for()


_ELSEWHERE = """<!doctype html><html lang="en"><head><title>Somebody else's page</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"></head>
<body><main><h1>Somebody else's page</h1><h2>With the widget on it</h2></main></body></html>"""


def _widget(question: str, *, src: str = "") -> View:
    def view(page: Page) -> None:
        page.goto("/health/live")
        page.set_content(_ELSEWHERE)
        page.add_script_tag(url="/widget.js")
        page.evaluate(
            """async ([question, src]) => {
                const widget = document.createElement("citewell-ask");
                widget.setAttribute("src", src || location.origin);
                document.querySelector("main").append(widget);
                if (question) await widget.ask(question);
            }""",
            [question, src],
        )

    return view


VIEWS: dict[str, View] = {
    "start": _start,
    "start-again": _start_again,
    "start-of-nothing": _start_of_nothing,
    "answer": _question("What happens if I stop baclofen suddenly?", ".answer"),
    "answer-of-article": _question("What helps a calf cramp at night?", ".answer"),
    "card": _card,
    "references": _references,
    "refusal": _question("Which form do I need for my tax return?", ".refusal"),
    "notice": _question(_URGENT, ".notice"),
    "waiting": _waiting,
    "offline": _offline,
    "busy": _busy,
    "document": _passage,
    "document-top": _document_top,
    "missing": _missing,
    "batch-empty": _batch_empty,
    "batch": _batch,
    "batch-failed": _batch_failed,
    "batch-faults": _batch_faults,
    "admin-locked": _admin_locked,
    "admin": _admin,
    "admin-empty": _admin_empty,
    "admin-refused": _admin_refused,
    "admin-at-work": _admin_at_work,
    "admin-changed": _admin_changed,
    "admin-removing": _admin_removing,
    "widget": _widget(""),
    "widget-answer": _widget("Is quinine safe for cramps?"),
    "widget-refusal": _widget("Which form do I need for my tax return?"),
    "widget-notice": _widget(_URGENT),
    "widget-unreachable": _widget("Why?", src="http://127.0.0.1:9"),
}
#: A full page would hide where a reader is: these show the window.
_WINDOW_ONLY = {"card", "references", "document", "admin-removing"}


def take(browser: Browser, address: str, folder: Path) -> int:
    """Take every picture and return how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = 0
    for theme in ("light", "dark"):
        for width, height in _WIDTHS.items():
            context = browser.new_context(
                base_url=address, color_scheme=theme, viewport={"width": width, "height": height},
                reduced_motion="reduce", bypass_csp=True,
            )  # fmt: skip
            context.set_default_timeout(WAIT_MS)
            taken += sum(_take_one(context, name, folder / f"{name}-{width}-{theme}.png") for name in VIEWS)
            context.close()
    return taken


def _take_one(context: BrowserContext, name: str, to: Path) -> bool:
    page = context.new_page()
    VIEWS[name](page)
    page.screenshot(path=to, full_page=name not in _WINDOW_ONLY)
    answer_the_waiting()
    page.close()
    return True


def main() -> None:
    """Serve the default corpus, or use a running service, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="Where the pictures go.")
    parser.add_argument(
        "--home", type=Path, help="A folder with a corpus and its index; built when left out."
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        home = arguments.home or Path(made)
        if arguments.home is None:
            shutil.copytree(ROOT / "corpus", home / "corpus")
            build(home)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(ARGUMENTS))
        own = {"CITEWELL_ADMIN_KEY": KEY, "CITEWELL_STATE_DIR": made, "CITEWELL_KEYS_FILE": f"{made}/keys"}
        with serving(home, **own) as address:
            taken = take(browser, address, arguments.folder)
        browser.close()
    print(f"{taken} pictures in {arguments.folder}")  # noqa: T201  # what the command is for


if __name__ == "__main__":
    main()
