"""The town's colours, mended until text on them can be read by everybody (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

from typing import NamedTuple

_WHITE, _BLACK = "#ffffff", "#000000"
_TEXT_RATIO = 4.6  # AA asks 4.5; the rest is for rounding
_STEPS = 40


class Scheme(NamedTuple):
    """The town's two colours as one colour scheme (light or dark) can use them."""

    primary: str
    on_primary: str
    accent: str
    on_accent: str


def light_scheme(primary: str, accent: str) -> Scheme:
    """Return the town's colours fit for the light pages: readable on white, with readable text on them."""
    return _scheme(primary, accent, ground="#f3f5f4")


def dark_scheme(primary: str, accent: str) -> Scheme:
    """Return the town's colours fit for the dark pages."""
    return _scheme(primary, accent, ground="#20282d")


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def readable(colour: str, *, on: str) -> str:
    """Return `colour`, moved towards black or white no further than text of it needs to be read on `on`."""
    goal = _ink(on)
    mixes = (mix(colour, goal, step / _STEPS) for step in range(_STEPS))
    return next((mixed for mixed in mixes if contrast(mixed, on) >= _TEXT_RATIO), goal)


def mix(colour: str, other: str, share: float) -> str:
    """Return `colour` with `share` (0 to 1) of `other` in it."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _scheme(primary: str, accent: str, *, ground: str) -> Scheme:
    primary, accent = readable(primary, on=ground), readable(accent, on=ground)
    return Scheme(primary, _ink(primary), accent, _ink(accent))


def _ink(ground: str) -> str:
    return max((_WHITE, _BLACK), key=lambda ink: contrast(ink, ground))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    threshold = 0.04045  # sRGB, IEC 61966-2-1
    return channel / 12.92 if channel <= threshold else ((channel + 0.055) / 1.055) ** 2.4
