"""Photos from outside, made small and harmless: only the pixels of what was sent are kept, as a new JPEG.

Where and when a photo was taken, and whose camera took it, is told in EXIF and other metadata; none of it survives.
"""

from __future__ import annotations

import asyncio
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image

from geoworks.config.settings import Limits
from geoworks.errors import Invalid, Problem, TooLarge

LONGEST_SIDE_PX = 1600
MEDIA_TYPE = "image/jpeg"
_FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 82
_TIMEOUT_S = 30.0
# A progressive JPEG of thousands of scans is small, well within the pixels allowed, and takes minutes.
_SCAN = b"\xff\xda"
_MOST_SCANS = 30
_HEIF = (b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")
_SEND_ANOTHER = "send it as JPEG, PNG or WebP, or leave it out"
# What Pillow's decoders raise on broken files, besides the many that are OSError.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, struct.error, zlib.error, OverflowError)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# A picture that unpacks to far more than it weighs is refused like any other fault, not only warned of.
warnings.simplefilter("error", Image.DecompressionBombWarning)


class PhotoLab:
    """Develops photos in a thread of its own, one at a time, so that memory stays within one picture."""

    def __init__(self, limits: Limits) -> None:
        """Take photos within these limits."""
        self._limits = limits
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="photos")

    async def develop(self, path: Path, *, where: str) -> bytes:
        """Return the photo in a file as we keep it; `where` names it in messages.

        Raises:
            TooLarge: it has more bytes or pixels than the limits.
            Invalid: it is no picture that we can read, or takes too long.

        """
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._develop, path, where)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await work
        except TimeoutError:
            what = f"could not be read within {_TIMEOUT_S:.0f} s"
            raise Invalid(Problem(where, what, "send it in a smaller size, or again later")) from None

    def close(self) -> None:
        """Let go of the thread; what waits is not begun."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _develop(self, path: Path, where: str) -> bytes:
        return develop(path.read_bytes(), limits=self._limits, where=where)


def develop(photo: bytes, *, limits: Limits, where: str = "photo") -> bytes:
    """Return a photo as an upright JPEG of at most 1600 pixels a side, without metadata.

    Raises:
        TooLarge: it has more bytes or pixels than the limits.
        Invalid: it is no picture that we can read.

    """
    if len(photo) > limits.photo_bytes:
        raise TooLarge(Problem(where, f"{len(photo)} bytes", f"send at most {limits.photo_bytes}"))
    if photo.count(_SCAN) > _MOST_SCANS:
        raise TooLarge(Problem(where, "a picture of too many layers", _SEND_ANOTHER))
    try:
        with Image.open(BytesIO(photo), formats=_FORMATS) as image:
            _check_pixels(image, limits.photo_pixels, where)
            return _encode(_upright(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(where, limits.photo_pixels) from error
    except _BROKEN as error:
        raise Invalid(Problem(where, _what_is_wrong(photo), _SEND_ANOTHER)) from error


def _check_pixels(image: Image.Image, most: int, where: str) -> None:
    # The size stands in the header; nothing is unpacked yet.
    if image.width * image.height > most:
        raise _too_many_pixels(where, most)


def _too_many_pixels(where: str, most: int) -> TooLarge:
    return TooLarge(Problem(where, f"more than {most // 1_000_000} million pixels", "send it in a smaller size"))


def _upright(image: Image.Image) -> Image.Image:
    """Return the pixels alone, small, opaque and the right way up."""
    # A JPEG is unpacked at a fraction of its size where that is enough.
    image.draft("RGB", (LONGEST_SIDE_PX, LONGEST_SIDE_PX))
    turn = _TURNS.get(_orientation(image))
    flat = _opaque(image)
    flat.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX))
    return flat if turn is None else flat.transpose(turn)


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(ExifTags.Base.Orientation)
    except _BROKEN:
        return 1
    return found if isinstance(found, int) else 1


def _opaque(image: Image.Image) -> Image.Image:
    # A new picture has no info, so nothing that was told beside the pixels can travel on.
    canvas = Image.new("RGB", image.size, "white")
    if image.has_transparency_data:
        with image.convert("RGBA") as layer:
            canvas.paste(layer, mask=layer)
    else:
        with image.convert("RGB") as layer:
            canvas.paste(layer)
    return canvas


def _encode(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return file.getvalue()


def _what_is_wrong(photo: bytes) -> str:
    if photo[4:12].startswith(_HEIF):
        return "HEIC photos are not taken"
    return "is no picture, or a damaged one" if photo else "is empty"
