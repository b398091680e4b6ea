"""Query sets with relevance judgments per document: BEIR folders, TREC topics and qrels."""

import csv
import gzip
import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evaluation.measures import Qrels
from evaluation.results import SetForm
from ingest.errors import CorpusError

_PREFERRED_SPLITS = ("test", "dev")
_TOPIC = re.compile(r"<top>(.*?)</top>", re.DOTALL | re.IGNORECASE)
_TOPIC_NUMBER = re.compile(r"<num>\s*(?:Number:)?\s*([^\s<]+)", re.IGNORECASE)
_TOPIC_TITLE = re.compile(r"<title>\s*(?:Topic:)?\s*([^<]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """One document of a BEIR corpus."""

    name: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class RankingSet:
    """Queries and judgments.

    Args:
        queries: Query -> text; every judged query that has a text, and no other.
        qrels: Judgments of the split.
        corpus: The file of documents to search, where the set has one.
        unjudged: How many queries were left out because nothing is judged for them.
        unanswerable: Queries that the corpus, without `left_out`, cannot answer.
        left_out: Documents of the corpus that are kept out of the index.
    """

    name: str
    form: SetForm
    sha256: str
    split: str | None
    queries: Mapping[str, str]
    qrels: Qrels
    corpus: Path | None
    unjudged: int
    unanswerable: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()


def read_beir_folder(folder: Path, *, split: str | None = None) -> RankingSet:
    """Read the queries and judgments of a BEIR folder.

    Args:
        folder: Holds queries.jsonl, qrels/<split>.tsv and mostly corpus.jsonl, each perhaps gzipped.
        split: Which judgments; test, else dev, else the only ones there are when None.

    Raises:
        CorpusError: If a file is missing or a line of it is not what it should be.
    """
    qrels_path = _qrels_path(folder, split)
    qrels = read_qrels(qrels_path)
    queries_path = _present(folder, "queries.jsonl")
    queries = {str(line["_id"]): str(line["text"]) for line in _json_lines(queries_path, ("_id", "text"))}
    corpus = _find(folder, "corpus.jsonl")
    return RankingSet(
        name=folder.resolve().name,
        form="beir",
        sha256=_hash(path for path in (corpus, queries_path, qrels_path) if path is not None),
        split=qrels_path.name.split(".")[0],
        queries={query: text for query, text in queries.items() if query in qrels},
        qrels=qrels,
        corpus=corpus,
        unjudged=len(queries.keys() - qrels.keys()),
    )


def with_unanswerable(asked: RankingSet, queries: Iterable[str] = ()) -> RankingSet:
    """Return a set whose queries are partly unanswerable.

    Every document that is relevant to one of the named queries is left out. Unanswerable is then every
    judged query none of whose relevant documents stays, so also one for which nothing is judged relevant.

    Raises:
        CorpusError: If a named query is not judged, or no query or every query would be unanswerable.
    """
    named = list(queries)
    if unknown := [query for query in named if query not in asked.qrels]:
        raise CorpusError(
            f"{asked.name}: {len(unknown)} of the {len(named)} queries named as unanswerable, such as {unknown[0]!r}, "
            "are not judged. Name queries of the set, one a line."
        )
    left_out = frozenset(document for query in named for document in _relevant(asked.qrels[query]))
    unanswerable = frozenset(
        query for query, grades in asked.qrels.items() if not _relevant(grades) - left_out
    )
    if not 0 < len(unanswerable) < len(asked.qrels):
        raise CorpusError(
            f"{asked.name}: {len(unanswerable)} of {len(asked.qrels)} judged queries are unanswerable, so refusal "
            "cannot be measured. Name some of them with --unanswerable."
        )
    sha256 = hashlib.sha256(f"{asked.sha256} {sorted(left_out)} {sorted(unanswerable)}".encode()).hexdigest()
    return replace(asked, sha256=sha256, unanswerable=unanswerable, left_out=left_out)


def read_query_ids(path: Path) -> list[str]:
    """Read query ids, one a line.

    Raises:
        CorpusError: If the file cannot be read.
    """
    return [line.strip() for line in _lines(path) if line.strip()]


def _relevant(grades: Mapping[str, int]) -> frozenset[str]:
    return frozenset(document for document, grade in grades.items() if grade > 0)


def read_trec_set(topics: Path, qrels_path: Path) -> RankingSet:
    """Read TREC topics (`<top>` blocks, or `query<TAB>text` lines) with their judgments.

    Raises:
        CorpusError: If a file is missing or a line of it is not what it should be.
    """
    qrels = read_qrels(qrels_path)
    queries = _read_topics(topics)
    return RankingSet(
        name=topics.name.split(".")[0],
        form="trec",
        sha256=_hash([topics, qrels_path]),
        split=None,
        queries={query: text for query, text in queries.items() if query in qrels},
        qrels=qrels,
        corpus=None,
        unjudged=len(queries.keys() - qrels.keys()),
    )


def read_corpus(path: Path) -> Iterator[CorpusDocument]:
    """Yield the documents of a BEIR corpus, in file order.

    Raises:
        CorpusError: If a line is no document; the message names file and line.
    """
    for line in _json_lines(path, ("_id", "text")):
        yield CorpusDocument(str(line["_id"]), str(line.get("title") or ""), str(line["text"]))


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read judgments: TREC's four columns, or BEIR's three with their heading.

    Raises:
        CorpusError: If a line is neither; the message names file and line.
    """
    qrels: dict[str, dict[str, int]] = {}
    for at, line in enumerate(_lines(path), start=1):
        fields = next(csv.reader([line], delimiter="\t")) if "\t" in line else line.split()
        if not line.strip() or (at == 1 and fields[0].lower() in ("query-id", "query_id")):
            continue
        query, document, grade = (
            (fields[0], fields[-2], fields[-1]) if len(fields) in (3, 4) else ("", "", "")
        )
        try:
            qrels.setdefault(query.strip(), {})[document.strip()] = int(grade)
        except ValueError as error:
            raise CorpusError(
                f"{path}, line {at}: {line[:80]!r} is no judgment. Write `query 0 document grade`, or BEIR's "
                "three columns, with a whole number as grade."
            ) from error
    if not qrels:
        raise CorpusError(f"{path} holds no judgment. Name the qrels of the set.")
    return qrels


def read_run(path: Path) -> dict[str, dict[str, float]]:
    """Read a finished run in TREC's six columns: query, Q0, document, rank, score, tag.

    Raises:
        CorpusError: If a line is something else, or a document comes twice for one query.
    """
    run: dict[str, dict[str, float]] = {}
    for at, line in enumerate(_lines(path), start=1):
        if not (fields := line.split()):
            continue
        try:
            query, _, document, _, score, _ = fields
            value = float(score)
        except ValueError as error:
            raise CorpusError(
                f"{path}, line {at}: {line[:80]!r} is not `query Q0 document rank score tag`."
            ) from error
        if math.isnan(value) or document in run.setdefault(query, {}):
            fault = "the score is no number" if math.isnan(value) else f"{document} stands twice for {query}"
            raise CorpusError(f"{path}, line {at}: {fault}. Correct the run.")
        run[query][document] = value
    return run


def format_run(run: Mapping[str, Mapping[str, float]], *, tag: str) -> str:
    """Return a run in TREC's six columns, best first; reading it gives back the same run.

    Raises:
        ValueError: If a name holds white space, which the format cannot express.
    """
    lines = []
    for query, scores in run.items():
        ranked = sorted(scores.items(), key=lambda pair: -pair[1])
        for rank, (document, score) in enumerate(ranked, start=1):
            if any(part != "".join(part.split()) or not part for part in (query, document, tag)):
                raise ValueError(
                    f"a run cannot name {query!r} or {document!r}: white space parts its columns"
                )
            lines.append(f"{query} Q0 {document} {rank} {score:.9g} {tag}\n")
    return "".join(lines)


def _read_topics(path: Path) -> dict[str, str]:
    text = "\n".join(_lines(path))
    blocks = _TOPIC.findall(text)
    if not blocks:
        rows = [line.partition("\t") for line in text.splitlines() if line.strip()]
        if not rows or not all(query.strip() and topic.strip() for query, _, topic in rows):
            raise CorpusError(f"{path} holds no topics. Write <top> blocks, or `query<TAB>text` lines.")
        return {query.strip(): topic.strip() for query, _, topic in rows}
    topics = {}
    for block in blocks:
        number, title = _TOPIC_NUMBER.search(block), _TOPIC_TITLE.search(block)
        if number is None or title is None:
            raise CorpusError(f"{path}: a topic lacks its <num> or <title>: {block.strip()[:80]!r}.")
        topics[number[1]] = " ".join(title[1].split())
    return topics


def _qrels_path(folder: Path, split: str | None) -> Path:
    found = {path.name.split(".")[0]: path for path in sorted((folder / "qrels").glob("*.tsv*"))}
    preferred = [each for each in _PREFERRED_SPLITS if each in found]
    wanted = split or next(iter(preferred), None) or (next(iter(found)) if len(found) == 1 else None)
    if wanted in found:
        return found[wanted]
    raise CorpusError(
        f"{folder} has judgments for {', '.join(found) or 'no split'}, not for {split or 'test or dev'}. "
        "Name one with --split."
    )


def _find(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _present(folder: Path, name: str) -> Path:
    if (path := _find(folder, name)) is None:
        raise CorpusError(f"{folder} holds neither {name} nor {name}.gz. Name a folder in BEIR layout.")
    return path


def _json_lines(path: Path, required: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for at, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            missing = [name for name in required if name not in fields]
        except (ValueError, TypeError) as error:
            raise CorpusError(f"{path}, line {at}: {error}. Write one JSON object a line.") from error
        if missing or str(fields["_id"]) in seen:
            fault = f"{', '.join(missing)} is missing" if missing else f"_id {fields['_id']!r} stands twice"
            raise CorpusError(f"{path}, line {at}: {fault}. Correct the line.")
        seen.add(str(fields["_id"]))
        yield fields


def _lines(path: Path) -> Iterator[str]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            for line in stream:
                yield line.decode("utf-8").rstrip("\r\n")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} cannot be read: {error}. Check the file.") from error


def _hash(paths: Any) -> str:
    """Return one hash of several files, of their content as it is on disk."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
