"""Large writes are cut into edits small enough that others are written in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

SIZE = 500


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut what is to be written into parts of at most `SIZE`, in order."""
    return (items[start : start + SIZE] for start in range(0, len(items), SIZE))
