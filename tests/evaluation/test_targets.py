import pytest

from answer.confidence import ConfidenceModel
from answer.features import FEATURE_NAMES
from service.evaluation_targets import SnapshotTarget
from service.serving_index import ServingIndex
from tests.household import QUESTION, THINGS, build, corpus, questions


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> ServingIndex:
    """An index that has learned from questions about all things but the last."""
    folder = tmp_path_factory.mktemp("learned")
    snapshot = build(corpus(folder / "corpus", questions(THINGS[:-1])), folder / "index")
    return ServingIndex(snapshot, ConfidenceModel(1.0, (0.0,) * len(FEATURE_NAMES)), "2026-11-28")


@pytest.mark.parametrize(("thing", "was_judged"), [(THINGS[0], True), (THINGS[-1], False)])
def test_a_judged_question_is_measured_without_what_it_taught(
    learned: ServingIndex, thing: str, was_judged: bool
) -> None:
    question, target = QUESTION.format(thing), SnapshotTarget(learned)

    [(_, asked)] = target.ask({"q": question}, top_k=5)
    [(_, ranked)] = target.rank({"q": question}, depth=5)

    assert asked.payload is not None
    assert ranked.payload is not None
    measured = [each["score"] for each in asked.payload["passages"]]
    assert [score for _, _, score, _ in ranked.payload["found"]] == pytest.approx(measured, abs=1e-6)
    served = [hit.score for hit in learned.snapshot.searcher.search(question, k=5).ranked]
    assert (measured != pytest.approx(served, abs=1e-6)) == was_judged
