"""Replies as they come in: nothing asked twice, nothing lost, nothing mixed up."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.journal import Answered, Journal, ask_all, one_by_one
from ingest.errors import CitewellError

QUERIES = {f"q{n}": f"text {n}\u2028" for n in range(6)}


class InterruptionError(Exception):
    """What a user does."""


class Asked:
    """Answers, and remembers what it was asked; gives up after some."""

    def __init__(self, *, until: int | None = None) -> None:
        self.texts: list[str] = []
        self._until = until

    def __call__(self, text: str) -> Answered:
        if len(self.texts) == self._until:
            raise InterruptionError
        self.texts.append(text)
        return Answered({"said": text}, None, 1.0)


@pytest.mark.parametrize("at", range(6))
def test_an_interrupted_evaluation_goes_on_where_it_stopped(tmp_path: Path, at: int) -> None:
    journal = Journal(tmp_path / "new" / "replies.jsonl", {"set": "x"})
    journal.begin()
    with pytest.raises(InterruptionError):
        ask_all(QUERIES, one_by_one(Asked(until=at)), journal=journal)
    rest = Asked()

    replies = ask_all(QUERIES, one_by_one(rest), journal=journal, done=journal.resume())

    assert rest.texts == list(QUERIES.values())[at:]
    assert replies == ask_all(QUERIES, one_by_one(Asked()))
    assert list(replies) == list(QUERIES)


@given(st.integers(1, 400))
def test_a_torn_end_costs_at_most_what_was_torn(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("journal") / "replies.jsonl"
    journal = Journal(path, {"set": "x"})
    journal.begin()
    header = len(path.read_bytes())
    whole = ask_all(QUERIES, one_by_one(Asked()), journal=journal)
    content = path.read_bytes()
    path.write_bytes(content[: max(header, len(content) - cut)])

    done = journal.resume()

    assert done == {query: whole[query] for query in done}
    assert list(done) == list(QUERIES)[: len(done)]
    assert ask_all(QUERIES, one_by_one(Asked()), journal=journal, done=done) == whole


def test_a_failed_query_is_asked_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "replies.jsonl", {})
    journal.begin()
    journal.add("q0", Answered(None, "timed out", 9.0))
    journal.add("q1", Answered({"said": 1}, None, 1.0))

    assert list(journal.resume()) == ["q1"]


def test_what_belongs_to_another_evaluation_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path / "replies.jsonl", {"set": "x", "top_k": 10}).begin()

    with pytest.raises(CitewellError, match="another evaluation: top_k differ"):
        Journal(tmp_path / "replies.jsonl", {"set": "x", "top_k": 5}).resume()


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "replies.jsonl").write_text("shopping list\n")

    with pytest.raises(CitewellError, match="another evaluation"):
        Journal(tmp_path / "replies.jsonl", {"set": "x"}).resume()


def test_progress_counts_what_was_done_before() -> None:
    seen: list[tuple[int, int]] = []
    done = {"q0": Answered(1, None, 1.0)}

    ask_all(
        QUERIES,
        one_by_one(Asked()),
        done=done,
        progress=lambda finished, total: seen.append((finished, total)),
    )

    assert seen[0] == (1, 6)
    assert seen[-1] == (6, 6)
