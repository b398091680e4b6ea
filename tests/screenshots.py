"""Pictures of every view at 390 and 1280 pixels, light and dark, for somebody to look at: `make screenshots`."""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from tests.browsing import ROOT, build, serving
from tests.chromium import ARGUMENTS, WAIT_MS

_KEY = "a-key-for-pictures-only-0123456789abcdef"
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


def _card(page: Page) -> None:
    _question("Is quinine safe for cramps?", ".answer")(page)
    page.locator(".answer .chip").first.hover()
    page.get_by_role("tooltip").wait_for()


def _passage(page: Page) -> None:
    _question("What helps a calf cramp at night?", ".answer")(page)
    page.get_by_role("link", name="Read in context").first.click()
    page.locator("#marked-passage").wait_for()


def _waiting(page: Page) -> None:
    page.route("**/v1/ask", lambda route: None)
    page.goto("/?q=Why")
    page.locator(".waiting").wait_for()


def _offline(page: Page) -> None:
    def fail(route: Route) -> None:
        route.abort()

    page.route("**/v1/ask", fail)
    page.goto("/?q=Why")
    page.locator(".failure").wait_for()


def _missing(page: Page) -> None:
    page.goto("/?doc=nothing")
    page.locator(".failure").wait_for()


def _batch(page: Page) -> None:
    page.goto("/batch")
    page.get_by_role("button", name="Use an example").click()
    page.get_by_role("button", name="Ask all").click()
    page.locator("#downloads").wait_for()


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
    page.get_by_label("Admin key").fill(_KEY)
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
    page.route("**/v1/jobs*", lambda route: route.fulfill(body=json.dumps({"jobs": jobs})))
    page.route("**/v1/jobs/*/events", lambda route: None)
    _admin(page)


def _admin_removing(page: Page) -> None:
    _admin(page)
    page.get_by_role("button", name="Remove Muscular cramp").click()
    page.get_by_role("dialog").wait_for()


def _widget(page: Page) -> None:
    page.goto("/health/live")
    page.set_content(
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        "<h1>Somebody else's page</h1><p>With the widget on it.</p>"
    )
    page.add_script_tag(url="/widget.js")
    page.evaluate(
        """async question => {
            const widget = document.createElement("citewell-ask");
            widget.setAttribute("src", location.origin);
            document.body.append(widget);
            await widget.ask(question);
        }""",
        _URGENT,
    )


VIEWS: dict[str, View] = {
    "start": _start,
    "answer": _question("What happens if I stop baclofen suddenly?", ".answer"),
    "answer-of-article": _question("What helps a calf cramp at night?", ".answer"),
    "card": _card,
    "refusal": _question("Which form do I need for my tax return?", ".refusal"),
    "notice": _question(_URGENT, ".notice"),
    "waiting": _waiting,
    "offline": _offline,
    "document": _passage,
    "missing": _missing,
    "batch": _batch,
    "batch-faults": _batch_faults,
    "admin-locked": _admin_locked,
    "admin": _admin,
    "admin-at-work": _admin_at_work,
    "admin-removing": _admin_removing,
    "widget": _widget,
}
#: A full page would hide where a reader is: these show the window.
_WINDOW_ONLY = {"card", "document", "admin-removing"}


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
        own = {"CITEWELL_ADMIN_KEY": _KEY, "CITEWELL_STATE_DIR": made, "CITEWELL_KEYS_FILE": f"{made}/keys"}
        with serving(home, **own) as address:
            taken = take(browser, address, arguments.folder)
        browser.close()
    print(f"{taken} pictures in {arguments.folder}")  # noqa: T201  # what the command is for


if __name__ == "__main__":
    main()
