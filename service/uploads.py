"""From the body of a request to a task: a form with a file, or JSON that says where the document is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, Headers, UploadFile

from service.editing_schemas import DocumentFields, FetchedDocument, UploadFields
from service.jobs import JobKind, Task

__all__ = ["Upload", "describe_body", "is_upload", "read_upload"]

M = TypeVar("M", bound=BaseModel)
_MAX_FIELDS = 20
_MAX_FIELD_BYTES = 16_384
_MAX_NAME_CHARS = 200
_FORM, _JSON = "multipart/form-data", "application/json"


@dataclass(frozen=True, slots=True)
class Upload:
    """What a request asks for, and the file that came with it."""

    task: Task
    data: bytes | None


def is_upload(path: str, headers: Headers) -> bool:
    """Return whether a request carries a file, by its address and headers."""
    return path.startswith("/v1/documents") and headers.get("content-type", "").strip().lower().startswith(
        _FORM
    )


async def read_upload(
    request: Request,
    *,
    max_bytes: int,
    kind: JobKind,
    form: type[UploadFields],
    fetched: type[FetchedDocument],
    doc_id: str | None = None,
) -> Upload:
    """Read and check the body of a request.

    It is read here and not by the framework, which would take in a whole file before it asks who sends it.

    Args:
        request: Its body has not been read yet.
        max_bytes: A larger file is refused.
        kind: Of the task.
        form: What fields may stand beside a file.
        fetched: What fields JSON may have.
        doc_id: Of the document, where the address says it.

    Raises:
        RequestValidationError: If a field is faulty.
        HTTPException: 415 for another media type, 413 for too large a file, 400 for a form that cannot be read.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == _JSON:
        wanted = _checked(fetched, await request.body())
        return Upload(replace(_task(kind, wanted, doc_id), target=wanted.doi or wanted.url), None)
    if media_type != _FORM:
        raise HTTPException(
            415, f"Send a file as {_FORM}, or an address or DOI as {_JSON}; not {media_type or 'nothing'}."
        )
    async with request.form(max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES) as parts:
        file, values = _parts(parts)
        asked = _checked(form, values)
        if (file.size or 0) > max_bytes:
            raise HTTPException(
                413, f"The file has {file.size:,} bytes; at most {max_bytes:,} are taken in. Split it."
            )
        data = await file.read()
    if not data:
        raise _faulty("file", "The file is empty")
    name = (file.filename or "")[:_MAX_NAME_CHARS]
    return Upload(replace(_task(kind, asked, doc_id), name=_printable(name), url=asked.url), data)


def _parts(parts: FormData) -> tuple[UploadFile, dict[str, str]]:
    values: dict[str, str] = {}
    file: UploadFile | None = None
    for name, value in parts.multi_items():
        if name == "file" and isinstance(value, UploadFile) and file is None:
            file = value
        elif isinstance(value, str) and name not in values and name != "file":
            values[name] = value
        else:
            raise _faulty(
                name, "There must be one file, in the field `file`, and every other field once, as text"
            )
    if file is None:
        raise _faulty("file", "There is no file in the field `file`")
    return file, values


def _checked(model: type[M], given: bytes | Mapping[str, str]) -> M:
    try:
        return model.model_validate_json(given) if isinstance(given, bytes) else model.model_validate(given)
    except ValidationError as error:
        problems = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        raise RequestValidationError(problems) from error


def _faulty(field: str, reason: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": ("body", field), "msg": reason}])


def _task(kind: JobKind, asked: DocumentFields, doc_id: str | None) -> Task:
    return Task(
        kind=kind,
        doc_id=doc_id or getattr(asked, "doc_id", None),
        document_kind=asked.kind,
        reference_number=asked.reference_number,
        fidelity=asked.fidelity,
        title=asked.title,
        licence=asked.licence,
        unchecked=asked.unchecked,
    )


def _printable(name: str) -> str:
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name
    )


def describe_body(form: type[UploadFields], fetched: type[FetchedDocument]) -> dict[str, Any]:
    """Return what OpenAPI says of such a body."""
    fields = form.model_json_schema()
    file = {"type": "string", "format": "binary", "description": "The document: any format that is read."}
    fields["properties"] = {"file": file, **fields["properties"]}
    fields["required"] = ["file"]
    schemas = {_FORM: fields, _JSON: fetched.model_json_schema()}
    content = {media_type: {"schema": schema} for media_type, schema in schemas.items()}
    return {"requestBody": {"required": True, "content": content}}
