"""Debian's Chromium for tests: started once a module, every page watched for errors and foreign requests."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

ARGUMENTS = (
    "--no-sandbox",  # tests run as root in a container, where the sandbox cannot start
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
)
#: No test waits longer for one thing; the machine may be busy.
WAIT_MS = 45_000


@dataclass
class Watch:
    """What a page did that a reader must not meet."""

    console: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Note what happens on a page from now on."""
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.failures.append(str(error)))
        page.on("request", self._note_request)

    def _note_console(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.console.append(said.text)

    def _note_request(self, request: Request) -> None:
        self.requests.append(request)

    def origins(self) -> set[str]:
        """Return every origin that was asked for something."""
        parts = [urlsplit(each.url) for each in self.requests]
        return {f"{each.scheme}://{each.netloc}" for each in parts if each.scheme in ("http", "https")}


@dataclass
class Visitor:
    """One reader: a browser context with a page, and what the page did."""

    context: BrowserContext
    page: Page
    watch: Watch


Visit = Callable[..., Visitor]


# A browser is kept for one module only: Playwright's event loop runs as long as it does, and tests of other
# modules start loops of their own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("chromium is not installed: run `make chromium`, or install Debian's package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """Open a fresh context with one page; keyword arguments are those of Playwright's `new_context`."""
    contexts: list[BrowserContext] = []

    def visit(**options: Any) -> Visitor:
        context = chromium.new_context(**{"locale": "en-GB", "reduced_motion": "reduce", **options})
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        page, watch = context.new_page(), Watch()
        watch.follow(page)
        return Visitor(context, page, watch)

    yield visit
    for context in contexts:
        context.close()


_AXE = Path(__file__).parent / "browser" / "vendor" / "axe.min.js"
_AXE_OPTIONS = {"resultTypes": ["violations"]}


def barriers(page: Page) -> list[str]:
    """Return what axe-core finds on a page that keeps somebody out: rule, place and how to mend it."""
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    found = page.evaluate("options => axe.run(document, options)", _AXE_OPTIONS)
    return [
        f"{rule['id']} at {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
