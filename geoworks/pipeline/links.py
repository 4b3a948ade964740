"""The secrets of follow-up links: random, or drawn from the sender's key, so that a lost answer can be told again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Self

from geoworks.ids import new_token
from geoworks.ports import Store

_COLLECTION, _NAME = "reports", "link-secret"
_SECRET_BYTES = 32
_TAKEN_BYTES = 24


class Links:
    """Makes the secret part of links; none is ever kept, only its hash in the report.

    A report sent again under the same `Idempotency-Key` must be told the same link. Its secret is therefore the
    HMAC-SHA256 of that key under a secret of ours: who has neither can guess none, and the store holds only one of
    the two (keys are kept hashed).
    """

    def __init__(self, secret: bytes) -> None:
        """Draw from `secret`."""
        self._secret = secret

    @classmethod
    async def load(cls, store: Store) -> Self:
        """Take our secret from the store, making it the first time."""
        secret = await store.document(_COLLECTION, _NAME)
        if secret is None:
            secret = secrets.token_bytes(_SECRET_BYTES)
            await store.put_document(_COLLECTION, _NAME, secret)
        return cls(secret)

    def secret_for(self, key: str | None) -> str:
        """Return the secret of a link for what was sent under a key, or a random one without a key."""
        if key is None:
            return new_token()
        drawn = hmac.new(self._secret, key.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(drawn[:_TAKEN_BYTES]).decode()
