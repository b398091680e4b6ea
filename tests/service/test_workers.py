"""Several processes that answer on one port: what they share, and what becomes of those that die."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ingest.errors import CitewellError
from service.listening import listen_together
from service.settings import Settings, share_of
from tests.conftest import share_exports, write_corpus
from tests.service.test_end_to_end import CITEWELL, Server, environment, run_build, serving, wait_until

KEY = "an-admin-key-that-is-long-enough"
HEADERS = {"Authorization": f"Bearer {KEY}"}
WITHIN_S = 120
#: So many connections to one of two processes, and none to the other, are as good as impossible.
MANY = 24
QUESTIONS = ["What does salt water do for the nose?", "How is a tick pulled out?", "Who wrote the moon?"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with six short documents and their index."""
    home = tmp_path_factory.mktemp("workers")
    write_corpus(home / "corpus")
    share_exports(home / "cache")
    run_build(home)
    return home


def settings_of(home: Path, **changes: str) -> dict[str, str]:
    """Return the variables of a service of two processes that keeps all it makes in one folder."""
    (home / "tmp").mkdir(exist_ok=True)
    return {
        "CITEWELL_WORKERS": "2",
        "CITEWELL_REPLY_CACHE_MB": "0",
        "CITEWELL_ADMIN_KEY": KEY,
        "CITEWELL_STATE_DIR": str(home / "state"),
        "CITEWELL_KEYS_FILE": str(home / "keys.json"),
        "TMPDIR": str(home / "tmp"),
        **changes,
    }


@pytest.fixture(scope="module")
def pair(home: Path) -> Iterator[Server]:
    """A service of two processes that both answer."""
    with serving(home, "pair", **settings_of(home)) as server:
        wait_until(lambda: len(answering(server)) == 2, within_s=WITHIN_S)
        yield server


def fresh(server: Server, method: str, path: str, **fields: Any) -> httpx2.Response:
    """Send one request over a connection of its own, so to whichever process the system picks."""
    with httpx2.Client(base_url=server.address, timeout=WITHIN_S, trust_env=False) as client:
        return client.request(method, path, **fields)


def answering(server: Server) -> set[int]:
    """Return the processes that answer when many connections are made, by their log."""
    seen = server.log.stat().st_size
    for _ in range(MANY):
        fresh(server, "GET", "/v1/index")
    lines = server.log.read_bytes()[seen:].decode().splitlines()
    return {json.loads(line)["pid"] for line in lines if '"request answered"' in line}


def ask(server: Server, question: str) -> bytes:
    """Return a reply as it was sent, but for the time it took."""
    response = fresh(server, "POST", "/v1/ask", json={"question": question})
    assert response.status_code == 200, response.text
    return re.sub(rb'"took_ms":[0-9.eE+-]+', b"", response.content)


def counted(server: Server, name: str) -> float:
    """Return the sum of a metric over its labels."""
    lines = fresh(server, "GET", "/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if re.match(rf"{name}[ {{]", line))


def wait_until_nothing_else_is_asked(server: Server) -> None:
    wait_until(lambda: counted(server, "citewell_requests_in_flight") == 1, within_s=WITHIN_S)


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def test_each_process_may_take_its_part_of_what_is_allowed_rounded_up() -> None:
    settings = Settings(workers=2, query_threads=3, max_waiting=0, max_connections=1_000, reply_cache_mb=32)

    own = share_of(settings)

    assert (own.query_threads, own.max_waiting, own.max_connections, own.reply_cache_mb) == (2, 0, 500, 16)
    assert share_of(Settings()) == Settings()


def test_a_port_that_processes_share_is_shared_with_nobody_else() -> None:
    first, port = listen_together(Settings(port=0))
    with closing(first), closing(port):
        taken = Settings(port=port.getsockname()[1])

        with pytest.raises(CitewellError, match=r"Cannot listen on .*--port"):
            listen_together(taken)


@pytest.mark.slow
def test_two_processes_give_the_same_bytes(pair: Server) -> None:
    assert len(answering(pair)) == 2
    for question in QUESTIONS:
        assert len({ask(pair, question) for _ in range(MANY // 2)}) == 1


@pytest.mark.slow
def test_what_all_processes_count_is_told_by_each(pair: Server) -> None:
    before = counted(pair, "citewell_answers_total")
    for _ in range(MANY):
        ask(pair, QUESTIONS[0])

    assert {counted(pair, "citewell_answers_total") for _ in range(10)} == {before + MANY}
    assert counted(pair, "citewell_snapshot") == counted(pair, "citewell_ready") == 1
    wait_until_nothing_else_is_asked(pair)


@pytest.mark.slow
def test_what_is_sent_to_one_process_is_found_by_all(pair: Server) -> None:
    text = b"# Sunburn\n\nSunburn on the neck is cooled with a wet towel for a quarter of an hour.\n"
    files = {"file": ("sunburn.md", text)}
    jobs = {
        fresh(pair, "POST", "/v1/documents", files=files, headers=HEADERS).headers["location"]
        for _ in range(6)
    }
    (location,) = jobs  # the same file is the same job, whoever is told of it

    def is_done() -> bool:
        state: str = fresh(pair, "GET", location, headers=HEADERS).json()["state"]
        return state == "succeeded"

    wait_until(is_done, within_s=WITHIN_S)
    version = fresh(pair, "GET", location, headers=HEADERS).json()["build"]["version"]

    def is_served_by_all() -> bool:
        return {fresh(pair, "GET", "/v1/index").json()["version"] for _ in range(MANY)} == {version}

    wait_until(is_served_by_all, within_s=WITHIN_S)
    assert len({ask(pair, "What cools a sunburn on the neck?") for _ in range(MANY // 2)}) == 1
    wait_until(lambda: counted(pair, "citewell_builds_total") == 1, within_s=WITHIN_S)
    assert counted(pair, "citewell_jobs_total") == 1


@pytest.mark.slow
def test_feedback_to_several_processes_at_once_is_all_kept(pair: Server, home: Path) -> None:
    version = fresh(pair, "GET", "/v1/index").json()["version"]
    given = {"helpful": True, "version": version}
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda _: fresh(pair, "POST", "/v1/feedback", json=given), range(MANY)))

    assert {each.status_code for each in sent} == {200}
    with closing(sqlite3.connect(home / "state" / "feedback.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM feedback").fetchone() == (MANY,)


@pytest.mark.slow
def test_a_process_that_is_killed_is_replaced_and_costs_no_more_than_what_it_was_answering(
    pair: Server,
) -> None:
    before, answered = answering(pair), counted(pair, "citewell_answers_total")
    killed, n_askers = min(before), 2
    stop, failures = threading.Event(), []

    def keep_asking() -> None:
        while not stop.is_set():
            try:
                ask(pair, QUESTIONS[1])
            except (httpx2.HTTPError, AssertionError) as error:
                failures.append(repr(error))

    askers = [threading.Thread(target=keep_asking) for _ in range(n_askers)]
    for each in askers:
        each.start()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: len(answering(pair) - {killed}) == 2, within_s=WITHIN_S)
    stop.set()
    for each in askers:
        each.join()

    assert len(failures) <= n_askers, failures
    assert counted(pair, "citewell_answers_total") > answered  # what the dead one counted is still there
    wait_until_nothing_else_is_asked(pair)
    assert '"process replaced"' in pair.log.read_text()


@pytest.mark.slow
def test_sigterm_lets_a_batch_finish_and_leaves_no_process_and_no_file(home: Path) -> None:
    questions = [{"id": str(at), "question": f"How is tick {at} pulled out?"} for at in range(100)]
    with serving(home, "ended", **settings_of(home)) as server:
        wait_until(lambda: len(answering(server)) == 2, within_s=WITHIN_S)
        pids, made = answering(server), set((home / "tmp").iterdir())
        with server.client.stream(
            "POST", "/v1/ask/batch", json={"questions": questions}, headers={"Accept": "application/x-ndjson"}
        ) as reply:
            lines = reply.iter_lines()
            results = [next(lines)]
            server.process.send_signal(signal.SIGTERM)
            results += lines
        code = server.process.wait(WITHIN_S)

    assert len(results) == len(questions)
    assert code == 0
    assert not any(map(is_alive, pids))
    assert len(made - set((home / "tmp").iterdir())) == 1
    assert "Traceback" not in server.log.read_text()


@pytest.mark.slow
def test_processes_whose_parent_is_killed_end(home: Path) -> None:
    with serving(home, "orphans", **settings_of(home)) as server:
        wait_until(lambda: len(answering(server)) == 2, within_s=WITHIN_S)
        pids = answering(server)
        server.process.kill()

        wait_until(lambda: not any(map(is_alive, pids)), within_s=WITHIN_S)


@pytest.mark.slow
def test_an_index_that_cannot_be_opened_ends_all_with_the_message_of_one(home: Path, tmp_path: Path) -> None:
    (tmp_path / "index" / "98add").mkdir(parents=True)
    (tmp_path / "index" / "98add" / "manifest.json").write_text("{")
    (tmp_path / "index" / "CURRENT").write_text("98add\n")
    said = []
    for workers in ("1", "2"):
        done = subprocess.run(
            [*CITEWELL, "serve", "--port", "0", "--workers", workers, "--index", str(tmp_path / "index")],
            env=environment(home, sockets=tmp_path / "sockets", **settings_of(home)),
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        said.append([line for line in done.stderr.splitlines() if not line.startswith(("{", "Citewell "))])

    assert said[0] == said[1]
    assert len(said[0]) == 1
    assert said[0][0].startswith("citewell: ")
