"""A gentle script that makes the sample town live: small works begin, move along their street and end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle

from msgspec import Struct, structs
from shapely import transform

from geoworks.demo.town import stretch
from geoworks.model.change import Record
from geoworks.model.impact import Impact, ParkingState, Passage, VehicleImpact, WayState
from geoworks.model.schedule import Schedule
from geoworks.model.works import TypeOfWork, Works
from geoworks.pipeline import works as edits
from geoworks.pipeline.desk import Desk, Edit

STEP_S = 6.0
_MOVES = 4
_LENGTH = 0.25


class Scene(Struct, frozen=True):
    """One small works that the script plays."""

    id: str
    street: str
    title: str
    promoter: str
    impact: VehicleImpact
    type_of_work: TypeOfWork


SCENES = (
    Scene(
        "api:demo-balayage",
        "Avenue Saint-Saëns",
        "Ramassage des feuilles",
        "Ville de Saint-Michel-sur-Orge",
        VehicleImpact.SOME_LANES_CLOSED,
        TypeOfWork.MAINTENANCE,
    ),
    Scene(
        "api:demo-fuite",
        "Rue Anatole France",
        "Fuite d'eau, intervention d'urgence",
        "Eau Cœur d'Essonne",
        VehicleImpact.FLAGGING,
        TypeOfWork.BELOW_ROAD_WORK,
    ),
    Scene(
        "api:demo-marquage",
        "Avenue Jean Vilar",
        "Marquage des passages piétons",
        "Ville de Saint-Michel-sur-Orge",
        VehicleImpact.ALTERNATING_ONE_WAY,
        TypeOfWork.PAINTING,
    ),
    Scene(
        "api:demo-levage",
        "Rue Saint-Exupéry",
        "Livraison par grue",
        "SCCV Les Tilleuls",
        VehicleImpact.ALL_LANES_CLOSED,
        TypeOfWork.OVERHEAD_WORK,
    ),
)


async def play(desk: Desk, *, step_s: float = STEP_S) -> None:
    """Play the scenes one after the other until cancelled, one change every `step_s` seconds."""
    for scene in cycle(SCENES):
        for part in _parts():
            await desk.submit(_moving(scene, part))
            await asyncio.sleep(step_s)
        await desk.submit(_ending(scene))
        await asyncio.sleep(step_s)


def _moving(scene: Scene, part: tuple[float, float]) -> Edit[Record]:
    return lambda draft: edits.replace(scene.id, _works(scene, part, draft.now), actor="demo")(draft)


def _ending(scene: Scene) -> Edit[Record]:
    return lambda draft: edits.replace(scene.id, _ended(scene, draft.now), actor="demo")(draft)


def _parts() -> Iterator[tuple[float, float]]:
    """Yield the stretches of the street that the works moves through."""
    for move in range(_MOVES):
        begin = move * (1 - _LENGTH) / (_MOVES - 1)
        yield begin, begin + _LENGTH


def _works(scene: Scene, part: tuple[float, float], now: datetime) -> Works:
    line = transform(stretch(scene.street, part), lambda places: places.round(6))
    closed = scene.impact is VehicleImpact.ALL_LANES_CLOSED
    return Works(
        title=scene.title,
        description="Chantier mobile de la démonstration : il avance toutes les quelques secondes.",
        geometry=line,
        schedule=Schedule(start=now.replace(microsecond=0), end=now.replace(microsecond=0) + timedelta(minutes=10)),
        types_of_work=(scene.type_of_work,),
        promoter=scene.promoter,
        road_authority="Ville de Saint-Michel-sur-Orge",
        road_names=(scene.street,),
        impact=Impact(
            vehicle_impact=scene.impact,
            parking=ParkingState.SUSPENDED,
            footway=WayState.NARROWED,
            emergency_passage=Passage.NO if closed else Passage.YES,
        ),
    )


def _ended(scene: Scene, now: datetime) -> Works:
    works = _works(scene, (1 - _LENGTH, 1.0), now - timedelta(minutes=1))
    return structs.replace(works, schedule=structs.replace(works.schedule, actual_end=now.replace(microsecond=0)))
