"""This library as it is served, up to the whole reply: `answer_question`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from answer.answering import answer_question
from answer.confidence import calibrate
from benchmarks.peers.protocol import Ask, serve
from benchmarks.peers.scripts.citewell import load, vector_cache, write_all
from index.embedding import Embedder
from index.searching import CONFIDENCE_NAME
from index.snapshot import activate, write_snapshot
from service.wiring import open_current


def build(model: Embedder, passages: Sequence[str], folder: Path) -> None:
    """Leave a version like those that serve, its confidence fitted."""

    def fill(inside: Path) -> dict[str, Any]:
        searcher = write_all(model, passages, inside, cache=vector_cache(folder))
        confidence = calibrate(
            searcher, corpus_dir=inside
        )  # no judged questions are there: they come from the texts
        searcher.content.close()
        (inside / CONFIDENCE_NAME).write_text(json.dumps(confidence), encoding="utf-8")
        return {"model": model.identity.as_json()}

    activate(folder, write_snapshot(folder, fill))


def open_index(folder: Path) -> Ask:
    """Open it as the service does: every byte checked, and a question asked to warm it."""
    serving = open_current(folder, load(), None)

    def ask(question: str, k: int) -> list[int]:
        reply = answer_question(question, searcher=serving.snapshot.searcher, model=serving.confidence, k=k)
        return [int(hit.passage.doc_id) for hit in reply.passages]

    return ask


if __name__ == "__main__":
    serve(load=load, build=build, open_index=open_index)
