"""The stream's contract for readers and machines, made from the message types: a page and an AsyncAPI 3 document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from geoworks.hub.codes import Code
from geoworks.hub.exchange import STREAM, WAYS
from geoworks.hub.messages import (
    CLIENT_MESSAGES,
    PROTOCOL,
    SERVER_MESSAGES,
    Area,
    AroundMe,
    Circle,
    Route,
    Vehicle,
    Wanted,
)

_REF = "#/components/schemas/{name}"
_MESSAGE = type[msgspec.Struct]


def asyncapi(version: str) -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document of this release."""
    received, sent = _names(CLIENT_MESSAGES), _names(SERVER_MESSAGES)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "geoworks stream",
            "version": version,
            "description": "Roadworks, reports and traffic zones, live: a snapshot, then numbered changes.",
        },
        "channels": {
            "stream": {
                "address": "/v1/stream",
                "description": f"WebSocket, sub-protocol `{PROTOCOL}`, JSON in text frames.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in (*received, *sent)},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            "receive": _operation("receive", received, "What a client may send."),
            "send": _operation("send", sent, "What the server sends."),
        },
        "components": {
            "messages": {_tag(message): _describe(message) for message in (*CLIENT_MESSAGES, *SERVER_MESSAGES)},
            "schemas": _schemas(),
        },
    }


def stream_markdown() -> str:
    """Return `docs/stream.md`."""
    return "\n".join(
        (
            _INTRODUCTION,
            "## What a client sends\n",
            *map(_section, CLIENT_MESSAGES),
            "## Areas\n",
            "An area is an object with exactly one of these fields.\n",
            _table(Area),
            *(f"{introduced}\n\n{_table(nested)}" for introduced, nested in _NESTED),
            _DRIVING,
            "## What the server sends\n",
            *map(_section, SERVER_MESSAGES),
            _EXCHANGES,
            STREAM,
            _RESUMING,
            "## Other ways to listen\n",
            WAYS,
            "## Codes\n",
            "Numbers below 1000 come in an `error` message, the others close the connection. What is temporary is",
            "worth trying again: at once the first time, then after growing, slightly random waits.\n",
            _codes(),
        )
    )


_INTRODUCTION = f"""\
# The live stream

<!-- Made from geoworks/hub/messages.py by `make docs`; changes here are lost. -->

Connect a WebSocket to `/v1/stream` with the sub-protocol `{PROTOCOL}`. Every message is one JSON object in a text
frame, with its `type`. Ask a question with `subscribe`: a snapshot of what matches comes first, then every change,
until you leave. Features are GeoJSON, the same as on every other door.

What you can count on:

- Live, you are sent every change that concerns you, once, in the order of the log.
- After a cut or a stall you are sent the latest state of each feature that changed, in the order of the log, and end
  with exactly what the server has; or you are told `resync`. There is never a silent gap.
- Removals are messages. What ends, is cancelled or withdrawn, or leaves your area or severity, comes as `remove`.
- A connection gets a change once, however many of its subscriptions match. `put` and `remove` name no subscription.

What a client does:

- Keep features by `kind` and `id`. `put` sets one, `remove` drops one, the features of a `snapshot` are set.
- Keep the `cursor` of every `put`, `remove`, `caught_up` and `heartbeat` that has one that is not null, and the
  `filters` of the last `caught_up`. The cursor of a `snapshot` is not one to resume from.
- When you send `subscribe` or `unsubscribe`, forget `filters` until it is told again in answer: each is answered by one
  `caught_up` with its id, in their order.
- On `resync` forget cursor, `filters` and all features (or show the old ones until the next `caught_up`).
- On `notice` with `retry_after_s` wait so long after the close before you connect again: each client is told another
  time. After any other cut wait a random time that grows with each failure.
- Ignore fields and message types you do not know.
"""

_EXCHANGES = """\
## Whole exchanges

One for each use. `...` stands for what would only fill the page; what happens meanwhile is in parentheses.
"""

_RESUMING = """\
## Coming back

After a cut connect again and send `resume` first, with the last cursor, the last `filters` and all subscriptions.
Without a cursor or `filters` subscribe anew. Severities that nobody told count as `medium`, so they are left out by
`min_severity` `high` and `blocked` only. A client that does not read is skipped, then sent the latest state of what
changed; one that takes nothing at all for a while is cut and may resume.
"""

_NESTED = (
    ("A circle is:", Circle),
    ("A route is:", Route),
    ("What is around a driver is:", AroundMe),
    ("A vehicle is:", Vehicle),
    ("Each of the `subscriptions` of a `resume` is:", Wanted),
)

_DRIVING = """\
## For drivers

- **A route** is told what lies on it: works on a street that only crosses it, or runs beside it within the corridor,
  are left out, and so are works whose direction is known and is the other one. Of zones it is told those it crosses, of
  reports those within the corridor.
- **With `depart`** a works counts when it is in force while the driver gets there: from the earliest arrival to the
  latest, with a margin that grows along the route. A `notice` with the code `begins-soon` tells of works on a route
  that begin, or go on after a pause, within the next minutes; each beginning once.
- **`around_me`** matches nothing until the first `position`. What came within the radius between two positions is
  told too, and removed by a later one. On a route a position tells how far along the driver is: what lies behind is
  removed, and with `depart` the times of arrival are reckoned from there. Positions are answered by `put` and `remove`
  with a null cursor; only after the first one on a route `caught_up` tells new `filters`. Several sent at once are
  taken as the last of them. Which way works are travelled is heeded on a route only: a `heading` tells how the road
  lies at one moment, not how works further on will be met, so `heading` and `speed_kmh` may be left out; no answer
  depends on them. Where a driver is, and where they go, is held in memory for as long as the connection
  lasts.
- **A vehicle** is told only what hinders it: with its sizes where they are given, else with those usual for its class.
  What nobody knows counts as `medium`.
- **`horizon`** follows the clock: what comes into it is a `put` with a null cursor.
- **A subscription that follows the clock or a position** cannot be resumed: after a cut the answer is `resync` and new
  snapshots. Tell your position again then.
- **An area too long** for a frame is posted to `/v1/areas`; ask with the `area_id` you are given. It is kept in memory
  for some hours; on the error `area-unknown` post it again.
"""


def _section(message: _MESSAGE) -> str:
    return f"### `{_tag(message)}`\n\n{_doc(message)}\n\n{_table(message)}"


def _table(message: _MESSAGE) -> str:
    properties = _own_schema(message)
    fields = {name: field for name, field in properties["properties"].items() if name != "type"}
    if not fields:
        return "It has no other field.\n"
    required = set(properties.get("required", ()))
    rows = [
        f"| `{name}` | {_type(field)} | {'yes' if name in required else 'no'} | {_meaning(field)} |"
        for name, field in fields.items()
    ]
    return "\n".join(("| field | type | required | meaning |", "|---|---|---|---|", *rows, ""))


def _meaning(field: Mapping[str, Any]) -> str:
    nested = [option.get("description", "") for option in field.get("anyOf", ())]
    text = field.get("description") or next(filter(None, nested), "")
    default = field.get("default")
    if isinstance(default, str):
        text += f" Default: `{default}`."
    return text.strip().replace("|", "\\|")


def _type(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return str(_named(field["$ref"]))
    if "anyOf" in field:
        return " or ".join(_type(option) for option in field["anyOf"])
    if "enum" in field or "const" in field:
        return ", ".join(
            f"`{msgspec.json.encode(value).decode()}`" for value in field.get("enum", [field.get("const")])
        )
    if field.get("type") == "array" and "items" in field and field["items"]:
        return f"array of {_type(field['items'])}"
    return str(field.get("type", "GeoJSON feature"))


def _named(reference: str) -> str:
    name = reference.rpartition("/")[2]
    schema = _schemas()[name]
    return _type(schema) if "enum" in schema else name.lower()


def _codes() -> str:
    rows = [
        f"| {code.number} | {code.label} | {code.meaning} | {'yes' if code.temporary else 'no'} |"
        for code in sorted(Code, key=lambda code: code.number)
    ]
    return "\n".join(("| number | name | meaning | temporary |", "|---|---|---|---|", *rows, ""))


def _operation(action: str, names: Sequence[str], summary: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/stream"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/stream/messages/{name}"} for name in names],
    }


def _describe(message: _MESSAGE) -> dict[str, Any]:
    return {
        "name": _tag(message),
        "contentType": "application/json",
        "summary": _doc(message),
        "payload": {"$ref": _REF.format(name=message.__name__)},
    }


def _names(messages: Iterable[_MESSAGE]) -> Sequence[str]:
    return [_tag(message) for message in messages]


def _tag(message: _MESSAGE) -> str:
    return str(message.__struct_config__.tag)


def _doc(message: _MESSAGE) -> str:
    return " ".join((message.__doc__ or "").split())


def _schemas() -> dict[str, Any]:
    described = (*CLIENT_MESSAGES, *SERVER_MESSAGES, Wanted)
    return msgspec.json.schema_components(described, ref_template=_REF)[1]


def _own_schema(message: _MESSAGE) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = _schemas()[message.__name__]
    return schema
