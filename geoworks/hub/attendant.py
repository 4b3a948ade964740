"""What waits on behalf of sessions that are behind: for their sockets, or for the log."""

from __future__ import annotations

import asyncio
import logging

from geoworks.errors import StoreError
from geoworks.hub.counters import Counters
from geoworks.hub.replay import Replay, TooOld
from geoworks.hub.session import Phase, Session

# Further behind than this, a snapshot is cheaper than the log.
_FAR = 20_000

_log = logging.getLogger(__name__)


class Attendant:
    """Gets on with what sessions could not take at once, a piece of one after a piece of another."""

    def __init__(self, replay: Replay, counters: Counters) -> None:
        """Read the log by `replay`, and count who lags."""
        self._replay = replay
        self._counters = counters

    def attend(self, session: Session) -> None:
        """See to it that a session gets on; once at a time, however often this is called."""
        if not session.attended:
            session.attended = True
            session.outlet.start(self._serve(session))

    async def _serve(self, session: Session) -> None:
        """Wait on behalf of a session that is behind, until it is live or over."""
        self._counters.lagging += 1
        try:
            while session.waiting:
                if session.phase is Phase.LOG:
                    await self._read_log(session)
                else:
                    await session.outlet.drained()
                    session.pump()
                # However fast socket and store are, the others have their turn.
                await asyncio.sleep(0)
        except ConnectionError:
            session.end()
        finally:
            session.attended = False
            self._counters.lagging -= 1

    async def _read_log(self, session: Session) -> None:
        """Read the log after a session's cursor, page by page; when it reaches back no more, begin anew."""
        read, after = session.read(), session.cursor
        if self._replay.tail.end - after > _FAR:
            session.begin_anew("too-old")
            return
        try:
            while (rest := self._replay.near(after)) is None:
                page = await self._replay.page(after)
                read.add(page)
                after = page[-1].offset
                await asyncio.sleep(0)
        except (TooOld, StoreError) as error:
            _log.info("a client begins anew: %s", error)
            session.begin_anew("too-old")
            return
        read.add(rest)
        session.catch_up(read)
