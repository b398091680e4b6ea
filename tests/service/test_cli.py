"""The command line: what each command says where, and how it ends."""

import json
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from answer.questions import offtopic_questions
from index.embedding import Embedder
from index.snapshot import build_lock, current_version
from service import build_wiring, freshness, wiring
from service.cli import app
from service.release import RELEASE
from service.settings import Settings
from tests.conftest import write_corpus
from tests.twins import TwinEmbedder

ROOT = Path(__file__).parents[2]
COMMANDS = [command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands]


@pytest.fixture(autouse=True)
def _with_the_twin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let commands work on this test's folder, with the encoder's twin."""

    def make_twin(_settings: Settings, **_options: object) -> Embedder:
        return TwinEmbedder()

    monkeypatch.setattr(wiring, "make_embedder", make_twin)
    few = offtopic_questions()[:20]  # a build asks each of them, and there are many builds here
    monkeypatch.setattr("answer.confidence.offtopic_questions", lambda: few)
    monkeypatch.setenv("CITEWELL_CORPUS_DIR", str(write_corpus(tmp_path / "corpus")))
    monkeypatch.setenv("CITEWELL_INDEX_DIR", str(tmp_path / "index"))
    monkeypatch.setenv("CITEWELL_CACHE_DIR", str(tmp_path / "cache"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def run_well(*arguments: str) -> Result:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def json_of(result: Result) -> dict[str, Any]:
    """Return the one JSON object that is all of stdout."""
    value: dict[str, Any] = json.loads(result.stdout)
    assert isinstance(value, dict)
    return value


def assert_one_message(result: Result, *says: str) -> None:
    """Check that a command ended as what a user can put right: exit code 1 and one message on stderr."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.count("citewell: ") == 1
    assert "Traceback" not in result.stderr
    assert isinstance(result.exception, SystemExit)
    for each in says:
        assert each in result.stderr


@pytest.fixture
def busy_port() -> Iterator[int]:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_is_a_sentence_and_an_example(command: str) -> None:
    result = run_well(command, "--help")

    assert f"Usage: citewell {command}" in result.stdout.replace("root", "citewell")
    assert f"Example: citewell {command}" in " ".join(result.stdout.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")

    assert f"citewell {command}" in readme


def test_every_command_of_the_first_release_is_there() -> None:
    assert {"build", "serve", "ask", "status", "doctor"} <= set(COMMANDS)


def test_no_command_at_all_is_wrong_usage_with_help() -> None:
    result = run()

    assert result.exit_code == 2
    assert "Usage" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["ask"],
        ["ask", "a", "--top-k", "0"],
        ["ask", "a", "--top-k", "51"],
        ["ask", "a", "--top-k", "five"],
        ["serve", "--port", "65536"],
        ["serve", "--port", "-1"],
        ["build", "--fast"],
        ["status", "extra"],
    ],
)
def test_wrong_usage_ends_with_2_and_nothing_on_stdout(arguments: list[str]) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr


def test_a_build_says_what_it_built() -> None:
    result = run_well("build")

    assert "6 documents" in result.stdout
    assert "2 references" in result.stdout


def test_a_build_for_programs_is_one_json_object(tmp_path: Path) -> None:
    built = json_of(run_well("build", "--json"))

    assert built["version"] == current_version(tmp_path / "index")
    assert built["n_documents"] == 6
    assert built["quarantined"] == []


def test_a_file_that_cannot_be_read_is_named_on_stderr_and_the_others_are_built(tmp_path: Path) -> None:
    (tmp_path / "corpus" / "broken.pdf").write_bytes(b"%PDF-1.7 no more than this")

    result = run_well("build", "--json")

    assert "broken.pdf" in result.stderr
    assert [path for path, _ in json_of(result)["quarantined"]] == ["broken.pdf"]
    assert json_of(result)["n_documents"] == 6


def test_a_stale_build_only_builds_when_something_changed(tmp_path: Path) -> None:
    first = json_of(run_well("build", "--json", "--if-stale"))

    assert json_of(run_well("build", "--json", "--if-stale")) == {"fresh": True}
    assert "up to date" in run_well("build", "--if-stale").stdout
    (tmp_path / "corpus" / "ticks.txt").write_text("Ticks\n\nTicks like tall grass.\n")
    assert json_of(run_well("build", "--json", "--if-stale"))["version"] != first["version"]
    assert json_of(run_well("build", "--json", "--if-stale")) == {"fresh": True}


@pytest.mark.parametrize("change", ["new file", "moved file", "ledger", "pointer", "index gone"])
def test_every_change_that_matters_makes_an_index_stale(tmp_path: Path, change: str) -> None:
    corpus, index = tmp_path / "corpus", tmp_path / "index"
    run_well("build")

    if change == "new file":
        (corpus / "burns.md").write_text("# Burns\n\nCool a burn.\n")
    elif change == "moved file":
        (corpus / "other").mkdir()
        (corpus / "ticks.txt").rename(corpus / "other" / "ticks.txt")
    elif change == "ledger":
        (corpus / "bibliography.json").unlink()
    elif change == "pointer":
        (index / "CURRENT").unlink()
    else:
        shutil.rmtree(index)

    assert "fresh" not in json_of(run_well("build", "--json", "--if-stale"))


def test_what_is_edited_while_a_build_runs_makes_its_index_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = build_wiring.build

    def build_and_edit(*args: Any, **kwargs: Any) -> Any:
        built = build(*args, **kwargs)
        (tmp_path / "corpus" / "late.md").write_text("# Late\n\nWritten while the build ran.\n")
        return built

    monkeypatch.setattr(build_wiring, "build", build_and_edit)
    run_well("build")
    monkeypatch.undo()
    settings = Settings(corpus_dir=tmp_path / "corpus", index_dir=tmp_path / "index")

    assert not freshness.is_fresh(settings, freshness.hash_inputs(settings))


def test_a_question_is_answered_with_its_numbers() -> None:
    run_well("build")

    result = run_well("ask", "Does rinsing the nose with salt water wash pollen away?")

    assert "[1] Rinsing the nose with salt water washes pollen away [1]." in " ".join(result.stdout.split())
    assert "not medical advice" in " ".join(result.stdout.split())


def test_a_question_that_is_not_answered_is_no_failure() -> None:
    run_well("build")

    assert "do not answer" in run_well("ask", "Which form do I need for my tax return?").stdout
    assert (
        json_of(run_well("ask", "Which form do I need for my tax return?", "--json"))["answerable"] is False
    )


def test_a_reply_for_programs_is_the_reply_of_the_api() -> None:
    run_well("build")

    result = run_well("ask", "tick", "--json", "--top-k", "2")

    reply = json_of(result)
    assert reply["question"] == "tick"
    assert len(reply["passages"]) == 2
    assert result.stderr == ""


@pytest.mark.parametrize("question", ["", "  ", "a" * 2001, "a\0b", "caf\udce9"])
def test_a_faulty_question_is_one_message(question: str) -> None:
    run_well("build")

    assert_one_message(run("ask", question), "question cannot be asked")


def test_the_state_is_shown_to_people_and_to_programs(tmp_path: Path) -> None:
    run_well("build")

    assert current_version(tmp_path / "index") in run_well("status").stdout
    facts = json_of(run_well("status", "--json"))
    assert facts["version"] == current_version(tmp_path / "index")
    assert facts["counts"]["documents"] == 6
    assert facts["self_score"]["pairs"] > 0


def test_the_release_is_printed() -> None:
    assert run_well("version").stdout == f"{RELEASE}\n"


def test_a_sound_installation_passes_every_check() -> None:
    run_well("build")

    findings = json_of(run_well("doctor", "--json"))["findings"]

    assert {each["check"] for each in findings} >= {"corpus", "encoder", "index", "a question"}
    assert all(each["ok"] for each in findings)


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        ((), "fitted on sentences of the documents"),
        (("How is a tick pulled out?",), "fitted on the judged questions of the corpus, 1 of them"),
    ],
)
def test_what_the_confidence_was_fitted_on_is_said(judged: Sequence[str], said: str, tmp_path: Path) -> None:
    folder = tmp_path / "corpus" / "questions"
    folder.mkdir(exist_ok=True)
    for at, question in enumerate(judged):
        line = {"id": str(at), "question": question, "kind": "lookup", "answerable": True}
        (folder / f"{at}.jsonl").write_text(json.dumps(line), encoding="utf-8")
    run_well("build")

    findings = json_of(run_well("doctor", "--json"))["findings"]

    details = {each["check"]: each["detail"] for each in findings}
    assert said in details["confidence"]
    assert "as for any documents" in details["ranking"]


def test_what_is_wrong_is_found_and_said_how_to_mend() -> None:
    result = run("doctor", "--json")

    assert result.exit_code == 1
    wrong = {each["check"]: each["detail"] for each in json_of(result)["findings"] if not each["ok"]}
    assert "citewell build" in wrong["index"]
    assert "wrong" in run("doctor").stdout


@pytest.mark.parametrize("arguments", [["serve"], ["ask", "tick"], ["status"], ["ask", "tick", "--json"]])
def test_without_an_index_a_command_says_to_build(arguments: list[str]) -> None:
    assert_one_message(run(*arguments), "citewell build")


@pytest.mark.parametrize("command", [["status"], ["ask", "tick"], ["serve"], ["build"]])
def test_an_index_folder_that_is_none_is_one_message(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").write_text("")

    assert_one_message(run(*command, "--index", str(tmp_path / "file")), "file")


def test_a_corpus_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    assert_one_message(run("build", "--corpus", str(tmp_path / "none")), "none", "CITEWELL_CORPUS_DIR")


def test_a_second_build_at_a_time_is_one_message(tmp_path: Path) -> None:
    with build_lock(tmp_path / "index"):
        assert_one_message(run("build"), "Another build is running")


def test_a_setting_that_cannot_be_used_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWELL_PORT", "http")

    assert_one_message(run("status"), "CITEWELL_PORT")


def test_a_port_in_use_is_one_message(busy_port: int) -> None:
    run_well("build")

    assert_one_message(run("serve", "--port", str(busy_port)), str(busy_port), "--port", "CITEWELL_PORT")


def test_an_address_that_is_not_ours_is_one_message() -> None:
    run_well("build")

    assert_one_message(run("serve", "--host", "192.0.2.1", "--port", "0"), "192.0.2.1")


def test_a_damaged_index_ends_the_start_with_one_message(tmp_path: Path) -> None:
    run_well("build")
    damaged = tmp_path / "index" / current_version(tmp_path / "index") / "content.sqlite"
    damaged.write_bytes(damaged.read_bytes()[:-1])

    result = run("serve", "--port", "0")

    assert result.exit_code == 1
    assert "is damaged" in result.stderr
    assert "citewell build" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_command_reads_the_folders_it_is_given(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "mine", {"burns.md": "# Burns\n\nCool a burn with water.\n"})

    built = json_of(run_well("build", "--corpus", str(corpus), "--index", str(tmp_path / "other"), "--json"))

    assert built["n_documents"] == 1
    assert current_version(tmp_path / "other") == built["version"]
