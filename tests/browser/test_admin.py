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
BUILD_MS = 120_000
#: A file of the corpus, and files that are sent; none can be read.
UNREADABLE = "sources/scan 1987 – «ü».pdf"
ODD_NAMES = [
    "..\u2215..\u2215passwd.pdf",
    "two spaces & $(echo).pdf",
    "日本語 \u202egnp.pdf",
    f"{'long-' * 36}.pdf",
]
JOB: dict[str, Any] = {
    **dict.fromkeys(("name", "target", "doc_id", "outcome", "progress", "build", "error")),
    "job_id": "a1",
    "kind": "build",
    "warnings": [],
}
NEW_DOCUMENT = """\
# Nettle rash

A dock leaf does nothing for nettle rash beyond the cool of its sap. The wheals fade within a day by themselves.
"""


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service of its own, which tests may change."""
    home = tmp_path_factory.mktemp("editable")
    corpus = write_corpus(home / "corpus")
    (corpus / UNREADABLE).write_bytes(b"%PDF-1.7\nthis is no PDF")
    (home / "outside.md").write_text("# Outside\n\nNobody put this into the corpus.\n")
    (corpus / "link.md").symlink_to(home / "outside.md")
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


def drop(page: Page, files: dict[str, str], *, folders: tuple[str, ...] = ()) -> None:
    """Drop files on the page as a hand does; a folder is what a browser says of one."""
    page.evaluate(
        """([files, folders]) => {
            const data = new DataTransfer();
            for (const [name, text] of files) data.items.add(new File([text], name));
            for (const name of folders) data.items.add(new File([], name));
            const items = [...data.items].map((item, at) => ({
                kind: "file", webkitGetAsEntry: () => ({ isDirectory: at >= files.length }),
            }));
            const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
            Object.defineProperty(event, "dataTransfer", { value: { items, files: data.files, types: data.types } });
            document.getElementById("drop-zone").dispatchEvent(event);
        }""",
        [list(files.items()), list(folders)],
    )


def watch_progress(page: Page) -> None:
    """Note every word of progress that the page shows from now on."""
    page.evaluate(
        """() => {
            window.progress = [];
            new MutationObserver(() => {
                const shown = document.querySelector(".job progress");
                if (shown) progress.push([shown.getAttribute("aria-label"), shown.value, shown.max]);
            }).observe(document.getElementById("desk"), { childList: true, subtree: true });
        }"""
    )


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
    watch_progress(editor.page)

    drop(editor.page, {"nettle-rash.md": NEW_DOCUMENT})
    job = editor.page.locator(".job").first
    expect(job).to_contain_text("Add nettle-rash.md")
    expect(job).to_have_class(re.compile("succeeded"), timeout=BUILD_MS)
    expect(editor.page.locator(row_of(editor.page, "Nettle rash"))).to_contain_text("serving")
    after = serving_version(editor.page)
    progress = editor.page.evaluate("progress")
    reader = editor.context.new_page()
    reader.goto("/?q=Does+a+dock+leaf+help+nettle+rash%3F")
    expect(reader.locator(".passage").first).to_contain_text("A dock leaf does nothing for nettle rash")
    expect(reader.locator(".answer")).to_contain_text("dock leaf")
    compare = f"What changed between version {before} and the one that serves"
    editor.page.get_by_role("button", name=compare).click()
    expect(editor.page.locator("#diff")).to_contain_text("1 passage added")
    expect(editor.page.locator("#diff")).to_contain_text("nettle-rash")

    editor.page.get_by_role("button", name=f"Go back to this version, {before}").click()
    editor.page.get_by_role("button", name="Serve it").click()
    expect(editor.page.locator(f"tr[data-version='{before}']")).to_contain_text("serving")
    expect(editor.page.locator(row_of(editor.page, "Nettle rash"))).to_have_count(0)

    assert after != before
    assert serving_version(editor.page) == before
    assert len({stage.split(":")[0] for stage, _, _ in progress}) > 1
    assert all(0 <= done <= most for _, done, most in progress)


def test_the_self_score_of_every_version_that_is_kept_is_shown(editor: Visitor) -> None:
    unlock(editor.page)
    headers = {"Authorization": f"Bearer {KEY}"}
    versions = editor.page.request.get("/v1/index/versions", headers=headers).json()["versions"]

    assert len(versions) > 1  # the test before has built one
    for version in versions:
        row = editor.page.locator(f"tr[data-version='{version['version']}']")
        expect(row.locator(".score-cell")).to_have_text(f"{version['self_score']['success_at_1']:.0%}")


def test_a_file_that_cannot_be_used_is_listed_with_the_reason(editor: Visitor) -> None:
    unlock(editor.page)

    left_out = editor.page.locator("#quarantine-section tr", has_text=UNREADABLE)

    reasons = {
        file["path"]: file["reason"] for file in editor.page.request.get("/v1/index").json()["quarantined"]
    }
    expect(left_out.locator("td")).to_have_text(reasons[UNREADABLE])
    assert "PDF" in reasons[UNREADABLE]


def test_a_link_out_of_the_corpus_is_left_out_and_what_it_leads_to_is_shown_nowhere(editor: Visitor) -> None:
    unlock(editor.page)

    expect(editor.page.locator("#documents-section")).to_contain_text("Bee stings")
    expect(editor.page.locator("#documents-section")).not_to_contain_text("link.md")
    expect(editor.page.locator("#quarantine-section tr", has_text="link.md")).to_contain_text("symbolic link")
    expect(editor.page.locator("#desk")).not_to_contain_text("Outside")


def test_files_with_odd_names_that_cannot_be_read_are_named_as_they_are_called(editor: Visitor) -> None:
    unlock(editor.page)

    # No two alike: the same file sent again is one job.
    drop(editor.page, {name: f"%PDF-1.7 broken {at}" for at, name in enumerate(ODD_NAMES)})

    for name in ODD_NAMES:
        # What cannot be printed would turn round the words beside it.
        shown = name.replace("\u202e", "\ufffd")
        job = editor.page.locator(".job", has=editor.page.get_by_text(f"Add {shown}", exact=True))
        expect(job).to_have_class(re.compile("quarantined"), timeout=BUILD_MS)
        expect(job.locator(".problem")).to_contain_text("The file is kept; correct it and send it again.")
        expect(editor.page.locator("#quarantine-section th", has_text=shown)).to_be_visible()
        # The rest of the sentence is kept apart from the direction of the name.
        expect(editor.page.locator("#upload-log")).to_contain_text(f"\u2068{name}\u2069 is stored")
    assert editor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_dropped_folder_is_refused_and_the_files_beside_it_are_sent(editor: Visitor) -> None:
    sent: list[str] = []

    def refuse(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route.request.post_data or "")
            route.fulfill(status=202, json={**JOB, "state": "succeeded"})
        else:
            route.continue_()

    editor.page.route("**/v1/documents", refuse)
    unlock(editor.page)

    drop(editor.page, {"one.md": "# One"}, folders=("articles",))

    expect(editor.page.locator("#upload-log")).to_contain_text(
        "\u2068articles\u2069 was not taken: it is a folder."
    )
    expect(editor.page.locator("#upload-log")).to_contain_text("\u2068one.md\u2069 is stored")
    assert len(sent) == 1


def test_a_broken_stream_is_taken_up_again(visit: Visit, editable: str) -> None:
    editor = visit(base_url=editable)
    unlock(editor.page)
    job: dict[str, Any] = {**JOB, "state": "queued"}
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

    editor.page.get_by_role("button", name="Remove Bee stings").click()
    rows = editor.page.locator("#documents-section tbody tr").count()
    dialog = editor.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Remove “\u2068Bee stings\u2069”?")
    dialog.get_by_role("button", name="Cancel").click()

    expect(dialog).to_have_count(0)
    expect(editor.page.locator("#documents-section tbody tr")).to_have_count(rows)


def test_a_refused_upload_says_why(visit: Visit, editable: str) -> None:
    editor = visit(base_url=editable)
    unlock(editor.page)

    upload(editor.page, "empty.md", "")

    expect(editor.page.locator("#upload-log .problem")).to_contain_text("\u2068empty.md\u2069 was not taken")
