"""The names under which features stand at the broker: `geoworks/{zone}/{kind}/{id}`."""

from __future__ import annotations

from urllib.parse import quote

from geoworks.model.change import Key, Kind, MatchKeys

# The level of the zone for what touches none; a zone of this name is encoded, so no other topic has it.
NOWHERE = "-"
_LEVELS = 4
_KINDS = frozenset(Kind)


def level(name: str) -> str:
    """Return an id as one level of a topic: percent-encoded UTF-8, all but `A-Z a-z 0-9 _ - ~ :`.

    The dot too, since NATS refuses it in topics; `-` alone is taken by `NOWHERE`.

    >>> level("voirie:2026.04/12 été")
    'voirie:2026%2E04%2F12%20%C3%A9t%C3%A9'
    >>> level("-")
    '%2D'
    """
    if name == NOWHERE:
        return "%2D"
    return quote(name, safe=":").replace(".", "%2E")


def topics_of(root: str, key: Key, keys: MatchKeys) -> tuple[str, ...]:
    """Return the topics of a feature: one for each zone it touches, each once; a zone stands under itself."""
    zones = (key.id,) if key.kind is Kind.ZONE else keys.zones
    levels = dict.fromkeys(map(level, zones)) or (NOWHERE,)
    return tuple(f"{root}/{zone}/{key.kind}/{level(key.id)}" for zone in levels)


def every_topic(root: str) -> str:
    """Return the filter that matches the topics of all features."""
    return f"{root}/+/+/+"


def is_feature(root: str, topic: str) -> bool:
    """Tell whether a topic is one of a feature, so that whatever stands there is ours to clear.

    >>> is_feature("geoworks", "geoworks/gare/works/api:1"), is_feature("geoworks", "geoworks/gare/note/1")
    (True, False)
    """
    levels = topic.split("/")
    return len(levels) == _LEVELS and levels[0] == root and levels[2] in _KINDS
