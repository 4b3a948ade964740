"""A whole conversation on the stream, as the documents show it; a test plays it against a real hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Line(NamedTuple):
    """One message: who sends it, and its text, in which `...` stands for what would only fill the page."""

    sender: str
    text: str


EXCHANGE: Sequence[Line] = (
    Line("server", '{"type":"hello","protocol":"geoworks.v1","epoch":"k3x9","cursor":"k3x9.1","heartbeat_s":25.0}'),
    Line("client", '{"type":"subscribe","id":"home","area":{"circle":{"center":[2.306,48.635],"radius_m":500}}}'),
    Line("server", '{"type":"snapshot","id":"home","cursor":"k3x9.1","last":true,"features":[{"type":"Feature",...}]}'),
    Line("server", '{"type":"caught_up","id":"home","filters":"...","cursor":"k3x9.1"}'),
    Line("server", '{"type":"put","cursor":"k3x9.2","feature":{"type":"Feature","id":"voirie:2",...}}'),
    Line("server", '{"type":"remove","cursor":"k3x9.3","kind":"works","id":"voirie:1","reason":"ended"}'),
    Line("", "(the connection is lost, two works change, the client connects again)"),
    Line("server", '{"type":"hello","protocol":"geoworks.v1","epoch":"k3x9","cursor":"k3x9.5","heartbeat_s":25.0}'),
    Line(
        "client",
        '{"type":"resume","since":"k3x9.3","filters":"...",'
        '"subscriptions":[{"id":"home","area":{"circle":{"center":[2.306,48.635],"radius_m":500}}}]}',
    ),
    Line("server", '{"type":"remove","cursor":"k3x9.4","kind":"works","id":"voirie:2","reason":"moved-out"}'),
    Line("server", '{"type":"put","cursor":"k3x9.5","feature":{"type":"Feature","id":"voirie:3",...}}'),
    Line("server", '{"type":"caught_up","id":null,"filters":"...","cursor":"k3x9.5"}'),
    Line("client", '{"type":"ping"}'),
    Line("server", '{"type":"pong"}'),
    Line("client", '{"type":"unsubscribe","id":"home"}'),
    Line("server", '{"type":"remove","cursor":null,"kind":"works","id":"voirie:3","reason":"moved-out"}'),
    Line("server", '{"type":"caught_up","id":"home","filters":"...","cursor":"k3x9.5"}'),
)
