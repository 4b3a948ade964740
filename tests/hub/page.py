"""The exchanges of the stream's page, read from it and compared with what happens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from geoworks.hub.exchange import STREAM, WAYS

# What the page calls the log of the town.
EPOCH = "k3x9"
_MORE = "..."
_EXCHANGE = re.compile(r"^### (?P<title>.+?)\n.*?^```\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)


class Line(NamedTuple):
    """A line of an exchange: who says it, `client` or `server`, and what; nobody says what happens meanwhile."""

    sender: str
    text: str


class Exchange(NamedTuple):
    """An exchange of the page."""

    title: str
    lines: Sequence[Line]

    @property
    def is_by_http(self) -> bool:
        """Tell whether any of it is said by HTTP."""
        return any(not line.text.startswith("{") for line in self.lines if line.sender)


def read_exchanges() -> Iterator[Exchange]:
    """Yield every exchange of the page."""
    for found in _EXCHANGE.finditer(STREAM + WAYS):
        lines = found["lines"].splitlines()
        yield Exchange(found["title"], [Line(line[:7].strip(), line[7:].strip("()")) for line in lines])


def differs(shown: str, real: str) -> str:
    """Say where a text differs from a line of the page, in which `...` stands for anything.

    >>> differs('{"id":"a",...}', '{"id":"b","more":1}'), differs('id: k.1;...', 'id: k.1;8f')
    ("id: not 'a' but 'b'", '')
    """
    field = "data: "
    if shown.startswith(field) and real.startswith(field):
        shown, real = shown.removeprefix(field), real.removeprefix(field)
    if not shown.startswith("{"):
        return "" if _is_like(shown, real) else f"not {shown!r} but {real!r}"
    opened = re.sub(r"(?<=[{,])\.\.\.(?=})", f'"{_MORE}":0', shown)
    return next(_differences(json.loads(opened), json.loads(real), ""), "")


def _differences(shown: Any, real: Any, at: str) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(shown, dict) and isinstance(real, dict):
        yield from _differences_of_objects(shown, real, at)
    elif isinstance(shown, list) and isinstance(real, list) and len(shown) == len(real):
        for place, (one, other) in enumerate(zip(shown, real, strict=True)):
            yield from _differences(one, other, f"{at}[{place}]")
    elif not (isinstance(shown, str) and isinstance(real, str) and _is_like(shown, real)) and shown != real:
        yield f"{at.lstrip('.')}: not {shown!r} but {real!r}"


def _differences_of_objects(shown: Mapping[str, Any], real: Mapping[str, Any], at: str) -> Iterator[str]:
    if missing := shown.keys() - {_MORE} - real.keys():
        yield f"{at.lstrip('.')}: no {', '.join(sorted(missing))}"
    if _MORE not in shown and (more := real.keys() - shown.keys()):
        yield f"{at.lstrip('.')}: also {', '.join(sorted(more))}"
    for name in shown.keys() & real.keys():
        yield from _differences(shown[name], real[name], f"{at}.{name}")


def _is_like(shown: str, real: str) -> bool:
    pattern = "*".join(re.sub(r"([*?[])", r"[\1]", part) for part in shown.split(_MORE))
    return fnmatchcase(real, pattern)
