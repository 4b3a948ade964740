"""Downloading a file over HTTP, within time and size, and only when it changed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiohttp
from msgspec import Struct

from geoworks import __version__
from geoworks.errors import SourceError

_BLOCK = 1 << 16
_REDIRECTS = 5
_CONNECT_S = 10.0
_UNSAFE = re.compile(r"[^\w.-]+")
_MENDS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "set its `headers`, such as Authorization",
    HTTPStatus.FORBIDDEN: "set its `headers`, such as Authorization",
    HTTPStatus.NOT_FOUND: "correct its `url`",
    HTTPStatus.GONE: "correct its `url`",
    HTTPStatus.TOO_MANY_REQUESTS: "raise its `interval_s`",
}


class Validators(Struct, frozen=True):
    """What tells whether a file at an address changed (RFC 9110, section 8.8)."""

    url: str = ""
    etag: str = ""
    last_modified: str = ""

    def headers(self, url: str) -> Mapping[str, str]:
        """Return the headers that ask for a file only if it is another than the one these belong to."""
        if url != self.url:
            return {}
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value}


class Download(Struct, frozen=True):
    """A file that was downloaded."""

    path: Path
    validators: Validators


def is_url(address: str) -> bool:
    """Tell whether an address is to be downloaded."""
    return address.lower().startswith(("http://", "https://"))


def file_name(address: str) -> str:
    """Return a harmless file name for what lies at an address."""
    name = unquote(urlsplit(address).path).rpartition("/")[2] if is_url(address) else Path(address).name
    return _UNSAFE.sub("_", name).strip("._")[-100:] or "data"


async def download(
    url: str, into: Path, *, max_bytes: int, headers: Mapping[str, str], known: Validators, timeout_s: float
) -> Download | None:
    """Download a file into a folder; None when it is the one known.

    Addresses inside the town's network are allowed: only the configuration names them.

    Raises:
        SourceError: it cannot be reached, answers with an error, or is too large.

    """
    limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_S)
    sent = {"User-Agent": f"geoworks/{__version__}", **headers, **known.headers(url)}
    try:
        async with (
            aiohttp.ClientSession(timeout=limits) as session,
            session.get(url, headers=sent, max_redirects=_REDIRECTS) as response,
        ):
            if response.status == HTTPStatus.NOT_MODIFIED and known.url == url:
                return None
            _check_status(response)
            path = into / file_name(url)
            await _save(response, path, max_bytes)
            return Download(path, _validators(url, response))
    except TimeoutError as error:
        raise SourceError(
            f"{_shown(url)} did not answer in full within {timeout_s:g} s; raise `timeout_s` or see to its server"
        ) from error
    except (aiohttp.ClientError, ValueError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise SourceError(f"{_shown(url)} cannot be fetched: {reason}; check the address and its server") from error


async def _save(response: aiohttp.ClientResponse, path: Path, max_bytes: int) -> None:
    too_large = SourceError(f"it is larger than limits.upload_bytes = {max_bytes} bytes; raise it or split the source")
    if (response.content_length or 0) > max_bytes:
        raise too_large
    size = 0
    with path.open("wb") as file:
        # Counted after decompression, so a small answer cannot fill the disk.
        async for block in response.content.iter_chunked(_BLOCK):
            size += len(block)
            if size > max_bytes:
                raise too_large
            await asyncio.to_thread(file.write, block)


def _check_status(response: aiohttp.ClientResponse) -> None:
    if response.status != HTTPStatus.OK:
        mend = _MENDS.get(response.status, "see to its server; it is asked again at the next interval")
        raise SourceError(f"its server answers {response.status} {response.reason}; {mend}")


def _validators(url: str, response: aiohttp.ClientResponse) -> Validators:
    return Validators(url, response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))


def _shown(url: str) -> str:
    """Return an address without what may be secret in it: the query and the user."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
