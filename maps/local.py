"""A folium map that needs no other site: local assets, and a page that everybody can read.

folium makes a template of every script and style it is given, so a text like `{{ 7*7 }}` from outside would run on the
server. Nothing from outside is handed to it: data stands in the page as JSON, beside what folium writes.
"""

from __future__ import annotations

import re
from pathlib import Path

import folium
from branca.element import Figure
from folium.map import Layer
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from geoworks.config.settings import Settings
from maps.colours import Scheme, dark_scheme, light_scheme

ASSETS = "assets"
TEMPLATES = Environment(
    loader=PackageLoader("maps", "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# A page opened as a file may not take shapes from another file, so they stand in it.
_SHAPES = Markup((Path(__file__).parent / "static" / "shapes.svg").read_text(encoding="utf-8").strip())  # noqa: S704 - ours

_UNSAFE = re.compile("[<>&\u2028\u2029]|{(?=[{%#])")


class LocalPage(Figure):
    """The page around a map: its language, title, heading, landmark and list, in place of folium's bare body.

    `head` and `aside` are HTML, rendered by their own templates; `blocks` is the data by name, JSON that is safe
    inside a script.
    """

    def __init__(self, settings: Settings, *, language: str, title: str) -> None:
        """Make an empty page in the colours of the town."""
        super().__init__(title=title)
        self.language = language
        self.light: Scheme = light_scheme(settings.town.primary_colour, settings.town.accent_colour)
        self.dark: Scheme = dark_scheme(settings.town.primary_colour, settings.town.accent_colour)
        self.shapes = _SHAPES
        self.head = ""
        self.aside = ""
        self.blocks: dict[str, str] = {}
        self._template = TEMPLATES.get_template("drawn.html")


class LocalMap(folium.Map):
    """A folium map with local scripts and style, and a page that can be zoomed.

    `assets` is the address of the folder of assets, relative to the page.
    """

    # folium's own header forbids zooming by two fingers (WCAG 2.2, 1.4.4) and asks for more than a map needs.
    _template = TEMPLATES.from_string(
        '{% macro html(this, kwargs) %}<div class="folium-map" id="{{ this.get_name() }}"></div>{% endmacro %}'
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = geoworksDrawn.map({{ this.get_name()|tojson }});"
        "{% endmacro %}"
    )

    def __init__(self, *, assets: str) -> None:
        """Make a map; place, tiles and words are in the page's block `page`."""
        self.default_js = [("leaflet", f"{assets}/leaflet.js"), ("drawn", f"{assets}/drawn.js")]
        self.default_css = [("leaflet_css", f"{assets}/leaflet.css"), ("drawn_css", f"{assets}/drawn.css")]
        super().__init__(location=(0, 0), tiles=None)


class FeatureLayer(Layer):
    """Many features of the page's data as one layer; what they say is shown as text, whatever it holds."""

    _template = TEMPLATES.from_string(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = geoworksDrawn.layer({{ this.kind|tojson }}, {{ this.severity|tojson }});"
        "{% endmacro %}"
    )

    def __init__(self, kind: str, *, name: str, severity: str = "") -> None:
        """Draw the features of a kind, of works those of a severity."""
        super().__init__(name=name, overlay=True)
        self._name = "FeatureLayer"
        self.kind = kind
        self.severity = severity


class LocalControl(folium.LayerControl):
    """The control of layers, each beside its sign, closed at first where there is little room."""

    _template = TEMPLATES.from_string(
        "{% macro script(this, kwargs) %}"
        "geoworksDrawn.control([{% for name, layer in this.overlays.items() %}"
        "[{{ layer }}, {{ name|tojson }}],{% endfor %}]);"
        "{% endmacro %}"
    )


def script_json(data: bytes) -> str:
    r"""Make JSON safe inside a script element: no tag, no line end that JavaScript knows and JSON does not.

    Nor what opens an expression of a template: outside of texts, JSON has no `{` before `{`, `%` or `#`.

    >>> print(script_json(b'{"a":"</script>{{7}}"}'))
    {"a":"\u003c/script\u003e\u007b{7}}"}
    """
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", data.decode())
