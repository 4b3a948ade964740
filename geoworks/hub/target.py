"""Where webhooks may lead: an address on the public internet, so that nobody reaches through us into a network.

An address is checked twice: as it is written, when a webhook is registered; as it was resolved, at every connection.
Only the second is the guarantee, for what a name leads to can change at any time.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

from yarl import URL

from geoworks.config.settings import WebhooksTable
from geoworks.errors import Invalid, Problem

_LONGEST = 2_000
# They count as global, and lead to what a hoster serves its own machines: protocol assignments (RFC 6890), Azure.
_INWARD = (IPv4Network("192.0.0.0/24"), IPv4Network("168.63.129.16/32"))
_Address = IPv4Address | IPv6Address


def check_target(text: str, settings: WebhooksTable) -> None:
    """Check the address of a receiver.

    Raises:
        Invalid: it is none, not encrypted, or leads into a network.

    """
    url = _read(text)
    if url.scheme != "https" and not (url.scheme == "http" and settings.allow_http):
        _refuse("the scheme is not taken", "give https://; the setting webhooks.allow_http allows http:// too")
    if url.user is not None or url.password is not None:
        _refuse("it holds a user or password", "leave them out; the signature tells the receiver who sends")
    if url.raw_fragment:
        _refuse("it has a fragment, which is never sent", "leave out the # and what follows")
    literal = read_literal(url.raw_host or "")
    if literal is not None and not settings.allow_private and not is_public(literal):
        _refuse("it leads into a private network", "give a public address; webhooks.allow_private allows any")


def read_literal(host: str) -> _Address | None:
    """Return the address that a host without a name stands for, in whatever form, or None.

    >>> str(read_literal("127.0.0.1")), str(read_literal("2130706433")), str(read_literal("0x7f.1"))
    ('127.0.0.1', '127.0.0.1', '127.0.0.1')
    >>> read_literal("receiver.example.org") is None
    True
    """
    with suppress(ValueError):
        return ip_address(host)
    # Forms that only the system's resolver reads: one number, hexadecimal, octal, fewer parts.
    with suppress(OSError):
        return IPv4Address(socket.inet_aton(host))
    return None


def is_public(address: _Address) -> bool:
    """Tell whether an address is one of the public internet and names one machine there.

    >>> is_public(ip_address("9.9.9.9")), is_public(ip_address("::ffff:10.0.0.1"))
    (True, False)
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        # Tunnels carry another address inside, which the far end would connect to.
        if address.sixtofour is not None or address.teredo is not None or address.is_site_local:
            return False
    elif any(address in network for network in _INWARD):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _read(text: str) -> URL:
    if len(text) > _LONGEST or not text.isprintable() or " " in text:
        _refuse("it is too long, or holds what no address holds", f"give at most {_LONGEST} printable characters")
    try:
        url = URL(text)
        port = url.port
    except ValueError as error:
        raise Invalid(Problem("url", str(error)[:200], _EXAMPLE)) from error
    if not url.raw_host or not port:
        _refuse("it names no host and port", _EXAMPLE)
    return url


_EXAMPLE = "give an address such as https://receiver.example.org/geoworks"


def _refuse(what: str, mend: str) -> None:
    raise Invalid(Problem("url", what, mend))
