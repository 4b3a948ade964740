"""GPX files from anybody: the line they mean, or why there is none."""

from __future__ import annotations

import pytest

from geoworks.errors import Invalid, TooLarge
from geoworks.geo.gpx import read_gpx

_TRACK = """<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1">
  <metadata><name>Trajet</name></metadata>
  <wpt lat="48.0" lon="2.0"/>
  <trk><name>vide</name><trkseg/></trk>
  <trk><trkseg><trkpt lat="48.63" lon="2.30"><ele>80</ele></trkpt><trkpt lat="48.631" lon="2.301"/></trkseg>
       <trkseg><trkpt lat="48.632" lon="2.302"/></trkseg></trk>
  <rte><rtept lat="1" lon="1"/><rtept lat="2" lon="2"/></rte>
</gpx>"""
_LINE = [(2.30, 48.63), (2.301, 48.631), (2.302, 48.632)]


def test_track() -> None:
    """The first track with points counts, its segments joined; waypoints and empty tracks do not."""
    assert list(read_gpx(_TRACK.encode()).coords) == _LINE


def test_route_without_namespace() -> None:
    """Without a track a route counts; GPX 1.0 and files without a namespace are read too."""
    body = b'<gpx version="1.0"><rte><rtept lat="48.63" lon="2.3"/><rtept lat="48.64" lon="2.4"/></rte></gpx>'
    assert list(read_gpx(body).coords) == [(2.3, 48.63), (2.4, 48.64)]


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_other_encodings(encoding: str) -> None:
    """Files tell their encoding, and are read in it."""
    text = _TRACK.replace("UTF-8", encoding).replace("Trajet", "Été")
    assert list(read_gpx(text.encode(encoding)).coords) == _LINE


_LAUGHS = "<!DOCTYPE gpx [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><gpx>&b;</gpx>"
_OUTSIDE = '<!DOCTYPE gpx SYSTEM "file:///etc/passwd"><gpx/>'


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "well-formed"),
        ("no XML", "well-formed"),
        ("<gpx><trk>", "well-formed"),
        ("<kml/>", "no GPX"),
        ("<gpx/>", "no track or route"),
        ('<gpx><trk><trkseg><trkpt lat="1" lon="1"/></trkseg></trk></gpx>', "no track or route"),
        ('<gpx><trk><trkpt lat="91" lon="1"/></trk></gpx>', "-90 to 90"),
        ('<gpx><trk><trkpt lat="NaN" lon="1"/></trk></gpx>', "'NaN'"),
        ('<gpx><trk><trkpt lat="1" lon="inf"/></trk></gpx>', "-180 to 180"),
        ('<gpx><trk><trkpt lon="1"/></trk></gpx>', "gpx lat"),
        ('<?xml version="1.0" encoding="klingon"?><gpx/>', "encoding"),
        (_LAUGHS, "document type"),
        (_OUTSIDE, "document type"),
    ],
)
def test_bad_files(text: str, word: str) -> None:
    """What is no line is refused with what is wrong and how to mend it; no entity is ever read."""
    with pytest.raises(Invalid, match=word):
        read_gpx(text.encode())


def test_bounds() -> None:
    """Points and depth are counted while they come."""
    point = '<trkpt lat="48.6" lon="2.3"/>'
    with pytest.raises(TooLarge, match="50000 points"):
        read_gpx(f"<gpx><trk>{point * 50_001}</trk></gpx>".encode())
    with pytest.raises(TooLarge, match="too deep"):
        read_gpx(("<gpx>" + "<a>" * 40).encode())
