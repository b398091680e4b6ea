"""An editor at work on a real service: the real encoder, a real process that works on the jobs, real kills."""

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from index.snapshot import current_version, read_history
from tests.service.test_end_to_end import (  # noqa: F401  # fixtures
    Server,
    built,
    home,
    serving,
    wait_until,
)

pytestmark = pytest.mark.slow

KEY = "an admin key that is long enough"
HEADERS = {"Authorization": f"Bearer {KEY}"}
JOB_S = 240


def note(topic: str) -> tuple[str, bytes]:
    text = f"# Sprained {topic}\n\nA sprained {topic} should be cooled and raised for two days.\n"
    return f"{topic}.md", text.encode()


@pytest.fixture(scope="module")
def settings(home: Path) -> dict[str, str]:  # noqa: F811
    return {
        "CITEWELL_ADMIN_KEY": KEY,
        "CITEWELL_STATE_DIR": str(home / "state"),
        "CITEWELL_KEYS_FILE": str(home / "keys.json"),
    }


@pytest.fixture(scope="module")
def editor(home: Path, built: dict[str, Any], settings: dict[str, str]) -> Iterator[Server]:  # noqa: F811
    assert built["n_documents"] == 6
    with serving(home, "editor", **settings) as server:
        yield server


def upload(client: httpx2.Client, topic: str) -> str:
    name, data = note(topic)
    response = client.post("/v1/documents", files={"file": (name, data)}, headers=HEADERS)
    assert response.status_code == 202, response.text
    return str(response.headers["location"])


def finished(client: httpx2.Client, location: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def is_final() -> bool:
        found.update(client.get(location, headers=HEADERS).json())
        return found["state"] not in ("queued", "running")

    wait_until(is_final, within_s=JOB_S)
    return found


def test_a_document_is_uploaded_watched_served_and_removed(editor: Server) -> None:
    location = upload(editor.client, "ankle")
    with editor.client.stream("GET", f"{location}/events", headers=HEADERS) as events:
        shown = [json.loads(line[6:]) for line in events.iter_lines() if line.startswith("data: ")]

    assert [each["state"] for each in shown][-1] == "succeeded"
    assert {each["progress"]["stage"] for each in shown if each["progress"]}
    version = shown[-1]["build"]["version"]
    question = "What should be done with a sprained ankle?"
    wait_until(lambda: editor.ask(question)["index"]["version"] == version, within_s=60)
    assert editor.ask(question)["passages"][0]["document"]["doc_id"] == shown[-1]["doc_id"]

    gone = editor.client.delete(f"/v1/documents/{shown[-1]['doc_id']}", headers=HEADERS)
    assert finished(editor.client, gone.headers["location"])["outcome"] == "removed"


def test_ten_uploads_in_a_burst_are_one_build_or_two(editor: Server, home: Path) -> None:  # noqa: F811
    before = len([each for each in read_history(home / "index") if each.event == "built"])
    words = ("wrist", "knee", "thumb", "elbow", "shoulder", "hip", "toe", "finger", "neck", "heel")
    locations = [upload(editor.client, word) for word in words]
    done = [finished(editor.client, location) for location in locations]

    assert {each["state"] for each in done} == {"succeeded"}
    after = len([each for each in read_history(home / "index") if each.event == "built"])
    assert 1 <= after - before <= 2
    listed = {each["doc_id"] for each in editor.client.get("/v1/documents").json()["documents"]}
    wait_until(
        lambda: editor.client.get("/v1/index").json()["version"] == current_version(home / "index"),
        within_s=60,
    )
    listed = {each["doc_id"] for each in editor.client.get("/v1/documents").json()["documents"]}
    assert {each["doc_id"] for each in done} <= listed


def test_going_back_is_a_swap_like_any_other(editor: Server, home: Path) -> None:  # noqa: F811
    reply = editor.client.post("/v1/index/rollback", headers=HEADERS).json()

    assert reply["version"] == current_version(home / "index") != reply["previous"]
    wait_until(lambda: editor.client.get("/v1/index").json()["version"] == reply["version"], within_s=60)
    editor.client.post("/v1/index/rollback", headers=HEADERS, json={"version": reply["previous"]})
    assert current_version(home / "index") == reply["previous"]


def test_what_was_accepted_before_a_kill_is_served_after_the_restart(
    home: Path,  # noqa: F811
    built: dict[str, Any],  # noqa: F811
    settings: dict[str, str],
) -> None:
    locations = []
    for at, topic in enumerate(("jaw", "rib", "calf")):
        with serving(home, f"killed-{at}", **settings) as server:
            locations.append(upload(server.client, topic))
            time.sleep(at)
            server.process.send_signal(signal.SIGKILL)
            server.process.wait(60)
    with serving(home, "restarted", **settings) as server:
        done = [finished(server.client, location) for location in locations]
        wait_until(
            lambda: server.client.get("/v1/index").json()["version"] == current_version(home / "index"),
            within_s=60,
        )
        served = {each["doc_id"] for each in server.client.get("/v1/documents").json()["documents"]}

    assert [each["state"] for each in done] == ["succeeded"] * 3, done
    assert {each["doc_id"] for each in done} <= served
    assert not re.search("Traceback", (home / "restarted.log").read_text())
