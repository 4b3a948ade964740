"""A client that moves to a gateway which has heard less than the one it was at."""

from __future__ import annotations

from pathlib import Path

from tests.pipeline.house import put
from tests.postgres import Databases
from tests.web.events import Poller
from tests.web.nodes.among import DeafBus, opened_among


async def test_cursor_from_another_gateway(tmp_path: Path, databases: Databases) -> None:
    """Its cursor is no future to a gateway that hears nothing: that one looks at the log before it greets anybody."""
    dsn = databases.server.dsn(databases.new())
    async with opened_among(tmp_path, dsn, None, DeafBus()) as house:
        for number in range(20):
            await house.other.desk.submit(put(str(number)))
            before = Poller(house.client, house.other_base, everywhere="true")
            await before.poll(wait=0)
            after = Poller(house.client, house.base, everywhere="true")
            after.next = before.next
            answer = await after.poll(wait=0)
            assert "features" not in answer
            assert (answer["changes"], answer["cursor"]) == ([], str(house.other.state.cursor))
