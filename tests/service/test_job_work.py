"""What becomes of jobs: in the corpus, in one build, the poisonous ones aside, and nothing lost on the way."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from answer.confidence import calibrate
from index.building import BuildReport, build_index
from index.snapshot import build_lock, current_version, read_history, versions
from index.vector_cache import VectorCache
from ingest.corpus import list_entries
from ingest.corpus_editing import NewDocument
from ingest.errors import FetchingError, SnapshotError
from service import job_work
from service.job_store import JobStore
from service.job_work import Workshop, work_on_jobs
from service.jobs import Job, Task
from service.settings import Settings
from tests.conftest import write_corpus
from tests.service.conftest import open_serving
from tests.twins import TwinEmbedder

WASPS = b"# Wasps\n\nKeep calm and move away slowly.\n"
POISON = b"%PDF-1.7\nnot a page in it"


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "state")


@pytest.fixture
def corpus_dir(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus")


class TwinBuilder:
    """A `Builder` with the encoder's twin, which counts its builds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.builds = 0

    def __call__(
        self, progress: Callable[[str, int, int], None], *, activate_anyway: bool, even_if_fresh: bool
    ) -> BuildReport:
        self.builds += 1
        return build_index(
            self.settings.corpus_dir,
            self.settings.index_dir,
            embedder=TwinEmbedder(),
            cache=VectorCache(self.settings.cache_dir / "vectors.sqlite"),
            calibrate=calibrate,
            progress=progress,
            activate_anyway=activate_anyway,
        )


@pytest.fixture
def builder(tmp_path: Path, corpus_dir: Path) -> TwinBuilder:
    return TwinBuilder(
        Settings(corpus_dir=corpus_dir, index_dir=tmp_path / "index", cache_dir=tmp_path / "cache")
    )


def no_fetching(target: str, *, number: int | None) -> NewDocument:
    raise FetchingError(f"{target} does not answer. Try again later.")


@pytest.fixture
def workshop(builder: TwinBuilder) -> Workshop:
    return Workshop(builder.settings, fetch=no_fetching, build=builder)


def add(store: JobStore, data: bytes, **fields: str) -> Job:
    return store.accept(Task("add", **fields), data)  # type: ignore[arg-type]  # fields of text only


def pdf_of(pages: int) -> bytes:
    file = BytesIO()
    canvas = Canvas(file)
    for number in range(1, pages + 1):
        canvas.drawString(72, 700, f"Wasp number {number} flew away slowly.")
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def test_a_pdf_of_too_many_pages_is_left_out_and_one_of_just_enough_is_not(
    store: JobStore, workshop: Workshop
) -> None:
    limited = replace(workshop, settings=workshop.settings.model_copy(update={"max_upload_pages": 2}))
    enough, too_many = (add(store, pdf_of(pages), name=f"{pages}.pdf") for pages in (2, 3))

    assert work_on_jobs(store, limited)
    assert store.get(enough.job_id).state == "succeeded"
    job = store.get(too_many.job_id)
    assert job.state == "quarantined"
    assert job.error is not None
    assert "The PDF has 3 pages; at most 2 are taken in." in job.error
    assert "CITEWELL_MAX_UPLOAD_PAGES" in job.error


def test_a_document_that_was_accepted_is_served(store: JobStore, workshop: Workshop, tmp_path: Path) -> None:
    accepted = add(store, WASPS, name="wasps.md")

    assert work_on_jobs(store, workshop)
    job = store.get(accepted.job_id)
    assert (job.state, job.outcome, job.doc_id, job.error) == ("succeeded", "added", "wasps", None)
    assert job.build is not None
    assert (job.build.version, job.build.activated) == (current_version(tmp_path / "index"), True)
    serving = open_serving(tmp_path / "index")
    assert (
        serving.snapshot.searcher.search("Keep calm and move away", k=1).ranked[0].passage.doc_id == "wasps"
    )
    assert not list((tmp_path / "state" / "uploads").iterdir())


def test_ten_uploads_in_a_burst_are_one_build(
    store: JobStore, workshop: Workshop, builder: TwinBuilder
) -> None:
    jobs = [add(store, f"# Note {at}\n\nRest for {at} days.\n".encode()) for at in range(10)]

    work_on_jobs(store, workshop)
    done = [store.get(job.job_id) for job in jobs]
    assert builder.builds == 1
    assert {job.state for job in done} == {"succeeded"}
    assert len({job.build and job.build.version for job in done}) == 1


def test_what_comes_in_during_a_build_is_in_the_next(
    store: JobStore, workshop: Workshop, builder: TwinBuilder
) -> None:
    late: list[Job] = []

    def build(
        progress: Callable[[str, int, int], None], *, activate_anyway: bool, even_if_fresh: bool
    ) -> BuildReport:
        if not late:
            late.append(add(store, b"# Late\n\nToo late.\n"))
        return builder(progress, activate_anyway=activate_anyway, even_if_fresh=even_if_fresh)

    first = add(store, WASPS)
    work_on_jobs(store, replace(workshop, build=build))

    assert builder.builds == 2
    assert [store.get(job.job_id).state for job in (first, *late)] == ["succeeded"] * 2


def test_a_poisonous_document_is_quarantined_with_its_reason_and_the_rest_goes_live(
    store: JobStore, workshop: Workshop, tmp_path: Path
) -> None:
    poison, good = add(store, POISON, name="a.pdf"), add(store, WASPS)
    unreachable = store.accept(Task("add", target="https://example.org/"))

    work_on_jobs(store, workshop)
    bad = store.get(poison.job_id)
    assert bad.state == "quarantined"
    assert bad.error is not None
    assert "PDF" in bad.error
    assert "The file is kept" in bad.error
    assert store.upload_path(bad.task).read_bytes() == POISON
    assert store.get(good.job_id).state == "succeeded"
    assert store.get(unreachable.job_id).state == "quarantined"
    assert "wasps" in {entry.doc_id for entry in list_entries(tmp_path / "corpus")}


def test_a_document_whose_reader_fails_in_a_way_nobody_thought_of_is_quarantined_too(
    store: JobStore, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise RecursionError

    monkeypatch.setattr(job_work, "add_document", fail)
    job = add(store, WASPS)
    work_on_jobs(store, workshop)

    assert store.get(job.job_id).state == "quarantined"
    assert "RecursionError" in (store.get(job.job_id).error or "")


def test_a_document_that_ends_its_worker_again_and_again_is_left_out(
    store: JobStore, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = []

    def die(corpus: Path, new: NewDocument, *, now: str) -> None:
        deaths.append(new.name)
        raise KeyboardInterrupt

    job = add(store, WASPS, name="wasps.md")
    with monkeypatch.context() as patch:
        patch.setattr(job_work, "add_document", die)
        for _ in range(job_work.MAX_ATTEMPTS):
            with pytest.raises(KeyboardInterrupt):
                work_on_jobs(store, workshop)
        other = add(store, b"# Rest\n\nRest.\n")
    work_on_jobs(store, workshop)

    assert len(deaths) == job_work.MAX_ATTEMPTS
    assert store.get(job.job_id).state == "quarantined"
    assert store.get(other.job_id).state == "succeeded"


def test_a_job_whose_worker_died_after_the_corpus_had_it_goes_on_with_the_build(
    store: JobStore, workshop: Workshop, builder: TwinBuilder
) -> None:
    def die(
        progress: Callable[[str, int, int], None], *, activate_anyway: bool, even_if_fresh: bool
    ) -> BuildReport:
        raise KeyboardInterrupt

    job = add(store, WASPS)
    with pytest.raises(KeyboardInterrupt):
        work_on_jobs(store, replace(workshop, build=die))
    assert store.get(job.job_id).state == "running"

    work_on_jobs(store, workshop)
    assert (store.get(job.job_id).state, store.get(job.job_id).outcome) == ("succeeded", "added")


def test_the_same_file_again_changes_nothing(store: JobStore, workshop: Workshop, tmp_path: Path) -> None:
    add(store, WASPS)
    work_on_jobs(store, workshop)
    version = current_version(tmp_path / "index")
    again = add(store, WASPS)
    work_on_jobs(store, workshop)

    assert store.get(again.job_id).outcome == "unchanged"
    assert current_version(tmp_path / "index") == version


def test_a_document_is_put_in_anothers_place_or_added_where_there_is_none(
    store: JobStore, workshop: Workshop, tmp_path: Path
) -> None:
    outcomes = []
    for text in (b"# Ticks\n\nPull it out with tweezers.\n", b"# Ticks\n\nPull it out at once.\n"):
        job = store.accept(Task("replace", doc_id="tick-bites"), text)
        work_on_jobs(store, workshop)
        outcomes.append(store.get(job.job_id).outcome)

    content = open_serving(tmp_path / "index").snapshot.searcher.content
    assert outcomes == ["added", "replaced"]
    assert "at once" in content.document("tick-bites").text


def test_a_document_that_is_removed_twice_is_gone_once(
    store: JobStore, workshop: Workshop, tmp_path: Path
) -> None:
    first = store.accept(Task("remove", doc_id="ticks"))
    work_on_jobs(store, workshop)
    again = store.accept(Task("remove", doc_id="ticks"))
    work_on_jobs(store, workshop)

    assert [store.get(job.job_id).outcome for job in (first, again)] == ["removed"] * 2
    assert "ticks" not in {entry.doc_id for entry in list_entries(tmp_path / "corpus")}


def test_while_another_process_builds_the_jobs_wait_and_nothing_is_lost(
    store: JobStore, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_work, "BUILT_ELSEWHERE_S", 0.0)
    job = add(store, WASPS)
    real, tries = workshop.build, []

    def build(
        progress: Callable[[str, int, int], None], *, activate_anyway: bool, even_if_fresh: bool
    ) -> BuildReport | None:
        tries.append(1)
        if len(tries) > 1:
            return real(progress, activate_anyway=activate_anyway, even_if_fresh=even_if_fresh)
        with build_lock(tmp_path / "index"):
            return real(progress, activate_anyway=activate_anyway, even_if_fresh=even_if_fresh)

    work_on_jobs(store, replace(workshop, build=build))
    assert len(tries) == 2
    assert store.get(job.job_id).state == "succeeded"


def test_a_disk_that_refuses_makes_jobs_wait_and_at_last_fail_with_the_reason(
    store: JobStore, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(
        progress: Callable[[str, int, int], None], *, activate_anyway: bool, even_if_fresh: bool
    ) -> BuildReport:
        raise SnapshotError("No space left on device.")

    job = add(store, WASPS)
    work_on_jobs(store, replace(workshop, build=full))
    waiting = store.get(job.job_id)
    assert (waiting.state, waiting.outcome) == ("queued", "added")
    assert "will be tried again" in (waiting.error or "")

    monkeypatch.setattr(job_work, "RETRY_S", 0.0)
    store.update(replace(waiting, postponements=job_work.MAX_POSTPONEMENTS))
    work_on_jobs(store, replace(workshop, build=full))
    assert store.get(job.job_id).state == "failed"
    assert "No space left" in (store.get(job.job_id).error or "")


def test_a_manifest_that_somebody_is_editing_makes_documents_wait_for_it(
    store: JobStore, workshop: Workshop, corpus_dir: Path
) -> None:
    manifest = (corpus_dir / "corpus.toml").read_text()
    (corpus_dir / "corpus.toml").write_text(manifest + "[[docu")
    job = add(store, WASPS)
    work_on_jobs(store, workshop)
    assert store.get(job.job_id).state == "queued"

    (corpus_dir / "corpus.toml").write_text(manifest)
    store.postpone(store.get(job.job_id), seconds=0, reason="")
    work_on_jobs(store, workshop)
    assert store.get(job.job_id).state == "succeeded"


def test_a_document_that_breaks_the_build_fails_its_job_and_what_served_still_does(
    store: JobStore, workshop: Workshop, tmp_path: Path
) -> None:
    add(store, WASPS)
    work_on_jobs(store, workshop)
    version = current_version(tmp_path / "index")

    def fail(
        progress: Callable[[str, int, int], None], *, activate_anyway: bool, even_if_fresh: bool
    ) -> BuildReport:
        raise ZeroDivisionError

    job = add(store, b"# Odd\n\nOdd.\n")
    work_on_jobs(store, replace(workshop, build=fail))
    assert store.get(job.job_id).state == "failed"
    assert "ZeroDivisionError" in (store.get(job.job_id).error or "")
    assert versions(tmp_path / "index") == [version]


def test_progress_is_seen_while_the_work_is_done(store: JobStore, workshop: Workshop) -> None:
    seen: set[str] = set()
    job = add(store, WASPS)
    real = workshop.build

    def build(
        progress: Callable[[str, int, int], None], *, activate_anyway: bool, even_if_fresh: bool
    ) -> BuildReport | None:
        def watched(stage: str, done: int, total: int) -> None:
            progress(stage, done, total)
            shown = store.get(job.job_id).progress
            seen.update([shown.stage] if shown else [])

        return real(watched, activate_anyway=activate_anyway, even_if_fresh=even_if_fresh)

    work_on_jobs(store, replace(workshop, build=build))
    assert seen >= {"cut", "embed passages", "embed sentences", "score"}
    assert store.get(job.job_id).progress is None


def test_whoever_finds_another_at_work_leaves_it_to_that_one(store: JobStore, workshop: Workshop) -> None:
    job = add(store, WASPS)

    with store.working():
        assert work_on_jobs(store, workshop) is False
    assert store.get(job.job_id).state == "queued"


def test_a_version_is_built_and_activated_once_in_the_history(
    store: JobStore, workshop: Workshop, tmp_path: Path
) -> None:
    add(store, WASPS)
    work_on_jobs(store, workshop)

    assert [record.event for record in read_history(tmp_path / "index")] == ["built", "activated"]
