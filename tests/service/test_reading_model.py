"""A reading model in the confidence: joined by a build, and needed again by whoever serves what was built."""

import json
from pathlib import Path

import pytest

from ingest.errors import IndexMismatchError, ModelError
from service import build_wiring, freshness, wiring
from service.asking import answer_request
from service.diagnosis import Finding, diagnose
from service.schemas import AskRequest
from service.serving_index import ServingIndex
from service.settings import Settings
from tests.answer.test_confidence import write_questions
from tests.twins import TwinEmbedder, TwinReadingModel

#: Which words answer which question; the near misses have none.
ANSWERS = {
    "How is a tick pulled out?": "Pull a tick out straight",
    "Does salt water wash pollen away?": "washes pollen away",
    "Do antihistamine tablets relieve sneezing?": "tablets relieve",
    "What eases the swelling of a sting?": "cold pack",
    "What prevents most blisters?": "Gloves prevent",
}
NEAR_MISSES = (
    "Who first pulled a tick out?",
    "Where does salt water wash pollen?",
    "Did antihistamine tablets ever relieve sneezing?",
    "Where does the swelling of a sting ease?",
    "Who prevents most blisters?",
)


@pytest.fixture
def settings(corpus_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("answer.confidence.offtopic_questions", lambda: ["Who won the cup?"])
    write_questions(
        corpus_dir, *((question, True) for question in ANSWERS), *((each, False) for each in NEAR_MISSES)
    )
    return Settings(
        corpus_dir=corpus_dir,
        index_dir=tmp_path / "index",
        cache_dir=tmp_path / "cache",
        reading_model="twin-reader",
    )


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> TwinReadingModel:
    return use(monkeypatch, TwinReadingModel(ANSWERS))


def use(monkeypatch: pytest.MonkeyPatch, reader: TwinReadingModel) -> TwinReadingModel:
    monkeypatch.setattr(wiring, "TransformersReadingModel", lambda _name: reader)
    monkeypatch.setattr(wiring, "make_embedder", lambda _settings: TwinEmbedder())
    return reader


def build(settings: Settings) -> None:
    build_wiring.build(settings, TwinEmbedder())


def open_with(settings: Settings, reader: TwinReadingModel | None) -> ServingIndex:
    return wiring.open_current(settings.index_dir, TwinEmbedder(), None, reader)


def unset(settings: Settings) -> Settings:
    return settings.model_copy(update={"reading_model": None})


def finding(settings: Settings, check: str) -> Finding:
    return next(each for each in diagnose(settings) if each.check == check)


def test_a_build_with_a_reading_model_refuses_near_misses_that_one_without_answers(
    settings: Settings, reader: TwinReadingModel
) -> None:
    def answered(reader: TwinReadingModel | None) -> list[bool]:
        serving = open_with(settings, reader)
        return [
            answer_request(AskRequest(question=question), serving).answerable
            for question in (*ANSWERS, *NEAR_MISSES)
        ]

    build(unset(settings))
    without = answered(None)
    build(settings)

    assert answered(reader) == [True] * 5 + [False] * 5
    assert any(without[5:])


def test_the_three_best_passages_are_read_with_their_headings(
    settings: Settings, reader: TwinReadingModel
) -> None:
    build(settings)
    serving = open_with(settings, reader)
    reader.read.clear()

    answer_request(AskRequest(question="What prevents most blisters?", top_k=1), serving)

    best = serving.snapshot.searcher.search("What prevents most blisters?", k=20).ranked[:3]
    assert reader.read == [hit.passage.embedding_text for hit in best]


def test_what_was_fitted_with_a_reading_model_is_not_served_without_it_or_with_another(
    settings: Settings, reader: TwinReadingModel
) -> None:
    build(settings)

    for other in (None, TwinReadingModel(ANSWERS, weights="c" * 64)):
        with pytest.raises(
            IndexMismatchError,
            match=r"fitted with the reading model twin-reader .*can be set back.*citewell build",
        ):
            open_with(settings, other)
    assert not finding(unset(settings), "a question").ok


def test_what_was_fitted_without_one_is_served_without_it_which_is_said(
    settings: Settings, reader: TwinReadingModel, caplog: pytest.LogCaptureFixture
) -> None:
    build(unset(settings))
    asked = AskRequest(question="How is a tick pulled out?")
    replies = [answer_request(asked, open_with(settings, each)) for each in (None, reader)]

    assert not reader.read
    assert replies[0].model_copy(update={"took_ms": 0}) == replies[1].model_copy(update={"took_ms": 0})
    assert "The reading model is not used" in caplog.text
    found = finding(settings, "reading model")
    assert not found.ok
    assert "citewell build" in found.detail


def test_the_doctor_names_the_reading_model_that_is_used(
    settings: Settings, reader: TwinReadingModel
) -> None:
    build(settings)

    assert finding(settings, "reading model").detail.startswith("twin-reader (weights bbbbbbbbbbbb)")
    assert "reading model" not in {each.check for each in diagnose(unset(settings))}


def test_without_one_the_stored_confidence_knows_of_none(settings: Settings) -> None:
    build(unset(settings))

    [path] = settings.index_dir.glob("*/confidence.json")
    assert set(json.loads(path.read_text())) == {
        "features", "intercept", "weights", "reliability", "examples",
    }  # fmt: skip


def test_another_reading_model_is_something_new_to_build(settings: Settings) -> None:
    other = settings.model_copy(update={"reading_model": "another"})

    hashes = {freshness.hash_inputs(each) for each in (settings, other, unset(settings))}
    assert len(hashes) == 3


def test_a_model_that_is_nowhere_stops_a_build_before_anything_is_embedded(settings: Settings) -> None:
    embedder = TwinEmbedder()
    named = settings.model_copy(update={"reading_model": "no-such/model"})

    with pytest.raises(ModelError, match="CITEWELL_READING_MODEL"):
        build_wiring.build(named, embedder)
    assert not embedder.embedded
    assert not settings.index_dir.exists()
