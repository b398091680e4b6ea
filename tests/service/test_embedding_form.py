"""The form that builds embed passages in: tried once, remembered, refused with its figures."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from index.embedding import Embedder, EncodedText
from index.searching import open_snapshot
from index.snapshot import current_version
from ingest.errors import ModelError
from service import build_wiring, embedding_form, freshness, wiring
from service.embedding_form import compare_forms, embedder_of_builds, gather_trial
from service.settings import Settings
from tests.conftest import share_exports
from tests.index.test_openvino_engine import needs_bf16
from tests.twins import TwinEmbedder


class RoughEmbedder(TwinEmbedder):
    """A twin whose vectors are off by so much, and by as much more in a batch; `encoded` counts its texts."""

    def __init__(self, off: float = 0.0, *, more_in_a_batch: float = 0.0) -> None:
        super().__init__(engine=f"rough {off} {more_in_a_batch}")
        self._off = off
        self._more = more_in_a_batch
        self.encoded = 0

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = super().embed_passages(texts)
        noise = np.stack([self._noise(text) for text in texts])
        rough = vectors + (self._off + self._more * (len(texts) > 1)) * noise
        return np.asarray(rough / np.linalg.norm(rough, axis=1, keepdims=True), dtype=np.float32)

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        self.encoded += len(texts)
        return super().encode_passages(texts)

    def _noise(self, text: str) -> NDArray[np.float64]:
        noise = np.random.default_rng(len(text)).standard_normal(self.identity.dim)
        return noise / np.linalg.norm(noise)


@pytest.fixture
def settings(corpus_dir: Path, tmp_path: Path) -> Settings:
    return Settings(
        corpus_dir=corpus_dir,
        index_dir=tmp_path / "index",
        cache_dir=tmp_path / "cache",
        embedding_form="bf16",
    )


def use(monkeypatch: pytest.MonkeyPatch, fast: Embedder) -> None:
    monkeypatch.setattr(wiring, "make_bf16_encoder", lambda _settings: fast)


def test_the_exact_form_is_the_encoder_itself(settings: Settings, embedder: TwinEmbedder) -> None:
    assert embedder_of_builds(settings.model_copy(update={"embedding_form": "exact"}), embedder) is embedder


def test_a_form_that_agrees_embeds_the_passages_and_is_tried_once(
    settings: Settings, embedder: TwinEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = RoughEmbedder(1e-5)
    use(monkeypatch, fast)
    stages = []

    first = embedder_of_builds(settings, embedder, progress=lambda stage, *_: stages.append(stage))
    tried = fast.encoded
    embedder_of_builds(settings, embedder)

    assert tried > 200
    assert fast.encoded == tried
    assert stages == ["check bf16"] * 2
    assert first.identity == replace(
        embedder.identity, engine=f"{embedder.identity.engine}; passages {fast.identity.engine}"
    )
    [record] = (settings.cache_dir / "models").iterdir()
    assert json.loads(record.read_text())["overlap"] >= 0.99


def test_another_engine_is_tried_for_itself(
    settings: Settings, embedder: TwinEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, RoughEmbedder(1e-5))
    embedder_of_builds(settings, embedder)
    other = RoughEmbedder(2e-5)
    use(monkeypatch, other)

    embedder_of_builds(settings, embedder)

    assert other.encoded > 200


def test_a_form_that_disagrees_is_refused_with_its_figures_each_time(
    settings: Settings, embedder: TwinEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, RoughEmbedder(0.3))

    for _ in range(2):
        with pytest.raises(
            ModelError,
            match=r"top-10 overlap 0\.\d{4}, 0\.99 at least.* passages with \d+ queries.*_FORM back to exact",
        ):
            build_wiring.build(settings, embedder)
    assert not settings.index_dir.exists()


def test_a_text_whose_bits_depend_on_its_neighbours_is_found_out(
    settings: Settings, embedder: TwinEmbedder
) -> None:
    trial = gather_trial(settings, embedder)

    found = compare_forms(embedder, RoughEmbedder(more_in_a_batch=1e-5), trial)

    assert found.changed_alone == 50
    assert found.faults == ("50 texts with other bits alone than in a batch",)


def test_a_small_corpus_is_helped_out_with_packaged_text(settings: Settings, embedder: TwinEmbedder) -> None:
    trial = gather_trial(settings, embedder)

    assert len(trial.texts) > 200
    assert len(trial.queries) > 600
    assert len(trial.relevant) == len(trial.queries)
    assert any("Pull a tick out straight" in text for text in trial.texts)


def test_the_judged_questions_of_the_corpus_are_asked(settings: Settings, embedder: TwinEmbedder) -> None:
    questions = settings.corpus_dir / "questions" / "dev.jsonl"
    questions.parent.mkdir()
    asked = {
        "id": "a",
        "question": "Does salt water help?",
        "kind": "lookup",
        "answerable": True,
        "refs": [1],
    }
    hopeless = {"id": "b", "question": "Who won?", "kind": "off_topic", "answerable": False}
    questions.write_text(f"{json.dumps(asked)}\n{json.dumps(hopeless)}\n")

    trial = gather_trial(settings, embedder)

    assert trial.queries[0] == "Does salt water help?"
    assert "Who won?" not in trial.queries
    assert trial.relevant[0]
    assert all("Rinsing the nose" in trial.texts[at] or "salt" in trial.texts[at] for at in trial.relevant[0])
    assert not any(trial.relevant[1:])


def test_a_large_corpus_is_tried_on_its_own_passages(
    settings: Settings, embedder: TwinEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_form, "_LEAST_PASSAGES", 3)
    monkeypatch.setattr(embedding_form, "_MOST_PASSAGES", 4)

    trial = gather_trial(settings, embedder)

    assert len(trial.texts) == 4
    assert len(trial.queries) == 4  # some words of each passage
    assert all(any(query in " ".join(text.split()) for text in trial.texts) for query in trial.queries)


def test_what_is_built_in_one_form_is_searched_with_exact_queries(
    settings: Settings, embedder: TwinEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = RoughEmbedder(1e-5)
    use(monkeypatch, fast)
    embedder_of_builds(settings, embedder)
    embedder.embedded.clear()  # the trial embeds exactly as well

    built = build_wiring.build(settings, embedder)
    opened = open_snapshot(settings.index_dir / current_version(settings.index_dir), embedder=embedder)

    assert fast.embedded
    assert not embedder.embedded
    assert opened.version == built.version
    assert opened.searcher.search("How do I pull out a tick?", k=1).ranked[0].passage.doc_id == "ticks"


def test_forms_do_not_share_vectors_and_another_form_is_something_new_to_build(
    settings: Settings, embedder: TwinEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = settings.model_copy(update={"embedding_form": "exact"})
    fast = RoughEmbedder(1e-5)
    use(monkeypatch, fast)

    in_bf16 = build_wiring.build(settings, embedder).version
    embedder.embedded.clear()
    exactly = build_wiring.build(exact, embedder).version

    assert embedder.embedded  # nothing was taken from the other form's vectors
    assert in_bf16 != exactly
    assert freshness.hash_inputs(settings) != freshness.hash_inputs(exact)


def test_an_encoder_that_was_never_exported_has_no_such_form(settings: Settings) -> None:
    with pytest.raises(ModelError, match=r"Only an encoder that was exported runs in bf16: .*back to exact"):
        wiring.make_bf16_encoder(settings)


@pytest.mark.slow
@needs_bf16
def test_the_real_encoder_agrees_with_itself_in_bf16_and_gives_the_same_bytes_twice(
    settings: Settings, real_embedder: Embedder, tmp_path: Path
) -> None:
    homes = [
        settings.model_copy(
            update={"index_dir": tmp_path / name / "index", "cache_dir": share_exports(tmp_path / name)}
        )
        for name in ("one", "other")
    ]

    versions = [build_wiring.build(home, real_embedder).version for home in homes]

    assert versions[0] == versions[1]
    serving = wiring.open_current(homes[0].index_dir, real_embedder, None)
    found = serving.snapshot.searcher.search("How do I pull out a tick?", k=1).ranked
    assert found[0].passage.doc_id == "ticks"
