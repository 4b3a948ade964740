"""How deliveries are signed: the Standard Webhooks specification, symmetric signatures (`v1`)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime


def message_id(webhook_id: str, body: bytes, *, telling: str = "") -> str:
    """Return the id of a delivery: the same for the same content, however often and whenever it is sent.

    So a receiver may drop what it has had, also when the service was killed before it noted that it was taken. Only a
    part of a snapshot is another one at each `telling`: what began it anew must not be dropped for having been had.
    """
    return f"msg_{hashlib.sha256(f'{webhook_id}.{telling}'.encode() + body).hexdigest()[:32]}"


def sign(secret: bytes, id_: str, body: bytes, *, at: datetime) -> Mapping[str, str]:
    """Return the headers that let a receiver know who sends, and when.

    >>> from base64 import b64decode
    >>> from datetime import UTC
    >>> sign(b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}',
    ...      at=datetime.fromtimestamp(1614265330, UTC))["webhook-signature"]
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    timestamp = str(int(at.timestamp()))
    signed = b".".join((id_.encode(), timestamp.encode(), body))
    signature = b64encode(hmac.digest(secret, signed, "sha256")).decode()
    return {"webhook-id": id_, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}
