"""Edits of works: create, replace, patch, cancel, correct, release a correction, restore a version.

What came in over the API may be changed freely; what a source gives may only be corrected: the correction is an
overlay that survives every later synchronisation of the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from geoworks.errors import Conflict, Invalid, NotFound, Problem, StaleVersion
from geoworks.ids import clean_source_id, new_id
from geoworks.model import overlay
from geoworks.model.change import Key, Patch, Reason, Record, Version
from geoworks.model.works import Works
from geoworks.pipeline.checks import check_works
from geoworks.pipeline.desk import Edit
from geoworks.pipeline.draft import Draft, blank, works_key

API = "api"
_PREFIX = f"{API}:"


def api_id(given: str = "") -> str:
    """Return the id of a works of the API: `api:` and the given id, or a random one.

    Raises:
        Invalid: the id cannot be one, or belongs to a source.

    """
    text = clean_source_id(given.removeprefix(_PREFIX)) if given else new_id()
    if ":" in text:
        mend = f"begin it with {_PREFIX}, or leave it out to be given one"
        raise Invalid(Problem("id", f"{given[:60]!r} belongs to a source", mend))
    return _PREFIX + text


def create(id_: str, works: Works, *, actor: str) -> Edit[Record]:
    """Write a new works.

    The edit raises:
        Conflict: there is one with this id already.

    """

    def edit(draft: Draft) -> Record:
        old = draft.get(works_key(id_))
        if old is not None:
            raise Conflict(f"{id_} exists in version {old.version}; PUT replaces it, PATCH changes parts of it")
        return draft.put(works_key(id_), works, reason=Reason.CREATED, actor=actor, source=API)

    return edit


def replace(id_: str, works: Works, *, actor: str, seen: int | None = None) -> Edit[Record]:
    """Write a works in place of the one with its id, or as a new one; `seen` is the version the writer looked at.

    The edit raises:
        Conflict: it comes from a source.
        StaleVersion: it has moved on since `seen`.

    """

    def edit(draft: Draft) -> Record:
        old = draft.get(works_key(id_))
        _check_seen(id_, old, seen)
        if old is None:
            return create(id_, works, actor=actor)(draft)
        _check_own(old)
        return draft.put(works_key(id_), works, reason=_reason(old.given, works), actor=actor, overlay=None)

    return edit


def change(id_: str, patch: Patch, *, actor: str, seen: int | None = None) -> Edit[Record]:
    """Lay a JSON merge patch over a works: as its new fields, or as a correction when it comes from a source.

    The patch is one that `intake.patch_from_body` let in.

    The edit raises:
        NotFound: there is no such works.
        Invalid: the patched works is not well formed.
        StaleVersion: it has moved on since `seen`.

    """

    def edit(draft: Draft) -> Record:
        old = _standing(draft, id_)
        _check_seen(id_, old, seen)
        if old.source == API:
            works = _corrected(_given(old), patch)
            return draft.put(old.key, works, reason=_reason(old.given, works), actor=actor)
        laid = compose(old.overlay or {}, patch, overlay.document_of(_given(old)))
        _corrected(_given(old), laid)
        return draft.put(old.key, old.given, reason=Reason.CORRECTED, actor=actor, overlay=laid, raw_hash=old.raw_hash)

    return edit


def cancel(id_: str, *, actor: str, seen: int | None = None) -> Edit[Record]:
    """Cancel a works from now on; one cancelled before stays as it is.

    The edit raises:
        NotFound: there is no such works.
        Conflict: it comes from a source.
        StaleVersion: it has moved on since `seen`.

    """

    def edit(draft: Draft) -> Record:
        old = _standing(draft, id_)
        _check_seen(id_, old, seen)
        _check_own(old)
        works = _given(old)
        if works.cancelled_at is not None and works.cancelled_at <= draft.now:
            return old
        cancelled = structs.replace(works, cancelled_at=draft.now)
        return draft.put(old.key, cancelled, reason=Reason.CANCELLED, actor=actor)

    return edit


def release(id_: str, fields: Sequence[str] = (), *, actor: str, seen: int | None = None) -> Edit[Record]:
    """Take a correction off a works, wholly or only some of its fields (dotted names), so that the source shows again.

    The edit raises:
        NotFound: there is no such works, or a field is not corrected.
        StaleVersion: it has moved on since `seen`.

    """

    def edit(draft: Draft) -> Record:
        old = _standing(draft, id_)
        _check_seen(id_, old, seen)
        left: Patch | None = old.overlay
        for field in fields:
            left = _without(left or {}, field.split("."), field)
        laid = (left or None) if fields else None
        _corrected(_given(old), laid)
        return draft.put(old.key, old.given, reason=Reason.RELEASED, actor=actor, overlay=laid, raw_hash=old.raw_hash)

    return edit


def restore(id_: str, version: Version, *, actor: str, seen: int | None = None) -> Edit[Record]:
    """Write an old version, its correction included, as the newest one.

    What a source gives comes back when the source changes the record again.

    The edit raises:
        NotFound: there is no such works any more.
        StaleVersion: it has moved on since `seen`.

    """

    def edit(draft: Draft) -> Record:
        old = _standing(draft, id_)
        _check_seen(id_, old, seen)
        return draft.put(
            old.key,
            version.given,
            reason=Reason.RESTORED,
            actor=actor,
            overlay=version.overlay,
            raw_hash=old.raw_hash,
        )

    return edit


def record_of(key: Key, version: Version) -> Record:
    """Return a works as one of its versions was written; nothing is derived for it yet."""
    return Record(
        key=key,
        version=version.version,
        created=version.at,
        updated=version.at,
        given=version.given,
        derived=blank(version.given),
        source=API,
        overlay=version.overlay,
    )


def find_version(versions: Sequence[Version], number: int) -> Version:
    """Return one version of a history.

    Raises:
        NotFound: the history does not have it.

    """
    for version in versions:
        if version.version == number:
            return version
    raise NotFound(f"there is no version {number}; the history lists those there are")


def compose(first: Patch, second: Patch, document: Any) -> Patch:  # noqa: ANN401 - any JSON
    """Return the merge patch that does to a document what two do one after the other.

    Nulls stay, for they are corrections too.

    >>> compose({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}}, {})
    {'a': None, 'b': {'c': 2, 'd': 3}}
    """
    both: dict[str, Any] = dict(first)
    for name, value in second.items():
        there = document.get(name) if isinstance(document, Mapping) else None
        # A geometry is one value: half of one laid over half of another is none.
        if name not in first or not isinstance(value, dict) or name == "geometry":
            both[name] = value
        elif isinstance(first[name], dict):
            both[name] = compose(first[name], value, there)
        else:
            both[name] = _instead_of(there, value)
    return both


def _instead_of(there: Any, value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return the merge patch that leaves nothing but a value of what stands in a document.

    >>> _instead_of({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}})
    {'a': None, 'b': {'c': None, 'd': 3}}
    """
    if not isinstance(there, Mapping) or not isinstance(value, dict):
        return value
    gone = dict.fromkeys(name for name in there if name not in value)
    return gone | {name: _instead_of(there.get(name), inner) for name, inner in value.items()}


def _without(patch: Patch, path: Sequence[str], field: str) -> Patch:
    name, *rest = path
    if name not in patch or (rest and not isinstance(patch[name], dict)):
        raise NotFound(f"{field[:80]!r} is not corrected; the property 'corrected' lists what is")
    left = {other: value for other, value in patch.items() if other != name}
    inner = _without(patch[name], rest, field) if rest else None
    return {**left, name: inner} if inner else left


def _reason(before: object, after: Works) -> Reason:
    """Tell cancelling and opening again from other updates."""
    was = isinstance(before, Works) and before.cancelled_at is not None
    if after.cancelled_at is not None and not was:
        return Reason.CANCELLED
    return Reason.UPDATED


def _corrected(works: Works, patch: Patch | None) -> Works:
    """Return a works with a patch laid over it, if that makes sense."""
    corrected = overlay.correct(works, patch)
    problems = check_works(corrected)
    if problems:
        raise Invalid(problems)
    return corrected


def _standing(draft: Draft, id_: str) -> Record:
    record = draft.get(works_key(id_))
    if record is None:
        raise NotFound(f"there is no works {id_[:80]!r}; GET /v1/works lists those there are")
    return record


def _given(record: Record) -> Works:
    if not isinstance(record.given, Works):
        raise TypeError(record.key)
    return record.given


def _check_own(record: Record) -> None:
    if record.source != API:
        raise Conflict(
            f"{record.key.id} comes from the source {record.source}; change it there, or correct it with PATCH"
        )


def _check_seen(id_: str, record: Record | None, seen: int | None) -> None:
    version = record.version if record else 0
    if seen is not None and seen != version:
        raise StaleVersion(f"{id_} is in version {version}, not {seen}; read it again and repeat your change on that")
