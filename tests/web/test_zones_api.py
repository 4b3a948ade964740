"""Zones over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import FormData

from tests.web.conftest import Post
from tests.web.house import House

SQUARE = [[[2.30, 48.63], [2.31, 48.63], [2.31, 48.64], [2.30, 48.64], [2.30, 48.63]]]


def zone(name: str = "Gare", coordinates: object = SQUARE, **more: object) -> dict[str, Any]:
    """Return a zone as it is put."""
    geometry = {"type": "Polygon", "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": {"name": name, **more}}


def collection(**names: str) -> dict[str, Any]:
    """Return a file of zones, each with an id."""
    return {
        "type": "FeatureCollection",
        "features": [zone(name, id=id_) for id_, name in names.items()],
    }


async def test_a_zone_is_put_read_and_removed(house: House, staff: dict[str, str]) -> None:
    """PUT makes it, the list and its own address show it, DELETE takes it off."""
    made = await house.ask("PUT", "/v1/zones/gare", json=zone(), headers=staff)
    assert (made.status, made.json()["properties"]["level"]) == (201, "free")
    assert (await house.ask("PUT", "/v1/zones/gare", json=zone(), headers=staff)).status == 200
    assert (await house.ask("GET", "/v1/zones")).json()["features"] == [made.json()]
    assert (await house.ask("GET", "/v1/zones/gare")).body == made.body
    assert (await house.ask("DELETE", "/v1/zones/gare", headers=staff)).status == 204
    assert (await house.ask("DELETE", "/v1/zones/gare", headers=staff)).status == 404
    assert (await house.ask("GET", "/v1/zones/gare")).status == 404


async def test_what_was_read_of_a_zone_can_be_put_back(house: House, staff: dict[str, str]) -> None:
    """What the server says of a zone is passed over when it comes back."""
    made = await house.ask("PUT", "/v1/zones/gare", json=zone(), headers=staff)
    again = await house.ask("PUT", "/v1/zones/gare", json=made.json(), headers=staff)
    assert again.json()["properties"]["version"] == 1


@pytest.mark.parametrize("form", [False, True])
async def test_a_file_replaces_all_zones(house: House, staff: dict[str, str], *, form: bool) -> None:
    """GeoJSON as the body and a file in a form do the same; unchanged zones count as such."""
    answers = []
    for given in (collection(a="A", b="B"), collection(a="A", c="C")):
        data: Any = json.dumps(given)
        headers = dict(staff)
        if form:
            data = FormData()
            data.add_field("file", json.dumps(given), filename="../zones.geojson")
        else:
            headers["Content-Type"] = "application/geo+json"
        answer = await house.ask("POST", "/v1/zones", data=data, headers=headers)
        assert answer.status == 200, answer.body
        answers.append(answer.json())
    assert answers == [
        {"added": 2, "changed": 0, "unchanged": 0, "removed": 0},
        {"added": 1, "changed": 0, "unchanged": 1, "removed": 1},
    ]


async def test_works_get_effects_of_new_zones(house: House, staff: dict[str, str], post: Post) -> None:
    """A zone put around a works appears in its effects and takes a level from it."""
    one = await post("A", impact={"vehicle_impact": "all-lanes-closed"})
    await house.ask("PUT", "/v1/zones/gare", json=zone(), headers=staff)
    await house.town.rejoiner.refresh()
    await house.town.desk.submit(lambda _: None)
    read = (await house.ask("GET", f"/v1/works/{one['id']}")).json()
    assert [effect["zone"] for effect in read["properties"]["effects"]] == ["gare"]
    await house.town.desk.submit(lambda _: None)
    level = (await house.ask("GET", "/v1/zones/gare")).json()["properties"]
    assert (level["level"], level["causes"]) == ("disturbed", [one["id"]])


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "body"),
        (zone(""), "gare.name"),
        ({**zone(), "geometry": {"type": "Point", "coordinates": [2, 48]}}, "geometry"),
        (zone(coordinates=[[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]), "geometry"),
        ({**zone(), "geometry": None}, "geometry"),
        ({**zone(), "properties": {"name": 7}}, "properties.name"),
        ({**zone(), "properties": {}}, "properties"),
    ],
)
async def test_bad_zones_are_refused(house: House, staff: dict[str, str], body: object, where: str) -> None:
    """What is no zone is told with its place."""
    answer = await house.ask("PUT", "/v1/zones/gare", json=body, headers=staff)
    assert (answer.status, answer.json()["code"]) == (400, "invalid"), answer.body
    assert answer.json()["problems"][0]["where"].startswith(where)


@pytest.mark.parametrize("data", [b"", b"<html>", b'{"type":"FeatureCollection","features":[]}', b"{"])
async def test_a_file_without_zones_changes_nothing(house: House, staff: dict[str, str], data: bytes) -> None:
    """An empty or broken file is refused, and the zones stay."""
    await house.ask("PUT", "/v1/zones/gare", json=zone(), headers=staff)
    answer = await house.ask("POST", "/v1/zones", data=data, headers=staff | {"Content-Type": "application/geo+json"})
    assert (answer.status, answer.json()["code"]) == (400, "invalid"), answer.body
    assert (await house.ask("GET", "/v1/zones/gare")).status == 200
