"""<citewell-ask> on a plain page of another origin, whose policy allows nothing inline."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import serving
from tests.chromium import Visit, Visitor

pytestmark = pytest.mark.slow

PAGE = """\
<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Someone else's page</title>
<link rel="icon" href="data:,"><script src="{site}/widget.js" defer></script></head>
<body><main><h1>Someone else's page</h1><h2>Ask</h2><citewell-ask src="{src}"{more}></citewell-ask></main></body></html>
"""
POLICY = "default-src 'none'; img-src data:; script-src {site}; connect-src {site}; require-trusted-types-for 'script'"


class _Elsewhere(ThreadingHTTPServer):
    """A web server of another origin with one page."""

    site = ""
    page = ""


class _OnePage(BaseHTTPRequestHandler):
    server: _Elsewhere

    def do_GET(self) -> None:
        body = self.server.page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", POLICY.format(site=self.server.site))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the base class
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[_Elsewhere]:
    server = _Elsewhere(("127.0.0.1", 0), _OnePage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def address_of(elsewhere: _Elsewhere) -> str:
    return f"http://127.0.0.1:{elsewhere.server_address[1]}"


@pytest.fixture(scope="module")
def open_site(
    built_home: Path, elsewhere: _Elsewhere, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a service that lets the other origin ask."""
    own = {"CITEWELL_STATE_DIR": str(tmp_path_factory.mktemp("state"))}
    with serving(built_home, CITEWELL_ALLOWED_ORIGINS=address_of(elsewhere), **own) as address:
        yield address


@pytest.fixture
def host(visit: Visit, elsewhere: _Elsewhere, open_site: str) -> Iterator[Callable[..., Visitor]]:
    """Open the other origin's page with the widget on it; its browser must have nothing to complain of."""
    hosted: list[Visitor] = []

    def host(more: str = "", *, src: str = open_site, **options: str) -> Visitor:
        elsewhere.site, elsewhere.page = open_site, PAGE.format(site=open_site, src=src, more=more)
        reader = visit(**options)
        reader.page.goto(address_of(elsewhere))
        hosted.append(reader)
        return reader

    yield host
    for reader in hosted:
        assert reader.watch.console == []
        assert reader.watch.failures == []
        assert reader.watch.origins() <= {address_of(elsewhere), open_site}


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("citewell-ask .answer, citewell-ask .refusal")).to_be_visible()


def test_a_page_of_another_origin_gets_an_answer_with_numbers_and_references(
    host: Callable[..., Visitor],
) -> None:
    reader = host()

    ask(reader.page, "Is quinine safe for cramps?")

    expect(reader.page.locator("citewell-ask blockquote").first).to_contain_text("quinine")
    reader.page.get_by_role("button", name="Reference 3").first.click()
    entry = reader.page.locator("citewell-ask .references li:focus")
    expect(entry).to_contain_text("Katzberg")
    expect(entry.locator(".problem")).to_contain_text("10.1212/wnl.0b013e3181d0ccca")


def test_an_attribute_asks_and_the_page_is_told_of_the_reply(host: Callable[..., Visitor]) -> None:
    reader = host()

    told = reader.page.evaluate(
        """() => new Promise(resolve => {
            document.addEventListener("citewell-reply", event => resolve(event.detail.answerable));
            document.querySelector("citewell-ask").ask("What happens if I stop baclofen suddenly?");
        })"""
    )

    assert told is True
    again = host(' question="Is quinine safe for cramps?"')
    expect(again.page.locator("citewell-ask .answer")).to_contain_text("quinine")


def test_a_refusal_looks_like_one(host: Callable[..., Visitor]) -> None:
    reader = host()

    ask(reader.page, "Which form do I need for my tax return?")

    expect(reader.page.get_by_role("heading", name="The documents don’t answer this")).to_be_visible()
    expect(reader.page.locator("citewell-ask .refusal")).to_contain_text("not an answer")


def test_an_urgent_notice_stands_first(host: Callable[..., Visitor]) -> None:
    reader = host()

    ask(reader.page, "my calf is red, hot and swollen, what should I do?")

    first = reader.page.locator("citewell-ask .result > *").first
    expect(first).to_have_role("alert")
    expect(first).to_contain_text("blood clot")


def test_its_looks_are_set_by_custom_properties(host: Callable[..., Visitor]) -> None:
    reader = host()
    button = reader.page.get_by_role("button", name="Ask")

    reader.page.evaluate("document.documentElement.style.setProperty('--citewell-accent', 'rgb(102, 0, 51)')")

    expect(button).to_have_css("background-color", "rgb(102, 0, 51)")


def test_a_service_that_does_not_allow_the_page_is_said_to_be_out_of_reach(
    visit: Visit, elsewhere: _Elsewhere, site: str
) -> None:
    elsewhere.site, elsewhere.page = site, PAGE.format(site=site, src=site, more="")
    reader = visit()
    reader.page.goto(address_of(elsewhere))

    reader.page.get_by_label("Your question").fill("Is quinine safe for cramps?")
    reader.page.keyboard.press("Enter")

    expect(reader.page.locator("citewell-ask").get_by_role("alert")).to_contain_text("can’t be reached")


def test_a_widget_without_a_service_says_so(host: Callable[..., Visitor]) -> None:
    reader = host()
    reader.page.evaluate("document.querySelector('citewell-ask').removeAttribute('src')")

    reader.page.get_by_label("Your question").fill("Why?")
    reader.page.keyboard.press("Enter")

    expect(reader.page.locator("citewell-ask").get_by_role("alert")).to_contain_text("no src attribute")
