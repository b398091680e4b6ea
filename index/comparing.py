"""What is different between two versions of an index, and what that does to the answers of questions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from index.content import ContentStore
from ingest.records import Passage, Reference

__all__ = ["ContentDiff", "RankingDiff", "compare_content", "compare_rankings"]

K = TypeVar("K", int, str)
V = TypeVar("V")
#: From a question to the ids of the passages it finds, best first.
Ranker = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class ContentDiff:
    """What one version holds and the other does not.

    Documents are named by `doc_id`, references by number; a changed one is in both versions, with another text
    or other data. Passages are those of one version only.
    """

    documents_added: tuple[str, ...]
    documents_removed: tuple[str, ...]
    documents_changed: tuple[str, ...]
    passages_added: tuple[Passage, ...]
    passages_removed: tuple[Passage, ...]
    references_added: tuple[int, ...]
    references_removed: tuple[int, ...]
    references_changed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RankingDiff:
    """A question that finds other passages, or the same in another order. Each list is of ids, best first."""

    question: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def has_another_first(self) -> bool:
        """Whether the best passage is another one."""
        return self.before[:1] != self.after[:1]


def compare_content(before: ContentStore, after: ContentStore) -> ContentDiff:
    """Compare what two versions hold."""
    documents = _Sides(
        {each.doc_id: each.sha256 for each in before.summaries},
        {each.doc_id: each.sha256 for each in after.summaries},
    )
    references = _Sides(_by_number(before.references), _by_number(after.references))
    old, new = before.passage_ids(), after.passage_ids()
    return ContentDiff(
        documents_added=tuple(documents.added),
        documents_removed=tuple(documents.removed),
        documents_changed=tuple(documents.changed),
        passages_added=tuple(after.passages([at for key, at in new.items() if key not in old])),
        passages_removed=tuple(before.passages([at for key, at in old.items() if key not in new])),
        references_added=tuple(references.added),
        references_removed=tuple(references.removed),
        references_changed=tuple(references.changed),
    )


def compare_rankings(questions: Iterable[str], *, before: Ranker, after: Ranker) -> list[RankingDiff]:
    """Return the questions whose ranked passages differ, in the order given."""
    found = (RankingDiff(each, tuple(before(each)), tuple(after(each))) for each in questions)
    return [each for each in found if each.before != each.after]


def _by_number(references: Iterable[Reference]) -> dict[int, Reference]:
    return {each.number: each for each in references}


class _Sides(Generic[K, V]):
    """Two mappings, and what is in one of them only or differs."""

    def __init__(self, before: Mapping[K, V], after: Mapping[K, V]) -> None:
        self.added: list[K] = sorted(after.keys() - before.keys())
        self.removed: list[K] = sorted(before.keys() - after.keys())
        self.changed: list[K] = sorted(
            key for key in before.keys() & after.keys() if before[key] != after[key]
        )
