"""Sessions of the staff pages: a signed cookie that names an API key, nothing kept on the server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from geoworks.ports import Store

COOKIE = "geoworks_session"
LIFETIME = timedelta(hours=12)
COLLECTION, _NAME = "web", "session-secret"
_SECRET_BYTES = 32


class Session(Struct, frozen=True, array_like=True):
    """What the cookie says: whose key, until when."""

    key_id: str
    expires: datetime


class Sessions:
    """Signs sessions and checks them; the secret survives restarts."""

    def __init__(self, secret: bytes) -> None:
        """Sign with HMAC-SHA256 under `secret`."""
        self._secret = secret

    @classmethod
    async def load(cls, store: Store) -> Sessions:
        """Take the secret from the store, making it the first time."""
        if await store.document(COLLECTION, _NAME) is None:
            await store.put_document(COLLECTION, _NAME, secrets.token_bytes(_SECRET_BYTES))
        sessions = cls(b"")
        await sessions.refresh(store)
        return sessions

    async def refresh(self, store: Store) -> None:
        """Take the secret as it is now: two nodes that begin a town at once both make one, and the last holds."""
        self._secret = await store.document(COLLECTION, _NAME) or self._secret

    def write(self, session: Session) -> str:
        """Return the value of the cookie."""
        said = msgspec.json.encode(session)
        return f"{_to_text(said)}.{_to_text(self._sign(said))}"

    def read(self, cookie: str, *, now: datetime) -> Session | None:
        """Return the session of a cookie we signed and that has not expired, or None."""
        said, _, signature = cookie.partition(".")
        try:
            content, signed = _to_bytes(said), _to_bytes(signature)
        except ValueError:
            return None
        if not hmac.compare_digest(signed, self._sign(content)):
            return None
        session = msgspec.json.decode(content, type=Session)
        return session if session.expires > now else None

    def _sign(self, said: bytes) -> bytes:
        return hmac.new(self._secret, said, hashlib.sha256).digest()


def _to_text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode()


def _to_bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
