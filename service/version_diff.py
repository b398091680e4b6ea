"""Two versions of an index side by side, for people and for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from answer.questions import read_questions
from index.comparing import ContentDiff, Ranker, RankingDiff, compare_content, compare_rankings
from index.content import ContentStore
from index.searching import CONTENT_NAME
from index.snapshot import verify, versions
from ingest.errors import IndexMismatchError, SnapshotNotFoundError
from ingest.records import Passage
from service import wiring
from service.settings import Settings

__all__ = ["VersionDiff", "diff_content", "diff_versions", "print_diff"]

#: How many passages of a ranking are compared.
_DEPTH = 5
_SHOWN = 10
_TEXT_CHARS = 80


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """What differs. `reranked` is None, with the reason, where the versions cannot both be searched."""

    before: str
    after: str
    content: ContentDiff
    questions: int
    reranked: tuple[RankingDiff, ...] | None
    not_ranked_because: str | None

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        content = self.content
        named = ("documents_added", "documents_removed", "documents_changed")
        numbered = ("references_added", "references_removed", "references_changed")
        return {
            "before": self.before,
            "after": self.after,
            **{name: list(getattr(content, name)) for name in (*named, *numbered)},
            "passages_added": [_passage(each) for each in content.passages_added],
            "passages_removed": [_passage(each) for each in content.passages_removed],
            "questions": self.questions,
            "reranked": None
            if self.reranked is None
            else [
                {"question": each.question, "before": list(each.before), "after": list(each.after)}
                for each in self.reranked
            ],
            "not_ranked_because": self.not_ranked_because,
        }


def diff_versions(settings: Settings, before: str, after: str) -> VersionDiff:
    """Compare two versions, verified first, and how they rank the judged questions of the corpus.

    Raises:
        SnapshotError: If one is not there or damaged.
    """
    content = diff_content(settings.index_dir, before, after)
    questions = [
        question.question
        for path in sorted((settings.corpus_dir / "questions").glob("*.jsonl"))
        for question in read_questions(path)
    ]
    reranked, reason = None, None
    try:
        first, second = _rankers(settings, before, after)
        reranked = tuple(compare_rankings(questions, before=first, after=second))
    except IndexMismatchError as error:
        reason = str(error)
    return VersionDiff(before, after, content, len(questions), reranked, reason)


def diff_content(index_dir: Path, before: str, after: str) -> ContentDiff:
    """Compare what two versions hold, verified first.

    Raises:
        SnapshotError: If one is not there or damaged.
    """
    folders = [_folder(index_dir, version) for version in (before, after)]
    stores = [ContentStore(folder / CONTENT_NAME) for folder in folders]
    try:
        return compare_content(*stores)
    finally:
        for store in stores:
            store.close()


def _folder(index_dir: Path, version: str) -> Path:
    if version not in versions(index_dir):
        raise SnapshotNotFoundError(
            f"There is no version {version!r} in {index_dir}. It has: {', '.join(versions(index_dir)) or 'none'}."
        )
    verify(index_dir / version)
    return index_dir / version


def _rankers(settings: Settings, *chosen: str) -> list[Ranker]:
    embedder, reranker = wiring.make_embedder(settings), wiring.make_reranker(settings)
    reader = wiring.make_reading_model(settings)
    opened = [
        wiring.open_version(settings.index_dir, version, embedder, reranker, reader) for version in chosen
    ]

    def ranker(at: int) -> Ranker:
        searcher = opened[at].snapshot.searcher
        return lambda question: [hit.passage.passage_id for hit in searcher.search(question, k=_DEPTH).ranked]

    return [ranker(at) for at in range(len(opened))]


def print_diff(found: VersionDiff, out: Console) -> None:
    """Print a difference for a person."""

    def line(text: str) -> None:
        out.print(text, markup=False, highlight=False, soft_wrap=True)

    content = found.content
    line(f"{found.before} -> {found.after}")
    for name in ("documents", "references"):
        for what in ("added", "removed", "changed"):
            values = getattr(content, f"{name}_{what}")
            if values:
                line(f"{name} {what}: {', '.join(map(str, values))}")
    _print_passages("+", content.passages_added, line)
    _print_passages("-", content.passages_removed, line)
    if found.reranked is None:
        line(f"Rankings are not compared: {found.not_ranked_because}")
        return
    line(
        f"{len(found.reranked)} of {found.questions} questions find other passages among their first {_DEPTH}, "
        f"{sum(each.has_another_first for each in found.reranked)} another one first."
    )
    for each in found.reranked[:_SHOWN]:
        line(f"  {each.question}")
    if len(found.reranked) > _SHOWN:
        line("  …; --json lists all.")


def _print_passages(mark: str, passages: Sequence[Passage], line: Any) -> None:
    if passages:
        line(f"passages {'added' if mark == '+' else 'removed'}: {len(passages)}")
    for each in passages[:_SHOWN]:
        line(f"{mark} {each.doc_id} {each.start}: {' '.join(each.text.split())[:_TEXT_CHARS]}")


def _passage(passage: Passage) -> dict[str, Any]:
    return {
        "passage_id": passage.passage_id,
        "doc_id": passage.doc_id,
        "start": passage.start,
        "text": passage.text,
        "references": list(passage.references),
    }
