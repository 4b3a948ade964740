"""The written documents of the doors: `docs/api.md` and `docs/errors.md`, made from what serves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from itertools import groupby

from geoworks import errors
from geoworks.errors import GeoworksError
from geoworks.hub.codes import Code
from geoworks.web.problems import status_of
from geoworks.web.queries import parameters_of
from geoworks.web.route import ANYONE, Door

_API_HEAD = """# The HTTP doors

Made from the doors themselves by `make docs`; `/v1/openapi.json` says the same to programs, with every field.

- Features go in and out as GeoJSON (RFC 7946): lon, lat in degrees (EPSG:4326). What the server derives (`status`,
  `severity`, `effects`, `version`...) may be sent back and is passed over.
- Keys go as `Authorization: Bearer gw_...`. Pages use a session cookie instead; programs on the machine of the server
  may use the socket `geoworks.sock` in the data directory, which needs no key.
- Collections carry the cursor of the log as `Geoworks-Cursor` and `ETag`: what `/v1/stream` resumes from.
- A feature's `ETag` begins with its version. Send it as `If-Match` when you write, and nobody's change is lost.
- A `POST` of works may be repeated with the same `Idempotency-Key` for 24 hours and is carried out once.
- `PATCH` takes a JSON merge patch (RFC 7396) of the properties, with `geometry` among them.
- Errors are problem documents (RFC 9457): see [errors.md](errors.md).
"""
_ERRORS_HEAD = """# Errors

Made from the code by `make docs`.

Every error of the HTTP doors is a problem document (RFC 9457, `application/problem+json`): `code` is stable, `detail`
says what is wrong and how to mend it, `problems` lists each fault of a body with its place (`where`), what is wrong
(`what`) and the way out (`mend`), `temporary` says whether trying again later can help, `request` is the number of the
request in the log of the server. An answer with `Retry-After` says when to come back.
"""

_STREAM_HEAD = """
## The stream

From 1000 on a code closes the connection; below 1000 it is the `code` of an `error` message.
"""


def api_markdown(doors: Sequence[Door]) -> str:
    """Write `docs/api.md` of these doors."""
    parts = [_API_HEAD]
    for tag, tagged in groupby(doors, key=lambda door: door.tag):
        parts.append(f"## {tag.capitalize()}\n")
        parts += [_door(door) for door in tagged]
    return "\n".join(parts)


def errors_markdown() -> str:
    """Write `docs/errors.md`."""
    rows = [
        (f"`{kind.code}`", str(int(status_of(kind))), _yes(temporary=kind.temporary), _first_line(kind))
        for kind in _kinds()
    ]
    stream = [
        (str(code.number), f"`{code.label}`", _yes(temporary=code.temporary), code.meaning)
        for code in sorted(Code, key=lambda code: code.number)
    ]
    return "\n".join(
        (
            _ERRORS_HEAD,
            *_table(("code", "status", "temporary", "meaning"), rows),
            _STREAM_HEAD,
            *_table(("number", "name", "temporary", "meaning"), stream),
            "",
        )
    )


def _door(door: Door) -> str:
    lines = [f"### `{door.method} {door.path}`\n", f"{door.summary}.\n"]
    if door.allow is not ANYONE:
        lines.append(f"For the roles {' and '.join(f'`{role}`' for role in sorted(door.allow))}.\n")
    if door.query is not None:
        rows = [(f"`{name}`", meaning) for name, meaning in parameters_of(door.query)]
        lines += [*_table(("parameter", "meaning"), rows), ""]
    codes = sorted({kind.code for kind in door.errors})
    answered = f"Answers {int(door.status)}" + (f" ({door.answer_media})" if door.answer is not None else "")
    lines.append(answered + (f"; errors {', '.join(f'`{code}`' for code in codes)}" if codes else "") + ".\n")
    return "\n".join(lines)


def _kinds() -> Iterator[type[GeoworksError]]:
    """Yield the errors in the order of their file, which is that of the tree."""
    for kind in vars(errors).values():
        if inspect.isclass(kind) and issubclass(kind, GeoworksError) and kind is not GeoworksError:
            yield kind


def _first_line(kind: type[GeoworksError]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def _yes(*, temporary: bool) -> str:
    return "yes" if temporary else "no"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
