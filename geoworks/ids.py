"""Identifiers: what names a feature, a key, a link, a log."""

from __future__ import annotations

import hashlib
import re
import secrets
import string

from geoworks.errors import Invalid, Problem

_ALPHABET = string.digits + string.ascii_lowercase
_API_KEY_PREFIX = "gw_"
_SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
MAX_ID_LENGTH = 200


def new_id(length: int = 12) -> str:
    """Return a random identifier of digits and small letters (5.17 bits a character)."""
    # All from one number: for each character the system would be asked by itself.
    number = secrets.randbelow(len(_ALPHABET) ** length)
    characters = []
    for _ in range(length):
        number, place = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[place])
    return "".join(characters)


def new_token() -> str:
    """Return the secret part of a link: 192 random bits, safe in a URL."""
    return secrets.token_urlsafe(24)


def new_api_key() -> str:
    """Return a new API key: `gw_` and 256 random bits. It is shown once and stored hashed."""
    return _API_KEY_PREFIX + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Return the SHA-256 of a secret as hexadecimal: the only form in which it is stored.

    Our secrets are long random strings, so a slow password hash would add nothing.
    """
    # A header may hold any byte; what is no text is no secret of ours, and no fault either.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def works_id(source: str, source_id: str) -> str:
    """Compose the id of a works: `source:source_id`.

    >>> works_id("voirie", "2026-0412")
    'voirie:2026-0412'
    """
    return f"{source}:{clean_source_id(source_id)}"


def clean_source_id(source_id: str) -> str:
    """Return an identifier fit for ids and URLs, or refuse it.

    Spaces around are dropped; control characters, `/` and more than 200 characters are refused.

    Raises:
        Invalid: the identifier is empty, too long, or holds a forbidden character.

    """
    text = source_id.strip()
    if not text or len(text) > MAX_ID_LENGTH or not text.isprintable() or "/" in text:
        raise Invalid(
            Problem("id", f"{text[:40]!r} cannot be an id", f"give 1 to {MAX_ID_LENGTH} printable characters without /")
        )
    return text


def check_source_name(name: str) -> str:
    """Return the name of a source, or refuse it (small letters, digits, `-`, `_`; at most 40).

    Raises:
        Invalid: the name has another character or length.

    """
    if not _SOURCE_NAME.fullmatch(name):
        raise Invalid(Problem("source", f"{name[:40]!r} cannot name a source", "use a-z, 0-9, - and _, at most 40"))
    return name
