"""A client of the live stream, usable without the service; it needs the packages `websockets` and `msgspec` only.

::

    from geoworks.client import Put, Remove, Subscription, circle, connect

    home = Subscription(id="home", area=circle(2.306, 48.635, radius_m=500))
    async with connect("https://travaux.example.org", [home]) as stream:
        async for change in stream:
            match change:
                case Put(feature=feature):
                    print("now", feature["properties"]["title"])
                case Remove(before=feature, reason=reason):
                    print(reason, feature["properties"]["title"])

`docs/stream.md` tells what is said underneath.
"""

from __future__ import annotations

from geoworks.client.asking import (
    Area,
    Subscription,
    Vehicle,
    around_me,
    bbox,
    circle,
    everywhere,
    polygon,
    route,
    stored,
    vehicle,
    within,
    zones,
)
from geoworks.client.changes import Change, Feature, FeatureKey, Live, Lost, Notice, Put, Remove, Resync, Snapshot
from geoworks.client.faults import AreaRefused, Ended, Refused, Unintelligible, Unreachable
from geoworks.client.posting import PostedArea, post_area
from geoworks.client.stream import Stream, connect

__all__ = [
    "Area",
    "AreaRefused",
    "Change",
    "Ended",
    "Feature",
    "FeatureKey",
    "Live",
    "Lost",
    "Notice",
    "PostedArea",
    "Put",
    "Refused",
    "Remove",
    "Resync",
    "Snapshot",
    "Stream",
    "Subscription",
    "Unintelligible",
    "Unreachable",
    "Vehicle",
    "around_me",
    "bbox",
    "circle",
    "connect",
    "everywhere",
    "polygon",
    "post_area",
    "route",
    "stored",
    "vehicle",
    "within",
    "zones",
]
