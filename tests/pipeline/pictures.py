"""Pictures as phones and people who mean no good send them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import ExifTags, Image

RED, GREEN, BLUE = (200, 20, 20), (20, 200, 20), (20, 20, 200)


def picture(
    size: tuple[int, int] = (320, 200), *, kind: str = "JPEG", mode: str = "RGB", exif: Image.Exif | None = None
) -> bytes:
    """Return a picture that looks different from every side: red, its right half blue, green at the lower right."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, size[0], size[1]))
    image.paste(GREEN, (size[0] // 2, size[1] // 2, size[0], size[1]))
    told = {} if exif is None else {"exif": exif, "comment": b"taken by Camille"}
    return saved(image.convert(mode), kind, **told)


def saved(image: Image.Image, kind: str, **told: object) -> bytes:
    """Return a picture as a file, with what is told beside its pixels."""
    file = BytesIO()
    image.save(file, kind, **told)
    return file.getvalue()


def phone_exif(*, orientation: int = 1) -> Image.Exif:
    """Return what a phone writes: camera, owner, moment, place."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Faxphone"
    exif[ExifTags.Base.Artist] = "Camille Dupont"
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.DateTime] = "2026:11:20 09:12:00"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (48.0, 38.0, 3.1)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", (2.0, 18.0, 18.4)
    return exif


def png_bomb(side: int) -> bytes:
    """Return a PNG that says it is a square of so many pixels a side; it weighs some hundred bytes."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    )


def opened(photo: bytes) -> Image.Image:
    """Return a picture, unpacked."""
    image = Image.open(BytesIO(photo))
    image.load()
    return image
