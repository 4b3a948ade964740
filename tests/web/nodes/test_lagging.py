"""Clients that move to a gateway which has heard less than the one they were at."""

from __future__ import annotations

from pathlib import Path

from yarl import URL

from tests.pipeline.house import put
from tests.postgres import Databases
from tests.web.events import Poller
from tests.web.house import feature
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


async def test_change_of_what_another_gateway_wrote(tmp_path: Path, databases: Databases) -> None:
    """What one gateway has just accepted can be changed at another that hears nothing, in the version it has."""
    dsn = databases.server.dsn(databases.new())
    async with opened_among(tmp_path, dsn, None, DeafBus()) as house:
        headers = await house.as_role()
        for number in range(10):
            url = house.other_base.join(URL("/v1/works"))
            async with house.client.post(url, json=feature(f"works {number}"), headers=headers) as answer:
                made = await answer.json(content_type=None)
                assert answer.status == 201
            url = house.base.join(URL(f"/v1/works/{made['id']}"))
            headers_of_change = headers | {"If-Match": answer.headers["ETag"]}
            async with house.client.patch(url, json={"title": "autre"}, headers=headers_of_change) as answer:
                assert answer.status == 200, await answer.text()
