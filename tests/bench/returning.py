"""The town of the benchmark of resuming: what lies where, what is changed when, and who asks about what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import shapely

from geoworks.model.change import Reason
from geoworks.model.schedule import Schedule
from geoworks.model.works import Works
from geoworks.pipeline import works
from geoworks.pipeline.desk import Edit
from geoworks.pipeline.draft import Draft, works_key

# Works lie on a grid, one a cell.
_SIDE = 20
_CELL = 0.002
_WEST, _SOUTH = 2.30, 48.60
# Before the restart; then what changes while nobody is there, and what comes while all return.
AT_FIRST = range(300)
_UPDATED = range(200)
_CANCELLED = range(200, 250)
_NEW = range(300, 350)
MEANWHILE = (*_UPDATED, *_CANCELLED, *_NEW)
LIVE = range(350, 400)
# One client in so many shows the whole town, as a page does; the others ask about a place of their own.
_PAGES = 10
_REACH = 2.4 * _CELL
_START = datetime(2026, 11, 24, 6, tzinfo=UTC)


def name(number: int) -> str:
    """Return the id of a works."""
    return f"api:{number}"


def place(number: int) -> tuple[float, float]:
    """Return where a works lies."""
    return _WEST + number % _SIDE * _CELL, _SOUTH + number // _SIDE * _CELL


def first(number: int) -> Edit[None]:
    """Return the edit that writes a works before the restart."""
    return _put(number, Reason.CREATED)


def later(number: int) -> Edit[None]:
    """Return the edit that changes a works, or writes a new one, after the restart."""
    if number in _CANCELLED:
        cancel = works.cancel(name(number), actor="bench")

        def edit(draft: Draft) -> None:
            cancel(draft)

        return edit
    return _put(number, Reason.UPDATED if number in _UPDATED else Reason.CREATED)


def _put(number: int, reason: Reason) -> Edit[None]:
    title = f"Rue {number}, {reason}"
    given = Works(title=title, geometry=shapely.Point(place(number)), schedule=Schedule(_START))

    def edit(draft: Draft) -> None:
        draft.put(works_key(name(number)), given, reason=reason, actor="bench", source="api")

    return edit


def area(client: int) -> str:
    """Return the area a client asks about, as JSON."""
    box = _box(client)
    return json.dumps({"everywhere": True} if box is None else {"bbox": box})


def asked(client: int, numbers: Iterator[int] | range | tuple[int, ...]) -> Iterator[int]:
    """Yield which of some works lie where a client asks."""
    box = _box(client)
    for number in numbers:
        lon, lat = place(number)
        if box is None or (box[0] <= lon <= box[2] and box[1] <= lat <= box[3]):
            yield number


def due(client: int) -> tuple[frozenset[str], frozenset[str]]:
    """Return the ids of what a client that was away is to be put, and what is to be removed, each once."""
    changed = set(asked(client, (*MEANWHILE, *LIVE)))
    gone = changed & set(_CANCELLED)
    return frozenset(map(name, changed - gone)), frozenset(map(name, gone))


def _box(client: int) -> tuple[float, float, float, float] | None:
    if client % _PAGES == 0:
        return None
    lon, lat = place(client * 7 % (_SIDE * _SIDE))
    # No two alike, so that nothing is matched once for many.
    reach = _REACH + client * 1e-9
    return lon - reach, lat - reach, lon + reach, lat + reach
