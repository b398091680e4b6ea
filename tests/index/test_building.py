import errno
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from index.building import BuildReport, build_index
from index.searching import Searcher, open_snapshot
from index.snapshot import build_lock, current_version, read_history, versions
from index.vector_cache import VectorCache
from ingest.corpus import LEDGER_NAME, read_ledger
from ingest.errors import BuildInProgressError, CorpusError, ManifestError, SnapshotError
from tests.conftest import no_calibration, write_corpus
from tests.twins import TwinEmbedder


def build(
    corpus_dir: Path, *, into: Path | None = None, embedder: TwinEmbedder | None = None, **options: Any
) -> BuildReport:
    into = into or corpus_dir.parent / "index"
    return build_index(
        corpus_dir,
        into,
        embedder=embedder or TwinEmbedder(),
        cache=VectorCache(into.parent / f"{into.name}-vectors.sqlite"),
        **{"calibrate": no_calibration, **options},
    )


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


class BreakingEmbedder(TwinEmbedder):
    """Dies at the first text."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise KeyboardInterrupt


def test_a_build_serves_what_it_reports(corpus_dir: Path, tmp_path: Path) -> None:
    report = build(corpus_dir)

    assert current_version(tmp_path / "index") == report.version
    manifest = open_snapshot(tmp_path / "index" / report.version, embedder=TwinEmbedder()).manifest
    assert (report.corpus_title, report.n_documents, report.n_references) == ("Garden health", 6, 2)
    assert manifest["counts"] == {
        "documents": 6,
        "passages": report.n_passages,
        "sentences": report.n_sentences,
        "references": 2,
    }
    assert (report.quarantined, report.pruned) == ((), ())
    assert report.self_score.pairs == manifest["self_score"]["pairs"] > 0


def test_there_is_one_vector_for_each_passage_and_each_sentence(searcher: Searcher) -> None:
    passages = list(searcher.content.all_passages())

    assert len(searcher.vectors) == len(passages)
    for position, passage in enumerate(passages):
        assert len(searcher.sentence_vectors([position])) == len(passage.sentences)


def test_the_vector_of_a_passage_is_that_of_its_embedding_text(searcher: Searcher) -> None:
    embedder = TwinEmbedder()
    for position, passage in enumerate(searcher.content.all_passages()):
        vector = embedder.embed_query(passage.embedding_text)
        assert searcher.vectors.score(vector, np.array([position]))[0] == pytest.approx(1, abs=1e-6)


def test_no_marker_is_embedded(tmp_path: Path, corpus_dir: Path, embedder: TwinEmbedder) -> None:
    build(corpus_dir, embedder=embedder)

    assert embedder.embedded
    assert not any("[" in text for text in embedder.embedded)


def test_the_same_corpus_gives_the_same_bytes_in_another_folder(tmp_path: Path) -> None:
    one = build(write_corpus(tmp_path / "x" / "corpus")).version
    two = build(write_corpus(tmp_path / "y" / "corpus"), into=tmp_path / "other").version

    assert one == two
    assert files_of(tmp_path / "x" / "index" / one) == files_of(tmp_path / "other" / two)


def test_a_quarantined_file_leaves_no_trace_of_where_the_corpus_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.name == "ticks.txt":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", read_bytes)
        versions_built = {build(write_corpus(tmp_path / name / "corpus")).version for name in ("x", "y")}

    assert len(versions_built) == 1


def test_building_again_without_a_change_embeds_nothing_and_keeps_the_version(corpus_dir: Path) -> None:
    first, again = build(corpus_dir), TwinEmbedder()
    second = build(corpus_dir, embedder=again)

    assert second.version == first.version
    assert again.embedded == []
    assert versions(corpus_dir.parent / "index") == [first.version]


def test_a_changed_document_embeds_only_its_changed_passages(corpus_dir: Path) -> None:
    build(corpus_dir)
    path = corpus_dir / "hay-fever.md"
    path.write_text(path.read_text().replace("age of sixty", "age of seventy"))
    embedder = TwinEmbedder()
    build(corpus_dir, embedder=embedder)

    # The passage, and the sentence by itself.
    assert embedder.embedded == [
        "Outlook\nSymptoms often fade after the age of seventy.",
        "Symptoms often fade after the age of seventy.",
    ]


def test_an_incremental_build_gives_the_bytes_of_a_full_one(tmp_path: Path, corpus_dir: Path) -> None:
    build(corpus_dir)
    (corpus_dir / "ticks.txt").unlink()
    (corpus_dir / "wasps.md").write_text("# Wasps\n\nKeep calm and move away slowly.")
    incremental = build(corpus_dir).version

    full = build(corpus_dir, into=tmp_path / "fresh").version
    assert full == incremental
    assert files_of(tmp_path / "fresh" / full) == files_of(tmp_path / "index" / incremental)


def test_new_numbers_are_stored_before_a_snapshot_can_show_them(tmp_path: Path, corpus_dir: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(corpus_dir, embedder=BreakingEmbedder())

    assert [record.number for record in read_ledger(corpus_dir).records] == [1, 2]
    assert not (tmp_path / "index" / "CURRENT").exists()


def test_a_ledger_that_does_not_change_is_not_written_again(corpus_dir: Path) -> None:
    build(corpus_dir)
    before = (corpus_dir / LEDGER_NAME).stat().st_mtime_ns
    build(corpus_dir)

    assert (corpus_dir / LEDGER_NAME).stat().st_mtime_ns == before
    assert (corpus_dir / LEDGER_NAME).stat().st_mode & 0o777 == 0o644


def test_numbers_that_cannot_be_stored_stop_the_build(
    corpus_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_options: object) -> tuple[int, str]:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr("tempfile.mkstemp", refuse)
        with pytest.raises(
            CorpusError, match=r"cannot be stored in .*Read-only file system.*nothing has changed"
        ):
            build(corpus_dir)
    assert not (corpus_dir / LEDGER_NAME).exists()


def test_a_number_once_given_is_not_given_again_when_its_article_comes_back(tmp_path: Path) -> None:
    def article(title: str, entry: str) -> str:
        return f"# {title}\n\nIt helps [1].\n\n## References\n\n1. {entry}\n"

    old = article("Old", "Alder B. Salt water. Nose Journal. 2019;4:11-19.")
    corpus_dir = write_corpus(tmp_path / "corpus", {"old.md": old, "rest.md": "# Rest\n\nRest well."})
    build(corpus_dir)
    (corpus_dir / "old.md").unlink()
    (corpus_dir / "new.md").write_text(article("New", "Cedar D. Gloves in spring. Garden Notes. 2001;1:2-3."))
    build(corpus_dir)
    (corpus_dir / "old.md").write_text(old)
    build(corpus_dir)

    snapshot = tmp_path / "index" / current_version(tmp_path / "index")
    content = Searcher.open(snapshot, embedder=TwinEmbedder()).content
    assert (content.numbers("old"), content.numbers("new")) == ({1: 1}, {1: 2})


def test_a_file_that_cannot_be_read_is_reported_and_the_others_are_indexed(corpus_dir: Path) -> None:
    (corpus_dir / "broken.xml").write_bytes(b"<article><front>")

    report = build(corpus_dir)
    assert [path for path, _ in report.quarantined] == ["broken.xml"]
    assert report.n_documents == 6


def test_a_corpus_without_any_readable_text_is_an_error_that_says_why(tmp_path: Path) -> None:
    corpus_dir = write_corpus(tmp_path / "corpus", {"empty.md": ""})

    with pytest.raises(CorpusError, match=r"No document of the corpus has any text to index\. empty\.md: "):
        build(corpus_dir)
    with pytest.raises(ManifestError, match="holds no documents"):
        build(write_corpus(tmp_path / "nothing", {"readme.md": ""}))


def test_a_source_whose_number_is_unknown_is_an_error(tmp_path: Path) -> None:
    listed = '[[documents]]\ndoc_id = "a"\npath = "a.md"\nkind = "source"\nreference_number = 3\n'
    corpus_dir = write_corpus(tmp_path / "corpus", {"corpus.toml": listed, "a.md": "# A\n\nRest."})

    with pytest.raises(CorpusError, match="3"):
        build(corpus_dir)


def test_the_confidence_is_fitted_to_the_finished_index_and_stored_in_it(corpus_dir: Path) -> None:
    seen: list[str] = []

    def calibrate(searcher: Searcher, *, corpus_dir: Path) -> dict[str, Any]:
        seen.extend(hit.passage.doc_id for hit in searcher.search("tick", k=1).ranked)
        return {"intercept": 1.5, "corpus": corpus_dir.name}

    report = build(corpus_dir, calibrate=calibrate)
    folder = corpus_dir.parent / "index" / report.version
    assert seen == ["ticks"]
    assert json.loads((folder / "confidence.json").read_text()) == {"intercept": 1.5, "corpus": "corpus"}
    assert open_snapshot(folder, embedder=TwinEmbedder()).confidence["intercept"] == 1.5


def test_a_build_that_fails_leaves_the_version_that_served(corpus_dir: Path, tmp_path: Path) -> None:
    def fail(searcher: Searcher, *, corpus_dir: Path) -> dict[str, Any]:
        raise OSError(28, "No space left on device")

    version = build(corpus_dir).version
    (corpus_dir / "wasps.md").write_text("# Wasps\n\nKeep calm.")
    with pytest.raises(SnapshotError, match="No space left"):
        build(corpus_dir, calibrate=fail)

    assert current_version(tmp_path / "index") == version
    assert versions(tmp_path / "index") == [version]
    assert not list((tmp_path / "index").glob(".building-*"))


def test_two_builds_at_a_time_are_refused(corpus_dir: Path, tmp_path: Path) -> None:
    with build_lock(tmp_path / "index"), pytest.raises(BuildInProgressError):
        build(corpus_dir)


def test_the_last_five_versions_are_kept(corpus_dir: Path, tmp_path: Path) -> None:
    reports = []
    for at in range(7):
        (corpus_dir / "wasps.md").write_text(f"# Wasps\n\nKeep calm {at} times.")
        reports.append(build(corpus_dir))

    built = [report.version for report in reports]
    assert versions(tmp_path / "index") == built[2:]
    assert [report.pruned for report in reports] == [(), (), (), (), (), (built[0],), (built[1],)]


@pytest.mark.parametrize("max_tokens", [24, 128, 512])
def test_an_encoder_with_any_window_can_be_used(corpus_dir: Path, max_tokens: int) -> None:
    report = build(corpus_dir, embedder=TwinEmbedder(max_tokens=max_tokens))

    assert report.n_passages >= 8


def test_progress_names_the_stages_and_reaches_their_end(corpus_dir: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    build(corpus_dir, progress=lambda *step: seen.append(step))

    assert list(dict.fromkeys(stage for stage, _, _ in seen)) == [
        *("load", "cut", "embed passages", "embed sentences", "score"),
    ]
    assert all(done <= total for _, done, total in seen)
    for stage in ("embed passages", "embed sentences"):
        done, total = [(done, total) for name, done, total in seen if name == stage][-1]
        assert done == total


def test_a_marker_that_no_single_entry_resolves_gives_no_number_and_is_reported(tmp_path: Path) -> None:
    text = """\
# Rest

Sleep helps [1]. Water helps [2].

## References

1. Alder B. Salt water. Nose Journal. 2019;4:11-19.
1. Birch C. Tablets in spring. Pollen Letters. 2021;7:3-9.
2. Cedar D. Gloves in spring. Garden Notes. 2001;1:2-3.
"""
    corpus_dir = write_corpus(
        tmp_path / "corpus", {"a.txt": text.replace("# Rest", "Rest").replace("## ", "")}
    )
    report = build(corpus_dir)
    snapshot = open_snapshot(tmp_path / "index" / report.version, embedder=TwinEmbedder())

    numbers = snapshot.searcher.content.numbers("a")
    cited = [each.references for p in snapshot.searcher.content.all_passages() for each in p.sentences]
    assert 1 not in numbers
    assert () in cited
    assert (numbers[2],) in cited
    assert any("1" in warning for warning in report.warnings)


_REMEDIES = ("apple", "barley", "cherry", "damson", "elder", "fennel", "ginger", "hazel", "iris", "juniper")
_CITED = "".join(f"The {remedy} soothes every {remedy} ache [1]. " for remedy in _REMEDIES)


def _cited_corpus(folder: Path, *, holder: str) -> Path:
    """Write an article that cites reference 1, and two sources of which the holder has what it says."""
    texts = dict.fromkeys(("one", "two"), "Rest in the shade with a good book.")
    texts[holder] = _CITED.replace(" [1]", "")

    return write_corpus(
        folder,
        {
            "corpus.toml": '[[documents]]\ndoc_id = "article"\npath = "article.md"\n\n[[documents]]\ndoc_id = "one"\n'
            'path = "one.md"\nkind = "source"\nreference_number = 1\n\n[[documents]]\ndoc_id = "two"\n'
            'path = "two.md"\nkind = "source"\nreference_number = 2\n\n'
            '[[references]]\nnumber = 1\nprinted = "Alder B. Salt water. Nose Journal. 2019."\n\n'
            '[[references]]\nnumber = 2\nprinted = "Birch C. Tablets. Pollen Letters. 2021."\n',
            "article.md": f"# Remedies\n\n{_CITED}\n\n## References\n\n1. Alder B. Salt water. Nose Journal. 2019.\n"
            "2. Birch C. Tablets. Pollen Letters. 2021.\n",
            "one.md": f"# One\n\n{texts['one']}\n",
            "two.md": f"# Two\n\n{texts['two']}\n",
        },
    )


def test_a_version_that_finds_its_sources_significantly_worse_is_kept_and_does_not_serve(
    tmp_path: Path,
) -> None:
    corpus_dir = _cited_corpus(tmp_path / "corpus", holder="one")
    good = build(corpus_dir, paired_test=lambda _: 0.01)
    _cited_corpus(corpus_dir, holder="two")
    bad = build(corpus_dir, paired_test=lambda _: 0.01)

    assert good.activated
    assert not bad.activated
    assert current_version(tmp_path / "index") == good.version
    assert set(versions(tmp_path / "index")) == {good.version, bad.version}
    assert "significantly worse" in (bad.not_activated_because or "")
    assert read_history(tmp_path / "index")[-1].event == "kept"

    forced = build(corpus_dir, paired_test=lambda _: 0.01, activate_anyway=True)
    assert forced.activated
    assert current_version(tmp_path / "index") == forced.version == bad.version


def test_a_version_that_is_worse_by_chance_serves(tmp_path: Path) -> None:
    corpus_dir = _cited_corpus(tmp_path / "corpus", holder="one")
    build(corpus_dir, paired_test=lambda _: 0.5)
    _cited_corpus(corpus_dir, holder="two")

    assert build(corpus_dir, paired_test=lambda _: 0.5).activated


def test_a_disk_that_fails_for_a_moment_takes_no_document_out_of_the_index(
    corpus_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = build(corpus_dir).version
    whole = Path.read_bytes

    def fail(path: Path) -> bytes:
        if path.name == "ticks.txt":
            raise OSError(errno.EIO, "Input/output error")
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(CorpusError, match=r"ticks\.txt cannot be read: Input/output error"):
        build(corpus_dir)
    assert current_version(tmp_path / "index") == version
