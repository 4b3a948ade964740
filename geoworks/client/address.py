"""Where a town's stream is."""

from __future__ import annotations

from urllib.parse import urlsplit

from geoworks.client.faults import Unreachable

_SCHEMES = {"http": "ws", "ws": "ws", "https": "wss", "wss": "wss"}
_DOOR = "/v1/stream"


def stream_address(url: str) -> str:
    """Return the address of the stream of a town whose pages, or whose stream, are at a URL.

    >>> stream_address("https://example.org/travaux/"), stream_address("localhost:9000")
    ('wss://example.org/travaux/v1/stream', 'ws://localhost:9000/v1/stream')

    Raises:
        Unreachable: it is no address.

    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        scheme, host = _SCHEMES.get(parts.scheme), parts.hostname
    except ValueError:
        scheme = host = None
    if not scheme or not host:
        raise Unreachable(f"{url!r} is no address of a town; give one such as http://127.0.0.1:8080")
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix(_DOOR)}{_DOOR}"
