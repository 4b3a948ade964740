"""What the driver page says of works and detours that are not for the vehicle."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
from playwright.sync_api import expect

from geoworks.model.impact import Exemption, Impact, Passage, Restriction, RestrictionType, VehicleImpact, WayState
from geoworks.model.severity import TravelMode
from geoworks.model.vehicle import Vehicle, hindrance
from tests.pages.driver import is_live, looked, planned, titles
from tests.pages.looking import Looker
from tests.pages.streets import Street


def test_limits_that_stop_the_vehicle_are_named(looker: Looker, street: Street) -> None:
    """A lorry is told of a height that a car never hears of, and that the detour is none for it."""
    low = {"vehicle_impact": "all-lanes-open", "restrictions": [{"type": "reduced-height", "value": 3.2, "unit": "m"}]}
    street.works("Pont bas", 500, 600, impact={**low, "detours": [{"text": "Par la rue du Moulin, limitée à 7,5 t"}]})
    page = looked(looker, street)
    expect(titles(page)).to_have_count(0)
    expect(page.locator("#filter-told")).to_contain_text("Véhicule : voiture.")
    page.locator("#stop").click()
    page.locator("#class").select_option("hgv")
    page.get_by_text("Dimensions").click()
    page.get_by_label("Hauteur (m)").fill("3,5")
    page.locator("#look").click()
    expect(titles(page)).to_have_text(["Pont bas"])
    cautions = page.locator("#events .caution")
    expect(cautions.first).to_have_text("Votre véhicule ne passe pas : hauteur limitée à 3,2 m.")
    expect(cautions.last).to_have_text("Déviation impossible pour votre véhicule : poids total limité à 7,5 t.")
    expect(page.locator("#next")).to_contain_text("route barrée")
    page.locator("#events button").click()
    expect(page.locator("#details .details-state")).to_contain_text("route barrée")
    expect(page.locator("#details .caution")).to_have_count(2)
    page.locator("#back").click()
    page.locator("#stop").click()
    page.get_by_label("Hauteur (m)").fill("3")
    page.locator("#look").click()
    is_live(page)
    expect(titles(page)).to_have_count(0)


def test_works_on_the_detour_that_stop_the_vehicle_are_found(looker: Looker, street: Street) -> None:
    """A detour on which other works limit the height is marked for a lorry, at once, and no more when they end."""
    detour = {"type": "LineString", "coordinates": [street.at(450, 0), street.at(450, 300), street.at(700, 300)]}
    closed = {"vehicle_impact": "all-lanes-closed", "detours": [{"text": "", "geometry": detour}]}
    street.works("Fermé", 500, 600, impact=closed)
    page = planned(looker, street, language="en")
    page.locator("#class").select_option("hgv")
    page.locator("#look").click()
    expect(titles(page)).to_have_text(["Fermé"])
    expect(page.locator("#events .caution")).to_have_count(0)
    low = {"vehicle_impact": "all-lanes-open", "restrictions": [{"type": "reduced-height", "value": 3, "unit": "m"}]}
    id_ = street.works("Échafaudage", 500, 600, east_m=302, impact=low)
    expect(page.locator("#events .caution")).to_have_text("Detour not for your vehicle: Échafaudage.")
    expect(titles(page)).to_have_text(["Fermé"])
    street.end(id_)
    expect(page.locator("#events .caution")).to_have_count(0)


def test_the_page_explains_by_the_rules_that_decide(looker: Looker) -> None:
    """For every kind of impact, limit, exemption and vehicle the page reckons the severity of the service."""
    page = looker.open("drive")
    cases = [(vehicle, impact) for vehicle in _vehicles() for impact in _impacts()]
    told = [[_profile(vehicle), msgspec.to_builtins(impact)] for vehicle, impact in cases]
    reckoned = page.evaluate(
        """async (cases) => {
          const own = document.querySelector("script[type=module]").src;
          const { Vehicle } = await import(own.replace("drive.js", "drive/vehicle.js"));
          const table = JSON.parse(document.getElementById("page-data").textContent).severities;
          return cases.map(([profile, impact]) => new Vehicle(profile, table).hindrance(impact));
        }""",
        told,
    )
    assert reckoned == [hindrance([impact], vehicle).value for vehicle, impact in cases]


def _profile(vehicle: Vehicle) -> dict[str, Any]:
    sizes = {name: getattr(vehicle, name) for name in ("height_m", "weight_t")}
    return {"class": vehicle.mode.value, **{name: size for name, size in sizes.items() if size is not None}}


def _vehicles() -> Iterator[Vehicle]:
    for mode in TravelMode:
        yield Vehicle(mode)
        yield Vehicle(mode, height_m=3.0, weight_t=3.0)


def _impacts() -> Iterator[Impact]:
    yield from (Impact(vehicle_impact=one) for one in VehicleImpact)
    yield from (Impact(footway=one, cycleway=other) for one in WayState for other in WayState)
    for one in RestrictionType:
        for value in (None, 2.0, 3.1, 50.0):
            yield Impact(vehicle_impact=VehicleImpact.ALL_LANES_OPEN, restrictions=(Restriction(one, value),))
    closed = VehicleImpact.ALL_LANES_CLOSED
    for who, passage in itertools.product(Exemption, Passage):
        yield Impact(vehicle_impact=closed, exempt=(who,), emergency_passage=passage)
