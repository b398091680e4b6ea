"""What editors send over HTTP: who may, what is taken in, and what is said of it."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service import job_store
from service.job_store import JobStore, utc_now
from service.jobs import BuildOutcome, Job, Progress, Task
from service.serving_index import ServingIndex
from tests.conftest import write_corpus
from tests.service.conftest import make_app
from tests.service.test_problems import assert_problem

KEY = "an admin key that is long enough"
TEXT = b"# Wasps\n\nKeep calm and move away slowly.\n"


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def editor(serving: ServingIndex, index_dir: Path, tmp_path: Path, state_dir: Path) -> Iterator[TestClient]:
    """A service whose jobs nobody works on, and a client with its key."""
    app = make_app(
        serving,
        admin_key=KEY,
        keys_file=tmp_path / "keys.json",
        corpus_dir=write_corpus(tmp_path / "corpus"),
        index_dir=index_dir,
        state_dir=state_dir,
        max_upload_bytes=100_000,
    )
    headers = {"authorization": f"Bearer {KEY}"}
    with TestClient(app, raise_server_exceptions=False, headers=headers) as client:
        yield client


def upload(client: TestClient, data: bytes = TEXT, name: str = "wasps.md", **fields: str) -> Any:
    return client.post("/v1/documents", files={"file": (name, data)}, data=fields)


def finish(state_dir: Path, job_id: str, **fields: Any) -> None:
    store = JobStore(state_dir)
    job = store.get(job_id)
    store.update(Job(job_id, job.task, "succeeded", created_at=job.created_at, **fields))


def test_a_file_is_stored_before_its_202_and_its_job_is_found_at_its_location(
    editor: TestClient, state_dir: Path
) -> None:
    response = upload(editor, title="On wasps", kind="article")

    assert response.status_code == 202, response.text
    job = response.json()
    assert response.headers["location"] == f"/v1/jobs/{job['job_id']}"
    assert (job["kind"], job["state"], job["name"]) == ("add", "queued", "wasps.md")
    stored = JobStore(state_dir).get(job["job_id"])
    assert stored.task.title == "On wasps"
    assert JobStore(state_dir).upload_path(stored.task).read_bytes() == TEXT
    assert editor.get(response.headers["location"]).json() == job
    assert editor.get("/v1/jobs").json()["jobs"] == [job]


def test_the_same_file_twice_and_the_same_key_twice_are_one_job(editor: TestClient) -> None:
    first, again = upload(editor).json(), upload(editor, name="other.md").json()
    keyed = [editor.post("/v1/index/builds", headers={"Idempotency-Key": "k"}).json() for _ in range(2)]
    clash = editor.delete("/v1/documents/ticks", headers={"Idempotency-Key": "k"})

    assert first["job_id"] == again["job_id"]
    assert keyed[0]["job_id"] == keyed[1]["job_id"]
    assert_problem(clash, 422)
    assert "Choose a new one" in clash.json()["detail"]


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "/etc/shadow",
        "a\x00.md",
        "~root/.ssh/id",
        "x" * 5_000,
        "",
        "CON",
    ],
)
def test_the_name_of_an_upload_never_becomes_a_path(
    editor: TestClient, state_dir: Path, tmp_path: Path, name: str
) -> None:
    before = {path for path in tmp_path.rglob("*") if state_dir not in path.parents}
    boundary = b"frontier"
    body = (
        b"--" + boundary + b'\r\nContent-Disposition: form-data; name="file"; filename="'
        + name.encode().replace(b"\\", b"\\\\") + b'"\r\n\r\n' + TEXT + b"\r\n--" + boundary + b"--\r\n"
    )  # fmt: skip
    response = editor.post(
        "/v1/documents", content=body, headers={"content-type": "multipart/form-data; boundary=frontier"}
    )

    assert response.status_code in (202, 400, 422)
    stored = {path.name for path in state_dir.rglob("*") if path.is_file()}
    digest = hashlib.sha256(TEXT).hexdigest()
    assert stored <= {"jobs.sqlite", "jobs.sqlite-wal", "jobs.sqlite-shm", digest}
    assert {path for path in tmp_path.rglob("*") if state_dir not in path.parents} - before <= {state_dir}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost.:8080/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://100.64.0.1/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://user:secret@example.org/",
        "http://example.org:22/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "ftp://example.org/a.pdf",
        "//example.org/",
        "http://exa mple.org/",
        "http://example.org\\@127.0.0.1/",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_may_not_be_visited_is_refused_at_once(editor: TestClient, url: str) -> None:
    for response in (
        editor.post("/v1/documents", json={"url": url}),
        editor.put("/v1/documents/a", json={"url": url}),
    ):
        assert_problem(response, 422)
    assert editor.get("/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/documents", {}, 422),
        ("POST", "/v1/documents", {"url": "https://example.org/", "doi": "10.1000/1"}, 422),
        ("POST", "/v1/documents", {"doi": "not one"}, 422),
        ("POST", "/v1/documents", {"doi": "10.1000/1", "doc_id": "../up"}, 422),
        ("POST", "/v1/documents", {"doi": "10.1000/1", "surprise": 1}, 422),
        ("PUT", "/v1/documents/Not-A-Slug", {"doi": "10.1000/1"}, 422),
        ("PUT", "/v1/documents/..%2Fup", {"doi": "10.1000/1"}, 404),
        ("POST", "/v1/index/builds", {"activate_anyway": "perhaps"}, 422),
        ("POST", "/v1/index/rollback", {"version": "../.."}, 422),
        ("POST", "/v1/index/rollback", {"version": "0" * 16}, 404),
    ],
)
def test_a_faulty_request_is_refused_with_its_reason(
    editor: TestClient, method: str, path: str, body: dict[str, Any], status: int
) -> None:
    assert_problem(editor.request(method, path, json=body), status)
    assert editor.get("/v1/jobs").json()["jobs"] == []


def test_what_is_no_file_and_no_json_is_refused(editor: TestClient) -> None:
    assert_problem(editor.post("/v1/documents", content=b"text", headers={"content-type": "text/plain"}), 415)
    assert_problem(editor.post("/v1/documents", content=b"text"), 415)
    assert_problem(editor.post("/v1/documents", files={"other": ("a.md", TEXT)}), 422)
    assert_problem(editor.post("/v1/documents", files={"file": ("a.md", b"")}), 422)
    assert_problem(editor.post("/v1/documents", data={"file": "text"}, files={"x": b"y"}), 422)
    assert_problem(upload(editor, reference_number="no number"), 422)
    torn = editor.post(
        "/v1/documents", content=b"--x\r\n", headers={"content-type": "multipart/form-data; boundary=y"}
    )
    assert torn.status_code in (400, 422)


def test_a_file_may_be_larger_than_a_question_but_not_without_end(editor: TestClient) -> None:
    assert upload(editor, b"# Long\n\n" + b"word " * 18_000).status_code == 202
    assert_problem(upload(editor, b"# Long\n\n" + b"word " * 21_000), 413)
    assert_problem(upload(editor, b"# Long\n\n" + b"word " * 50_000), 413)
    chunked = editor.post(
        "/v1/documents",
        content=iter([b"--x\r\n"] * 3),
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert_problem(chunked, 411)


def test_nobody_sends_a_file_without_the_key(editor: TestClient, state_dir: Path) -> None:
    response = editor.post(
        "/v1/documents", files={"file": ("a.md", TEXT)}, headers={"authorization": "Bearer x"}
    )

    assert_problem(response, 401)
    assert not state_dir.exists()


def test_only_a_document_that_is_there_or_on_its_way_can_be_removed(editor: TestClient) -> None:
    assert editor.delete("/v1/documents/ticks").status_code == 202
    assert_problem(editor.delete("/v1/documents/wasps"), 404)
    editor.put("/v1/documents/wasps", files={"file": ("wasps.md", TEXT)})
    assert editor.delete("/v1/documents/wasps").status_code == 202


def test_too_many_waiting_jobs_are_a_429(editor: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_store, "MAX_WAITING", 0)

    response = upload(editor)
    assert_problem(response, 429)
    assert int(response.headers["retry-after"]) > 0


def test_a_disk_that_refuses_is_a_503_that_tells_nothing_of_the_disk(
    editor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device", "/secret/place")

    monkeypatch.setattr(job_store, "store_bytes", full)
    response = upload(editor)

    assert_problem(response, 503)
    assert "secret" not in response.text
    assert editor.get("/v1/jobs").json()["jobs"] == []


def test_a_job_is_sent_as_events_until_it_is_done(editor: TestClient, state_dir: Path) -> None:
    job_id = upload(editor).json()["job_id"]
    build = BuildOutcome(
        "0" * 16, activated=True, reason=None, documents=7, passages=9, references=2, self_score=1.0
    )
    finish(state_dir, job_id, doc_id="wasps", outcome="added", build=build, progress=Progress("score", 1, 1))

    with editor.stream("GET", f"/v1/jobs/{job_id}/events") as response:
        text = "".join(response.iter_text())

    assert response.headers["content-type"].startswith("text/event-stream")
    assert text.startswith("event: job\ndata: ")
    assert text.endswith("\n\n")
    job = json.loads(text.split("data: ", 1)[1])
    assert (job["state"], job["outcome"], job["build"]["version"]) == ("succeeded", "added", "0" * 16)


@pytest.mark.parametrize("path", ["/v1/jobs/nothing", "/v1/jobs/nothing/events"])
def test_an_unknown_job_is_a_404(editor: TestClient, path: str) -> None:
    assert_problem(editor.get(path), 404)


def test_versions_are_listed_with_what_they_hold(editor: TestClient, serving: ServingIndex) -> None:
    reply = editor.get("/v1/index/versions").json()

    (only,) = reply["versions"]
    assert only["version"] == reply["index"]["version"] == serving.version
    assert only["is_current"] is True
    assert only["documents"] == 6
    assert only["problem"] is None


def test_there_is_nothing_to_go_back_to_from_the_only_version(editor: TestClient) -> None:
    response = editor.post("/v1/index/rollback")

    assert_problem(response, 404)
    assert "citewell build" in response.json()["detail"]


@pytest.mark.parametrize("switched_on", [True, False])
def test_feedback_is_stored_and_its_question_only_where_that_is_switched_on(
    serving: ServingIndex, state_dir: Path, *, switched_on: bool
) -> None:
    app = make_app(serving, state_dir=state_dir, feedback_questions=switched_on)
    given = {"helpful": False, "version": serving.version, "question": "why do I itch"}
    with TestClient(app) as client:
        reply = client.post("/v1/feedback", json=given)

    assert reply.json() == {"status": "stored", "question_stored": switched_on}
    assert (b"itch" in (state_dir / "feedback.sqlite").read_bytes()) is switched_on


def test_the_store_says_when_it_was(state_dir: Path) -> None:
    job = JobStore(state_dir).accept(Task("build"))

    assert job.created_at <= utc_now()
