"""Addresses as messages may show them."""

from __future__ import annotations

import re

# Up to the last @: a password that holds one, unescaped, is wrong, and hidden all the same.
_SECRET = re.compile(r"(://[^/@\s:]*):\S*@|(password=)[^&\s'\"]*")


def without_password(text: str) -> str:
    """Return a text whose addresses show no password.

    >>> without_password("postgresql://town:secret@db.example.org/town?password=secret&sslmode=require")
    'postgresql://town:***@db.example.org/town?password=***&sslmode=require'
    """
    return _SECRET.sub(lambda found: f"{found[1]}:***@" if found[1] is not None else f"{found[2]}***", text)
