"""The shared store as one process has it that is alone: what it writes it numbers itself, at once."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from geoworks.model.change import Cursor, Key
from geoworks.nodes import Followed, Sent
from geoworks.ports import Batch, Committed, Head, Write
from geoworks.store.postgis import PostgisStore

_LIMIT = 1_000
_PATIENCE_S = 3.0


class Alone(PostgisStore):
    """A `geoworks.ports.OwnStore` made of the shared one."""

    async def open(self) -> Head:
        """Open it, and learn what stands."""
        head = await super().open()
        self._known = Cursor(head.epoch, head.offset)
        self._written: list[Write] = []
        self._turn = asyncio.Lock()
        await self._learn()
        return head

    async def commit(self, batch: Batch) -> Committed:
        """Write a batch and number it."""
        async with self._turn:
            writes = tuple(map(self._revised, batch.writes))
            self._written = [write for write in writes if not write.silent]
            committed = await self._numbered(await self.send(replace(batch, writes=writes)))
            if len(self._written) < len(writes):
                # What the log does not tell.
                await self._learn()
            return committed

    async def _learn(self) -> None:
        self._revisions: dict[Key, int] = {}
        async for features in self.standing():
            self._revisions.update((feature.record.key, feature.revision) for feature in features)

    async def settle(self) -> Committed | None:
        """Find out what became of the batch in doubt, and number it."""
        sent = await self.settle_sent()
        return None if sent is None else await self._numbered(sent)

    def _revised(self, write: Write) -> Write:
        return replace(write, revision=self._revisions.get(write.key, 0))

    async def _numbered(self, sent: Sent) -> Committed:
        async with asyncio.timeout(_PATIENCE_S):
            # Another process's lock sets no event here.
            while not await self.lead(self._known):  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.05)
        numbered: list[Followed] = []
        while sent.last is not None and sent.last not in {one.revision for one in numbered}:
            numbered += (await self.number(zones_at=0, limit=_LIMIT)).changes
        for one in numbered:
            self._known = Cursor(self._known.epoch, one.change.offset)
            self._revisions[one.change.key] = one.revision
            if one.record is None:
                del self._revisions[one.change.key]
        if numbered:
            await self.told(self._known.offset)
        # Before them may be what a commit left that was cancelled.
        own = numbered[-len(self._written) :] if sent.last is not None else []
        # What the log does not keep of the version before, the writer still knows.
        return Committed.now(
            replace(one.change, before=write.before) for one, write in zip(own, self._written, strict=False)
        )
