"""Keys that open the admin routes: named, hashed at rest, told apart in constant time.

A key made here is 256 random bits, so one SHA-256 is all that guessing it from its hash would need to undo; a slow
hash protects passwords that people choose, and here it would only let strangers make the service work.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from ingest.durable_files import exclusive, store_bytes
from ingest.errors import CitewellError

Role = Literal["admin", "reader"]

#: The name that the key of CITEWELL_ADMIN_KEY goes by.
ENVIRONMENT_NAME = "CITEWELL_ADMIN_KEY"
_PREFIX = "citewell_"
_FORMAT = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class KeysError(CitewellError):
    """The file of keys, or what is asked of it, cannot be used."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is known of a key: everything but the key."""

    name: str
    role: Role
    sha256: str  # of the key, lower-case hexadecimal
    created_at: str  # ISO 8601, UTC

    def __post_init__(self) -> None:
        """Refuse a record that no key could match or that could not be named in a log.

        Raises:
            ValueError: If a field is not of its form.
        """
        if not (_NAME.fullmatch(self.name) or self.name == ENVIRONMENT_NAME):
            raise ValueError(f"{self.name!r} is no name of a key; use a-z, 0-9, '.', '_' and '-', at most 63")
        if self.role not in get_args(Role):
            raise ValueError(f"{self.role!r} is no role; choose {' or '.join(get_args(Role))}")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError(f"the hash of {self.name} is no SHA-256")


def hash_key(key: str) -> str:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def find_key(keys: Sequence[StoredKey], presented: str) -> StoredKey | None:
    """Return the key that was presented, or None.

    Every key is compared whole whatever the others gave, so the time it takes says nothing about any of them.
    """
    digest = hash_key(presented).encode()
    found: StoredKey | None = None
    for each in keys:
        if hmac.compare_digest(digest, each.sha256.encode()):
            found = each
    return found


def read_keys(path: Path) -> tuple[StoredKey, ...]:
    """Return the keys of a file, none if there is no file.

    Raises:
        KeysError: If the file cannot be read or is not of our form.
    """
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeysError(
            f"The keys in {path} cannot be used: {error}. Put back a copy of it, or remove it and make keys "
            "with `citewell keys add`."
        ) from error


def _parse(text: str) -> tuple[StoredKey, ...]:
    stored = json.loads(text)
    if stored["format"] != _FORMAT:
        raise ValueError(f"its format is {stored['format']!r}, not {_FORMAT}")
    return tuple(StoredKey(**each) for each in stored["keys"])


def add_key(path: Path, *, name: str, role: Role) -> str:
    """Store a new key under a name and return it; it cannot be shown again.

    Raises:
        KeysError: If the name is taken or is no name, or the file cannot be used.
    """
    key = f"{_PREFIX}{secrets.token_urlsafe(32)}"
    try:
        made = StoredKey(name, role, hash_key(key), datetime.now(UTC).isoformat(timespec="seconds"))
    except ValueError as error:
        raise KeysError(f"No key was made: {error}.") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(path.parent):
        keys = read_keys(path)
        if any(each.name == name for each in keys):
            raise KeysError(f"There is a key called {name}. Choose another name, or revoke that one first.")
        _write(path, (*keys, made))
    return key


def revoke_key(path: Path, *, name: str) -> StoredKey:
    """Forget the key of a name, and return what was known of it.

    Raises:
        KeysError: If there is none of that name, or the file cannot be used.
    """
    known = read_keys(path)
    if not any(each.name == name for each in known):
        names = ", ".join(each.name for each in known) or "none"
        raise KeysError(f"There is no key called {name}; there are: {names}.")
    with exclusive(path.parent):
        keys = read_keys(path)
        _write(path, tuple(each for each in keys if each.name != name))
    return next(each for each in known if each.name == name)


def _write(path: Path, keys: Sequence[StoredKey]) -> None:
    stored = {"format": _FORMAT, "keys": [asdict(each) for each in keys]}
    store_bytes(path, json.dumps(stored, indent=1).encode(), mode=0o600)
