"""One version of the index, open, as replies are made from it."""

from dataclasses import dataclass, replace

from answer.confidence import ConfidenceModel
from index.searching import OpenSnapshot


@dataclass(frozen=True, slots=True)
class ServingIndex:
    """One version with everything that answering from it needs."""

    snapshot: OpenSnapshot
    confidence: ConfidenceModel
    built_at: str

    @property
    def version(self) -> str:
        """The version of the snapshot."""
        return self.snapshot.version

    def unseen(self, question: str) -> "ServingIndex":
        """Return the same without what was learned from a question; see `Searcher.unseen`."""
        searcher = self.snapshot.searcher.unseen(question)
        return replace(self, snapshot=replace(self.snapshot, searcher=searcher))
