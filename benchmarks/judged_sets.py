"""The public judged sets that benchmarks use, and what others reached on them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.ranking_sets import (
    CorpusDocument,
    RankingSet,
    read_beir_folder,
    read_corpus,
    with_unanswerable,
)


@dataclass(frozen=True, slots=True)
class Collection:
    """One judged set, and what others reached on it: system -> (nDCG@10, Recall@100)."""

    name: str
    folder: str
    split: str
    baselines: Mapping[str, tuple[float, float | None]]
    corpus: str = "corpus.jsonl.gz"
    subset: str | None = None  # a file with the names of the documents to index
    answerable_only: bool = False


COLLECTIONS = (
    Collection(
        "nfcorpus test",
        "nfcorpus",
        "test",
        {
            "BM25": (0.329, 0.255),
            "dense": (0.299, 0.293),
            "best fusion": (0.353, 0.329),
            "bge-base, published": (0.37, None),
        },
    ),
    Collection(
        "nfcorpus dev",
        "nfcorpus",
        "dev",
        {"BM25": (0.301, 0.229), "dense": (0.288, 0.288), "best fusion": (0.330, 0.305)},
    ),
    Collection(
        "pubmedqa dev",
        "pubmedqa",
        "dev",
        {"BM25": (0.973, 0.998), "dense": (0.986, 0.998), "best fusion": (0.986, 0.998)},
    ),
    Collection(
        "medquad dev, 4k",
        "medquad",
        "dev",
        {"BM25": (0.801, 0.970), "dense": (0.870, 0.975), "best fusion": (0.890, 0.975)},
        subset="subset4k_ids.txt",
    ),
    Collection(
        "covid_qa dev, 200 words",
        "covid_qa",
        "dev_chunks200",
        {"BM25": (0.690, 0.952), "dense": (0.473, 0.853), "best fusion": (0.697, 0.949)},
        corpus="chunks200.jsonl.gz",
    ),
    Collection(
        "cranfield",
        "cranfield",
        "test",
        {"BM25": (0.365, 0.735), "dense": (0.373, 0.775), "best fusion": (0.409, 0.805)},
    ),
    Collection("cisi", "cisi", "test", {"BM25": (0.396, 0.453)}),
    Collection(
        "adi",
        "adi",
        "test",
        {"BM25": (0.494, 0.910), "dense": (0.497, 1.0), "best fusion": (0.543, 1.0)},
    ),
    Collection(
        "squad2_sample",
        "squad2_sample",
        "test",
        {"BM25": (0.859, 0.997), "dense": (0.828, 1.0), "best fusion": (0.896, 1.0)},
        answerable_only=True,
    ),
)


def read_set(each: Collection, root: Path) -> RankingSet:
    """Return a collection's queries and judgments, those only that it answers where only these count."""
    asked = read_beir_folder(root / each.folder, split=each.split)
    if not each.answerable_only:
        return asked
    unanswerable = with_unanswerable(asked).unanswerable
    return replace(
        asked, qrels={query: grades for query, grades in asked.qrels.items() if query not in unanswerable}
    )


def documents_of(each: Collection, root: Path) -> Iterator[CorpusDocument]:
    """Yield the documents of a collection that are indexed."""
    documents = read_corpus(root / each.folder / each.corpus)
    if each.subset is None:
        return documents
    kept = set((root / each.folder / each.subset).read_text(encoding="utf-8").split())
    return (document for document in documents if document.name in kept)
