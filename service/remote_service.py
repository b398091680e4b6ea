"""Asking a service that runs somewhere, over one kept connection."""

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ingest.errors import CitewellError

_TIMEOUT_S = 60.0


class RefusedRequestError(CitewellError):
    """The service answered one request with a problem; others may well go through."""


class UnreachableServiceError(CitewellError):
    """The service cannot be reached at all."""


class RemoteService:
    """The API of a running service, as JSON values."""

    def __init__(self, url: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CitewellError(f"{url!r} is no address of a service. Write it like http://127.0.0.1:8000.")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._base = parts.path.rstrip("/")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout_s)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def get(self, path: str) -> dict[str, Any]:
        """Return what a GET answers.

        Raises:
            RefusedRequestError: If it answers with a problem.
            UnreachableServiceError: If it cannot be reached.
        """
        return self._send("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a POST of a JSON object answers; errors as for `get`."""
        return self._send("POST", path, json.dumps(body).encode())

    def post_for_lines(self, path: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the lines that a POST of a JSON object answers as NDJSON, each as it comes in.

        Raises:
            RefusedRequestError: If it answers with a problem.
            UnreachableServiceError: If it cannot be reached, or breaks off.
        """
        # A reply that nobody read to its end would be taken for the answer to this request.
        self._connection.close()
        headers = {"Accept": "application/x-ndjson", "Content-Type": "application/json"}
        try:
            self._connection.request("POST", f"{self._base}{path}", json.dumps(body).encode(), headers)
            response = self._connection.getresponse()
            if response.status >= 400:
                raise _refusal("POST", path, response.status, response.read())
            for line in response:
                if not line.endswith(b"\n"):
                    raise http.client.IncompleteRead(line)
                yield json.loads(line)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> UnreachableServiceError:
        reason = str(error) or type(error).__name__
        return UnreachableServiceError(
            f"{self.url} cannot be reached: {reason}. Is `citewell serve` running there?"
        )

    def _send(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        try:
            try:
                response, content = self._exchange(method, path, body, headers)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                # A kept connection may have been closed by the other side in the meantime.
                self._connection.close()
                response, content = self._exchange(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            # The next request opens a new connection.
            self._connection.close()
            raise self._unreachable(error) from error
        try:
            reply = json.loads(content)
        except ValueError:
            reply = None
        if response.status >= 400 or not isinstance(reply, dict):
            raise _refusal(method, path, response.status, content)
        return reply

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        self._connection.request(method, f"{self._base}{path}", body, headers)
        response = self._connection.getresponse()
        return response, response.read()


def _refusal(method: str, path: str, status: int, content: bytes) -> RefusedRequestError:
    try:
        reply = json.loads(content)
    except ValueError:
        reply = None
    detail = reply.get("detail") if isinstance(reply, dict) else None
    reason = detail or content[:200].decode("utf-8", errors="replace")
    return RefusedRequestError(f"{method} {path} was answered with {status}: {reason}")
