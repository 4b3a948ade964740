"""Where the broker is, and who we are to it."""

from __future__ import annotations

from typing import NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct

from geoworks.config.secrets import without_password
from geoworks.errors import ConfigError, Problem

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_MEND = "write it as mqtt://user@broker.example.org:1883, or mqtts:// for TLS"


class Address(Struct, frozen=True, kw_only=True):
    """A broker; `shown` is its address as messages may show it."""

    host: str
    port: int
    user: str | None
    password: str | None
    secure: bool
    shown: str


def read_address(url: str) -> Address:
    """Read `mqtt.url`; names and passwords are percent-encoded in it.

    Raises:
        ConfigError: it is no address of a broker.

    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        _refuse(url, "is no address")
    if parts.scheme not in _PORTS or not parts.hostname:
        _refuse(url, "is no address of an MQTT broker")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        _refuse(url, "has more than a host and a port")
    if parts.password and not parts.username:
        _refuse(url, "has a password and no user")
    return _address(parts, port or _PORTS[parts.scheme], parts.hostname)


def _address(parts: SplitResult, port: int, host: str) -> Address:
    return Address(
        host=host,
        port=port,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        secure=parts.scheme == "mqtts",
        shown=f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}",
    )


def _refuse(url: str, what: str) -> NoReturn:
    # Without the cause: what it says may quote the password.
    raise ConfigError(Problem("mqtt.url", f"{without_password(url)!r} {what}", _MEND)) from None
