"""Photos: small, upright, without metadata, whatever was sent; or a clear word about why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from PIL import ExifTags, Image, ImageChops, ImageOps, ImageStat

from geoworks.config.settings import Limits
from geoworks.errors import Invalid, TooLarge
from geoworks.pipeline.photos import LONGEST_SIDE_PX, PhotoLab, develop
from tests.pipeline.pictures import opened, phone_exif, picture, png_bomb, saved

LIMITS = Limits()


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "RGB"), ("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "LA"), ("WEBP", "RGB")],
)
def test_every_kind_becomes_a_plain_jpeg(kind: str, mode: str) -> None:
    """JPEG, PNG and WebP of any colour model are kept as JPEG in RGB of the same shape."""
    kept = opened(develop(picture(kind=kind, mode=mode), limits=LIMITS))
    assert (kept.format, kept.mode, kept.size) == ("JPEG", "RGB", (320, 200))


def test_nothing_told_beside_the_pixels_survives() -> None:
    """Place, moment, camera, name and comment are gone; not a byte of them is left."""
    sent = picture(exif=phone_exif())
    assert b"Camille Dupont" in sent
    assert ExifTags.IFD.GPSInfo in opened(sent).getexif()
    kept = develop(sent, limits=LIMITS)
    assert not dict(opened(kept).getexif())
    assert set(opened(kept).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert not any(word in kept for word in (b"Camille", b"Faxphone", b"2026:11", b"Exif", b"GPS"))


@pytest.mark.parametrize("orientation", range(9))
def test_photos_stand_upright(orientation: int) -> None:
    """A turned camera's photo is turned back, as Pillow itself would turn it."""
    sent = picture((400, 200), exif=phone_exif(orientation=orientation))
    kept, expected = opened(develop(sent, limits=LIMITS)), ImageOps.exif_transpose(opened(sent))
    assert kept.size == expected.size
    # JPEG keeps no colour exactly.
    assert max(ImageStat.Stat(ImageChops.difference(kept, expected)).mean) < 2


def test_large_photos_are_made_small() -> None:
    """The longest side has 1600 pixels, the shape stays, small photos are not blown up."""
    assert opened(develop(picture((4000, 3000)), limits=LIMITS)).size == (LONGEST_SIDE_PX, 1200)
    assert opened(develop(picture((1000, 6000), kind="PNG"), limits=LIMITS)).size == (267, LONGEST_SIDE_PX)
    assert opened(develop(picture((30, 20)), limits=LIMITS)).size == (30, 20)


def test_transparent_pictures_stand_on_white() -> None:
    """What is transparent is white, not black."""
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    kept = opened(develop(saved(image, "PNG"), limits=LIMITS))
    assert kept.getextrema() == ((255, 255), (255, 255), (255, 255))


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (b"", "is empty"),
        (b"just words", "is no picture"),
        (b"<svg onload='alert(1)'/>", "is no picture"),
        (b"GIF89a" + bytes(200), "is no picture"),
        (picture()[:700], "is no picture"),
        (picture(kind="PNG")[:120], "is no picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC photos are not taken"),
    ],
)
def test_what_is_no_photo_is_named(photo: bytes, words: str) -> None:
    """Whatever is no whole picture is refused with what to do about it."""
    with pytest.raises(Invalid, match=words) as caught:
        develop(photo, limits=LIMITS, where="photo 2")
    assert [(problem.where, bool(problem.mend)) for problem in caught.value.problems] == [("photo 2", True)]


@pytest.mark.parametrize("side", [7_000, 10_000, 20_000, 60_000, 2**31 - 1])
def test_bombs_do_not_go_off(side: int) -> None:
    """A few bytes that would unpack to gigabytes are refused by what their header says."""
    with pytest.raises((TooLarge, Invalid)):
        develop(png_bomb(side), limits=LIMITS)


def test_bounds_of_bytes_and_pixels() -> None:
    """At the bound a photo is taken, a little beyond it is not."""
    photo = picture((100, 100))
    exact = structs.replace(LIMITS, photo_pixels=10_000, photo_bytes=len(photo))
    assert develop(photo, limits=exact)
    for one_less in ({"photo_pixels": 9_999}, {"photo_bytes": len(photo) - 1}):
        with pytest.raises(TooLarge):
            develop(photo, limits=structs.replace(exact, **one_less))


def test_layers_without_end_are_refused() -> None:
    """A progressive JPEG of very many scans, small and slow to unpack, is not begun."""
    photo = picture()
    cut = photo.rindex(b"\xff\xda")
    with pytest.raises(TooLarge, match="layers"):
        develop(photo[:cut] + photo[cut:-2] * 40 + photo[-2:], limits=LIMITS)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of odd metadata, which is dropped anyway
@settings(max_examples=150)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    harm=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.floats(0.02, 1),
)
def test_damage_is_refused_or_harmless(kind: str, harm: list[tuple[float, int]], cut: float) -> None:
    """However a file is damaged, it gives a clean picture or a refusal, and nothing else."""
    photo = bytearray(picture((64, 48), kind=kind, exif=phone_exif() if kind == "JPEG" else None))
    for place, value in harm:
        photo[int(place * len(photo))] = value
    try:
        kept = opened(develop(bytes(photo[: int(cut * len(photo))]), limits=LIMITS))
    except Invalid:
        return
    assert max(kept.size) <= LONGEST_SIDE_PX
    assert not dict(kept.getexif())


async def test_the_lab_develops_off_the_loop(tmp_path: Path) -> None:
    """A file is developed in the lab's thread, and a fault in it is told to the one who sent it."""
    lab = PhotoLab(LIMITS)
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(picture())
    bad.write_bytes(b"no")
    assert opened(await lab.develop(good, where="photo 1")).size == (320, 200)
    with pytest.raises(Invalid, match="photo 2"):
        await lab.develop(bad, where="photo 2")
    lab.close()
