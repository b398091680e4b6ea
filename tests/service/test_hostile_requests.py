"""A small draw of the attack that `python -m benchmarks.hostile_requests` makes at full size."""

import asyncio
import random
from pathlib import Path

from benchmarks.hostile_requests import Findings, draw_request, send_all
from service.serving_index import ServingIndex
from service.settings import Settings
from tests.service.conftest import make_app
from tests.service.running import running


def test_no_hostile_request_gets_a_server_error_a_silence_or_a_secret(
    serving: ServingIndex, tmp_path: Path
) -> None:
    bounds = Settings(request_timeout_s=0.5, state_dir=tmp_path / "state", keys_file=tmp_path / "keys.json")
    app = make_app(
        serving, request_timeout_s=0.5, state_dir=tmp_path / "state", keys_file=tmp_path / "keys.json"
    )

    with running(app, bounds) as server:
        findings = asyncio.run(send_all(server.port, 600, seed=7, hang_s=60))

    assert findings.failures == []
    assert sum(findings.statuses.values()) == 600
    assert {"200", "400", "404", "405", "408", "413", "422"} <= set(findings.statuses)


def test_what_should_never_come_is_found_when_it_comes() -> None:
    findings = Findings()

    findings.add(b"a", None)
    findings.add(b"b", b"HTTP/1.1 500 Internal Server Error\r\n\r\n")
    findings.add(b"c", b"garbage")
    findings.add(b"d", b"HTTP/1.1 200 OK\r\n\r\nroot:x:0:0:root")
    for fine in (b"", b"HTTP/1.1 503 Service Unavailable\r\n\r\n", b"HTTP/1.1 422 Unprocessable\r\n\r\n"):
        findings.add(b"e", fine)

    assert findings.failures == [("hang", b"a"), ("500", b"b"), ("no HTTP", b"c"), ("a secret", b"d")]


def test_the_same_seed_draws_the_same_attack() -> None:
    first, second = random.Random(1), random.Random(1)

    assert [draw_request(first) for _ in range(50)] == [draw_request(second) for _ in range(50)]
