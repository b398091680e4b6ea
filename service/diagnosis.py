"""Checking everything that serving needs."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from index.cores import available_cores
from index.snapshot import current_version, verify
from ingest.corpus import load_corpus
from ingest.errors import CitewellError
from service import wiring
from service.serving_index import ServingIndex
from service.settings import Settings, share_of


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `detail` says how to mend what is not right."""

    check: str
    ok: bool
    detail: str


def diagnose(settings: Settings) -> list[Finding]:
    """Run every check; none changes anything, but for an encoder that is exported when it is not there yet."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("python", lambda: sys.version.split()[0]),
        ("processes", lambda: _processes(settings)),
        ("corpus", lambda: _corpus(settings)),
        ("encoder", lambda: _encoder(settings)),
        ("index", lambda: _index(settings)),
        ("a question", lambda: _question(settings)),
        ("ranking", lambda: _ranking(settings)),
        ("confidence", lambda: _confidence(settings)),
    ]
    if settings.reading_model:
        checks.append(("reading model", lambda: _reading_model(settings)))
    return [_run(name, check) for name, check in checks]


def _run(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, ok=True, detail=check())
    except (CitewellError, OSError) as error:
        return Finding(name, ok=False, detail=str(error))


def _processes(settings: Settings) -> str:
    return (
        f"{settings.workers} to answer, with {share_of(settings).query_threads} at a time each, on "
        f"{available_cores()} cores"
    )


def _corpus(settings: Settings) -> str:
    corpus = load_corpus(settings.corpus_dir)
    if corpus.quarantined:
        raise CitewellError("; ".join(f"{each.path}: {each.reason}" for each in corpus.quarantined))
    return f"{len(corpus.documents)} documents in {settings.corpus_dir}"


def _encoder(settings: Settings) -> str:
    identity = wiring.make_embedder(settings).identity
    return (
        f"{identity.model}, {identity.dim} dimensions, weights {identity.weights_sha256[:12]}, "
        f"computed by {identity.engine}"
    )


def _index(settings: Settings) -> str:
    version = current_version(settings.index_dir)
    manifest = verify(settings.index_dir / version)
    return f"version {version}, {manifest['counts']['passages']} passages, every file as it was written"


def _question(settings: Settings) -> str:
    serving = _open(settings)
    found = serving.snapshot.searcher.search("What helps?", k=1).ranked
    return f"answered from {found[0].passage.doc_id}"


def _ranking(settings: Settings) -> str:
    seen = _open(settings).snapshot.searcher.n_questions_seen
    if seen:
        return (
            f"learned from {seen} questions, judged ones of the corpus and everyday ones that nothing answers"
        )
    return (
        f"as for any documents; it learns from judged questions in {settings.corpus_dir / 'questions'} once there are "
        "some fifty answerable ones and others are ranked better for them"
    )


def _confidence(settings: Settings) -> str:
    examples = _open(settings).snapshot.confidence.get("examples", ())
    judged = sum(origin == "judged" for origin, _, _ in examples)
    if any(origin == "own_sentence" for origin, _, _ in examples):
        return (
            "fitted on sentences of the documents, with and without the document that each is of, as no answerable "
            f"question is judged; a few dozen in {settings.corpus_dir / 'questions'} would make it better"
        )
    return f"fitted on the judged questions of the corpus, {judged} of them"


def _reading_model(settings: Settings) -> str:
    reader = _open(settings).confidence.reader
    if reader is None:
        raise CitewellError(wiring.READER_UNUSED)
    return f"{reader.identity}, as the confidence was fitted with"


def _open(settings: Settings) -> ServingIndex:
    return wiring.open_current(
        settings.index_dir,
        wiring.make_embedder(settings),
        wiring.make_reranker(settings),
        wiring.make_reading_model(settings),
    )
