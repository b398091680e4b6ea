"""Who may change things: the dependency that admin routes ask for.

A route is an admin route by `Depends(require_admin)`; `ADMIN_STATUSES` are the problems that it may then answer with.
"""

from pathlib import Path
from typing import Annotated

import structlog
from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from service import metrics
from service.keys import ENVIRONMENT_NAME, KeysError, StoredKey, find_key, hash_key, read_keys

_log = structlog.get_logger(__name__)

ADMIN_STATUSES = (401, 403)
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="citewell"'}
_HOW_TO_SET = (
    "No admin key is set, so nothing can be changed over HTTP. Make one with `citewell keys add NAME`, or start the "
    "service with CITEWELL_ADMIN_KEY."
)
_bearer = HTTPBearer(
    scheme_name="AdminKey",
    description="A key of `citewell keys add`, or the one in CITEWELL_ADMIN_KEY.",
    auto_error=False,
)


class Keyring:
    """The keys that are valid now: the one of the environment, and those of a file that may change meanwhile."""

    def __init__(self, path: Path, *, admin_key: SecretStr | None = None) -> None:
        self._path = path
        self._fixed = (
            ()
            if admin_key is None
            else (StoredKey(ENVIRONMENT_NAME, "admin", hash_key(admin_key.get_secret_value()), ""),)
        )
        self._stamp: tuple[int, int, int] | None = None
        self._stored: tuple[StoredKey, ...] = ()

    @property
    def keys(self) -> tuple[StoredKey, ...]:
        """The keys, read again when their file changed: a revoked key opens nothing from the next request on.

        Raises:
            KeysError: If the file cannot be used.
        """
        stamp = self._look()
        if stamp != self._stamp:
            self._stored = read_keys(self._path)
            self._stamp = stamp
        return (*self._fixed, *self._stored)

    def _look(self) -> tuple[int, int, int] | None:
        try:
            seen = self._path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeysError(f"The keys in {self._path} cannot be read: {error.strerror}.") from error
        # A write replaces the file, so its number tells two writes within one tick of the clock apart.
        return seen.st_ino, seen.st_mtime_ns, seen.st_size


async def keyring(request: Request) -> Keyring:
    """Return the keys that the application was started with."""
    ring: Keyring = request.app.state.keyring
    return ring


async def require_admin(
    request: Request,
    ring: Annotated[Keyring, Depends(keyring)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> StoredKey:
    """Return the admin's key that a request carries.

    Raises:
        HTTPException: 403 if no key is set or the key is a reader's, 401 if there is none or it is wrong.
    """
    try:
        keys = ring.keys
    except KeysError as error:
        _log.error("keys cannot be read", reason=str(error))
        raise HTTPException(
            503, "Keys cannot be checked at the moment. The operator finds the reason in the log."
        ) from error
    if not any(each.role == "admin" for each in keys):
        raise HTTPException(403, _HOW_TO_SET)
    found = find_key(keys, credentials.credentials) if credentials else None
    if found is None:
        metrics.count_refusal("key")
        _log.warning("admin request refused", path=request.url.path, key=None)
        raise HTTPException(
            401,
            "This address wants an admin key that is valid now: send `Authorization: Bearer KEY`.",
            headers=_CHALLENGE,
        )
    if found.role != "admin":
        metrics.count_refusal("key")
        _log.warning("admin request refused", path=request.url.path, key=found.name)
        raise HTTPException(403, f"The key called {found.name} is a reader's. An admin's key is needed here.")
    _log.info("admin request", path=request.url.path, method=request.method, key=found.name)
    return found


Admin = Annotated[StoredKey, Depends(require_admin)]
