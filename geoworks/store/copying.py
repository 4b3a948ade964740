"""A whole town from one engine to another: part by part, so that a copy that was cut goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from geoworks.errors import Invalid, Problem, StoreUnusable
from geoworks.model.change import Key, Kind
from geoworks.store.codec import Codec, Row

# Where something stands in its section, and what it is.
Place: TypeAlias = tuple[int] | tuple[str, str]
Item: TypeAlias = tuple[Place, Any]
Counts: TypeAlias = Mapping[str, int]
# Told the section, how many of it are copied, and how many there are.
Progress: TypeAlias = Callable[[str, int, int], None]


class Section(Struct, frozen=True):
    """One kind of what a town holds, in the order of its places; `chunk` of them are in memory at once.

    `after` is before its first place. `again` says that it may have changed without a trace in the log, so that a copy
    that goes on begins it anew.
    """

    name: str
    after: Place
    chunk: int
    read: Callable[[Codec, Sequence[Row]], Iterable[Item]]
    write: Callable[[Codec, Sequence[Item]], Iterator[Row]]
    again: bool = False


class Facts(Struct, frozen=True):
    """Where the log of a town stands."""

    epoch: str
    last: int
    pruned: int

    @property
    def name(self) -> str:
        """Return what names this state of the town."""
        return f"{self.epoch}.{self.last}"


class Holding(Protocol):
    """A town in an engine, held so that nobody else writes."""

    @property
    def name(self) -> str:
        """Return how messages name it."""
        ...

    async def facts(self) -> Facts:
        """Return where its log stands."""
        ...

    async def counts(self) -> Counts:
        """Return how much of every section there is."""
        ...

    async def read(self, section: Section, after: Place) -> Sequence[Item]:
        """Return what comes after a place, at most a chunk; nothing at the end."""
        ...

    async def put(self, section: Section, items: Sequence[Item]) -> None:
        """Add items durably, all or none."""
        ...

    async def reached(self, section: Section) -> Place | None:
        """Return the last place it holds, or None."""
        ...

    async def arriving(self) -> str:
        """Return the name of what is being copied into it; empty when nothing is."""
        ...

    async def begin(self, name: str, sections: Sequence[Section]) -> None:
        """Empty these sections and note what is being copied into it, so that nobody serves it meanwhile."""
        ...

    async def finish(self, facts: Facts) -> None:
        """Take over where the log stands: it is whole now."""
        ...


async def copy_town(source: Holding, target: Holding, *, progress: Progress, epoch: str = "") -> Counts:
    """Copy everything and return how much it was; a copy that was cut goes on.

    The log keeps its name, so that clients go on as if nothing had been, unless `epoch` is another one.

    Raises:
        Invalid: the target holds a town already.
        StoreUnusable: what arrived is not as much as what was there.
        StoreError: one of the two failed; ask again to go on.

    """
    if await source.arriving():
        raise StoreUnusable(f"{source.name}: a copy into it was cut: run that one again first")
    facts, total = await source.facts(), await source.counts()
    await _begin(target, facts)
    for section in SECTIONS:
        await _copy_section(source, target, section, lambda done, name=section.name: progress(name, done, total[name]))  # type: ignore[misc]
    arrived = await target.counts()
    if arrived != total:
        raise StoreUnusable(
            f"{target.name} holds {dict(arrived)}, {source.name} {dict(total)}: empty it and copy again"
        )
    await target.finish(replace(facts, epoch=epoch or facts.epoch))
    return total


async def _begin(target: Holding, facts: Facts) -> None:
    arriving = await target.arriving()
    if arriving == facts.name:
        await target.begin(facts.name, [section for section in SECTIONS if section.again])
        return
    if not arriving and any((await target.counts()).values()):
        raise Invalid(Problem(target.name, "holds a town already", "name an empty place"))
    await target.begin(facts.name, SECTIONS)


async def _copy_section(source: Holding, target: Holding, section: Section, progress: Callable[[int], None]) -> None:
    done = (await target.counts())[section.name]
    place = await target.reached(section) or section.after
    progress(done)
    while items := await source.read(section, place):
        await target.put(section, items)
        place, done = items[-1][0], done + len(items)
        progress(done)


def _read_features(codec: Codec, rows: Sequence[Row]) -> Iterable[Item]:
    return [((row[0],), record) for row, record in zip(rows, codec.read_records(rows), strict=True)]


def _write_features(codec: Codec, items: Sequence[Item]) -> Iterator[Row]:
    rows = codec.feature_rows([record for _, record in items])
    return ((*place, *row) for (place, _), row in zip(items, rows, strict=True))


def _read_versions(codec: Codec, rows: Sequence[Row]) -> Iterable[Item]:
    versions = codec.read_versions([tuple(row)[3:] for row in rows])
    keys = [Key(Kind(row[1]), row[2]) for row in rows]
    return [((row[0],), told) for row, *told in zip(rows, keys, versions, strict=True)]


def _write_versions(codec: Codec, items: Sequence[Item]) -> Iterator[Row]:
    rows = codec.version_rows([(key, version) for _, (key, version) in items])
    return ((*place, *row) for (place, _), row in zip(items, rows, strict=True))


def _read_log(codec: Codec, rows: Sequence[Row]) -> Iterable[Item]:
    return [((change.offset,), change) for change in codec.read_changes(rows)]


def _read_replies(codec: Codec, rows: Sequence[Row]) -> Iterable[Item]:
    return [((reply.owner, reply.key), reply) for reply in map(codec.read_reply, rows)]


def _read_documents(_: Codec, rows: Sequence[Row]) -> Iterable[Item]:
    return [((row[0], row[1]), bytes(row[2])) for row in rows]


def _write_documents(codec: Codec, items: Sequence[Item]) -> Iterator[Row]:
    return ((*map(codec.text, map(str, place)), value) for place, value in items)


SECTIONS: Sequence[Section] = (
    Section("features", (0,), 2_000, _read_features, _write_features),
    Section("versions", (0,), 2_000, _read_versions, _write_versions),
    Section("log", (0,), 2_000, _read_log, lambda codec, items: codec.change_rows([change for _, change in items])),
    Section(
        "replies",
        ("", ""),
        1_000,
        _read_replies,
        lambda codec, items: map(codec.reply_row, [reply for _, reply in items]),
        again=True,
    ),
    # Photos are among them.
    Section("documents", ("", ""), 16, _read_documents, _write_documents, again=True),
)
