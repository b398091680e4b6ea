"""Admin routes: who gets in, who does not, and what each of them is told."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from ingest.errors import CitewellError
from service.auth import ADMIN_STATUSES, Admin
from service.cli import app as command_line
from service.keys import KeysError, StoredKey, add_key, find_key, hash_key, read_keys, revoke_key
from service.problems import problem_responses
from service.serving_index import ServingIndex
from service.settings import Settings, read_settings
from tests.service.conftest import make_app
from tests.service.test_problems import assert_problem

FROM_ENVIRONMENT = "a long enough key for the environment"
#: Routes that change nothing but a counter, and so are open to every reader.
OPEN_TO_READERS = {"/v1/ask", "/v1/ask/batch", "/v1/feedback"}

probe = APIRouter(responses=problem_responses("default", *ADMIN_STATUSES))


@probe.post("/v1/probe", summary="Probe", tags=["test"])
async def probed(key: Admin) -> dict[str, str]:
    """Say whose key it was."""
    return {"name": key.name}


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return tmp_path / "var" / "keys.json"


@pytest.fixture
def admin_client(serving: ServingIndex, keys_file: Path) -> Iterator[TestClient]:
    """A service with an admin's key in its environment, and one admin route more than it has by itself."""
    app = make_app(serving, keys_file=keys_file, admin_key=FROM_ENVIRONMENT)
    app.include_router(probe)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def bearing(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def admin_operations(client: TestClient) -> Iterator[tuple[str, str]]:
    """Yield method and address of every operation that asks for a key, with something for each parameter."""
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            if operation.get("security"):
                yield method, path.replace("{", "").replace("}", "")


def test_whatever_can_change_something_asks_for_a_key(admin_client: TestClient) -> None:
    paths = admin_client.get("/openapi.json").json()["paths"]

    changing = {
        (path, method): operation
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method in ("post", "put", "patch", "delete") and path not in OPEN_TO_READERS
    }
    assert ("/v1/probe", "post") in changing
    for name, operation in changing.items():
        assert operation.get("security") == [{"AdminKey": []}], name


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {FROM_ENVIRONMENT}x",
        f"Bearer {FROM_ENVIRONMENT[:-1]}",
        f"Basic {FROM_ENVIRONMENT}",
        f"Digest {hash_key(FROM_ENVIRONMENT)}",
        f"Bearer {hash_key(FROM_ENVIRONMENT)}",
        "Bearer " + "k" * 8_000,
        "Bearer \xff\xfe",
    ],
)
def test_every_admin_route_refuses_whoever_has_no_valid_key(
    admin_client: TestClient, authorization: str | None
) -> None:
    headers = {} if authorization is None else {b"authorization": authorization.encode("latin-1")}

    operations = list(admin_operations(admin_client))
    assert operations
    for method, path in operations:
        response = admin_client.request(method, path, headers=headers)
        assert_problem(response, 401, says="Bearer")
        assert response.headers["www-authenticate"].startswith("Bearer ")


def test_every_admin_route_refuses_a_readers_key(admin_client: TestClient, keys_file: Path) -> None:
    key = add_key(keys_file, name="front-end", role="reader")

    for method, path in admin_operations(admin_client):
        assert_problem(admin_client.request(method, path, headers=bearing(key)), 403, says="front-end")


def test_every_admin_route_is_closed_while_no_key_is_set(serving: ServingIndex, keys_file: Path) -> None:
    app = make_app(serving, keys_file=keys_file)
    app.include_router(probe)
    with TestClient(app, raise_server_exceptions=False) as client:
        for method, path in admin_operations(client):
            for headers in ({}, bearing("anything"), bearing("")):
                response = client.request(method, path, headers=headers)
                problem = assert_problem(response, 403, says="citewell keys add")
                assert "CITEWELL_ADMIN_KEY" in problem["detail"]


def test_a_readers_key_alone_leaves_admin_routes_closed(serving: ServingIndex, keys_file: Path) -> None:
    key = add_key(keys_file, name="front-end", role="reader")
    app = make_app(serving, keys_file=keys_file)
    app.include_router(probe)
    with TestClient(app) as client:
        assert_problem(client.post("/v1/probe", headers=bearing(key)), 403, says="citewell keys add")


def test_the_key_of_the_environment_and_every_stored_admin_key_open_them(
    admin_client: TestClient, keys_file: Path
) -> None:
    first, second = (add_key(keys_file, name=name, role="admin") for name in ("anna", "ben"))

    opened = [
        admin_client.post("/v1/probe", headers=bearing(key)).json()
        for key in (FROM_ENVIRONMENT, first, second)
    ]
    assert [each["name"] for each in opened] == ["CITEWELL_ADMIN_KEY", "anna", "ben"]


def test_a_key_is_replaced_while_the_service_runs(admin_client: TestClient, keys_file: Path) -> None:
    old = add_key(keys_file, name="editor", role="admin")
    assert admin_client.post("/v1/probe", headers=bearing(old)).status_code == 200

    new = add_key(keys_file, name="editor-2", role="admin")
    both = [admin_client.post("/v1/probe", headers=bearing(key)).status_code for key in (old, new)]
    revoke_key(keys_file, name="editor")

    assert both == [200, 200]
    assert_problem(admin_client.post("/v1/probe", headers=bearing(old)), 401)
    assert admin_client.post("/v1/probe", headers=bearing(new)).status_code == 200


def test_keys_that_cannot_be_read_open_nothing_and_show_nothing(
    admin_client: TestClient, keys_file: Path
) -> None:
    keys_file.parent.mkdir()
    keys_file.write_text('{"format": 1, "keys": [{"name": "anna"}]}')

    with capture_logs() as logs:
        response = admin_client.post("/v1/probe", headers=bearing(FROM_ENVIRONMENT))

    assert_problem(response, 503, says="log")
    assert str(keys_file) not in response.text
    assert any(each["event"] == "keys cannot be read" and "anna" not in str(each) for each in logs)


def test_what_admins_do_and_who_was_refused_is_logged_by_name_and_without_keys(
    admin_client: TestClient, keys_file: Path
) -> None:
    reader = add_key(keys_file, name="front-end", role="reader")

    with capture_logs() as logs:
        for key in (FROM_ENVIRONMENT, reader, "wrong-key-wrong-key"):
            admin_client.post("/v1/probe", headers=bearing(key))

    said = [(each["event"], each["key"]) for each in logs if each["event"].startswith("admin request")]
    assert said == [
        ("admin request", "CITEWELL_ADMIN_KEY"),
        ("admin request refused", "front-end"),
        ("admin request refused", None),
    ]
    assert not any(key in str(logs) for key in (FROM_ENVIRONMENT, reader, "wrong-key"))


def test_only_the_hash_of_a_key_is_kept_and_only_the_owner_can_read_it(keys_file: Path) -> None:
    key = add_key(keys_file, name="editor", role="admin")

    stored = keys_file.read_text()
    assert key not in stored
    assert key.removeprefix("citewell_") not in stored
    assert hash_key(key) in stored
    assert stat.S_IMODE(keys_file.stat().st_mode) == 0o600


def test_two_keys_are_never_alike_and_hold_256_random_bits(keys_file: Path) -> None:
    keys = {add_key(keys_file, name=f"editor-{at}", role="admin") for at in range(20)}

    assert len(keys) == 20
    assert {len(key.removeprefix("citewell_")) for key in keys} == {43}  # 43 characters of 6 bits


def test_every_key_is_compared_whatever_the_first_one_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append(right)
        return left == right

    monkeypatch.setattr("service.keys.hmac.compare_digest", compare)
    keys = [StoredKey(name, "admin", hash_key(name), "") for name in ("a", "b", "c")]

    assert find_key(keys, "a") is keys[0]
    assert find_key(keys, "x") is None
    assert compared == [each.sha256.encode() for each in keys] * 2


@pytest.mark.parametrize(
    "name", ["", "Editor", "a b", "../x", "a\nb", "x" * 64, "CITEWELL_ADMIN_KEY\n", "-a"]
)
def test_a_name_that_would_be_unclear_in_a_log_is_refused(keys_file: Path, name: str) -> None:
    with pytest.raises(KeysError, match="no name of a key"):
        add_key(keys_file, name=name, role="admin")


def test_a_name_is_given_once_and_only_what_is_there_is_revoked(keys_file: Path) -> None:
    add_key(keys_file, name="editor", role="admin")

    with pytest.raises(KeysError, match="There is a key called editor"):
        add_key(keys_file, name="editor", role="reader")
    with pytest.raises(KeysError, match="there are: editor"):
        revoke_key(keys_file, name="edith")
    assert [each.role for each in read_keys(keys_file)] == ["admin"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"format": 2, "keys": []}',
        '{"format": 1}',
        json.dumps(
            {"format": 1, "keys": [{"name": "a", "role": "root", "sha256": "0" * 64, "created_at": ""}]}
        ),
        json.dumps({"format": 1, "keys": [{"name": "a", "role": "admin", "sha256": "", "created_at": ""}]}),
    ],
)
def test_a_file_of_keys_that_is_not_ours_says_what_to_do(keys_file: Path, content: str) -> None:
    keys_file.parent.mkdir()
    keys_file.write_text(content)

    with pytest.raises(KeysError, match="citewell keys add"):
        read_keys(keys_file)


def test_a_secret_prints_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWELL_ADMIN_KEY", FROM_ENVIRONMENT)

    settings = read_settings()

    assert settings.admin_key is not None
    assert settings.admin_key.get_secret_value() == FROM_ENVIRONMENT
    assert (
        FROM_ENVIRONMENT
        not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    )


def test_a_short_admin_key_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWELL_ADMIN_KEY", "hunter2")

    with pytest.raises(CitewellError, match=r"CITEWELL_ADMIN_KEY: .*20") as caught:
        read_settings()
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__}"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command_line, ["keys", *arguments])


def test_the_commands_make_list_and_revoke_keys(monkeypatch: pytest.MonkeyPatch, keys_file: Path) -> None:
    monkeypatch.setenv("CITEWELL_KEYS_FILE", str(keys_file))

    nothing = run("list")
    made = run("add", "editor")
    reader: dict[str, Any] = json.loads(run("add", "front-end", "--role", "reader", "--json").stdout)
    listed = run("list")
    revoked = run("revoke", "editor", "--json")
    again = run("revoke", "editor")

    assert nothing.stdout == "There are no keys.\n"
    key = made.stdout.strip()
    assert read_keys(keys_file)[0].sha256 == hash_key(reader["key"])
    assert "cannot be shown again" in made.stderr
    assert [line.split()[:2] for line in listed.stdout.splitlines()] == [
        ["editor", "admin"],
        ["front-end", "reader"],
    ]
    assert key not in listed.output
    assert hash_key(key) not in listed.output
    assert json.loads(revoked.stdout) == {"revoked": "editor"}
    assert again.exit_code == 1
    assert "there are: front-end" in again.stderr
    assert [each.name for each in read_keys(keys_file)] == ["front-end"]


def test_the_file_of_keys_is_found_where_the_setting_says() -> None:
    assert Settings.model_fields["keys_file"].default == Path("var/keys.json")
