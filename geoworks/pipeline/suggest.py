"""What the town can say of a report before it is sent: its category, who handles it and why, what is known there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from shapely import Point

from geoworks.config.categories import Category
from geoworks.model import overlay
from geoworks.model.change import Kind
from geoworks.model.report import Report, ReportStatus
from geoworks.model.works import Status, Works, WorksDerived
from geoworks.pipeline.draft import report_key, works_key
from geoworks.state import State

DUPLICATE_M = 100.0
DUPLICATE_AGE = timedelta(days=30)
_MOST_SHOWN = 5
# The category whose handler passes reports on to whoever does the works.
WORKS_CATEGORY = "chantier"
# Besides the words of the category itself: beside a works they speak of it. `*` stands for any ending.
_TROUBLE = (
    *("gêne", "gêné*", "bruit", "poussière", "boue", "gravats", "bloqu*", "barré", "barrée", "fermé", "fermée"),
    *("danger*", "accès", "passer", "passage", "piéton*", "contourn*", "déviation", "engin", "pelleteuse", "camion"),
    *("noise", "dust", "mud", "rubble", "blocked", "closed", "dangerous", "access", "detour", "digger", "truck"),
)
# Near a works, trouble weighs more than any one word of another category.
_BESIDE_WORKS = 2
_LONG = 4
_WORD = re.compile(r"[^\W_]+\*?")


class NearWorks(Struct, frozen=True):
    """A works near a report, as everybody may see it."""

    id: str
    title: str
    distance_m: float
    status: Status
    promoter: str


class Duplicate(Struct, frozen=True):
    """An open report of the same kind nearby, without what its author wrote."""

    id: str
    category: str
    distance_m: float
    created: datetime
    status: ReportStatus


class Handling(Struct, frozen=True):
    """Who handles a report, and why they do."""

    handler: str
    reason: str


def near_works(state: State, point: Point, *, radius_m: float) -> list[NearWorks]:
    """Return the public works within a radius that are not over, the nearest first, at most five."""
    hits = state.index(Kind.WORKS).near(point.x, point.y, radius_m=radius_m)
    shown = [(id_, metres) for id_, metres in hits if state.shows(Kind.WORKS, id_)]
    return [_near(state, id_, metres) for id_, metres in shown[:_MOST_SHOWN]]


def duplicates(state: State, point: Point, category: str, *, now: datetime) -> list[Duplicate]:
    """Return the open reports of a category within 100 m and 30 days, the nearest first, at most five."""
    found: list[Duplicate] = []
    for id_, metres in state.index(Kind.REPORT).near(point.x, point.y, radius_m=DUPLICATE_M):
        entry = state.get(report_key(id_))
        given = entry.record.given if entry and entry.record.created > now - DUPLICATE_AGE else None
        if entry and isinstance(given, Report) and given.category == category and not given.status.over:
            found.append(Duplicate(id_, category, round(metres, 1), entry.record.created, given.status))
    return found[:_MOST_SHOWN]


def suggest_category(text: str, categories: Sequence[Category], *, beside_works: bool) -> Category:
    """Return the category that most words of a text speak of; the last one takes what fits no other.

    Whole words count, whatever their case, accents and plural; a word of the settings that ends in `*` stands for all
    that begin so, and one of several words weighs as many. Beside a works, words of trouble speak of the works.
    """
    said = _normal(text)
    scores = [_score(said, category.words) for category in categories]
    for place, category in enumerate(categories):
        if category.id == WORKS_CATEGORY and beside_works and _score(said, (*_TROUBLE, *category.words)):
            scores[place] += _BESIDE_WORKS
    best = max(scores)
    return categories[scores.index(best)] if best else categories[-1]


def find_category(id_: str, categories: Sequence[Category]) -> Category:
    """Return a category by its id; the last one for an id that the settings no longer know."""
    return next((category for category in categories if category.id == id_), categories[-1])


def handling(category: Category, works: Sequence[NearWorks], *, language: str) -> Handling:
    """Return who handles a report of a category, and why; trouble from works names the promoter of the nearest."""
    reason = category.reason_fr if language == "fr" else category.reason_en
    promoted = next((one for one in works if one.promoter), None)
    if category.id != WORKS_CATEGORY or promoted is None:
        return Handling(category.handler, reason)
    title, metres, promoter = promoted.title, round(promoted.distance_m), promoted.promoter
    if language == "fr":
        why = f"les travaux « {title} », à {metres} m, sont faits pour {promoter}"
        return Handling(f"{category.handler}, avec {promoter}", _joined(why, reason))
    why = f"the works “{title}”, {metres} m away, are done for {promoter}"
    return Handling(f"{category.handler}, with {promoter}", _joined(why, reason))


def _near(state: State, id_: str, metres: float) -> NearWorks:
    entry = state.get(works_key(id_))
    if entry is None or not isinstance(entry.record.derived, WorksDerived):
        raise TypeError(id_)
    works: Works = overlay.effective(entry.record)
    return NearWorks(id_, works.title, round(metres, 1), entry.record.derived.status, works.promoter)


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _score(said: str, words: Iterable[str]) -> int:
    """Return how much of a normal text these words are; the same word written twice counts once."""
    phrases = {_normal(word) for word in words} - {"  "}
    return sum(phrase.count(" ") - 1 for phrase in phrases if phrase.replace("* ", "") in said)


def _normal(text: str) -> str:
    """Return the words of a text without case, accents and plural, a blank before and after each.

    >>> _normal("Nids-de-poule, l'ÉCLAIRAGE")
    ' nid de poule l eclairage '
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return f" {' '.join(map(_singular, _WORD.findall(plain)))} "


def _singular(word: str) -> str:
    return word[:-1] if len(word) >= _LONG and word[-1] in "sx" else word
