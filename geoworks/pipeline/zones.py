"""Edits of zones: replace the whole set, put one, remove one. The desk joins every works anew where zones changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, structs

from geoworks.errors import Invalid, NotFound, Problem
from geoworks.geo.validate import check_geometry
from geoworks.ids import clean_source_id
from geoworks.model.change import Reason, Record
from geoworks.model.zone import Zone
from geoworks.pipeline.desk import Edit
from geoworks.pipeline.draft import Draft, zone_key

_AREAS = frozenset({"Polygon", "MultiPolygon"})


class ZoneCounts(Struct, frozen=True):
    """What replacing the zones did."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0


def tidy(zone: Zone, *, max_vertices: int) -> Zone:
    """Return a zone with its geometry in its final form.

    Raises:
        TooLarge: the geometry has more than `max_vertices`.
        Invalid: the geometry is no valid area.

    """
    return structs.replace(zone, geometry=check_geometry(zone.geometry, max_vertices=max_vertices, kinds=_AREAS))


def check_zones(zones: Mapping[str, Zone]) -> None:
    """Refuse zones that cannot be ones, each with its reason.

    Raises:
        Invalid: an id is none, a name is empty, or a geometry has no area.

    """
    faults = [fault for id_, zone in zones.items() for fault in _faults(id_, zone)]
    if faults:
        raise Invalid(faults)


def replace_all(zones: Mapping[str, Zone], standing: Callable[[], Iterable[str]], *, actor: str) -> Edit[ZoneCounts]:
    """Make the zones exactly these; unchanged ones are not written.

    `standing` returns the ids there are at the moment the edit runs.
    """

    def edit(draft: Draft) -> ZoneCounts:
        gone = [id_ for id_ in standing() if id_ not in zones]
        for id_ in gone:
            draft.remove(zone_key(id_), reason=Reason.WITHDRAWN, actor=actor)
        outcomes = [_put(draft, id_, zone, actor) for id_, zone in zones.items()]
        return ZoneCounts(
            outcomes.count(Reason.CREATED), outcomes.count(Reason.UPDATED), outcomes.count(None), len(gone)
        )

    return edit


def put(id_: str, zone: Zone, *, actor: str) -> Edit[Record]:
    """Write one zone, new or in place of the one with its id."""

    def edit(draft: Draft) -> Record:
        old = draft.get(zone_key(id_))
        reason = Reason.UPDATED if old else Reason.CREATED
        return draft.put(zone_key(id_), zone, reason=reason, actor=actor)

    return edit


def remove(id_: str, *, actor: str) -> Edit[None]:
    """Take a zone off the map.

    The edit raises:
        NotFound: there is no such zone.

    """

    def edit(draft: Draft) -> None:
        if draft.get(zone_key(id_)) is None:
            raise NotFound(f"there is no zone {id_[:80]!r}; GET /v1/zones lists those there are")
        draft.remove(zone_key(id_), reason=Reason.WITHDRAWN, actor=actor)

    return edit


def _put(draft: Draft, id_: str, zone: Zone, actor: str) -> Reason | None:
    old = draft.get(zone_key(id_))
    if old is not None and old.given == zone:
        return None
    put(id_, zone, actor=actor)(draft)
    return Reason.UPDATED if old else Reason.CREATED


def _faults(id_: str, zone: Zone) -> Iterable[Problem]:
    try:
        clean_source_id(id_)
    except Invalid as error:
        yield from error.problems
    if not zone.name.strip():
        yield Problem(f"{id_}.name", "is empty", "give the zone a name")
    if zone.geometry.geom_type not in _AREAS:
        yield Problem(f"{id_}.geometry", f"is a {zone.geometry.geom_type}", "give a polygon or multipolygon")
