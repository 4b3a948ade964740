"""A folium element that puts a town's live works on anybody's own map."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import msgspec
from folium.map import Layer
from jinja2 import Template

from maps.local import script_json


class LiveLayer(Layer):
    """The live works of a geoworks town on a folium map: they come, move and go by themselves.

    `url` is the town's address (`https://travaux.example.org`); `area` is an area of the stream (docs/stream.md),
    everywhere when left out. The script is inside the page, so nothing else has to be served.

    >>> import folium
    >>> town = folium.Map(location=(48.633, 2.308), zoom_start=14)
    >>> layer = LiveLayer("https://travaux.example.org", area={"zones": ["gare"]}).add_to(town)
    >>> "wss://travaux.example.org/v1/stream" in town.get_root().render()
    True
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "{{ this.code }}"
        "var {{ this.get_name() }} = geoworksLive({{ this.setup }});"
        "{% endmacro %}"
    )

    def __init__(
        self, url: str, *, area: Mapping[str, Any] | None = None, name: str = "Live works", show: bool = True
    ) -> None:
        """Follow the town at `url`, which begins with http:// or https://."""
        if not url.startswith(("http://", "https://")):
            msg = f"{url!r} is no address of a town; give one that begins with https://"
            raise ValueError(msg)
        super().__init__(name=name, overlay=True, show=show)
        self._name = "LiveLayer"
        stream = url.rstrip("/").replace("http", "ws", 1) + "/v1/stream"
        self.setup = script_json(msgspec.json.encode({"stream": stream, "area": area or {"everywhere": True}}))
        self.code = (files("maps") / "static" / "drawn" / "live.js").read_text(encoding="utf-8")
