"""The admin page on a service that may be changed: six short documents, and a key."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.browsing import build, serving
from tests.chromium import Visit, Visitor, barriers
from tests.conftest import share_exports, write_corpus

pytestmark = pytest.mark.slow

KEY = "a-key-that-only-this-test-knows-0123456789"
#: A build loads the encoder first, in a process of lower priority on a machine that does other things.
BUILD_MS = 180_000
NEW_DOCUMENT = """\
# Nettle rash

A dock leaf does nothing for nettle rash beyond the cool of its sap. The wheals fade within a day by themselves.
"""


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service of its own, which tests may change."""
    home = tmp_path_factory.mktemp("editable")
    write_corpus(home / "corpus")
    share_exports(home / "cache")
    build(home)
    with serving(home, CITEWELL_ADMIN_KEY=KEY, CITEWELL_KEYS_FILE=str(home / "keys")) as address:
        yield address


@pytest.fixture
def editor(visit: Visit, editable: str) -> Iterator[Visitor]:
    """An editor whose browser has nothing to complain of."""
    editor = visit(base_url=editable)
    yield editor
    assert editor.watch.console == []
    assert editor.watch.failures == []
    assert editor.watch.origins() <= {editable}


def unlock(page: Page) -> None:
    page.goto("/admin")
    page.get_by_label("Admin key").fill(KEY)
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("heading", name="Serving now")).to_be_focused()


def row_of(page: Page, title: str) -> str:
    return f"#documents-section tr:has-text({title!r})"


def upload(page: Page, name: str, text: str) -> None:
    file = FilePayload(name=name, mimeType="text/markdown", buffer=text.encode())
    page.locator("#files").set_input_files([file])


def serving_version(page: Page) -> str:
    version: str = page.request.get("/v1/index").json()["version"]
    return version


def test_a_wrong_key_is_refused_with_the_reason(visit: Visit, editable: str) -> None:
    editor = visit(base_url=editable)
    editor.page.goto("/admin")
    editor.page.get_by_label("Admin key").fill("a-key-that-is-not-the-right-one-0123456789")

    editor.page.get_by_role("button", name="Unlock").click()

    expect(editor.page.get_by_role("alert")).to_contain_text("This key was refused.")
    expect(editor.page.locator("#desk")).to_be_hidden()
    assert barriers(editor.page) == []


def test_without_a_key_set_up_the_page_says_how_to_set_one(visit: Visit, site: str) -> None:
    editor = visit(base_url=site)
    editor.page.goto("/admin")
    editor.page.get_by_label("Admin key").fill(KEY)

    editor.page.get_by_role("button", name="Unlock").click()

    expect(editor.page.get_by_role("alert")).to_contain_text("citewell keys add")


def test_the_key_is_kept_nowhere_but_in_memory(editor: Visitor) -> None:
    unlock(editor.page)

    kept = editor.page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    assert KEY not in kept
    assert editor.page.locator("#key").input_value() == ""
    assert editor.context.cookies() == []
    editor.page.reload()
    expect(editor.page.get_by_label("Admin key")).to_be_visible()


def test_locking_forgets_the_key(editor: Visitor) -> None:
    unlock(editor.page)

    editor.page.get_by_role("button", name="Lock").click()

    expect(editor.page.get_by_label("Admin key")).to_be_focused()
    expect(editor.page.locator("#desk")).to_be_hidden()


def test_documents_and_versions_are_listed_with_their_state(editor: Visitor) -> None:
    unlock(editor.page)
    index = editor.page.request.get("/v1/index").json()

    expect(editor.page.locator("#documents-section tbody tr")).to_have_count(index["documents"])
    expect(editor.page.locator(row_of(editor.page, "Rinsing the nose"))).to_contain_text("[1]")
    expect(editor.page.locator("#versions-section tbody tr").first).to_contain_text(index["version"])
    expect(editor.page.locator("#index-section")).to_contain_text("cited sentences find their source first")


def test_an_upload_is_built_while_one_watches_its_passage_is_found_and_a_rollback_takes_it_away(
    editor: Visitor,
) -> None:
    unlock(editor.page)
    before = serving_version(editor.page)

    upload(editor.page, "nettle-rash.md", NEW_DOCUMENT)
    job = editor.page.locator(".job").first
    expect(job).to_contain_text("Add nettle-rash.md")
    expect(job).to_have_class(re.compile("succeeded"), timeout=BUILD_MS)
    expect(editor.page.locator(row_of(editor.page, "Nettle rash"))).to_contain_text("serving")
    after = serving_version(editor.page)
    found = editor.page.request.get("/v1/ask?question=Does a dock leaf help nettle rash?").json()
    compare = f"What changed between version {before} and the one that serves"
    editor.page.get_by_role("button", name=compare).click()
    expect(editor.page.locator("#diff")).to_contain_text("1 passage added")
    expect(editor.page.locator("#diff")).to_contain_text("nettle-rash")

    editor.page.get_by_role("button", name=f"Go back to version {before}").click()
    editor.page.get_by_role("button", name="Serve it").click()
    expect(editor.page.locator(f"tr[data-version='{before}']")).to_contain_text("serving")
    expect(editor.page.locator(row_of(editor.page, "Nettle rash"))).to_have_count(0)

    assert after != before
    assert "dock leaf" in found["passages"][0]["text"]
    assert serving_version(editor.page) == before


def test_a_broken_stream_is_taken_up_again(visit: Visit, editable: str) -> None:
    editor = visit(base_url=editable)
    unlock(editor.page)
    nothing = dict.fromkeys(("name", "target", "doc_id", "outcome", "progress", "build", "error"))
    job: dict[str, Any] = {**nothing, "job_id": "a1", "kind": "build", "state": "queued", "warnings": []}
    asked: list[str] = []

    def stream(route: Route) -> None:
        asked.append(route.request.headers["authorization"])
        if len(asked) == 1:
            route.abort()
        else:
            job["state"] = "succeeded"
            route.fulfill(content_type="text/event-stream", body=f"event: job\ndata: {json.dumps(job)}\n\n")

    editor.page.route("**/v1/jobs/a1/events", stream)
    editor.page.route("**/v1/jobs", lambda route: route.fulfill(json={"jobs": [job]}))
    editor.page.route("**/v1/index/builds", lambda route: route.fulfill(status=202, json=job))
    editor.page.get_by_role("button", name="Build now").click()

    # Jobs of the tests before are on the page too, so it is the second request that is waited for.
    for _ in range(200):
        if len(asked) == 2:
            break
        editor.page.wait_for_timeout(100)
    assert asked == [f"Bearer {KEY}"] * 2
    expect(editor.page.locator(".job.succeeded").first).to_be_visible()


def test_removing_asks_first_and_keeps_the_document_when_told_to(editor: Visitor) -> None:
    unlock(editor.page)
    rows = editor.page.locator("#documents-section tbody tr").count()

    editor.page.get_by_role("button", name="Remove Bee stings").click()
    dialog = editor.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Remove “Bee stings”?")
    dialog.get_by_role("button", name="Cancel").click()

    expect(dialog).to_have_count(0)
    expect(editor.page.locator("#documents-section tbody tr")).to_have_count(rows)


def test_a_refused_upload_says_why(visit: Visit, editable: str) -> None:
    editor = visit(base_url=editable)
    unlock(editor.page)

    upload(editor.page, "empty.md", "")

    expect(editor.page.locator("#upload-log .problem")).to_contain_text("empty.md was not taken")
