"""`citewell add`, `remove` and `fetch`, as an editor types them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from index.embedding import Embedder
from ingest.corpus import load_corpus
from ingest.fetching import WebClient
from service import fetched_documents, wiring
from service.cli import app
from service.settings import Settings, read_settings
from tests.conftest import write_corpus
from tests.ingest.services import DOI, TITLE, FakeServices, crossref, europe_pmc, europe_pmc_result, jats
from tests.local_web import LocalWeb
from tests.twins import TwinEmbedder

PAGE = "# Frostbite\n\nWarm the hands slowly.\n"


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_corpus(tmp_path / "corpus")
    monkeypatch.setenv("CITEWELL_CORPUS_DIR", str(folder))
    monkeypatch.setenv("CITEWELL_INDEX_DIR", str(tmp_path / "index"))
    monkeypatch.setenv("CITEWELL_CACHE_DIR", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServices]:
    """The literature services on this machine, in the place of the real ones."""
    web = LocalWeb()
    services = FakeServices(web, europe_pmc(europe_pmc_result()), full_text=jats(), crossref=crossref())

    def client(_settings: Settings) -> WebClient:
        return web.client()

    monkeypatch.setattr(fetched_documents, "web_client", client)
    monkeypatch.setattr(fetched_documents, "services", lambda: services.services)
    yield services
    web.stop()


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def json_of(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def doc_ids(corpus: Path) -> set[str]:
    return {document.doc_id for document in load_corpus(corpus).documents}


def test_a_file_is_added_and_the_next_step_is_named(corpus: Path, page: Path) -> None:
    result = run("add", page, "--licence", "CC BY 4.0")

    assert result.exit_code == 0
    assert result.stdout.startswith("Added frostbite, an article (full text), in added/frostbite-")
    assert "citewell build" in result.stderr
    assert "frostbite" in doc_ids(corpus)


def test_adding_it_again_says_that_it_is_there(corpus: Path, page: Path) -> None:
    run("add", page)

    again = run("add", page)
    facts = json_of(run("add", page, "--json"))

    assert "It is there already: frostbite" in again.stdout
    assert (facts["added"], facts["document"]["doc_id"]) == (False, "frostbite")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "nowhere.md"], "There is no file 'nowhere.md'"),
        (["add", "."], "is no file"),
        (["add", "10.5555/none", "--reference", "99"], "no reference 99"),
        (["remove", "nobody"], "no document 'nobody'"),
        (["fetch", "just words"], "neither a DOI"),
        (["fetch", "http://127.0.0.1/"], "this machine itself"),
        (["add", "http://[::1]:8000/v1/index"], "this machine itself"),
        (["add", "file:///etc/passwd"], "only http and https"),
    ],
)
def test_what_an_editor_can_put_right_is_one_message_and_exit_code_1(
    corpus: Path, arguments: list[str], words: str
) -> None:
    result = run(*arguments)

    assert result.exit_code == 1
    assert words in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr


def test_an_unreadable_file_is_refused_with_its_reason(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").write_bytes(b"")

    result = run("add", tmp_path / "empty.pdf")

    assert result.exit_code == 1
    assert "empty" in result.stderr


def test_a_removed_document_is_gone_and_kept(corpus: Path) -> None:
    facts = json_of(run("remove", "ticks", "--json"))

    assert "ticks" not in doc_ids(corpus)
    assert (corpus / facts["kept_at"]).read_text(encoding="utf-8").startswith("Ticks after gardening")


def test_build_can_follow_at_once_and_json_stays_one_object(
    corpus: Path, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_twin(_settings: Settings, **_options: object) -> Embedder:
        return TwinEmbedder()

    monkeypatch.setattr(wiring, "make_embedder", make_twin)

    assert json_of(run("add", page, "--build", "--json"))["document"]["doc_id"] == "frostbite"
    assert json_of(run("status", "--json"))["counts"]["documents"] == 7
    assert "Built" in run("remove", "frostbite", "--build").stdout


# --- fetching ----------------------------------------------------------------------------------------


def test_a_work_is_fetched_checked_and_added_with_where_it_comes_from(
    corpus: Path, fake: FakeServices
) -> None:
    facts = json_of(run("add", DOI, "--json"))

    entry = facts["document"]
    assert (entry["title"], entry["doi"], entry["fidelity"]) == (TITLE, DOI, "full_text")
    assert entry["licence"] == "https://creativecommons.org/licenses/by/4.0/"
    assert entry["retrieved_from"].endswith("/fullTextXML")
    assert len(entry["retrieved_at"]) == len("2026-02-03")
    assert [attempt["succeeded"] for attempt in facts["attempts"]] == [True, True, True]
    assert (corpus / entry["path"]).read_bytes() == jats()


def test_a_work_that_is_not_the_reference_it_is_given_for_is_not_added(
    corpus: Path, fake: FakeServices
) -> None:
    run("remove", "tablets")
    before = doc_ids(corpus)

    result = run("add", DOI, "--reference", "2")

    assert result.exit_code == 1
    assert "another work" in result.stderr
    assert doc_ids(corpus) == before


def test_a_retracted_work_is_added_with_a_warning_that_stays(corpus: Path, fake: FakeServices) -> None:
    fake.crossref = crossref(**{"updated-by": [{"type": "retraction", "DOI": "10.5555/notice"}]})

    result = run("add", DOI)

    assert "look at: This work has been retracted." in result.stderr
    assert any("has been retracted" in warning for warning in load_corpus(corpus).warnings)


def test_a_work_that_is_there_already_is_replaced_only_when_told_to(corpus: Path, fake: FakeServices) -> None:
    doc_id = json_of(run("add", DOI, "--json"))["document"]["doc_id"]
    fake.full_text = jats(extra="<kwd-group><kwd>bees</kwd></kwd-group>")

    refused = run("add", DOI)
    replaced = json_of(run("add", DOI, "--replace", doc_id, "--json"))

    assert refused.exit_code == 1
    assert f"--replace {doc_id}" in refused.stderr
    assert replaced["document"]["doc_id"] == doc_id


def test_fetch_shows_what_there_is_and_changes_nothing(
    corpus: Path, fake: FakeServices, tmp_path: Path
) -> None:
    before = sorted(corpus.rglob("*"))

    shown = run("fetch", DOI)
    facts = json_of(run("fetch", DOI, "--output", tmp_path / "a.xml", "--json"))

    assert "full_text" in shown.stdout
    assert "ok  Europe PMC full text" in shown.stderr
    assert (tmp_path / "a.xml").read_bytes() == jats()
    assert facts["title"] == TITLE
    assert sorted(corpus.rglob("*")) == before


def test_fetch_overwrites_nothing(corpus: Path, fake: FakeServices, page: Path) -> None:
    assert run("fetch", DOI, "--output", page).exit_code == 1
    assert page.read_text(encoding="utf-8") == PAGE


def test_what_fetches_introduces_itself_with_the_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWELL_CONTACT_EMAIL", "editor@clinic.example")

    assert (
        fetched_documents.web_client(read_settings()).user_agent == "citewell (mailto:editor@clinic.example)"
    )


@pytest.mark.parametrize("value", ["nobody", "a@b\r\nX: y", "a b@c", "<a@b>"])
def test_a_contact_that_is_no_email_address_stops_the_start(
    corpus: Path, page: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("CITEWELL_CONTACT_EMAIL", value)

    result = run("add", page)

    assert result.exit_code == 1
    assert "CITEWELL_CONTACT_EMAIL" in result.stderr


def test_a_file_and_a_removal_open_no_connection(
    corpus: Path, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_settings: Settings) -> WebClient:
        raise AssertionError("something was fetched")

    monkeypatch.setattr(fetched_documents, "web_client", refuse)

    assert run("add", page).exit_code == 0
    assert run("remove", "frostbite").exit_code == 0
