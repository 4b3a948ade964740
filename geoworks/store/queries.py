"""SQL by name, read once from the `.sql` files of a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def read_queries(text: str) -> Iterator[tuple[str, str]]:
    r"""Yield the name and the statement of each query of a file.

    >>> list(read_queries("-- name: one\n-- Tell one.\nSELECT 1;\n"))
    [('one', '-- Tell one.\nSELECT 1;')]
    """
    _, *parts = _NAME.split(text)
    for name, statement in zip(parts[::2], parts[1::2], strict=True):
        yield name, statement.strip()


def read_folder(folder: Traversable) -> Mapping[str, str]:
    """Return the queries of every file of a folder by name."""
    texts = [file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".sql")]
    return {name: statement for text in texts for name, statement in read_queries(text)}
