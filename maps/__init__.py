"""What people look at: the pages and the generated maps."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maps.live import LiveLayer

__all__ = ["LiveLayer"]


def __getattr__(name: str) -> object:
    """Load folium, which is slow, only for those who ask for the live layer."""
    if name in __all__:
        return getattr(import_module("maps.live"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
