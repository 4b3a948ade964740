"""A report as it is sent: JSON, or a form with the JSON and the photos, read within bounds."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from pathlib import Path

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import Struct

from geoworks.config.settings import Limits
from geoworks.errors import Forbidden, Invalid, Problem, TooLarge
from geoworks.pipeline.photos import PhotoLab
from geoworks.web.arrival import arriving
from geoworks.web.bodies import read_body
from geoworks.web.services import services

FORM = "multipart/form-data"
_CHUNK = 1 << 16
_MOST_TEXT = 1 << 18
_MEND = f"send application/json, or {FORM} with the fields 'report' (JSON) and 'photo' (files)"


class Sent(Struct, frozen=True):
    """What was sent: the JSON of the report, and its photos as we keep them."""

    report: bytes
    photos: tuple[bytes, ...] = ()

    @property
    def identity(self) -> bytes:
        """Return what two sendings of the same report have in common, whatever separates the parts of their forms."""
        return self.report + b"".join(hashlib.sha256(photo).digest() for photo in self.photos)


async def read_sent(request: web.Request, lab: PhotoLab) -> Sent:
    """Return the report of a request; every photo that cannot be taken is named, and nothing is kept then.

    Raises:
        TooLarge: a bound was passed.
        Invalid: it is neither JSON nor such a form, or a photo is none.
        Forbidden: a page of another site made a browser send it.
        TooSlow: it does not arrive.

    """
    if request.content_type != FORM:
        return Sent(await read_body(request))
    # Forms, unlike JSON, can be sent from any page without being asked for.
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Forbidden("this came from another site; report on the page of this one")
    try:
        async with arriving(request):
            return await _Form(services(request).settings.limits, lab).read(await request.multipart())
    except (ValueError, HttpProcessingError) as error:
        raise Invalid(Problem("body", "is no well-formed form", _MEND)) from error


class _Form:
    """Reads the parts of one form; a photo goes from the wire to a file, and is developed before the next one."""

    def __init__(self, limits: Limits, lab: PhotoLab) -> None:
        self._limits = limits
        self._lab = lab
        self._report = b""
        self._photos: list[bytes] = []
        self._faults: list[Invalid] = []
        self._seen = 0

    async def read(self, form: MultipartReader) -> Sent:
        while (part := await form.next()) is not None:
            if not isinstance(part, BodyPartReader) or part.name not in {"report", "photo"}:
                raise Invalid(Problem("body", "the form has a field that is not known here", _MEND))
            await (self._take_photo(part) if part.name == "photo" else self._take_report(part))
        if self._faults:
            kind = TooLarge if all(isinstance(fault, TooLarge) for fault in self._faults) else Invalid
            raise kind([problem for fault in self._faults for problem in fault.problems])
        return Sent(self._report, tuple(self._photos))

    async def _take_report(self, part: BodyPartReader) -> None:
        read = bytearray()
        while chunk := await part.read_chunk(_CHUNK):
            read += chunk
            if len(read) > _MOST_TEXT:
                raise TooLarge(Problem("report", f"more than {_MOST_TEXT} bytes", "send less"))
        self._report = bytes(read)

    async def _take_photo(self, part: BodyPartReader) -> None:
        self._seen += 1
        where = f"photo {self._seen}"
        if self._seen > self._limits.photos:
            raise TooLarge(Problem("photo", "too many photos", f"send at most {self._limits.photos}"))
        with tempfile.TemporaryDirectory(prefix="geoworks-photo-") as folder:
            path = Path(folder) / "photo"
            if not await self._save(part, path, where):
                # A form whose file field was left empty sends a file of no bytes without a name.
                self._seen -= 1
                return
            try:
                self._photos.append(await self._lab.develop(path, where=where))
            except Invalid as fault:
                self._faults.append(fault)

    async def _save(self, part: BodyPartReader, path: Path, where: str) -> int:
        size = 0
        with await asyncio.to_thread(path.open, "wb") as file:
            while chunk := await part.read_chunk(_CHUNK):
                size += len(chunk)
                if size > self._limits.photo_bytes:
                    most = self._limits.photo_bytes
                    raise TooLarge(Problem(where, f"more than {most} bytes", "send it in a smaller size"))
                await asyncio.to_thread(file.write, chunk)
        return size
