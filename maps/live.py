"""A folium element that puts a town's live works on anybody's own map."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from branca.element import Element, Figure
from folium.map import Layer
from jinja2 import Template

from maps.local import script_json
from maps.texts import text, texts

_STATIC = Path(__file__).parent / "static"
_MODULES = (_STATIC / "geoworks-client.js", _STATIC / "drawn" / "live.js")
_LINKS = re.compile(r"^import .*$|^export ", re.MULTILINE)


class LiveLayer(Layer):
    """The live works of a geoworks town on a folium map: they come, move and go by themselves.

    `url` is the town's address (`https://travaux.example.org`); `area` is an area of the stream (docs/stream.md),
    everywhere when left out; `language` (fr, en) is that of the popups. The script is inside the page, so nothing
    else has to be served.

    >>> import folium
    >>> town = folium.Map(location=(48.633, 2.308), zoom_start=14)
    >>> layer = LiveLayer("https://travaux.example.org", area={"zones": ["gare"]}).add_to(town)
    >>> "wss://travaux.example.org/v1/stream" in town.get_root().render()
    True
    """

    _template = Template(
        "{% macro script(this, kwargs) %}var {{ this.get_name() }} = geoworksLive({{ this.setup }});{% endmacro %}"
    )

    def __init__(
        self,
        url: str,
        *,
        area: Mapping[str, Any] | None = None,
        language: str = "fr",
        name: str = "",
        show: bool = True,
    ) -> None:
        """Follow the town at `url`, which begins with http:// or https://.

        Raises:
            ValueError: `url` is no address.

        """
        if not url.startswith(("http://", "https://")):
            msg = f"{url!r} is no address of a town; give one that begins with https://"
            raise ValueError(msg)
        super().__init__(name=name or text(language, "drawn.live"), overlay=True, show=show)
        self._name = "LiveLayer"
        words = texts(language)
        setup = {
            "stream": url.rstrip("/").replace("http", "ws", 1) + "/v1/stream",
            "area": area or {"everywhere": True},
            "words": {
                "status": words["works"]["status"],
                "severity": words["map"]["severity"],
                "cut": words["drawn"]["cut"],
            },
        }
        self.setup = script_json(msgspec.json.encode(setup))

    def render(self, **kwargs: Any) -> str:  # noqa: ANN401 - folium's own
        """Put the script into the page, once for all layers, and the layer after it."""
        page = self.get_root()
        if isinstance(page, Figure):
            page.script.add_child(_Script(), name="geoworks_live")
        rendered: str = super().render(**kwargs)  # type: ignore[no-untyped-call] # folium leaves its arguments untyped
        return rendered


class _Script(Element):
    """The script of all live layers of a page; given as a value, for folium makes templates of what it is given."""

    _template = Template("{{ this.code }}")

    def __init__(self) -> None:
        super().__init__()
        self._name = "LiveScript"
        self.code = _bundle()


@cache
def _bundle() -> str:
    """Return the modules as one script that folium's pages can hold, which are no modules."""
    joined = "\n".join(_LINKS.sub("", path.read_text(encoding="utf-8")) for path in _MODULES)
    return f"var geoworksLive = (() => {{\n{joined}\nreturn follow;\n}})();\n"
