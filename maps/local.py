"""A folium map that needs no other site: local assets, and a page that everybody can read."""

from __future__ import annotations

import folium
from branca.element import Figure
from folium.map import Layer
from jinja2 import Environment, PackageLoader

from geoworks.config.settings import Settings

_TEMPLATES = Environment(loader=PackageLoader("maps", "pages"), autoescape=True)
ASSETS = "assets"


class LocalPage(Figure):
    """The page around a map: its language, title, heading, landmark and list, in place of folium's bare body.

    `head` and `aside` are HTML, rendered by their own templates.
    """

    def __init__(self, *, language: str, title: str) -> None:
        """Make an empty page."""
        super().__init__(title=title)
        self.language = language
        self.head = ""
        self.aside = ""
        self._template = _TEMPLATES.get_template("drawn.html")


class LocalMap(folium.Map):
    """A folium map with local scripts and style, and a page that can be zoomed.

    `assets` is the address of the folder of assets, relative to the page.
    """

    def __init__(self, page: LocalPage, settings: Settings, *, assets: str = ASSETS) -> None:
        """Make a map in a page, on the town's tiles."""
        self.default_js = [
            ("leaflet", f"{assets}/leaflet.js"),
            ("drawn", f"{assets}/drawn.js"),
        ]
        self.default_css = [
            ("leaflet_css", f"{assets}/leaflet.css"),
            ("drawn_css", f"{assets}/drawn.css"),
        ]
        lon, lat = settings.town.center
        super().__init__(location=(lat, lon), zoom_start=settings.town.zoom, tiles=None, prefer_canvas=True)
        self._template = _MAP
        page.add_child(self)
        self._add_tiles(settings)

    def _add_tiles(self, settings: Settings) -> None:
        if settings.tiles.url:
            tiles = folium.TileLayer(
                settings.tiles.url,
                attr=settings.tiles.attribution,
                max_zoom=settings.tiles.max_zoom,
                name="tiles",
                control=False,
            )
            self.add_child(tiles)


class FeatureLayer(Layer):
    """Many features as one layer; what they say is shown as text, whatever it holds.

    folium escapes nothing in popups, so ours are made in the browser with `textContent` alone.
    """

    _template = _TEMPLATES.from_string(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = geoworksDrawn.layer({{ this.kind|tojson }}, {{ this.data|safe }});"
        "{% endmacro %}"
    )

    def __init__(self, kind: str, data: str, *, name: str) -> None:
        """Draw features (`data`: their GeoJSON collection, safe inside a script) of one kind."""
        super().__init__(name=name, overlay=True)
        self._name = "FeatureLayer"
        self.kind = kind
        self.data = data


# folium's own header forbids zooming by two fingers (WCAG 2.2, 1.4.4) and asks for more than a map needs.
_MAP = _TEMPLATES.from_string(
    '{% macro html(this, kwargs) %}<div class="folium-map" id="{{ this.get_name() }}"></div>{% endmacro %}'
    "{% macro script(this, kwargs) %}"
    "var {{ this.get_name() }} = geoworksDrawn.map({{ this.get_name()|tojson }}, "
    "{{ this.location|tojson }}, {{ this.options|tojson }});"
    "{% endmacro %}"
)


def script_json(data: bytes) -> str:
    """Make JSON safe inside a script element: no tag, no line end that JavaScript knows and JSON does not."""
    text = data.decode()
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text
