"""Sending many requests over kept connections, cheaply enough to share a machine with what it measures."""

import asyncio
import json
import math
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_TIMEOUT_S = 30.0
#: A cache of replies of this size is full after some hundred of them.
SMALL_REPLY_CACHE_MB = "1"
#: After so many long questions the memory of encoded ones, 32,768 tokens, is full.
_LONG_QUESTIONS, _LONG_CHARS = 200, 900


@dataclass(slots=True)
class Tally:
    """What came back: how often each status, and how long each 200 took."""

    statuses: dict[int, int] = field(default_factory=dict)
    took_ms: list[float] = field(default_factory=list)
    versions: set[bytes] = field(default_factory=set)
    lost: int = 0  # no reply at all

    def add(self, status: int, took_ms: float) -> None:
        """Count one reply."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status == 200:
            self.took_ms.append(took_ms)

    def merge(self, other: "Tally") -> None:
        """Count what another one counted, too."""
        for status, count in other.statuses.items():
            self.statuses[status] = self.of(status) + count
        self.took_ms += other.took_ms
        self.versions |= other.versions
        self.lost += other.lost

    def of(self, status: int) -> int:
        """Return how often a status came."""
        return self.statuses.get(status, 0)

    def percentile(self, share: float) -> float:
        """Return the latency that a share of the 200s kept to, in ms; nan if there were none."""
        ordered = sorted(self.took_ms)
        return ordered[math.ceil(share * len(ordered)) - 1] if ordered else math.nan


class Connection:
    """One kept connection; a request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Return status and body; of a reply without a length, an empty body.

        A kept connection may have been closed in the meantime, as HTTP allows; then another is opened.

        Raises:
            OSError, EOFError: If the connection breaks; the next request opens another.
        """
        if self._writer is not None:
            try:
                return await self._exchange(request)
            except (ConnectionError, EOFError):
                pass
        return await self._exchange(request)

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            self._writer.write(request)
            head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), _TIMEOUT_S)
            lowered = head.lower()
            at = lowered.find(b"content-length:")
            length = int(lowered[at + 15 : lowered.index(b"\r\n", at)]) if at >= 0 else 0
            body = await self._reader.readexactly(length)
        except BaseException:
            self.close()
            raise
        if b"connection: close" in lowered:
            self.close()
        return int(head[9:12]), body

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


def get(path: str) -> bytes:
    """Return a GET as it is sent."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def ask(question: str) -> bytes:
    """Return a question as it is sent."""
    body = json.dumps({"question": question}).encode()
    head = f"POST /v1/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def endless_questions(path: Path, *, seed: int) -> Iterator[bytes]:
    """Yield requests with the questions of a set, none of them twice alike, so that no cache helps."""
    lines = path.read_text(encoding="utf-8").splitlines()
    questions = [str(json.loads(line)["question"]) for line in lines]
    source = random.Random(seed)  # noqa: S311  # the same load every time
    while True:
        yield ask(f"{source.choice(questions)} ({source.randrange(10**6)})")


def fill_caches(port: int, path: Path) -> None:
    """Ask long questions, made of the words of a set, until what was asked first is forgotten.

    Memory that grows afterwards is not what is remembered on purpose.

    Raises:
        RuntimeError: If one is not answered.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    words = " ".join(str(json.loads(line)["question"]) for line in lines).split()
    source = random.Random(20261126)  # noqa: S311  # the same questions every time

    async def send_all() -> None:
        connection = Connection(port)
        for _ in range(_LONG_QUESTIONS):
            status, _body = await connection.send(
                ask(" ".join(source.choices(words, k=_LONG_CHARS))[:_LONG_CHARS])
            )
            if status != 200:
                raise RuntimeError(f"a long question was answered {status}")
        connection.close()

    asyncio.run(send_all())


async def closed_loop(port: int, requests: Iterator[bytes], *, clients: int, seconds: float) -> Tally:
    """Let so many clients ask one question after the other."""
    tally, until = Tally(), time.perf_counter() + seconds

    async def client() -> None:
        connection = Connection(port)
        while time.perf_counter() < until:
            await _send(connection, next(requests), tally)
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return tally


async def open_loop(port: int, requests: Iterator[bytes], *, per_s: float, seconds: float) -> Tally:
    """Send so many a second whatever becomes of them, each over a connection that is free."""
    tally, free, tasks = Tally(), [Connection(port)], set[asyncio.Task[None]]()

    async def one(request: bytes) -> None:
        connection = free.pop() if free else Connection(port)
        await _send(connection, request, tally)
        free.append(connection)

    started, sent = time.perf_counter(), 0
    while (passed := time.perf_counter() - started) < seconds:
        while sent < passed * per_s:
            task = asyncio.create_task(one(next(requests)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            sent += 1
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)
    for connection in free:
        connection.close()
    return tally


async def _send(connection: Connection, request: bytes, tally: Tally) -> None:
    began = time.perf_counter()
    try:
        status, body = await connection.send(request)
    except (OSError, EOFError, TimeoutError):
        tally.lost += 1
        return
    tally.add(status, 1_000 * (time.perf_counter() - began))
    if status == 200 and (at := body.find(b'"version":"')) >= 0:
        tally.versions.add(body[at + 11 : body.index(b'"', at + 11)])


def probe_health(port: int, seconds: float, every_s: float = 0.05) -> tuple[Tally, Tally]:
    """Ask again and again whether a service is alive; to be run in a process of its own.

    Returns:
        What the service answered, and beside it what a server that does nothing else did, asked in turn: what
        that takes is the machine's doing.
    """

    async def run() -> tuple[Tally, Tally]:
        tally, bare, until = Tally(), Tally(), time.perf_counter() + seconds
        with bare_server() as bare_port:
            connection, beside = Connection(port), Connection(bare_port)
            while time.perf_counter() < until:
                await _send(connection, get("/health/live"), tally)
                await _send(beside, get("/health/live"), bare)
                await asyncio.sleep(every_s)
            connection.close()
            beside.close()
        return tally, bare

    return asyncio.run(run())


_BARE = """
import asyncio
async def answer(reader, writer):
    while await reader.readuntil(b"\\r\\n\\r\\n"):
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 15\\r\\n\\r\\n" + b'{"status":"ok"}')
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


@contextmanager
def bare_server() -> Iterator[int]:
    """Run a server of a few lines in a process of its own, and yield its port."""
    process = subprocess.Popen(  # noqa: S603  # our own command
        [sys.executable, "-c", _BARE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    return sorted(values)[len(values) // 2]
