from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from answer.confidence import calibrate
from answer.evidence import JUDGED_PASSAGES, gather_evidence
from answer.features import FEATURE_NAMES
from index.searching import OpenSnapshot, Searcher
from ingest.errors import CorpusError
from tests.household import QUESTION, THINGS, build, corpus, questions

TAUGHT, OTHERS = THINGS[:52], THINGS[52:]
JUDGED = questions(TAUGHT) + questions(TAUGHT[:9], answerable=False)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> OpenSnapshot:
    folder = tmp_path_factory.mktemp("learned")
    return build(corpus(folder / "corpus", JUDGED), folder / "index")


def has_learned(snapshot: OpenSnapshot) -> bool:
    return snapshot.searcher.n_questions_seen > 0


def n_right(searcher: Searcher) -> int:
    """Count the things that nobody was asked about whose mending comes first."""
    return sum(
        f"mend the {each}" in searcher.search(QUESTION.format(each), k=3).ranked[0].passage.text
        for each in OTHERS
    )


def test_what_judged_questions_teach_is_known_for_others(learned: OpenSnapshot, tmp_path: Path) -> None:
    plain = build(corpus(tmp_path / "corpus", ""), tmp_path / "index")

    assert not has_learned(plain)
    assert has_learned(learned)
    assert n_right(plain.searcher) < len(OTHERS) / 2
    assert n_right(learned.searcher) >= len(OTHERS) - 1


def test_a_judged_question_is_measured_without_what_it_taught(learned: OpenSnapshot) -> None:
    searcher, judged, other = learned.searcher, QUESTION.format(TAUGHT[0]), QUESTION.format(OTHERS[0])

    def codes(among: Searcher, question: str) -> NDArray[np.int8]:
        return among.search(question, k=1).tokens.codes

    assert not np.array_equal(codes(searcher.unseen(judged), judged), codes(searcher, judged))
    assert np.array_equal(codes(searcher.unseen(other), other), codes(searcher, other))


def test_the_confidence_is_fitted_on_what_was_not_learned(
    learned: OpenSnapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("answer.confidence.offtopic_questions", list)
    searcher, judged = learned.searcher, QUESTION.format(TAUGHT[0])

    def best_match(among: Searcher) -> float:
        return gather_evidence(among, among.search(judged, k=JUDGED_PASSAGES)).features.best_match

    stored = calibrate(searcher, corpus_dir=corpus(tmp_path, questions(TAUGHT[:1])))
    [(_, _, measured)] = stored["examples"]

    assert measured[FEATURE_NAMES.index("best_match")] == pytest.approx(
        best_match(searcher.unseen(judged)), abs=1e-6
    )
    assert best_match(searcher.unseen(judged)) != pytest.approx(best_match(searcher), abs=1e-4)


def test_the_same_questions_teach_the_same_to_the_byte(learned: OpenSnapshot, tmp_path: Path) -> None:
    assert build(corpus(tmp_path / "corpus", JUDGED), tmp_path / "index").version == learned.version


def test_too_few_answerable_questions_teach_nothing(tmp_path: Path) -> None:
    judged = questions(THINGS[:49]) + questions(THINGS, answerable=False)

    assert not has_learned(build(corpus(tmp_path / "corpus", judged), tmp_path / "index"))


def test_what_ranks_other_questions_no_better_is_not_kept(tmp_path: Path) -> None:
    # They rank as well as can be from the start.
    plain = questions(THINGS).replace(
        "of those stored in the cellar is reparable", "to mend with glue and string"
    )

    assert not has_learned(build(corpus(tmp_path / "corpus", plain), tmp_path / "index"))


def test_questions_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"judged\.jsonl, line 1"):
        build(corpus(tmp_path / "corpus", "{}\n"), tmp_path / "index")
