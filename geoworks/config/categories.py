"""The categories of reports: who handles what, in the words of a French town unless it says otherwise."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from geoworks.config.table import Table


class Category(Table, frozen=True):
    """One kind of report: who handles it, and why they do."""

    id: Annotated[str, Meta(pattern="^[a-z0-9-]{1,40}$", description="Stable name of the category.")]
    fr: Annotated[str, Meta(description="Name in French.")]
    en: Annotated[str, Meta(description="Name in English.")]
    handler: Annotated[str, Meta(description="Who handles it.")]
    reason_fr: Annotated[str, Meta(description="Why they do, in French.")] = ""
    reason_en: Annotated[str, Meta(description="Why they do, in English.")] = ""
    words: Annotated[
        tuple[str, ...], Meta(description="Words in a report that suggest this category; * at the end: any ending.")
    ] = ()


_TOWN_ROADS = ("la voirie communale est à la charge de la mairie", "the town hall is in charge of town roads")
CATEGORIES = (
    Category(
        id="chaussee",
        fr="Chaussée abîmée",
        en="Damaged road",
        handler="Services techniques, voirie",
        reason_fr=_TOWN_ROADS[0],
        reason_en=_TOWN_ROADS[1],
        words=("nid-de-poule", "nid de poule", "trou", "chaussée", "bosse", "affaissement", "pothole", "hole"),
    ),
    Category(
        id="trottoir",
        fr="Trottoir, passage piéton",
        en="Footway, crossing",
        handler="Services techniques, voirie",
        reason_fr=_TOWN_ROADS[0],
        reason_en=_TOWN_ROADS[1],
        words=("trottoir", "passage piéton", "bordure", "poussette", "fauteuil", "footway", "sidewalk", "kerb"),
    ),
    Category(
        id="stationnement",
        fr="Stationnement",
        en="Parking",
        handler="Police municipale",
        reason_fr="le stationnement relève du pouvoir de police du maire",
        reason_en="parking is policed by the town",
        words=("stationn*", "garé", "garée", "voiture ventouse", "parking", "parked", "livraison"),
    ),
    Category(
        id="signalisation",
        fr="Panneau, feu, marquage",
        en="Sign, light, marking",
        handler="Services techniques, signalisation",
        reason_fr="la signalisation est posée par le gestionnaire de la voie",
        reason_en="signs are set by the road authority",
        words=("panneau", "feu", "feux", "marquage", "signalisation", "déviation", "sign", "traffic light"),
    ),
    Category(
        id="eclairage",
        fr="Éclairage",
        en="Street light",
        handler="Services techniques, éclairage public",
        reason_fr="l'éclairage public est un service de la commune",
        reason_en="street lighting is a town service",
        words=("lampadaire", "éclairage", "lampe", "éteint", "lumière", "street light", "lamp", "dark"),
    ),
    Category(
        id="chantier",
        fr="Gêne due à un chantier",
        en="Trouble from works",
        handler="Services techniques, coordination des travaux",
        reason_fr="elle transmet à l'entreprise du chantier et suit la réponse",
        reason_en="it passes the report to the contractor and follows the answer",
        words=("chantier", "travaux", "barrière", "grue", "tranchée", "works", "barrier", "trench"),
    ),
    Category(
        id="autre",
        fr="Autre problème de rue",
        en="Other street problem",
        handler="Accueil de la mairie",
        reason_fr="l'accueil oriente vers le bon service",
        reason_en="the front desk passes it to the right service",
    ),
)
