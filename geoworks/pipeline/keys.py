"""API keys: who may write, and what; the secret is shown once and kept only as its hash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct, structs

from geoworks.clock import Clock
from geoworks.errors import Conflict, Invalid, NotFound, Problem
from geoworks.ids import hash_secret, new_api_key, new_id
from geoworks.ports import Store

_COLLECTION = "keys"
_MAX_NAME = 80


class Role(StrEnum):
    """What the holder of a key may do."""

    PUBLIC = "public"
    STAFF = "staff"
    MODERATOR = "moderator"
    ADMIN = "admin"


class ApiKey(Struct, frozen=True, kw_only=True):
    """One key as it is kept; `hash` is the SHA-256 of the secret as hexadecimal."""

    id: str
    name: str
    role: Role
    hash: str
    created: datetime
    revoked: datetime | None = None


class Keys:
    """All keys in memory, and the only way to make and revoke them."""

    def __init__(self, store: Store, *, clock: Clock) -> None:
        """Keep the keys in the documents of `store`; call `load` before anything else."""
        self._store = store
        self._clock = clock
        self._by_id: dict[str, ApiKey] = {}
        self._by_hash: dict[str, ApiKey] = {}

    async def load(self) -> None:
        """Read the keys of the store."""
        for value in (await self._store.documents(_COLLECTION)).values():
            self._keep(msgspec.json.decode(value, type=ApiKey))

    async def create(self, name: str, role: Role) -> tuple[ApiKey, str]:
        """Make a key and return it with its secret, which is told this once.

        Raises:
            Invalid: the name is empty, too long or not printable.
            Conflict: a living key has this name; histories would not tell the two apart.

        """
        name = _clean_name(name)
        if any(key.name == name and not key.revoked for key in self._by_id.values()):
            raise Conflict(f"a key named {name!r} exists; choose another name or revoke that one")
        secret = new_api_key()
        key = ApiKey(id=new_id(), name=name, role=role, hash=hash_secret(secret), created=self._clock.now())
        await self._write(key)
        return key, secret

    async def revoke(self, key_id: str) -> ApiKey:
        """Make a key worthless from now on; a key revoked before stays as it is.

        Raises:
            NotFound: no key has this id.

        """
        key = self._by_id.get(key_id)
        if key is None:
            raise NotFound(f"no key has the id {key_id[:40]!r}; GET /v1/keys lists them")
        if key.revoked is None:
            key = structs.replace(key, revoked=self._clock.now())
            await self._write(key)
        return key

    def find(self, secret: str) -> ApiKey | None:
        """Return the living key with this secret, or None."""
        return _living(self._by_hash.get(hash_secret(secret)))

    def get(self, key_id: str) -> ApiKey | None:
        """Return the living key with this id, or None."""
        return _living(self._by_id.get(key_id))

    def is_revoked(self, key_id: str) -> bool:
        """Tell whether there was a key with this id and it is worthless now."""
        key = self._by_id.get(key_id)
        return key is not None and key.revoked is not None

    def all(self) -> Sequence[ApiKey]:
        """Return every key ever made, the oldest first."""
        return sorted(self._by_id.values(), key=lambda key: (key.created, key.id))

    async def _write(self, key: ApiKey) -> None:
        await self._store.put_document(_COLLECTION, key.id, msgspec.json.encode(key))
        self._keep(key)

    def _keep(self, key: ApiKey) -> None:
        self._by_id[key.id] = key
        self._by_hash[key.hash] = key


def _living(key: ApiKey | None) -> ApiKey | None:
    return key if key and key.revoked is None else None


def _clean_name(name: str) -> str:
    text = name.strip()
    if not text or len(text) > _MAX_NAME or not text.isprintable():
        raise Invalid(Problem("name", "cannot name a key", f"give 1 to {_MAX_NAME} printable characters"))
    return text
