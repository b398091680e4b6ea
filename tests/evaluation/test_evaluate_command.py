"""`citewell evaluate` from files to results, with the twin encoder."""

import gzip
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from typer.testing import CliRunner

from answer.confidence import calibrate
from evaluation.measures import score_run
from evaluation.ranking_sets import read_qrels, read_run
from evaluation.results import Results, as_json, read_results
from index.building import build_index
from index.vector_cache import VectorCache
from ingest.errors import CitewellError
from service import batch_asking, batch_routes, evaluation_targets, wiring
from service.asking import answer_request
from service.cli import app
from service.evaluation_runs import Request, evaluate_sets
from service.schemas import AskRequest
from service.settings import Settings
from tests.conftest import write_corpus
from tests.service.conftest import make_app
from tests.twins import TwinEmbedder

QUESTIONS: list[dict[str, Any]] = [
    {"id": "salt", "question": "What washes pollen away?", "refs": [0, 1], "nuggets": [["pollen"]]},
    {"id": "tablets", "question": "Do tablets relieve sneezing?", "refs": [0], "nuggets": [["sneez"]]},
    {"id": "tides", "question": "Why are there tides?", "answerable": False, "kind": "off_topic"},
    {"id": "ears", "question": "Can grommets help glue ear?", "answerable": False, "kind": "near_miss"},
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("evaluate")
    made = Settings(
        corpus_dir=write_corpus(folder / "corpus"), index_dir=folder / "index", cache_dir=folder / "cache"
    )
    build_index(
        made.corpus_dir,
        made.index_dir,
        embedder=TwinEmbedder(),
        cache=VectorCache(made.cache_dir / "vectors.sqlite"),
        calibrate=calibrate,
    )
    return made


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "dev.jsonl"
    lines = [{"kind": "lookup", "answerable": True, **line} for line in QUESTIONS]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    (folder / "qrels").mkdir(parents=True)
    texts = {
        "D1": "Salt water rinses pollen.",
        "D2": "Tides follow the moon.",
        "D3": "Tablets stop sneezing.",
    }
    with gzip.open(folder / "corpus.jsonl.gz", "wt") as stream:
        for name, text in texts.items():
            stream.write(json.dumps({"_id": name, "title": "", "text": text}) + "\n")
    (folder / "queries.jsonl").write_text(
        '{"_id": "Q1", "text": "moon and tides"}\n{"_id": "Q2", "text": "sneezing tablets"}\n'
    )
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nQ1\tD2\t1\nQ2\tD3\t1\nQ3\tD1\t1\n"
    )
    return folder


def run(request: Request, settings: Settings) -> Results:
    return evaluate_sets(
        request, settings, progress=lambda _stage, _done, _total: None, load_embedder=TwinEmbedder
    )


def without_timings(results: Results) -> Results:
    return replace(results, timings={})


def test_questions_are_evaluated_on_a_snapshot(settings: Settings, questions: Path, tmp_path: Path) -> None:
    results = run(Request((questions,), out=tmp_path / "out"), settings)

    (dev,) = results.sets
    assert dev.n_queries == len(QUESTIONS)
    assert dev.failed == {}
    assert dev.estimates["Success@5"].value == 1
    assert dev.estimates["number_accuracy"].value == 1
    assert results.target["model"]["weights_sha256"] == "a" * 64
    assert set(results.timings["dev"]["per_query_ms"]) == {each["id"] for each in QUESTIONS}
    assert read_results(tmp_path / "out" / "results.json") == results
    assert set(read_run(tmp_path / "out" / "run.trec")) == {each["id"] for each in QUESTIONS}


def test_the_same_evaluation_gives_the_same_but_for_timings(settings: Settings, questions: Path) -> None:
    first, second = (run(Request((questions,)), settings) for _ in range(2))

    assert without_timings(first) == without_timings(second)


class Crashing:
    """Gives up at the n-th question, as a machine does."""

    def __init__(self, answer: Callable[..., Any], at: int) -> None:
        self._answer, self._left = answer, at

    def __call__(self, *given: Any) -> Any:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        return self._answer(*given)


@pytest.mark.parametrize("at", [0, 1, 3])
def test_an_interrupted_evaluation_that_is_resumed_gives_the_same(
    settings: Settings, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    request = Request((questions,), out=tmp_path / "out")
    whole = run(replace(request, out=None), settings)
    with monkeypatch.context() as patched:
        patched.setattr(evaluation_targets, "answer_request", Crashing(answer_request, at))
        with pytest.raises(KeyboardInterrupt):
            run(request, settings)

    resumed = run(replace(request, resume=True), settings)

    assert without_timings(resumed) == without_timings(whole)


def test_a_question_that_crashes_is_counted_and_the_next_one_asked(
    settings: Settings, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sometimes(asked: AskRequest, *rest: Any) -> Any:
        if "tablets" in asked.question:
            raise ZeroDivisionError("by nothing")
        return answer_request(asked, *rest)

    monkeypatch.setattr(evaluation_targets, "answer_request", sometimes)
    (dev,) = run(Request((questions,)), settings).sets

    assert dev.failed == {"tablets": "ZeroDivisionError: by nothing"}
    assert dev.per_query["Success@5"] == {"salt": 1, "tablets": 0}


def test_a_collection_is_ranked_by_a_throwaway_index(
    settings: Settings, collection: Path, tmp_path: Path
) -> None:
    results = run(Request((collection,), out=tmp_path / "out"), settings)

    (tiny,) = results.sets
    assert (tiny.name, tiny.form, tiny.split) == ("tiny", "beir", "test")
    assert tiny.per_query["Success@1"] == {"Q1": 1, "Q2": 1, "Q3": 0}
    assert tiny.failed == {"Q3": "is judged, but the set has no such query"}
    assert results.target["kind"] == "throw-away index"
    again = score_run(read_qrels(collection / "qrels" / "test.tsv"), read_run(tmp_path / "out" / "run.trec"))
    assert again == tiny.per_query


def test_refusal_is_measured_with_documents_left_out(
    settings: Settings, collection: Path, tmp_path: Path
) -> None:
    ids = tmp_path / "unanswerable.txt"
    ids.write_text("Q1\n")
    request = Request((collection,), unanswerable=ids, out=tmp_path / "out")

    results = run(request, settings)
    resumed = run(replace(request, resume=True), settings)

    (tiny,) = results.sets
    assert tiny.counts["documents indexed"] == 2
    assert tiny.per_query["Success@1"] == {"Q2": 1, "Q3": 0}
    assert tiny.per_query["false_answer"].keys() == {"Q1"}
    assert tiny.queries["Q2"].confidence is not None
    assert tiny.queries["Q2"].confidence > (tiny.queries["Q1"].confidence or 0)
    assert without_timings(resumed) == without_timings(results)


def test_refusal_is_measured_on_an_index_of_our_own(settings: Settings, collection: Path) -> None:
    with pytest.raises(CitewellError, match="Leave --url and --run out"):
        run(Request((collection,), refusal=True, url="http://127.0.0.1:1"), settings)


def test_a_finished_run_gets_the_same_scores_without_an_index(
    settings: Settings, collection: Path, tmp_path: Path
) -> None:
    made = run(Request((collection,), out=tmp_path / "out"), settings)

    scored = evaluate_sets(
        Request((collection,), run=tmp_path / "out" / "run.trec"),
        settings,
        progress=lambda _stage, _done, _total: None,
        load_embedder=lambda: pytest.fail("needs no encoder"),
    )

    assert scored.sets[0].per_query == made.sets[0].per_query


def test_a_finished_run_cannot_be_judged_by_nuggets(settings: Settings, questions: Path) -> None:
    with pytest.raises(CitewellError, match="--run needs a set with qrels"):
        run(Request((questions,), run=questions), settings)


@pytest.mark.parametrize("level", ["document", "passage"])
def test_trec_topics_are_ranked_on_the_snapshot(
    settings: Settings, questions: Path, tmp_path: Path, level: str
) -> None:
    judged = "saline"
    if level == "passage":
        results = run(Request((questions,)), settings)
        judged = results.sets[0].queries["salt"].ranking[0].item
    topics, qrels = tmp_path / "topics.tsv", tmp_path / "qrels.txt"
    topics.write_text("1\trinsing the nose with warm salt water twice a day\n")
    qrels.write_text(f"1 0 {judged} 1\n")

    (found,) = run(Request((topics,), qrels=qrels), settings).sets

    assert found.form == "trec"
    assert found.per_query["Success@5"] == {"1": 1}


def test_topics_without_judgments_are_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(CitewellError, match="--qrels"):
        run(Request((tmp_path / "topics.tsv",)), settings)


def test_two_sets_of_one_name_are_refused(settings: Settings, questions: Path) -> None:
    with pytest.raises(CitewellError, match="Two sets are called dev"):
        run(Request((questions, questions)), settings)


@pytest.fixture
def service_url(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real service over the snapshot, in which one question crashes."""

    def sometimes(asked: AskRequest, *rest: Any) -> Any:
        return 1 / 0 if "glue ear" in asked.question else answer_request(asked, *rest)

    monkeypatch.setattr(batch_asking, "answer_request", sometimes)
    application = make_app(
        wiring.open_current(settings.index_dir, TwinEmbedder(), None), max_batch_questions=3
    )
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_a_service_gets_the_scores_of_its_snapshot_and_its_refusals_count(
    settings: Settings, questions: Path, service_url: str
) -> None:
    (here,) = run(Request((questions,)), settings).sets

    results = run(Request((questions,), url=service_url), settings)

    (there,) = results.sets
    assert results.target["url"] == service_url
    assert list(there.failed) == ["ears"]
    assert there.failed["ears"].startswith("500: ")
    assert there.per_query["nDCG@10"] == here.per_query["nDCG@10"]
    assert there.per_query["answer_support"] == here.per_query["answer_support"]
    assert there.per_query["false_answer"]["ears"] == 1
    assert set(results.timings["dev"]["per_query_ms"]) == {"salt", "tablets", "tides"}


def test_topics_are_ranked_by_a_service_as_by_its_snapshot(
    settings: Settings, tmp_path: Path, service_url: str
) -> None:
    topics, qrels = tmp_path / "topics.tsv", tmp_path / "qrels.txt"
    topics.write_text("1\trinsing the nose\n2\tpulling ticks out\n")
    qrels.write_text("1 0 saline 1\n2 0 ticks 1\n")

    (here,) = run(Request((topics,), qrels=qrels), settings).sets
    (there,) = run(Request((topics,), qrels=qrels, url=service_url), settings).sets

    assert there.per_query == here.per_query


def stored_without_timings(out: Path) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((out / "results.json").read_bytes())
    del stored["timings"]
    return stored


@pytest.mark.parametrize("by_url", [False, True])
def test_wherever_it_was_killed_a_resumed_evaluation_stores_the_same(
    settings: Settings, questions: Path, tmp_path: Path, service_url: str, by_url: bool
) -> None:
    request = Request((questions,), out=tmp_path / "out", url=service_url if by_url else None)
    run(request, settings)
    whole = stored_without_timings(tmp_path / "out")
    journal = tmp_path / "out" / "replies-dev.jsonl"
    content = journal.read_bytes()
    first_reply = content.index(b"\n") + 1
    # What a process that is killed leaves is what it had written: any beginning of the file.
    for cut in np.random.default_rng(5).integers(first_reply, len(content), 6):
        journal.write_bytes(content[:cut])
        (tmp_path / "out" / "results.json").unlink()

        run(replace(request, resume=True), settings)

        assert stored_without_timings(tmp_path / "out") == whole


def test_a_service_that_breaks_off_ends_the_evaluation_and_can_be_resumed(
    settings: Settings, questions: Path, tmp_path: Path, service_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request((questions,), out=tmp_path / "out", url=service_url)
    run(request, settings)
    whole = stored_without_timings(tmp_path / "out")

    async def break_off(stream: AsyncIterator[list[bytes]]) -> AsyncIterator[bytes]:
        async for results in stream:
            yield results[0] + b"\n" + results[1][:50]
            raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(batch_routes, "as_lines", break_off)
        with pytest.raises(CitewellError, match=r"cannot be reached|broke off"):
            run(request, settings)
    asked: list[str] = []
    answer = vars(batch_asking)["answer_request"]

    def noted(question: AskRequest, *rest: Any) -> Any:
        asked.append(question.question)
        return answer(question, *rest)

    monkeypatch.setattr(batch_asking, "answer_request", noted)
    run(replace(request, resume=True), settings)

    assert len(asked) == len(QUESTIONS) - 1
    assert stored_without_timings(tmp_path / "out") == whole


def test_a_service_that_is_not_there_ends_the_evaluation(settings: Settings, questions: Path) -> None:
    with pytest.raises(CitewellError, match=r"cannot be reached.*citewell serve"):
        run(Request((questions,), url="http://127.0.0.1:9"), settings)


def invoke(monkeypatch: pytest.MonkeyPatch, settings: Settings, *arguments: str) -> Any:
    monkeypatch.setattr(wiring, "make_embedder", lambda _settings: TwinEmbedder())
    monkeypatch.setenv("CITEWELL_INDEX_DIR", str(settings.index_dir))
    monkeypatch.setenv("CITEWELL_CACHE_DIR", str(settings.cache_dir))
    return CliRunner().invoke(app, ["evaluate", *arguments])


def test_the_command_prints_json_for_programs(
    settings: Settings, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = invoke(monkeypatch, settings, str(questions), "--json")

    assert found.exit_code == 0
    printed = json.loads(found.stdout)
    assert printed["sets"][0]["estimates"]["Success@5"]["value"] == 1
    assert "queries" not in printed["sets"][0]


def test_the_command_fails_under_a_demand_that_is_not_met(
    settings: Settings, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = invoke(monkeypatch, settings, str(questions), "--fail-under", "Success@5=0.9")
    not_met = invoke(monkeypatch, settings, str(questions), "--fail-under", "wrong_refusal=-0.5")

    assert met.exit_code == 0
    assert not_met.exit_code == 1
    assert "wrong_refusal on dev is" in not_met.stderr
    assert "above -0.5" in not_met.stderr


def test_the_table_shows_values_with_their_intervals(
    settings: Settings, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = invoke(monkeypatch, settings, str(questions))

    assert "95 % interval" in found.stdout
    assert "failed: 0, returned nothing: 0" in found.stdout


def test_resuming_needs_a_folder(
    settings: Settings, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = invoke(monkeypatch, settings, str(questions), "--resume")

    assert found.exit_code == 1
    assert "--out" in found.stderr


def test_results_are_plain_json(settings: Settings, questions: Path) -> None:
    stored = as_json(run(Request((questions,)), settings))

    assert json.loads(json.dumps(stored, allow_nan=False)) == stored


def test_two_evaluations_that_are_alike_are_identical(
    settings: Settings, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        run(Request((questions,), out=tmp_path / name), settings)
    both = [str(tmp_path / name / "results.json") for name in ("a", "b")]

    printed = invoke(monkeypatch, settings, "--compare", *both)
    stored = invoke(monkeypatch, settings, "--compare", *both, "--json", "--out", str(tmp_path / "c"))

    assert "identical" in printed.stdout
    assert json.loads(stored.stdout)["identical"] is True
    assert json.loads((tmp_path / "c" / "comparison.json").read_text())["falls"] == []


def test_two_runs_are_compared_with_the_judgments_of_their_set(
    settings: Settings, collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.trec").write_text("Q1 Q0 D2 1 1.0 t\nQ2 Q0 D3 1 1.0 t\n")
    (tmp_path / "b.trec").write_text("Q1 Q0 D1 1 1.0 t\nQ2 Q0 D3 1 1.0 t\n")
    both = [str(tmp_path / name) for name in ("a.trec", "b.trec")]

    found = invoke(monkeypatch, settings, str(collection), "--compare", *both, "--json")
    refused = invoke(monkeypatch, settings, "--compare", *both)

    (changed,) = json.loads(found.stdout)["changed"]
    assert (changed["query"], changed["value_a"], changed["value_b"]) == ("Q1", 1, 0)
    assert refused.exit_code == 1
    assert "Name the set too" in refused.stderr


def test_a_baseline_is_kept_and_a_fall_below_it_fails(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [{**QUESTIONS[0], "id": f"q{n}", "kind": "lookup", "answerable": True} for n in range(20)]
    questions, baseline = tmp_path / "many.jsonl", tmp_path / "baseline.json"
    questions.write_text("".join(json.dumps(line) + "\n" for line in many), encoding="utf-8")
    saved = invoke(monkeypatch, settings, str(questions), "--save-baseline", str(baseline))
    same = invoke(monkeypatch, settings, str(questions), "--baseline", str(baseline))
    monkeypatch.setattr(evaluation_targets, "answer_request", Crashing(answer_request, -1))
    monkeypatch.setattr(Crashing, "__call__", lambda *_: 1 / 0)
    worse = invoke(monkeypatch, settings, str(questions), "--baseline", str(baseline))

    assert (saved.exit_code, same.exit_code, worse.exit_code) == (0, 0, 1)
    assert "Success@5 on many fell from 1.0000 to 0.0000" in worse.stderr


def test_without_a_set_the_usage_is_wrong(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    found = invoke(monkeypatch, settings)

    assert found.exit_code == 2
    assert "Name at least one set" in found.stderr
