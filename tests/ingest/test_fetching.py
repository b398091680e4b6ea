"""What may go wrong between here and a server, shown with a real server that does it."""

import gzip
import shutil
import ssl
import subprocess
import threading
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.errors import AddressRefusedError, FetchingError
from ingest.fetching import WebClient
from tests.local_web import QUICK, Answer, LocalWeb, Request

HOST = "health.test"


def serve(web: LocalWeb, answer: Answer, path: str = "/") -> str:
    web.pages(HOST, {path: answer})
    return web.url_of(HOST, path)


def test_a_page_comes_back_as_it_was_sent(web: LocalWeb) -> None:
    url = serve(web, Answer(b"<p>Drink enough.</p>"), "/water")

    response = web.client().get(f"{url}?lang=en#top")

    assert response.body == b"<p>Drink enough.</p>"
    assert response.url == f"{url}?lang=en"


def test_the_server_is_told_the_host_name_and_who_asks_but_no_cookies(web: LocalWeb) -> None:
    web.client(user_agent="citewell (mailto:editor@clinic.example)").get(serve(web, Answer(b"ok")))

    headers = web.requests[0].headers
    assert headers["host"] == f"{HOST}:{web.port}"
    assert headers["user-agent"] == "citewell (mailto:editor@clinic.example)"
    assert not {"cookie", "authorization", "referer"} & set(headers)


def test_a_body_without_a_stated_length_is_read_to_its_end(web: LocalWeb) -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"

    assert web.client().get(serve(web, Answer(raw=raw))).body == b"hello world"


# --- where it may go ---------------------------------------------------------------------------------


def test_this_machine_is_not_reached_without_being_allowed(web: LocalWeb) -> None:
    with pytest.raises(AddressRefusedError, match="this machine itself"):
        web.client(reachable=frozenset()).get(serve(web, Answer(b"secret")))

    assert web.requests == []


@pytest.mark.parametrize("literal", ["127.0.0.1", "[::1]", "2130706433", "0x7f.1", "localhost"])
def test_no_spelling_of_this_machine_is_reached_by_the_systems_resolver(literal: str) -> None:
    with pytest.raises((AddressRefusedError, FetchingError)):
        WebClient(limits=QUICK).get(f"http://{literal}/")


def test_a_name_with_a_private_address_among_public_ones_is_refused_unvisited(web: LocalWeb) -> None:
    client = web.client(resolve=lambda _host, _port: ["93.184.215.14", "10.0.0.7"])

    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.7"):
        client.get("https://health.test/")


def test_a_name_is_resolved_once_and_the_connection_goes_to_what_was_checked(web: LocalWeb) -> None:
    url = serve(web, Answer(b"ok"))
    answers = iter([["127.0.0.1"], ["10.0.0.7"]])

    assert web.client(resolve=lambda _host, _port: next(answers)).get(url).body == b"ok"
    assert next(answers) == ["10.0.0.7"]


def test_a_public_address_on_an_unusual_port_is_refused() -> None:
    client = WebClient(limits=QUICK, resolve=lambda _host, _port: ["93.184.215.14"])

    with pytest.raises(AddressRefusedError, match="port 22"):
        client.get("http://health.test:22/")


def test_an_unknown_name_is_reported_by_name(web: LocalWeb) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(FetchingError, match=r"nowhere\.test cannot be resolved"):
        web.client(resolve=unknown).get("http://nowhere.test/")


def test_a_resolver_that_never_answers_is_given_up(web: LocalWeb) -> None:
    never = threading.Event()

    def hang(host: str, port: int) -> list[str]:
        never.wait(30)
        return []

    client = web.client(resolve=hang, limits=replace(QUICK, total_s=0.2))
    try:
        with pytest.raises(FetchingError, match="not be resolved in time"):
            client.get("http://health.test/")
    finally:
        never.set()


# --- redirects ---------------------------------------------------------------------------------------


def test_redirects_are_followed_and_the_last_address_is_reported(web: LocalWeb) -> None:
    web.pages(
        HOST,
        {
            "/old": Answer(status=301, headers={"Location": "/newer"}),
            "/newer": Answer(status=302, headers={"Location": f"http://other.test:{web.port}/here"}),
        },
    )
    web.pages("other.test", {"/here": b"found"})

    response = web.client().get(web.url_of(HOST, "/old"))

    assert (response.url, response.body) == (web.url_of("other.test", "/here"), b"found")
    assert web.lookups == [HOST, HOST, "other.test"]


def test_a_redirect_into_the_private_network_is_refused(web: LocalWeb) -> None:
    url = serve(web, Answer(status=302, headers={"Location": "http://metadata.test/latest"}))
    private = {HOST: ["127.0.0.1"], "metadata.test": ["169.254.169.254"]}

    with pytest.raises(AddressRefusedError, match=r"169\.254\.169\.254"):
        web.client(resolve=lambda host, _port: private[host]).get(url)


def test_a_redirect_to_another_port_of_this_machine_is_refused(web: LocalWeb) -> None:
    url = serve(web, Answer(status=307, headers={"Location": "http://127.0.0.1:1/"}))

    with pytest.raises(AddressRefusedError, match="this machine itself"):
        web.client().get(url)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://u:p@health.test/", "javascript:alert(1)"])
def test_a_redirect_to_a_forbidden_address_is_refused(web: LocalWeb, location: str) -> None:
    with pytest.raises(AddressRefusedError):
        web.client().get(serve(web, Answer(status=302, headers={"Location": location})))


def test_a_redirect_loop_ends_after_five(web: LocalWeb) -> None:
    with pytest.raises(FetchingError, match="more than 5 times"):
        web.client().get(serve(web, Answer(status=302, headers={"Location": "/"})))

    assert len(web.requests) == 6


def test_a_redirect_that_leads_nowhere_is_reported(web: LocalWeb) -> None:
    with pytest.raises(FetchingError, match="without saying where to"):
        web.client().get(serve(web, Answer(status=302)))


# --- faults ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [201, 204, 403, 404, 410, 418, 429, 500, 503])
def test_any_answer_but_200_is_reported_with_its_status(web: LocalWeb, status: int) -> None:
    with pytest.raises(FetchingError, match=f"answers {status}"):
        web.client().get(serve(web, Answer(status=status)))


def test_how_long_a_server_asks_to_wait_is_passed_on(web: LocalWeb) -> None:
    with pytest.raises(FetchingError, match="asks to wait: 120"):
        web.client().get(serve(web, Answer(status=429, headers={"Retry-After": "120"})))


def test_an_answer_that_breaks_off_is_not_taken_for_whole(web: LocalWeb) -> None:
    with pytest.raises(FetchingError, match="breaks off"):
        web.client().get(serve(web, Answer(b"half of it", length=20)))


def test_what_a_server_sends_past_its_stated_length_is_not_read(web: LocalWeb) -> None:
    assert web.client().get(serve(web, Answer(b"the page and more", length=8))).body == b"the page"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
    ],
)
def test_an_answer_that_is_not_http_is_reported(web: LocalWeb, raw: bytes) -> None:
    with pytest.raises(FetchingError):
        web.client().get(serve(web, Answer(raw=raw)))


def test_a_closed_port_is_reported(web: LocalWeb) -> None:
    other = LocalWeb()
    other.stop()
    client = web.client(reachable=frozenset({("127.0.0.1", other.port)}))

    with pytest.raises(FetchingError, match="no connection"):
        client.get(other.url_of(HOST))


def test_a_server_that_says_nothing_is_given_up(web: LocalWeb) -> None:
    url = serve(web, Answer(b"late", drip_s=30))

    with pytest.raises(FetchingError, match="takes too long"):
        web.client(limits=replace(QUICK, read_s=0.2)).get(url)


def test_a_server_that_drips_is_given_up_when_the_whole_time_is_up(web: LocalWeb) -> None:
    url = serve(web, Answer(b"x" * 10_000, drip_s=0.02))

    with pytest.raises(FetchingError, match="takes too long"):
        web.client(limits=replace(QUICK, total_s=0.5)).get(url)


def test_the_second_address_of_a_host_is_tried_when_the_first_is_down(web: LocalWeb) -> None:
    url = serve(web, Answer(b"ok"))
    both = frozenset({("127.0.0.1", web.port), ("127.0.0.2", web.port)})
    client = web.client(resolve=lambda _host, _port: ["127.0.0.2", "127.0.0.1"], reachable=both)

    assert client.get(url).body == b"ok"


# --- size --------------------------------------------------------------------------------------------


def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_refused(web: LocalWeb) -> None:
    limited = web.client(limits=replace(QUICK, max_bytes=1_000))

    assert len(limited.get(serve(web, Answer(b"x" * 1_000))).body) == 1_000
    with pytest.raises(FetchingError, match="more than 1,000 bytes"):
        limited.get(serve(web, Answer(b"x" * 1_001)))


def test_an_endless_body_is_refused_at_the_limit(web: LocalWeb) -> None:
    raw = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000

    with pytest.raises(FetchingError, match="more than 2,000,000 bytes"):
        web.client().get(serve(web, Answer(raw=raw)))


def zipped(body: bytes) -> Answer:
    return Answer(body, headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1_500_000])
def test_a_compressed_body_comes_back_whole(web: LocalWeb, size: int) -> None:
    body = bytes(at * 7 % 251 for at in range(size))

    assert web.client().get(serve(web, zipped(gzip.compress(body)))).body == body


def test_a_compressed_body_of_several_members_comes_back_whole(web: LocalWeb) -> None:
    body = gzip.compress(b"first, ") + gzip.compress(b"second")

    assert web.client().get(serve(web, zipped(body))).body == b"first, second"


def test_a_compression_bomb_is_refused_before_it_unfolds(web: LocalWeb) -> None:
    bomb = gzip.compress(b"\0" * 100_000_000, compresslevel=9)
    assert len(bomb) < QUICK.max_bytes

    with pytest.raises(FetchingError, match=r"decompressed answer .* more than 2,000,000 bytes"):
        web.client().get(serve(web, zipped(bomb)))


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"x" * 9_999)[:-9], b"no gzip", zlib.compress(b"other"), gzip.compress(b"a") + b"junk"],
)
def test_a_damaged_compressed_body_is_refused(web: LocalWeb, body: bytes) -> None:
    with pytest.raises(FetchingError, match=r"breaks off|damaged"):
        web.client().get(serve(web, zipped(body)))


def test_an_encoding_that_was_not_asked_for_is_refused(web: LocalWeb) -> None:
    with pytest.raises(FetchingError, match="'br'"):
        web.client().get(serve(web, Answer(b"x", headers={"Content-Encoding": "br"})))


# --- environment and TLS -----------------------------------------------------------------------------


def test_proxies_of_the_environment_play_no_part(web: LocalWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert web.client().get(serve(web, Answer(b"direct"))).body == b"direct"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for health.test that signs itself, and its key, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, which makes the certificate for this test")
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=health.test "
        "-addext subjectAltName=DNS:health.test -keyout key.pem -out cert.pem"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both


@pytest.fixture
def secure_web(certificate: Path) -> Iterator[LocalWeb]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    local = LocalWeb(tls=context)
    for host in (HOST, "other.test"):
        local.sites[host] = lambda _request: Answer(b"private talk")
    yield local
    local.stop()


def test_over_tls_the_certificate_is_held_against_the_name_not_the_address(
    secure_web: LocalWeb, certificate: Path
) -> None:
    client = secure_web.client(ssl_context=ssl.create_default_context(cafile=certificate))

    assert client.get(secure_web.url_of(HOST)).body == b"private talk"
    with pytest.raises(FetchingError, match=r"(?i)certificate|hostname"):
        client.get(secure_web.url_of("other.test"))


def test_a_certificate_that_nobody_vouches_for_is_refused(secure_web: LocalWeb) -> None:
    with pytest.raises(FetchingError, match=r"(?i)certificate"):
        secure_web.client().get(secure_web.url_of(HOST))


def test_a_request_carries_the_path_and_query_as_given(web: LocalWeb) -> None:
    seen: list[Request] = []

    def site(request: Request) -> Answer:
        seen.append(request)
        return Answer(b"ok")

    web.sites[HOST] = site
    web.client().get(web.url_of(HOST, "/works/10.5555%2Fab?q=a%20b&c=ü"))

    assert seen[0].target == "/works/10.5555%2Fab?q=a%20b&c=%C3%BC"
