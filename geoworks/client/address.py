"""Where a town's stream is."""

from __future__ import annotations

from urllib.parse import urlsplit

from geoworks.client.faults import Unreachable

_SCHEMES = {"http": ("ws", "http"), "ws": ("ws", "http"), "https": ("wss", "https"), "wss": ("wss", "https")}
_STREAM = "/v1/stream"
_AREAS = "/v1/areas"


def stream_address(url: str) -> str:
    """Return the address of the stream of a town whose pages, or whose stream, are at a URL.

    >>> stream_address("https://example.org/travaux/"), stream_address("localhost:9000")
    ('wss://example.org/travaux/v1/stream', 'ws://localhost:9000/v1/stream')

    Raises:
        Unreachable: it is no address.

    """
    (scheme, _), place = _read(url)
    return f"{scheme}://{place}{_STREAM}"


def areas_address(url: str) -> str:
    """Return the address where such a town takes areas.

    >>> areas_address("wss://example.org/travaux/v1/stream")
    'https://example.org/travaux/v1/areas'

    Raises:
        Unreachable: it is no address.

    """
    (_, scheme), place = _read(url)
    return f"{scheme}://{place}{_AREAS}"


def _read(url: str) -> tuple[tuple[str, str], str]:
    """Return the schemes of the stream and the pages, and the rest of the address."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        schemes, host, _ = _SCHEMES.get(parts.scheme), parts.hostname, parts.port
    except ValueError:
        schemes = host = None
    if not schemes or not host:
        raise Unreachable(f"{url!r} is no address of a town; give one such as http://127.0.0.1:8080")
    return schemes, f"{parts.netloc}{parts.path.rstrip('/').removesuffix(_STREAM)}"
