"""What differs between two versions, over HTTP."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.conftest import write_corpus
from tests.service.conftest import build_corpus, make_app, open_serving
from tests.service.test_problems import assert_problem

KEY = "an admin key that is long enough"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "corpus")
    return tmp_path


@pytest.fixture
def versions(home: Path) -> tuple[str, str]:
    """Two versions: the second has one document more and one less."""
    before = build_corpus(home / "corpus", home / "index")
    (home / "corpus" / "wasps.md").write_text(
        "# Wasps\n\nKeep calm and move away slowly.\n", encoding="utf-8"
    )
    (home / "corpus" / "ticks.txt").unlink()
    return before, build_corpus(home / "corpus", home / "index")


@pytest.fixture
def editor(home: Path, versions: tuple[str, str]) -> Iterator[TestClient]:
    app = make_app(
        open_serving(home / "index"),
        admin_key=KEY,
        keys_file=home / "keys.json",
        corpus_dir=home / "corpus",
        index_dir=home / "index",
        state_dir=home / "state",
    )
    headers = {"authorization": f"Bearer {KEY}"}
    with TestClient(app, raise_server_exceptions=False, headers=headers) as client:
        yield client


def test_documents_and_passages_that_differ_are_named(editor: TestClient, versions: tuple[str, str]) -> None:
    before, after = versions

    found = editor.get("/v1/index/diff", params={"before": before, "after": after}).json()

    assert (found["before"], found["after"]) == versions
    assert (found["documents_added"], found["documents_removed"]) == (["wasps"], ["ticks"])
    assert found["documents_changed"] == []
    assert found["n_passages_added"] == len(found["passages_added"]) == 1
    assert "Keep calm" in found["passages_added"][0]["text"]
    assert {each["doc_id"] for each in found["passages_removed"]} == {"ticks"}


def test_a_version_does_not_differ_from_itself(editor: TestClient, versions: tuple[str, str]) -> None:
    found = editor.get("/v1/index/diff", params={"before": versions[0], "after": versions[0]}).json()

    assert not any(found[name] for name in found if name not in ("before", "after"))


def test_an_unknown_version_is_not_found(editor: TestClient, versions: tuple[str, str]) -> None:
    response = editor.get("/v1/index/diff", params={"before": "0" * 16, "after": versions[1]})

    assert_problem(response, 404, says="There is no version")


def test_a_damaged_version_is_a_conflict(home: Path, editor: TestClient, versions: tuple[str, str]) -> None:
    damaged = home / "index" / versions[0]
    for path in damaged.rglob("*.sqlite"):
        path.chmod(0o600)
        shutil.copyfile(home / "corpus" / "wasps.md", path)

    response = editor.get("/v1/index/diff", params={"before": versions[0], "after": versions[1]})

    assert response.status_code == 409


def test_without_a_key_nothing_is_told(editor: TestClient, versions: tuple[str, str]) -> None:
    parameters = {"before": versions[0], "after": versions[1]}

    response = editor.get("/v1/index/diff", params=parameters, headers={"authorization": "Bearer wrong"})

    assert_problem(response, 401, says="admin key")
