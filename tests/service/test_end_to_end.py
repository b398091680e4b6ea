"""The whole of it, as an operator runs it: the real encoder, the real corpus, a real process on a real port."""

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from index.snapshot import activate, current_version
from tests.conftest import copy_own_corpus, share_exports

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CITEWELL = [sys.executable, "-c", "from service.cli import main; main()"]
START_S, BUILD_S, SWAP_S = 120, 300, 60
#: question, what a passage must say to answer it, and the reference behind that.
ANSWERED = [
    ("What helps a calf cramp at night?", r"stretch[^.]*\b(calf|calves)\b|\b(calf|calves)\b[^.]*stretch", 4),
    ("Is quinine safe for cramps?", r"quinine[^.]*(toxic|avoid)", 3),
    ("shud i avoid cofee befor bed if i get nite cramps", r"caffeine|coffee", 2),
    ("What happens if I stop baclofen suddenly?", r"seizure", 5),
]
UNANSWERED = "Which form do I need for my tax return?"

_AUDIT = """\
import os, sys

def _note(event, args):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        with open(os.environ["SOCKETS_SEEN"], "a") as seen:
            seen.write(f"{event} {args[1:] if event in ('socket.bind', 'socket.connect') else args}\\n")

sys.addaudithook(_note)
"""


@dataclass
class Server:
    """A running `citewell serve`."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path
    client: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx2.Client(base_url=self.address, timeout=START_S, trust_env=False)

    def ask(self, question: str, **fields: Any) -> dict[str, Any]:
        response = self.client.post("/v1/ask", json={"question": question, **fields})
        assert response.status_code == 200, response.text
        reply: dict[str, Any] = response.json()
        return reply

    def reply_bytes(self, question: str) -> bytes:
        """Return a reply as it was sent, but for the time it took."""
        content = self.client.post("/v1/ask", json={"question": question, "top_k": 50}).content
        return re.sub(rb'"took_ms":[0-9.eE+-]+', b"", content)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the real corpus and what is built from it."""
    home = tmp_path_factory.mktemp("home")
    copy_own_corpus(home / "corpus")
    share_exports(home / "cache")
    (home / "audit").mkdir()
    (home / "audit" / "sitecustomize.py").write_text(_AUDIT)
    return home


def environment(home: Path, *, sockets: Path, **changes: str) -> Mapping[str, str]:
    """Return an environment that works in a folder only and notes every socket."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CITEWELL_", "OMP_"))}
    return {
        **kept,
        "PYTHONPATH": f"{home / 'audit'}{os.pathsep}{ROOT}",
        "SOCKETS_SEEN": str(sockets),
        "CITEWELL_CORPUS_DIR": str(home / "corpus"),
        "CITEWELL_INDEX_DIR": str(home / "index"),
        "CITEWELL_CACHE_DIR": str(home / "cache"),
        "CITEWELL_SWAP_CHECK_S": "0.1",
        **changes,
    }


def run_build(home: Path, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [*CITEWELL, "build", "--json", *arguments],
        env=environment(home, sockets=home / "build-sockets"),
        capture_output=True,
        timeout=BUILD_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture(scope="module")
def built(home: Path) -> dict[str, Any]:
    return run_build(home)


@contextlib.contextmanager
def serving(home: Path, name: str, **changes: str) -> Iterator[Server]:
    """Start a server, wait until it is ready, and end it by SIGINT."""
    log = home / f"{name}.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*CITEWELL, "serve", "--port", "0"],
            env=environment(home, sockets=home / f"{name}-sockets", **changes),
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        server = Server(process, wait_for_address(process, log), log)
        assert server.client.get("/health/live").status_code == 200
        wait_until(lambda: server.client.get("/health/ready").status_code == 200, within_s=START_S)
        yield server
        server.client.close()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"http://[\d.]+:\d+", log.read_text()):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"no address in {log.read_text()!r}")


@pytest.fixture(scope="module")
def server(home: Path, built: dict[str, Any]) -> Iterator[Server]:
    assert built["n_references"] == 5
    with serving(home, "server") as server:
        yield server


@pytest.fixture(scope="module")
def expected(server: Server) -> dict[str, bytes]:
    return {question: server.reply_bytes(question) for question, _, _ in ANSWERED}


@pytest.mark.parametrize(("question", "nugget", "number"), ANSWERED)
def test_a_passage_that_says_it_comes_first_with_its_number(
    server: Server, question: str, nugget: str, number: int
) -> None:
    reply = server.ask(question)

    first = reply["passages"][0]
    assert re.search(nugget, first["text"], re.IGNORECASE), first["text"]
    assert number in first["references"]
    assert number in [each["number"] for each in reply["references"]]


@pytest.mark.parametrize(("question", "nugget", "number"), ANSWERED)
def test_the_answer_says_it_in_a_sentence_with_its_number(
    server: Server, question: str, nugget: str, number: int
) -> None:
    reply = server.ask(question)

    assert reply["answerable"] is True
    saying = [each for each in reply["answer"]["sentences"] if re.search(nugget, each["text"], re.IGNORECASE)]
    assert any(number in each["references"] for each in saying)


def test_a_question_on_tax_is_not_answered(server: Server) -> None:
    reply = server.ask(UNANSWERED)

    assert reply["answerable"] is False
    assert reply["answer"] is None
    assert reply["passages"]


def test_every_passage_stands_in_its_document(server: Server) -> None:
    listed = server.client.get("/v1/documents").json()["documents"]

    for doc_id in [each["doc_id"] for each in listed]:
        document = server.client.get(f"/v1/documents/{doc_id}").json()
        for passage in document["passages"]:
            assert document["text"][passage["start"] : passage["end"]] == passage["text"]


def test_a_second_build_elsewhere_gives_the_same_version(
    home: Path, built: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copytree(home / "corpus", tmp_path / "corpus")
    shutil.copytree(home / "audit", tmp_path / "audit")

    assert run_build(tmp_path)["version"] == built["version"]


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_restart_gives_the_same_bytes_on_any_number_of_threads(
    home: Path, expected: dict[str, bytes], threads: str
) -> None:
    with serving(
        home, f"restart-{threads}", OMP_NUM_THREADS=threads, CITEWELL_QUERY_THREADS=threads
    ) as restarted:
        again = {question: restarted.reply_bytes(question) for question in expected}

    assert again == expected
    assert restarted.process.returncode == 0
    assert "Traceback" not in restarted.log.read_text()


def test_repeats_give_the_same_bytes(server: Server, expected: dict[str, bytes]) -> None:
    for question, content in expected.items():
        assert {server.reply_bytes(question) for _ in range(25)} == {content}


def test_a_build_opens_no_socket_at_all(home: Path, built: dict[str, Any]) -> None:
    assert built["version"]

    assert not (home / "build-sockets").exists() or (home / "build-sockets").read_text() == ""


def test_a_server_opens_no_socket_but_the_listening_one(home: Path, server: Server) -> None:
    server.ask("Is quinine safe for cramps?")
    server.client.get("/docs")

    seen = (home / "server-sockets").read_text().splitlines()

    assert seen == ["socket.bind (('127.0.0.1', 0),)"]


@dataclass
class Asker:
    """Asks again and again on a thread of its own, and notes every version that answered."""

    server: Server
    versions: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Asker":
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with httpx2.Client(base_url=self.server.address, timeout=60, trust_env=False) as client:
            while not self._stop.wait(0.05):
                try:
                    response = client.post("/v1/ask", json={"question": "What helps a cramp?"})
                except httpx2.HTTPError as error:
                    self.failures.append(repr(error))
                    continue
                if response.status_code == 200:
                    self.versions.append(response.json()["index"]["version"])
                else:
                    self.failures.append(response.text)


def wait_until(happened: Any, *, within_s: float) -> None:
    until = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.002)


def start_build(home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*CITEWELL, "build"],
        env=environment(home, sockets=home / "build-sockets"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def add_document(home: Path) -> None:
    """Add so much that embedding it takes a while."""
    paragraphs = "\n\n".join(
        f"Walker {number} put out a foot at dawn on day {number * 7} and felt nothing but the cold grass."
        for number in range(80)
    )
    (home / "corpus" / "walkers.md").write_text(f"# Walkers at dawn\n\n{paragraphs}\n")


def test_a_killed_build_harms_nothing_and_the_next_one_takes_over_without_a_failed_request(
    home: Path, built: dict[str, Any], tmp_path: Path
) -> None:
    for part in ("corpus", "index", "cache", "audit"):
        shutil.copytree(home / part, tmp_path / part)
    old, index = built["version"], tmp_path / "index"
    with serving(tmp_path, "swap") as server, Asker(server) as asker:
        add_document(tmp_path)

        builder = start_build(tmp_path)
        wait_until(lambda: any(index.glob(".building-*/content.sqlite")), within_s=BUILD_S)
        builder.kill()
        assert builder.wait() == -signal.SIGKILL
        left = list(index.glob(".building-*"))
        asked = len(asker.versions)
        wait_until(lambda: len(asker.versions) > asked + 3, within_s=SWAP_S)
        after_the_kill = set(asker.versions)

        new = run_build(tmp_path)["version"]
        wait_until(lambda: asker.versions[-1] == new, within_s=SWAP_S)
        first = server.ask("What did walker 7 feel at dawn?")["passages"][0]

        activate(index, old)
        wait_until(lambda: asker.versions[-1] == old, within_s=SWAP_S)

    assert left
    assert after_the_kill == {old}
    assert new != old
    assert asker.failures == []
    assert [version for version, _ in itertools.groupby(asker.versions)] == [old, new, old]
    assert first["document"]["doc_id"] == "walkers"
    assert current_version(index) == old
    assert not list(index.glob(".building-*"))
    assert "Traceback" not in server.log.read_text()
