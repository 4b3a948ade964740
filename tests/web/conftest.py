"""Houses for the tests of the doors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from geoworks.pipeline.keys import Role
from tests.web.house import House, feature, opened

OpenHouse: TypeAlias = Callable[..., AbstractAsyncContextManager[House]]
Post: TypeAlias = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def open_house(tmp_path: Path) -> OpenHouse:
    """Return what serves a town with settings of the test's own."""

    def open_it(**tables: object) -> AbstractAsyncContextManager[House]:
        return opened(tmp_path, **tables)

    return open_it


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Serve a town with no works in it."""
    async with opened(tmp_path) as house:
        yield house


@pytest.fixture
async def staff(house: House) -> dict[str, str]:
    """Return the header of a staff key."""
    return await house.as_role(Role.STAFF)


@pytest.fixture
def post(house: House, staff: dict[str, str]) -> Post:
    """Return what posts a works as staff and returns it as it was answered."""

    async def send(title: str = "Rue de Montlhéry", **properties: object) -> dict[str, Any]:
        answer = await house.ask("POST", "/v1/works", json=feature(title, **properties), headers=staff)
        assert answer.status == 201, answer.body
        created: dict[str, Any] = answer.json()
        return created

    return send
